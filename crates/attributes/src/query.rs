//! Query parameters.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// The first parameter `name` in the query of `path` (everything from the first `?` to a `#`),
/// decoded as `application/x-www-form-urlencoded`
/// ([URL Standard §5.1](https://url.spec.whatwg.org/#urlencoded-parsing)): `+` is a space,
/// `%hh` a byte, bytes that are not UTF-8 become U+FFFD. A parameter without `=` is empty.
///
/// The query is walked, not collected: ten thousand parameters cost no memory.
pub fn query_parameter<'p>(path: &'p [u8], name: &str) -> Option<Cow<'p, str>> {
    let (_, query) = split_once(path, b'?')?;
    let query = split_once(query, b'#').map_or(query, |(query, _)| query);
    query
        .split(|byte| *byte == b'&')
        .map(|parameter| split_once(parameter, b'=').unwrap_or((parameter, b"")))
        .find(|(key, _)| is_name(key, name))
        .map(|(_, value)| decoded(value))
}

/// Whether an encoded key means `name`; the common case, a key without escapes, is a comparison.
fn is_name(key: &[u8], name: &str) -> bool {
    let plain = !key.iter().any(|byte| matches!(byte, b'%' | b'+'));
    if plain {
        key == name.as_bytes()
    } else {
        decoded(key) == name
    }
}

fn decoded(text: &[u8]) -> Cow<'_, str> {
    if text.contains(&b'+') {
        let spaced: Vec<u8> = text
            .iter()
            .map(|byte| if *byte == b'+' { b' ' } else { *byte })
            .collect();
        Cow::Owned(percent_decode(&spaced).decode_utf8_lossy().into_owned())
    } else {
        percent_decode(text).decode_utf8_lossy()
    }
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let position = bytes.iter().position(|byte| *byte == at)?;
    let (before, after) = bytes.split_at_checked(position)?;
    Some((before, after.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn finds_the_first_of_its_name_decoded() {
        for (path, name, value) in [
            ("/a?x=1&y=2&x=3", "x", Some("1")),
            ("/a?x=1&y=2", "y", Some("2")),
            ("/a?x", "x", Some("")),
            ("/a?x=", "x", Some("")),
            ("/a?x=a=b", "x", Some("a=b")),
            ("/a?x=a+b%20c%E7%81%B0", "x", Some("a b c灰")),
            ("/a?%78=1", "x", Some("1")),
            ("/a?a+b=1", "a b", Some("1")),
            ("/a?x=%ff%zz%", "x", Some("\u{fffd}%zz%")),
            ("/a?x=1#x=2&y=3", "y", None),
            ("/a?", "x", None),
            ("/a", "x", None),
            ("/a?&&x=1", "x", Some("1")),
            ("/a?b=?x=1", "x", None),
        ] {
            assert_eq!(
                query_parameter(path.as_bytes(), name).as_deref(),
                value,
                "{path} {name}"
            );
        }
    }

    #[test]
    fn many_parameters_are_walked() {
        let path = format!("/a?{}last=1", "k=v&".repeat(10_000));
        assert_eq!(
            query_parameter(path.as_bytes(), "last").as_deref(),
            Some("1")
        );
    }
}
