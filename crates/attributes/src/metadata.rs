//! Dynamic metadata of a request, and the node's own, as Envoy serializes them.

use std::collections::BTreeMap;

use prost::Message;

use crate::workload::Locality;

/// The dynamic metadata of a request: what other filters, jwt_authn for one, left there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata(BTreeMap<String, MetadataValue>);

/// A value in metadata (`google.protobuf.Value`).
#[derive(Debug, Clone, PartialEq)]
pub enum MetadataValue {
    /// No value.
    Null,
    /// A number; protobuf knows only doubles here.
    Number(f64),
    /// A text.
    Text(String),
    /// A boolean.
    Bool(bool),
    /// A list.
    List(Vec<MetadataValue>),
    /// Named values.
    Struct(BTreeMap<String, MetadataValue>),
}

impl Metadata {
    /// Reads a serialized `envoy.config.core.v3.Metadata`; bytes that are none give no metadata.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let message = MetadataMessage::decode(bytes).ok()?;
        let mut filters = BTreeMap::new();
        for (filter, fields) in message.filter_metadata {
            filters.insert(filter, fields.into());
        }
        Some(Self(filters))
    }

    /// Metadata with one value under a filter's name.
    pub fn with(filter: impl Into<String>, key: impl Into<String>, value: MetadataValue) -> Self {
        let fields = BTreeMap::from([(key.into(), value)]);
        Self(BTreeMap::from([(
            filter.into(),
            MetadataValue::Struct(fields),
        )]))
    }

    /// The value that `filter` left under `key`.
    pub fn value(&self, filter: &str, key: &str) -> Option<&MetadataValue> {
        self.0.get(filter)?.field(key)
    }
}

impl MetadataValue {
    /// A named value of a struct.
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(fields) => fields.get(name),
            _ => None,
        }
    }

    /// The value at a dotted path. At each step the longest name that exists wins, so a claim
    /// like `https://example.com/roles` needs no quoting.
    pub fn at_path(&self, path: &str) -> Option<&Self> {
        if let Some(value) = self.field(path) {
            return Some(value);
        }
        path.rmatch_indices('.').find_map(|(at, _)| {
            let (first, rest) = path.split_at_checked(at)?;
            self.field(first)?.at_path(rest.get(1..)?)
        })
    }

    /// The text, when it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The parts of `envoy.config.core.v3.Node` that matter here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) metadata: MetadataValue,
    pub(crate) locality: Locality,
}

impl Node {
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let message = NodeMessage::decode(bytes).ok()?;
        Some(Self {
            id: message.id,
            metadata: message.metadata.unwrap_or_default().into(),
            locality: message.locality.unwrap_or_default().into(),
        })
    }
}

// The messages, with the field numbers of envoy/config/core/v3/base.proto and
// google/protobuf/struct.proto. prost refuses nesting deeper than 100.

#[derive(Clone, PartialEq, Message)]
struct MetadataMessage {
    #[prost(btree_map = "string, message", tag = "1")]
    filter_metadata: BTreeMap<String, StructMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct NodeMessage {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(message, optional, tag = "3")]
    metadata: Option<StructMessage>,
    #[prost(message, optional, tag = "4")]
    locality: Option<LocalityMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct LocalityMessage {
    #[prost(string, tag = "1")]
    region: String,
    #[prost(string, tag = "2")]
    zone: String,
    #[prost(string, tag = "3")]
    sub_zone: String,
}

impl From<LocalityMessage> for Locality {
    fn from(message: LocalityMessage) -> Self {
        let LocalityMessage {
            region,
            zone,
            sub_zone,
        } = message;
        Self {
            region,
            zone,
            sub_zone,
        }
    }
}

#[derive(Clone, PartialEq, Message)]
struct StructMessage {
    #[prost(btree_map = "string, message", tag = "1")]
    fields: BTreeMap<String, ValueMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct ListMessage {
    #[prost(message, repeated, tag = "1")]
    values: Vec<ValueMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct ValueMessage {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6")]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Kind {
    #[prost(int32, tag = "1")]
    Null(i32),
    #[prost(double, tag = "2")]
    Number(f64),
    #[prost(string, tag = "3")]
    Text(String),
    #[prost(bool, tag = "4")]
    Bool(bool),
    #[prost(message, tag = "5")]
    Struct(StructMessage),
    #[prost(message, tag = "6")]
    List(ListMessage),
}

impl From<StructMessage> for MetadataValue {
    fn from(message: StructMessage) -> Self {
        // Not collected: that would sort, and sorting is a lot of code in a module.
        let mut fields = BTreeMap::new();
        for (name, value) in message.fields {
            fields.insert(name, value.into());
        }
        Self::Struct(fields)
    }
}

impl From<ValueMessage> for MetadataValue {
    fn from(message: ValueMessage) -> Self {
        match message.kind {
            None | Some(Kind::Null(_)) => Self::Null,
            Some(Kind::Number(number)) => Self::Number(number),
            Some(Kind::Text(text)) => Self::Text(text),
            Some(Kind::Bool(bool)) => Self::Bool(bool),
            Some(Kind::Struct(fields)) => fields.into(),
            Some(Kind::List(list)) => Self::List(list.values.into_iter().map(Self::from).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn text(text: &str) -> ValueMessage {
        ValueMessage {
            kind: Some(Kind::Text(text.to_owned())),
        }
    }

    fn fields(fields: impl IntoIterator<Item = (&'static str, ValueMessage)>) -> StructMessage {
        StructMessage {
            fields: fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        }
    }

    #[test]
    fn reads_what_jwt_authn_leaves() {
        let claims = fields([
            ("sub", text("u1")),
            (
                "n",
                ValueMessage {
                    kind: Some(Kind::Number(5.0)),
                },
            ),
            (
                "roles",
                ValueMessage {
                    kind: Some(Kind::List(ListMessage {
                        values: vec![text("a"), text("b")],
                    })),
                },
            ),
            ("nothing", ValueMessage { kind: None }),
        ]);
        let payload = fields([(
            "payload",
            ValueMessage {
                kind: Some(Kind::Struct(claims)),
            },
        )]);
        let message = MetadataMessage {
            filter_metadata: BTreeMap::from([("jwt".to_owned(), payload)]),
        };
        let metadata = Metadata::decode(&message.encode_to_vec()).unwrap();
        let claims = metadata.value("jwt", "payload").unwrap();
        assert_eq!(claims.field("sub").unwrap().as_text(), Some("u1"));
        assert_eq!(claims.field("n"), Some(&MetadataValue::Number(5.0)));
        assert_eq!(claims.field("nothing"), Some(&MetadataValue::Null));
        let Some(MetadataValue::List(roles)) = claims.field("roles") else {
            panic!("roles is a list")
        };
        assert_eq!(roles.len(), 2);
        assert_eq!(metadata.value("jwt", "other"), None);
        assert_eq!(metadata.value("other", "payload"), None);
    }

    #[test]
    fn a_path_prefers_the_longest_name() {
        let object = |pairs: Vec<(&str, MetadataValue)>| {
            MetadataValue::Struct(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
        };
        let claims = object(vec![
            (
                "a",
                object(vec![
                    ("b.c", MetadataValue::Bool(true)),
                    ("d", MetadataValue::Number(1.0)),
                ]),
            ),
            ("https://x.y/r", MetadataValue::Text("admin".into())),
        ]);
        assert_eq!(claims.at_path("a.b.c"), Some(&MetadataValue::Bool(true)));
        assert_eq!(claims.at_path("a.d"), Some(&MetadataValue::Number(1.0)));
        assert_eq!(
            claims.at_path("https://x.y/r").unwrap().as_text(),
            Some("admin")
        );
        assert_eq!(claims.at_path("a.e"), None);
        assert_eq!(claims.at_path("..."), None);
    }

    #[test]
    fn bytes_that_are_no_metadata_give_none() {
        assert_eq!(Metadata::decode(b"\xff\xff\xff"), None);
        assert_eq!(Metadata::decode(b""), Some(Metadata::default()));
    }
}
