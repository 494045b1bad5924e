//! What an attribute holds.

use std::borrow::Cow;

/// The value of an attribute that is present.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// A number.
    Number(f64),
    /// A boolean.
    Bool(bool),
    /// A list, as a JWT claim or a Dubbo argument may be.
    List(Vec<Value<'a>>),
}

impl Value<'_> {
    /// The value as a text: numbers and booleans as JSON writes them. A list has none.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Number(number) => Some(Cow::Owned(number.to_string())),
            Self::Bool(true) => Some(Cow::Borrowed("true")),
            Self::Bool(false) => Some(Cow::Borrowed("false")),
            Self::List(_) => None,
        }
    }

    /// The value as a number: a text that is a finite decimal number counts as one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => decimal(text),
            Self::Bool(_) | Self::List(_) => None,
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<String> for Value<'a> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

/// A header value or a similar run of bytes.
impl<'a> From<Cow<'a, [u8]>> for Value<'a> {
    fn from(bytes: Cow<'a, [u8]>) -> Self {
        Self::Text(lossy(bytes))
    }
}

/// Bytes as a text: what is not UTF-8 is replaced by U+FFFD.
pub(crate) fn lossy(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }),
    }
}

/// A number in plain or scientific decimal notation. Rust would read `inf` and `nan` as well.
fn decimal(text: &str) -> Option<f64> {
    let starts_as_number = text
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.'));
    if !starts_as_number || text.len() > MAX_NUMBER_LENGTH {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// No number that means something is longer.
const MAX_NUMBER_LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn texts_that_are_decimal_numbers_count_as_numbers() {
        for (text, number) in [
            ("5", Some(5.0)),
            ("-2.50", Some(-2.5)),
            ("1e3", Some(1000.0)),
            ("inf", None),
            ("-inf", None),
            ("NaN", None),
            ("", None),
            (" 5", None),
            ("5x", None),
        ] {
            assert_eq!(Value::from(text).as_number(), number, "{text:?}");
        }
    }

    #[test]
    fn numbers_are_written_without_a_needless_fraction() {
        assert_eq!(Value::Number(5.0).as_text().unwrap(), "5");
        assert_eq!(Value::Number(2.5).as_text().unwrap(), "2.5");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        let value = Value::from(Cow::Borrowed(&b"a\xff"[..]));
        assert_eq!(value, Value::from("a\u{fffd}"));
        let value = Value::from(Cow::<[u8]>::Owned(b"a\xff".to_vec()));
        assert_eq!(value, Value::from("a\u{fffd}"));
    }
}
