//! From the bytes of a document to its serde types.

use serde::de::DeserializeOwned;
use serde_path_to_error::Segment as SerdeSegment;

use crate::path::{JsonPath, Segment};
use crate::violation::{Problem, Violation, Violations};

/// Reads a configuration document.
///
/// An empty document (zero bytes, or only white space) is what Istio sends when a
/// WasmPlugin has no `pluginConfig`; it reads as `{}`.
///
/// # Errors
/// The first structural error, with its place. (`meshlane check` finds all of them by
/// walking along the JSON Schema; in a proxy the first one is enough.)
pub fn parse_json<T: DeserializeOwned>(document: &[u8]) -> Result<T, Violations> {
    let document = if document.trim_ascii().is_empty() {
        b"{}"
    } else {
        document
    };
    let mut deserializer = serde_json::Deserializer::from_slice(document);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().iter().filter_map(segment).collect();
        malformed(path, &error.into_inner())
    })?;
    deserializer
        .end()
        .map_err(|error| malformed(JsonPath::default(), &error))?;
    Ok(value)
}

fn malformed(path: JsonPath, error: &serde_json::Error) -> Violations {
    Violations::from(Violation {
        path,
        problem: Problem::Malformed {
            detail: error.to_string(),
        },
    })
}

fn segment(segment: &SerdeSegment) -> Option<Segment> {
    match segment {
        SerdeSegment::Seq { index } => Some(Segment::Index(*index)),
        SerdeSegment::Map { key } => Some(Segment::Key(key.clone())),
        SerdeSegment::Enum { variant } => Some(Segment::Key(variant.clone())),
        SerdeSegment::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[derive(Debug, Deserialize, PartialEq, Default)]
    #[serde(deny_unknown_fields, default)]
    struct Document {
        list: Vec<Inner>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        number: f64,
    }

    #[test]
    fn no_document_is_an_empty_one() {
        assert_eq!(parse_json::<Document>(b"").unwrap(), Document::default());
        assert_eq!(parse_json::<Document>(b" \n").unwrap(), Document::default());
    }

    #[test]
    fn numbers_may_be_written_as_doubles() {
        let document: Document =
            parse_json(br#"{"list": [{"number": 1}, {"number": 1.0}]}"#).unwrap();
        assert_eq!(document.list[0], document.list[1]);
    }

    #[test]
    fn an_error_names_its_place() {
        let error =
            parse_json::<Document>(br#"{"list": [{"number": 1}, {"numer": 2}]}"#).unwrap_err();
        assert_eq!(
            error.iter().next().unwrap().path.to_string(),
            "list[1].numer"
        );
    }

    #[test]
    fn what_follows_the_document_is_an_error() {
        assert!(parse_json::<Document>(b"{} {}").is_err());
    }
}
