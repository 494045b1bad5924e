//! W3C baggage ([Recommendation](https://www.w3.org/TR/baggage/)): `key=value;property, key=value`.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

/// The first member `key` of a `baggage` header, percent-decoded and without its properties.
pub fn baggage_member<'h>(header: &'h [u8], key: &str) -> Option<Cow<'h, str>> {
    baggage_members(header, key).next()
}

/// The values of every member `key`, see [`baggage_member`].
pub fn baggage_members<'h>(header: &'h [u8], key: &str) -> impl Iterator<Item = Cow<'h, str>> {
    members(header)
        .filter(move |member| is_key(member, key))
        .map(|member| percent_decode(value_of(member)).decode_utf8_lossy())
}

/// The `baggage` header with member `key` set to `value`, or removed when there is none.
///
/// Every member of that key is replaced, its properties with it; the other members stay as
/// they are, byte for byte. Returns nothing when no member is left.
pub fn with_baggage_member(header: &[u8], key: &str, value: Option<&str>) -> Option<Vec<u8>> {
    let mut result = Vec::with_capacity(header.len() + 32);
    for member in members(header).filter(|member| !is_key(member, key)) {
        join(&mut result, member);
    }
    if let Some(value) = value {
        let member = format!("{key}={}", utf8_percent_encode(value, NOT_IN_A_VALUE));
        join(&mut result, member.as_bytes());
    }
    (!result.is_empty()).then_some(result)
}

fn join(header: &mut Vec<u8>, member: &[u8]) {
    if !header.is_empty() {
        header.push(b',');
    }
    header.extend_from_slice(member);
}

fn members(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    header
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.is_empty())
}

/// Whether a member's key means `key`: as it is, or in percent-encoding, which some propagators decode.
fn is_key(member: &[u8], key: &str) -> bool {
    let found = key_of(member);
    found == key.as_bytes() || (found.contains(&b'%') && percent_decode(found).eq(key.bytes()))
}

fn key_of(member: &[u8]) -> &[u8] {
    member
        .split(|byte| matches!(byte, b'=' | b';'))
        .next()
        .unwrap_or_default()
        .trim_ascii()
}

fn value_of(member: &[u8]) -> &[u8] {
    let without_properties = member
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default();
    without_properties
        .iter()
        .position(|byte| *byte == b'=')
        .and_then(|at| without_properties.get(at + 1..))
        .unwrap_or_default()
        .trim_ascii()
}

/// All that is not `baggage-octet`, and `%`.
const NOT_IN_A_VALUE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b',')
    .add(b';')
    .add(b'\\')
    .add(b'%');

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn finds_a_member_decoded_and_without_properties() {
        let header = b"userId=alice , tag = gr%61y;ttl=1;x, tag=other,empty=,alone";
        assert_eq!(baggage_member(header, "userId").unwrap(), "alice");
        assert_eq!(baggage_member(header, "tag").unwrap(), "gray");
        assert_eq!(baggage_member(header, "empty").unwrap(), "");
        assert_eq!(baggage_member(header, "alone").unwrap(), "");
        assert_eq!(baggage_member(header, "ttl"), None);
        assert_eq!(baggage_member(b"", "tag"), None);
    }

    #[test]
    fn a_key_in_percent_encoding_is_the_same_key() {
        let header = b"a=1,mse%2Dtag=x,mse-tag=y";
        assert_eq!(
            baggage_members(header, "mse-tag").collect::<Vec<_>>(),
            ["x", "y"]
        );
        assert_eq!(
            with_baggage_member(header, "mse-tag", None).unwrap(),
            b"a=1"
        );
    }

    #[test]
    fn sets_one_member_and_keeps_the_others() {
        let set = |header: &[u8], value| {
            with_baggage_member(header, "tag", value)
                .map(|header| String::from_utf8_lossy(&header).into_owned())
        };
        assert_eq!(set(b"", Some("gray")).unwrap(), "tag=gray");
        assert_eq!(
            set(b"a=%20;p=1,tag=x;p=2, b = 2 ,tag=y", Some("a%b")).unwrap(),
            "a=%20;p=1,b = 2,tag=a%25b"
        );
        assert_eq!(set(b"tag=x,a=1", None).unwrap(), "a=1");
        assert_eq!(set(b"tag=x", None), None);
    }
}
