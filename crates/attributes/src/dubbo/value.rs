//! Header values.

use std::borrow::Cow;
use std::fmt::Write;

use percent_encoding::percent_decode;

use crate::value::{Value, lossy};

/// The longest header value that tells a text or a list, as it is written; longer ones have no header.
pub const MAX_VALUE_LENGTH: usize = 4096;

/// A text as a header value; nothing when it is too long.
pub fn encode_text(text: &str) -> Option<Cow<'_, str>> {
    if text.len() > MAX_VALUE_LENGTH {
        return None;
    }
    let is_list = |position, byte| position == 0 && byte == b'[';
    let encoded = escaped(text, is_list);
    (encoded.len() <= MAX_VALUE_LENGTH).then_some(encoded)
}

/// A value as a header value; nothing when it is too long, or a number that is none.
///
/// Of a list the elements count that are texts, numbers or booleans; empty texts are left out.
pub fn encode_value<'v>(value: &'v Value<'_>) -> Option<Cow<'v, str>> {
    match value {
        Value::Text(text) => encode_text(text),
        Value::Number(number) if !number.is_finite() => None,
        Value::Number(_) | Value::Bool(_) => value.as_text(),
        Value::List(elements) => encode_list(elements).map(Cow::Owned),
    }
}

/// What a header value tells: a list, or a text. Bytes that are not UTF-8 are replaced by U+FFFD.
pub fn decode_value(bytes: &[u8]) -> Value<'_> {
    let elements = bytes
        .strip_prefix(b"[")
        .and_then(|rest| rest.strip_suffix(b"]"));
    match elements {
        None => Value::Text(unescaped(bytes)),
        Some(b"") => Value::List(Vec::new()),
        Some(elements) => {
            let elements = elements.split(|byte| *byte == b',');
            Value::List(elements.map(unescaped).map(Value::Text).collect())
        }
    }
}

pub(super) fn unescaped(bytes: &[u8]) -> Cow<'_, str> {
    lossy(percent_decode(bytes).into())
}

fn encode_list(elements: &[Value<'_>]) -> Option<String> {
    let mut list = String::from("[");
    for element in elements {
        let Some(text) = element.as_text().filter(|text| !text.is_empty()) else {
            continue;
        };
        if list.len() > 1 {
            list.push(',');
        }
        list.push_str(&escaped(&text, |_, byte| {
            matches!(byte, b',' | b'[' | b']')
        }));
        if list.len() >= MAX_VALUE_LENGTH {
            return None;
        }
    }
    list.push(']');
    Some(list)
}

/// The text without what no header value may have: control characters, and spaces at the ends,
/// which HTTP would take away ([RFC 9110 §5.5](https://www.rfc-editor.org/rfc/rfc9110#section-5.5)).
/// Everything beyond ASCII stays: `obs-text` there, which Envoy takes and gives as it is.
fn escaped(text: &str, is_special: impl Fn(usize, u8) -> bool) -> Cow<'_, str> {
    let last = text.len().saturating_sub(1);
    let needs_escape = |(position, byte): (usize, u8)| match byte {
        b' ' => position == 0 || position == last,
        b'%' => true,
        _ => byte.is_ascii_control() || is_special(position, byte),
    };
    if !text.bytes().enumerate().any(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for (position, char) in text.char_indices() {
        match u8::try_from(char) {
            Ok(byte) if char.is_ascii() && needs_escape((position, byte)) => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "%{byte:02X}");
            }
            _ => escaped.push(char),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn texts_are_readable_and_come_back() {
        for (text, header) in [
            ("", ""),
            ("alice", "alice"),
            ("a b", "a b"),
            (" a ", "%20a%20"),
            (" ", "%20"),
            ("灰度", "灰度"),
            ("50%", "50%25"),
            ("%41", "%2541"),
            ("a\r\nx: y\0", "a%0D%0Ax: y%00"),
            ("\t\u{7f}", "%09%7F"),
            ("[1,2]", "%5B1,2]"),
            ("a[0]", "a[0]"),
            ("{\"a\": [1]}", "{\"a\": [1]}"),
        ] {
            assert_eq!(encode_text(text).unwrap(), header);
            assert_eq!(decode_value(header.as_bytes()), Value::from(text));
        }
    }

    #[test]
    fn numbers_and_booleans_are_written_as_json_has_them() {
        for (value, header) in [
            (Value::Number(5.0), Some("5")),
            (Value::Number(-2.5), Some("-2.5")),
            (Value::Number(f64::NAN), None),
            (Value::Bool(true), Some("true")),
        ] {
            assert_eq!(encode_value(&value).as_deref(), header, "{value:?}");
        }
    }

    #[test]
    fn lists_keep_their_elements_apart() {
        for (elements, header) in [
            (&[][..], "[]"),
            (&["a"], "[a]"),
            (&["a", "b c"], "[a,b c]"),
            (&["a,b", "[x]", "%"], "[a%2Cb,%5Bx%5D,%25]"),
        ] {
            let list = Value::List(elements.iter().map(|text| Value::from(*text)).collect());
            assert_eq!(encode_value(&list).unwrap(), header);
            assert_eq!(decode_value(header.as_bytes()), list);
        }
        let mixed = Value::List(vec![
            Value::Number(1.0),
            "".into(),
            Value::List(vec!["deep".into()]),
            Value::Bool(false),
        ]);
        assert_eq!(encode_value(&mixed).unwrap(), "[1,false]");
    }

    #[test]
    fn what_is_too_long_has_no_header() {
        assert!(encode_text(&"a".repeat(MAX_VALUE_LENGTH)).is_some());
        assert_eq!(encode_text(&"a".repeat(MAX_VALUE_LENGTH + 1)), None);
        assert_eq!(encode_text(&"%".repeat(MAX_VALUE_LENGTH / 2)), None);
        let list = |length| encode_value(&Value::List(vec!["ab".into(); length])).is_some();
        assert!(list(MAX_VALUE_LENGTH / 3));
        assert!(!list(MAX_VALUE_LENGTH / 3 + 1));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        assert_eq!(decode_value(b"a\xff"), Value::from("a\u{fffd}"));
        assert_eq!(decode_value(b"a%FF"), Value::from("a\u{fffd}"));
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn every_text_comes_back(text in "(?s).{0,64}") {
            let header = encode_text(&text).unwrap().into_owned();
            proptest::prop_assert!(!header.bytes().any(|byte| byte.is_ascii_control()));
            proptest::prop_assert_eq!(header.trim_matches(' '), &header);
            proptest::prop_assert_eq!(decode_value(header.as_bytes()), Value::from(text));
        }
    }
}
