//! Interface and method in the path.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::value::{encode_text, unescaped};

/// The path of a call whose interface and method nobody could read.
pub const UNREADABLE_PATH: &str = "/_/_";
/// The longest path; a call that would need a longer one counts as unreadable.
pub const MAX_PATH_LENGTH: usize = 4096;

/// How a request names interface and method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path<'a> {
    /// `/{interface}/{method}`.
    pub path: String,
    /// The header `dubbo-interface`, where the path has `_` because it cannot say the interface.
    pub interface: Option<Cow<'a, str>>,
    /// The header `dubbo-method`, where the path has `_` because it cannot say the method.
    pub method: Option<Cow<'a, str>>,
}

/// The path of a call; nothing when it would be too long.
///
/// Bytes other than letters, digits and `-._~$` are percent-encoded. The `/` inside an interface
/// (Dubbo's `contextpath`) stays. A name cannot be said by the path when it is empty or `_`, when
/// a part of it is empty, `.` or `..` (proxies take such parts away), or when a method has a `/`.
pub fn encode_path<'a>(interface: &'a str, method: &'a str) -> Option<Path<'a>> {
    if interface.len() + method.len() > MAX_PATH_LENGTH {
        return None;
    }
    let mut path = String::with_capacity(interface.len() + method.len() + 8);
    let interface = segment(&mut path, interface, interface.split('/'))?;
    // A method is one part: with a `/` it is said by its header.
    let parts = std::iter::once(if method.contains('/') { "" } else { method });
    let method = segment(&mut path, method, parts)?;
    (path.len() <= MAX_PATH_LENGTH).then_some(Path {
        path,
        interface,
        method,
    })
}

/// Interface and method that the path of a request names; each is nothing where the path has `_`.
/// Query and fragment do not count.
pub fn decode_path(path: &[u8]) -> (Option<Cow<'_, str>>, Option<Cow<'_, str>>) {
    let end = path.iter().position(|byte| matches!(byte, b'?' | b'#'));
    let path = end.and_then(|end| path.get(..end)).unwrap_or(path);
    let Some(path) = path.strip_prefix(b"/") else {
        return (None, None);
    };
    let Some(slash) = path.iter().rposition(|byte| *byte == b'/') else {
        return (None, None);
    };
    let (interface, method) = path.split_at_checked(slash).unwrap_or_default();
    (named(interface), named(method.get(1..).unwrap_or_default()))
}

fn named(segment: &[u8]) -> Option<Cow<'_, str>> {
    (!matches!(segment, b"_" | b"")).then(|| unescaped(segment))
}

/// Appends a name to the path, or `_`; returns the header that is needed then. Nothing when that
/// header would be too long.
fn segment<'a>(
    path: &mut String,
    name: &'a str,
    parts: impl Iterator<Item = &'a str> + Clone,
) -> Option<Option<Cow<'a, str>>> {
    let is_unspeakable = |part| matches!(part, "" | "." | "..");
    if name == "_" || parts.clone().any(is_unspeakable) {
        path.push_str("/_");
        return encode_text(name).map(Some);
    }
    for part in parts {
        path.push('/');
        path.extend(utf8_percent_encode(part, NOT_IN_A_PATH));
    }
    Some(None)
}

/// What normalisation would not leave alone, and everything that means something in a URL.
const NOT_IN_A_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'$');

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_path_says_interface_and_method() {
        for (interface, method, path) in [
            ("org.example.Order", "create", "/org.example.Order/create"),
            ("a.Outer$Inner", "m", "/a.Outer$Inner/m"),
            ("shop/a.B", "m_1", "/shop/a.B/m_1"),
            ("a b?#%", "m;,", "/a%20b%3F%23%25/m%3B%2C"),
            ("灰.B", "m", "/%E7%81%B0.B/m"),
            ("...", "~", "/.../~"),
        ] {
            let encoded = encode_path(interface, method).unwrap();
            assert_eq!(encoded.path, path);
            assert_eq!((encoded.interface, encoded.method), (None, None));
            let decoded = decode_path(path.as_bytes());
            assert_eq!(decoded, (Some(interface.into()), Some(method.into())));
        }
    }

    #[test]
    fn what_a_path_cannot_say_is_said_by_headers() {
        for (interface, method, path, headers) in [
            ("", "", "/_/_", (Some(""), Some(""))),
            ("_", "_", "/_/_", (Some("_"), Some("_"))),
            ("..", ".", "/_/_", (Some(".."), Some("."))),
            ("a//b", "m", "/_/m", (Some("a//b"), None)),
            ("/a", "m", "/_/m", (Some("/a"), None)),
            ("a/../b", "m", "/_/m", (Some("a/../b"), None)),
            ("a.B", "m/n", "/a.B/_", (None, Some("m/n"))),
            ("a.B", "\n/", "/a.B/_", (None, Some("%0A/"))),
        ] {
            let encoded = encode_path(interface, method).unwrap();
            assert_eq!(encoded.path, path);
            assert_eq!(
                (encoded.interface.as_deref(), encoded.method.as_deref()),
                headers
            );
        }
        assert_eq!(decode_path(UNREADABLE_PATH.as_bytes()), (None, None));
    }

    #[test]
    fn paths_of_others_are_read_as_far_as_they_go() {
        for (path, names) in [
            ("", (None, None)),
            ("*", (None, None)),
            ("/", (None, None)),
            ("/a", (None, None)),
            ("/a/", (Some("a"), None)),
            ("//m", (None, Some("m"))),
            ("/a/m?x=/y", (Some("a"), Some("m"))),
            ("/a/m#/y", (Some("a"), Some("m"))),
            ("/a/%6d%", (Some("a"), Some("m%"))),
            ("/a/%ff", (Some("a"), Some("\u{fffd}"))),
        ] {
            let (interface, method) = decode_path(path.as_bytes());
            assert_eq!((interface.as_deref(), method.as_deref()), names, "{path}");
        }
    }

    #[test]
    fn paths_are_bounded() {
        assert!(encode_path(&"a".repeat(MAX_PATH_LENGTH - 3), "m").is_some());
        assert_eq!(encode_path(&"a".repeat(MAX_PATH_LENGTH - 2), "m"), None);
        assert_eq!(encode_path(&"灰".repeat(600), "m"), None);
        assert_eq!(encode_path("..", &"a".repeat(MAX_PATH_LENGTH)), None);
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn every_call_is_told_apart(interface in "(?s)[a./_%]{0,6}|.{0,20}", method in "(?s)[a./_%]{0,4}|.{0,20}") {
            let encoded = encode_path(&interface, &method).unwrap();
            let (from_path, method_from_path) = decode_path(encoded.path.as_bytes());
            let from_header = |header: &Option<Cow<'_, str>>| header.as_ref().map(|text| unescaped(text.as_bytes()).into_owned());
            let found = from_header(&encoded.interface).or(from_path.map(Cow::into_owned));
            proptest::prop_assert_eq!(found, Some(interface.clone()));
            let found = from_header(&encoded.method).or(method_from_path.map(Cow::into_owned));
            proptest::prop_assert_eq!(found, Some(method.clone()));
        }
    }
}
