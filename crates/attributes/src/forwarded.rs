//! The address of the client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The client's address: the peer's, or with `trusted_hops` proxies in front of this one the
/// address that the outermost of them saw.
///
/// `X-Forwarded-For` grows to the right: each proxy appends the address of its own peer.
/// Whatever stands left of what the trusted proxies wrote is the client's claim, so the list
/// is read from the right: with `trusted_hops` = n the n-th address counts. With fewer entries
/// than trusted hops, or an entry that is no address, the peer counts: a forged header never
/// yields an address that no trusted proxy has written. (The meaning of Envoy's own
/// [`xff_num_trusted_hops`](https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-for).)
///
/// With `use_remote_address: true` Envoy has appended its peer before any filter sees the list
/// (for a peer at `127.0.0.1` or `::1`: an address of its own); that entry is passed over.
/// Without it Envoy appends nothing and takes the last entry for the peer's address itself,
/// which then has port 0, as no real peer has. (With Envoy's `skip_xff_append` these two cannot be
/// told apart: do not combine it with trusted hops.)
pub fn client_address(
    peer: Option<&str>,
    forwarded_for: Option<&[u8]>,
    trusted_hops: u32,
) -> Option<IpAddr> {
    let peer = peer.and_then(Peer::parse);
    let peer_address = peer.as_ref().map(|peer| peer.address);
    if trusted_hops == 0 {
        return peer_address;
    }
    let mut from_the_right = forwarded_for
        .unwrap_or_default()
        .rsplit(|byte| *byte == b',')
        .map(|entry| {
            std::str::from_utf8(entry)
                .ok()
                .and_then(|entry| Peer::parse(entry.trim()))
        })
        .map(|entry| entry.map(|entry| entry.address))
        .peekable();
    let last = from_the_right.peek().copied().flatten();
    let appended_by_envoy = peer.is_some_and(|peer| peer.has_appended(last));
    let skipped = trusted_hops as usize - 1 + usize::from(appended_by_envoy);
    from_the_right.nth(skipped).flatten().or(peer_address)
}

/// An address and whether it is that of a connection.
struct Peer {
    address: IpAddr,
    is_connected: bool,
}

impl Peer {
    /// `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]`, `[::1]:80`; IPv4 in IPv6 counts as IPv4.
    fn parse(text: &str) -> Option<Self> {
        let of = |address: IpAddr, is_connected| Self {
            address: address.to_canonical(),
            is_connected,
        };
        if let Ok(socket) = text.parse::<SocketAddr>() {
            return Some(of(socket.ip(), socket.port() != 0));
        }
        let bracketed = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let address = bracketed.unwrap_or(text).parse().ok()?;
        Some(of(address, true))
    }

    /// Whether Envoy, with this peer, has appended the last entry of the list.
    fn has_appended(&self, last: Option<IpAddr>) -> bool {
        self.is_connected
            && last
                .is_some_and(|last| last == self.address || ENVOYS_LOOPBACK.contains(&self.address))
    }
}

/// What Envoy takes for loopback when it appends to the list.
const ENVOYS_LOOPBACK: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

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
    fn an_address_that_envoy_took_from_the_list_is_no_peer() {
        assert_eq!(
            client("203.0.113.5:0", "9.9.9.9, 203.0.113.5", 1).unwrap(),
            "203.0.113.5"
        );
        assert_eq!(
            client("10.0.0.1:0", "9.9.9.9, 203.0.113.5, 10.0.0.1", 2).unwrap(),
            "203.0.113.5"
        );
    }

    #[test]
    fn for_a_peer_on_loopback_envoy_appends_an_address_of_its_own() {
        assert_eq!(
            client("127.0.0.1:5", "6.6.6.6, 7.7.7.7, 192.0.2.2", 1).unwrap(),
            "7.7.7.7"
        );
        assert_eq!(
            client("[::1]:5", "7.7.7.7, 192.0.2.2", 1).unwrap(),
            "7.7.7.7"
        );
        assert_eq!(client("127.0.0.1:5", "192.0.2.2", 1).unwrap(), "127.0.0.1");
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
