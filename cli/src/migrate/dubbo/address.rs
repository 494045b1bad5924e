//! Addresses of tag rules: one, or several by `*`, ranges and networks. What they stand for is decided as Dubbo's
//! `NetUtils.matchIpExpression` decides it.

use std::net::{Ipv4Addr, SocketAddr};

/// Whether an address of a rule is one of an instance, and nothing else.
pub(super) fn is_one(text: &str) -> bool {
    let parsed = text.parse::<SocketAddr>();
    parsed.is_ok_and(|address| !address.ip().is_unspecified())
}

/// Whether an instance is meant: `10.0.0.7:20880` by `10.0.0.*:20880`, `10.0.0.1-9`, `10.0.0.0/24`, `*`, `0.0.0.0:20880`.
pub(super) fn is_meant(pattern: &str, address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else {
        return false;
    };
    let Ok(host) = host.parse::<Ipv4Addr>() else {
        return pattern == address;
    };
    if let Some((network, length)) = pattern.split_once('/') {
        return is_inside(network, length, host);
    }
    let pattern = pattern.trim();
    if matches!(pattern, "*" | "*.*.*.*") {
        return true;
    }
    let (hosts, own) = match pattern.split_once(':') {
        Some((hosts, own)) => (hosts, Some(own)),
        None => (pattern, None),
    };
    if own.is_some_and(|own| own != port) {
        return false;
    }
    let segments: Vec<_> = hosts.split('.').collect();
    let octets = host.octets();
    if segments.len() != octets.len() {
        return false;
    }
    let mut pairs = segments.iter().zip(octets);
    let is_host = pairs.all(|(segment, octet)| is_segment(segment, octet));
    // Any host of this port.
    is_host || pattern == format!("0.0.0.0:{port}")
}

fn is_segment(segment: &str, octet: u8) -> bool {
    if segment == "*" {
        return true;
    }
    match segment.split_once('-') {
        Some((from, to)) => match (from.parse::<u8>(), to.parse::<u8>()) {
            (Ok(from), Ok(to)) => (from..=to).contains(&octet),
            _ => false,
        },
        None => segment.parse() == Ok(octet),
    }
}

fn is_inside(network: &str, length: &str, host: Ipv4Addr) -> bool {
    let (Ok(network), Ok(length @ 0..=32)) = (network.parse::<Ipv4Addr>(), length.parse::<u32>())
    else {
        return false;
    };
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or_default();
    network.to_bits() & mask == host.to_bits() & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_addresses_are_meant_at_once() {
        let address = "10.0.0.7:20880";
        for (pattern, meant) in [
            ("10.0.0.7:20880", true),
            ("10.0.0.7:20881", false),
            ("10.0.0.7", true),
            ("10.0.0.*:20880", true),
            ("10.0.*:20880", false),
            ("10.0.0.1-9:20880", true),
            ("10.0.0.8-9", false),
            ("10.0.0.0/29", true),
            ("10.0.0.8/29", false),
            ("10.0.0.0/0", true),
            ("*", true),
            ("0.0.0.0:20880", true),
            ("0.0.0.0", false),
            ("orders:20880", false),
        ] {
            assert_eq!(is_meant(pattern, address), meant, "{pattern}");
        }
        assert!(is_one("10.0.0.7:20880") && !is_one("10.0.0.*:20880") && !is_one("0.0.0.0:1"));
    }
}
