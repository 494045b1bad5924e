//! The address of the client.

use std::net::{IpAddr, SocketAddr};

/// The client's address: the peer's, or with `trusted_hops` proxies in front of this one the
/// address that the outermost of them saw.
///
/// `X-Forwarded-For` grows to the right: each proxy appends the address of its own peer.
/// Whatever stands left of what the trusted proxies wrote is the client's claim, so the list
/// is read from the right: with `trusted_hops` = n the n-th address counts. Where Envoy itself
/// has appended its peer already (`use_remote_address: true`), that last entry is passed over.
/// With fewer entries than trusted hops, or an entry that is no address, the peer counts:
/// a forged header never yields an address that no trusted proxy has written. (The meaning of
/// Envoy's own [`xff_num_trusted_hops`](https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-for).)
pub fn client_address(
    peer: Option<&str>,
    forwarded_for: Option<&[u8]>,
    trusted_hops: u32,
) -> Option<IpAddr> {
    let peer = peer.and_then(address);
    if trusted_hops == 0 {
        return peer;
    }
    let mut from_the_right = forwarded_for
        .unwrap_or_default()
        .rsplit(|byte| *byte == b',')
        .map(|entry| {
            std::str::from_utf8(entry)
                .ok()
                .and_then(|entry| address(entry.trim()))
        })
        .peekable();
    let appended_by_envoy = peer.is_some() && from_the_right.peek() == Some(&peer);
    let skipped = trusted_hops as usize - 1 + usize::from(appended_by_envoy);
    from_the_right.nth(skipped).flatten().or(peer)
}

/// `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]:80`; IPv4 in IPv6 counts as IPv4.
fn address(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok().or_else(|| {
        let socket = text.parse::<SocketAddr>().ok();
        let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
        socket.map(|socket| socket.ip()).or_else(bracketed)
    })?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn client(peer: &str, forwarded_for: &str, hops: u32) -> Option<String> {
        client_address(Some(peer), Some(forwarded_for.as_bytes()), hops).map(|ip| ip.to_string())
    }

    #[test]
    fn without_trusted_hops_the_peer_counts() {
        assert_eq!(client("10.0.0.1:5", "6.6.6.6", 0).unwrap(), "10.0.0.1");
        assert_eq!(client("[2001:db8::1]:5", "", 0).unwrap(), "2001:db8::1");
        assert_eq!(client("[::ffff:10.0.0.1]:5", "", 0).unwrap(), "10.0.0.1");
        assert_eq!(client_address(None, None, 0), None);
    }

    #[test]
    fn trusted_hops_count_from_the_right() {
        assert_eq!(
            client("10.0.0.1:5", "6.6.6.6, 7.7.7.7", 1).unwrap(),
            "7.7.7.7"
        );
        assert_eq!(
            client("10.0.0.1:5", "6.6.6.6, 7.7.7.7,8.8.8.8", 2).unwrap(),
            "7.7.7.7"
        );
    }

    #[test]
    fn what_envoy_appended_itself_is_passed_over() {
        assert_eq!(
            client("10.0.0.1:5", "6.6.6.6, 7.7.7.7, 10.0.0.1", 1).unwrap(),
            "7.7.7.7"
        );
    }

    #[test]
    fn a_forged_list_never_reaches_beyond_the_trusted_hops() {
        assert_eq!(client("10.0.0.1:5", "7.7.7.7", 2).unwrap(), "10.0.0.1");
        assert_eq!(client("10.0.0.1:5", "", 1).unwrap(), "10.0.0.1");
        assert_eq!(
            client("10.0.0.1:5", "6.6.6.6, not-an-address", 1).unwrap(),
            "10.0.0.1"
        );
        assert_eq!(
            client_address(Some("10.0.0.1:5"), Some(b"\xff"), 1),
            Some("10.0.0.1".parse().unwrap())
        );
    }

    #[test]
    fn entries_may_carry_a_port() {
        assert_eq!(client("10.0.0.1:5", "7.7.7.7:1234", 1).unwrap(), "7.7.7.7");
        assert_eq!(
            client("10.0.0.1:5", "[2001:db8::2]", 1).unwrap(),
            "2001:db8::2"
        );
    }
}
