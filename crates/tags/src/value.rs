use std::borrow::Cow;
use std::fmt;

/// A tag value: 1 to 128 visible ASCII characters, none of them `,` `;` `"` `\`.
///
/// So it can stand in a header, a cookie, a baggage member, a label and a log line as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TagValue<'a>(Cow<'a, str>);

/// The text is no tag value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not {}", TagValue::EXPECTED)]
pub struct InvalidTagValue;

impl<'a> TagValue<'a> {
    /// The longest value, in bytes.
    pub const MAX_LENGTH: usize = 128;

    /// What is accepted, in words.
    pub const EXPECTED: &'static str =
        "a tag value: 1 to 128 visible ASCII characters without `,` `;` `\"` `\\`";

    /// Takes a text.
    ///
    /// # Errors
    /// The text is empty, too long, or has another character.
    pub fn parse(text: Cow<'a, str>) -> Result<Self, InvalidTagValue> {
        let is_valid = (1..=Self::MAX_LENGTH).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_graphic() && !matches!(b, b',' | b';' | b'"' | b'\\'));
        if is_valid {
            Ok(Self(text))
        } else {
            Err(InvalidTagValue)
        }
    }

    /// The value.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same value, borrowed.
    pub fn borrowed(&self) -> TagValue<'_> {
        TagValue(Cow::Borrowed(&self.0))
    }

    /// The same value, on its own.
    pub fn into_owned(self) -> TagValue<'static> {
        TagValue(Cow::Owned(self.0.into_owned()))
    }
}

impl fmt::Display for TagValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn is_short_and_visible() {
        for valid in ["gray", "a|b|c", "group/rule", "v1.2_x=y", &"x".repeat(128)] {
            assert!(TagValue::parse(valid.into()).is_ok(), "{valid}");
        }
        for invalid in [
            "",
            "a b",
            "a,b",
            "a;b",
            "a\"",
            "a\\",
            "灰",
            "a\r\nx: y",
            &"x".repeat(129),
        ] {
            assert_eq!(
                TagValue::parse(invalid.into()),
                Err(InvalidTagValue),
                "{invalid}"
            );
        }
    }
}
