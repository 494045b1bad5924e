//! Header names.

use std::fmt;

/// A header name: a token of [RFC 9110 §5.1](https://www.rfc-editor.org/rfc/rfc9110#section-5.1)
/// in lower case, as HTTP/2 and Envoy have it. At most [`HeaderName::MAX_LENGTH`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeaderName(Box<str>);

/// The text is not a header name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a header name")]
pub struct InvalidHeaderName;

impl HeaderName {
    /// The longest name that is accepted.
    pub const MAX_LENGTH: usize = 128;

    /// Takes a name in any case.
    ///
    /// # Errors
    /// The text is empty, too long, or has a character that no token has.
    pub fn parse(text: &str) -> Result<Self, InvalidHeaderName> {
        let is_token =
            !text.is_empty() && text.len() <= Self::MAX_LENGTH && text.bytes().all(is_token_byte);
        if is_token {
            Ok(Self(text.to_ascii_lowercase().into_boxed_str()))
        } else {
            Err(InvalidHeaderName)
        }
    }

    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `tchar` of RFC 9110 §5.6.2.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn is_a_token_in_lower_case() {
        assert_eq!(
            HeaderName::parse("X-Mse-Tag").unwrap().as_str(),
            "x-mse-tag"
        );
        assert_eq!(
            HeaderName::parse("dubbo.tag").unwrap().as_str(),
            "dubbo.tag"
        );
        for wrong in ["", ":path", "a b", "a\u{e9}", "a:b"] {
            assert_eq!(
                HeaderName::parse(wrong),
                Err(InvalidHeaderName),
                "{wrong:?}"
            );
        }
        assert!(HeaderName::parse(&"a".repeat(129)).is_err());
    }
}
