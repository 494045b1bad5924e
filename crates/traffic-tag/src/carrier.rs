//! What carries a tag from hop to hop.

use std::borrow::Cow;
use std::fmt;

use meshlane_attributes::{
    HeaderName, baggage_member, cookie_value, with_baggage_member, with_cookie,
};

use crate::edits::Edits;
use crate::tag_value::TagValue;

/// A validated carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Carrier {
    Header(HeaderName),
    Baggage(String),
    Cookie(String),
    /// In Triple, and behind the Dubbo bridge, a header of the attachment's own name.
    Attachment(HeaderName),
}

/// What a request came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incoming {
    Absent,
    /// Something that is no tag value.
    Invalid,
    Valid(TagValue<'static>),
}

impl Carrier {
    /// What the carrier holds now.
    pub(crate) fn read(&self, edits: &Edits<'_>, is_dubbo: bool) -> Incoming {
        match self {
            Self::Header(name) => text(edits.current(name.as_str()).as_deref()),
            Self::Attachment(name) if is_dubbo => text(edits.current(name.as_str()).as_deref()),
            Self::Attachment(_) => Incoming::Absent,
            Self::Cookie(name) => {
                let header = edits.current("cookie");
                text(
                    header
                        .as_deref()
                        .and_then(|header| cookie_value(header, name)),
                )
            }
            Self::Baggage(key) => {
                let header = edits.current("baggage");
                let member = header
                    .as_deref()
                    .and_then(|header| baggage_member(header, key));
                member.map_or(Incoming::Absent, Incoming::of)
            }
        }
    }

    /// Makes the carrier hold the value, or nothing.
    pub(crate) fn write(
        &self,
        value: Option<&TagValue<'_>>,
        edits: &mut Edits<'_>,
        is_dubbo: bool,
    ) {
        let value = value.map(TagValue::as_str);
        match self {
            Self::Attachment(_) if !is_dubbo => {}
            Self::Header(name) | Self::Attachment(name) => {
                edits.set(name.as_str(), value.map(|value| value.as_bytes().to_vec()));
            }
            Self::Cookie(name) => {
                let header = edits.current("cookie").unwrap_or_default();
                if cookie_value(&header, name) != value.map(str::as_bytes) {
                    let changed = with_cookie(&header, name, value);
                    edits.set("cookie", changed);
                }
            }
            Self::Baggage(key) => {
                let header = edits.current("baggage").unwrap_or_default();
                if baggage_member(&header, key).as_deref() != value {
                    let changed = with_baggage_member(&header, key, value);
                    edits.set("baggage", changed);
                }
            }
        }
    }
}

impl Incoming {
    fn of(text: Cow<'_, str>) -> Self {
        match TagValue::parse(text) {
            Ok(value) => Self::Valid(value.into_owned()),
            Err(_) => Self::Invalid,
        }
    }
}

fn text(bytes: Option<&[u8]>) -> Incoming {
    bytes.map_or(Incoming::Absent, |bytes| {
        Incoming::of(String::from_utf8_lossy(bytes))
    })
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header {name}"),
            Self::Baggage(key) => write!(f, "baggage member {key}"),
            Self::Cookie(name) => write!(f, "cookie {name}"),
            Self::Attachment(name) => write!(f, "attachment {name}"),
        }
    }
}
