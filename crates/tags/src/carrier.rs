use std::borrow::Cow;
use std::fmt;

use meshlane_attributes::{
    HeaderName, baggage_member, baggage_members, cookie_value, cookie_values, with_baggage_member,
    with_cookie,
};

use crate::edits::Edits;
use crate::value::TagValue;

/// What carries a tag from hop to hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carrier {
    /// A request header.
    Header(HeaderName),
    /// A member of the W3C `baggage` header.
    Baggage(String),
    /// A cookie of the request.
    Cookie(String),
    /// A Dubbo attachment. In Triple, and behind the Dubbo bridge, a header of the attachment's own name.
    Attachment(HeaderName),
}

/// What a request came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// Nothing.
    Absent,
    /// Something that is no tag value.
    Invalid,
    /// A value.
    Valid(TagValue<'static>),
}

impl Carrier {
    /// What the carrier holds now.
    pub fn read(&self, edits: &Edits<'_>) -> Incoming {
        match self {
            Self::Header(name) | Self::Attachment(name) => {
                text(edits.current(name.as_str()).as_deref())
            }
            Self::Cookie(name) => {
                let header = edits.current("cookie");
                let header = header.as_deref();
                text(header.and_then(|header| cookie_value(header, name)))
            }
            Self::Baggage(key) => {
                let header = edits.current("baggage");
                let header = header.as_deref();
                let member = header.and_then(|header| baggage_member(header, key));
                member.map_or(Incoming::Absent, Incoming::of)
            }
        }
    }

    /// Makes the carrier hold the value once, or nothing.
    pub fn write(&self, value: Option<&TagValue<'_>>, edits: &mut Edits<'_>, is_dubbo: bool) {
        let value = value.map(TagValue::as_str);
        match self {
            // Whether a request is a Dubbo call is for its sender to say, so what would be an
            // attachment is removed from all others.
            Self::Attachment(name) if !is_dubbo => edits.set(name.as_str(), None),
            Self::Header(name) | Self::Attachment(name) => {
                edits.set(name.as_str(), value.map(|value| value.as_bytes().to_vec()));
            }
            Self::Cookie(name) => {
                let header = edits.current("cookie").unwrap_or_default();
                if !cookie_values(&header, name).eq(value.map(str::as_bytes)) {
                    let changed = with_cookie(&header, name, value);
                    edits.set("cookie", changed);
                }
            }
            Self::Baggage(key) => {
                let header = edits.current("baggage").unwrap_or_default();
                if !baggage_members(&header, key).eq(value) {
                    let changed = with_baggage_member(&header, key, value);
                    edits.set("baggage", changed);
                }
            }
        }
    }

    /// The attachment that the carrier is, if it is one.
    pub fn attachment(&self) -> Option<&str> {
        match self {
            Self::Attachment(name) => Some(name.as_str()),
            Self::Header(_) | Self::Baggage(_) | Self::Cookie(_) => None,
        }
    }

    /// The place that the carrier takes: two carriers must not share one.
    pub(crate) fn slot(&self) -> String {
        match self {
            Self::Header(name) | Self::Attachment(name) => format!("header {name}"),
            Self::Baggage(key) => format!("baggage member {key}"),
            Self::Cookie(name) => format!("cookie {name}"),
        }
    }
}

impl Incoming {
    /// What some carriers hold: the first that has a valid value counts.
    pub fn read(carriers: &[Carrier], edits: &Edits<'_>) -> Self {
        let mut result = Self::Absent;
        for carrier in carriers {
            match carrier.read(edits) {
                Self::Absent => {}
                Self::Invalid => result = Self::Invalid,
                valid => return valid,
            }
        }
        result
    }

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
