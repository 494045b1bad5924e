//! Several values, each for a share of the requests.

use std::fmt::Write;

use meshlane_attributes::AttributeId;
use meshlane_conditions::{Sticky, fraction};

use crate::config::SameSite;
use meshlane_tags::TagValue;

/// A validated split.
#[derive(Debug, Clone)]
pub(crate) struct Split {
    pub(crate) key: SplitKey,
    pub(crate) sticky: Sticky,
    /// Each value with the end of its part on the line from 0 to `of`.
    pub(crate) parts: Vec<(f64, TagValue<'static>)>,
}

#[derive(Debug, Clone)]
pub(crate) enum SplitKey {
    Attribute(AttributeId),
    Cookie(StickyCookie),
    Random,
}

impl Split {
    /// The value of a key; nothing when it falls beyond the sum of the weights.
    pub(crate) fn choose(&self, key: &[u8]) -> Option<&TagValue<'static>> {
        self.at(self.sticky.position(key))
    }

    /// A value at random.
    pub(crate) fn draw(&self, random: [u8; 16]) -> Option<&TagValue<'static>> {
        self.at(fraction(random) * self.sticky.of())
    }

    fn at(&self, position: f64) -> Option<&TagValue<'static>> {
        let mut parts = self.parts.iter();
        parts
            .find(|(end, _)| position < *end)
            .map(|(_, value)| value)
    }
}

/// A cookie with a random id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StickyCookie {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) domain: Option<String>,
    pub(crate) max_age: u64,
    pub(crate) secure: bool,
    pub(crate) http_only: bool,
    pub(crate) same_site: SameSite,
}

impl StickyCookie {
    /// Whether a cookie's value is an id that this filter can have set: 32 hexadecimal digits.
    pub(crate) fn is_id(value: &[u8]) -> bool {
        value.len() == 32 && value.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// The id made of random bytes.
    pub(crate) fn id(random: [u8; 16]) -> String {
        let mut id = String::with_capacity(32);
        for byte in random {
            // Writing to a String cannot fail.
            let _ = write!(id, "{byte:02x}");
        }
        id
    }

    /// The value of `set-cookie` ([RFC 6265 §4.1](https://www.rfc-editor.org/rfc/rfc6265#section-4.1)).
    pub(crate) fn set_cookie(&self, id: &str) -> String {
        let mut header = format!("{}={id}; Path={}", self.name, self.path);
        if let Some(domain) = &self.domain {
            header.push_str("; Domain=");
            header.push_str(domain);
        }
        if self.max_age > 0 {
            // Writing to a String cannot fail.
            let _ = write!(header, "; Max-Age={}", self.max_age);
        }
        if self.secure {
            header.push_str("; Secure");
        }
        if self.http_only {
            header.push_str("; HttpOnly");
        }
        header.push_str(match self.same_site {
            SameSite::Strict => "; SameSite=Strict",
            SameSite::Lax => "; SameSite=Lax",
            SameSite::None => "; SameSite=None",
        });
        header
    }
}
