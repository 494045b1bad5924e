//! Requests, with everything that a condition may ask for.

use std::time::Duration;

use meshlane_attributes::{Headers, Metadata, MetadataValue, RequestSettings, StaticFacts};
use serde::Deserialize;
use serde_json::Value;

/// A request with everything that a condition may ask for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Request {
    /// The method.
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// The host, with or without a port.
    pub authority: String,
    /// The path with its query.
    pub path: String,
    /// The headers, in their order.
    pub headers: Vec<(String, HeaderValue)>,
    /// The address of the client.
    pub source_address: Option<String>,
    /// The SPIFFE id of the client.
    pub principal: Option<String>,
    /// The claims of the client's token.
    pub jwt: Option<Value>,
    /// When the request comes, in seconds since 1970. A proxy that plays the table goes by its own clock instead: what a table
    /// expects must hold at any time in our days.
    pub time: Option<f64>,
    /// The randomness: what is not given is zero.
    pub random: Option<Hex>,
}

/// A header's value: a text, or bytes in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum HeaderValue {
    /// A text.
    Text(String),
    /// Bytes, as `{hex: c3a4}`.
    Hex {
        /// The bytes.
        hex: Hex,
    },
}

/// Bytes that are written in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Hex(Vec<u8>);

/// A text that is not hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an even number of hexadecimal digits")]
pub struct InvalidHex(String);

impl Request {
    /// What a proxy with these settings tells of the request.
    pub fn facts(&self, settings: &RequestSettings) -> StaticFacts {
        let pseudo = [
            (":method", &self.method),
            (":scheme", &self.scheme),
            (":authority", &self.authority),
            (":path", &self.path),
        ];
        let pseudo = pseudo.map(|(name, value)| (name.to_owned(), value.as_bytes()));
        let own = self.headers.iter();
        let own = own.map(|(name, value)| (name.to_ascii_lowercase(), value.bytes()));
        let mut headers: Headers = pseudo.into_iter().chain(own).collect();
        headers.take_unproven(settings.dubbo_headers, || false, || false);
        let address = self.source_address.as_ref();
        StaticFacts {
            headers,
            source_address: address.map(|address| format!("{address}:4711")),
            peer_uri: self.principal.clone(),
            metadata: self.jwt.as_ref().map(|claims| {
                Metadata::with("envoy.filters.http.jwt_authn", "payload", metadata(claims))
            }),
            time: self
                .time
                .and_then(|time| Duration::try_from_secs_f64(time).ok()),
        }
    }

    /// The randomness.
    pub fn random(&self) -> [u8; 16] {
        let bytes = self.random.as_ref().map_or(&[][..], Hex::bytes);
        std::array::from_fn(|at| bytes.get(at).copied().unwrap_or(0))
    }
}

impl HeaderValue {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Hex { hex } => hex.bytes(),
        }
    }
}

impl Hex {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<String> for Hex {
    type Error = InvalidHex;

    fn try_from(text: String) -> Result<Self, InvalidHex> {
        let digits: Option<Vec<_>> = text.chars().map(|digit| digit.to_digit(16)).collect();
        let pairs = digits.as_ref().map(|digits| digits.as_chunks::<2>());
        match pairs {
            Some((pairs, [])) => {
                let bytes = pairs.iter().map(|[high, low]| (high << 4 | low) as u8);
                Ok(Self(bytes.collect()))
            }
            _ => Err(InvalidHex(text)),
        }
    }
}

fn metadata(value: &Value) -> MetadataValue {
    match value {
        Value::Null => MetadataValue::Null,
        Value::Bool(bool) => MetadataValue::Bool(*bool),
        Value::Number(number) => MetadataValue::Number(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => MetadataValue::Text(text.clone()),
        Value::Array(list) => MetadataValue::List(list.iter().map(metadata).collect()),
        Value::Object(fields) => {
            let fields = fields.iter();
            MetadataValue::Struct(
                fields
                    .map(|(name, value)| (name.clone(), metadata(value)))
                    .collect(),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshlane_attributes::RequestFacts;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn request(keys: &str) -> Result<Request, serde_json::Error> {
        serde_json::from_str(&format!(
            r#"{{"method": "GET", "scheme": "http", "authority": "a", "path": "/", {keys}}}"#
        ))
    }

    #[test]
    fn facts_are_what_a_proxy_tells() {
        let request = request(
            r#""headers": [["X-A", "b"], ["x-a", {"hex": "FF00"}], ["x-meshlane-a", "c"]],
                "sourceAddress": "10.0.0.1", "principal": "spiffe://a", "jwt": {"sub": [1, null]}, "time": 1800000000,
                "random": "0102""#,
        );
        let request = request.unwrap();
        let facts = request.facts(&RequestSettings::default());
        let headers = facts.headers();
        assert_eq!(headers.first(":authority"), Some(&b"a"[..]));
        assert_eq!(headers.joined("x-a").as_deref(), Some(&b"b,\xff\x00"[..]));
        assert_eq!(headers.first("x-meshlane-a"), None);
        assert_eq!(facts.source_address().as_deref(), Some("10.0.0.1:4711"));
        assert_eq!(facts.peer_uri().as_deref(), Some("spiffe://a"));
        assert!(facts.metadata().is_some());
        assert_eq!(facts.time(), Some(Duration::from_secs(1_800_000_000)));
        assert_eq!(request.random()[..3], [1, 2, 0]);
    }

    #[test]
    fn what_is_not_hexadecimal_is_refused() {
        for hex in ["0", "0g", "ä0"] {
            assert!(Hex::try_from(hex.to_owned()).is_err(), "{hex}");
        }
        assert!(request(r#""headers": [], "random": "1""#).is_err());
    }
}
