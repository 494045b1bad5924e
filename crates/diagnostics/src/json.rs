//! From the bytes of a document to its serde types.

mod plain;

use serde::de::DeserializeOwned;

use self::plain::Plain;
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
    if document.len() > MAX_DOCUMENT {
        let problem = Problem::TooMany {
            what: "bytes",
            found: document.len(),
            limit: MAX_DOCUMENT,
        };
        let path = JsonPath::default();
        return Err(Violation { path, problem }.into());
    }
    read_json(document).map_err(|error| {
        Violations::from(Violation {
            path: path_at(document, error.line(), error.column()),
            problem: Problem::Malformed {
                detail: error.to_string(),
            },
        })
    })
}

/// Reads a part of a configuration: structs as objects, enumerations as words.
///
/// # Errors
/// The first structural error.
pub fn read_json<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = T::deserialize(Plain(&mut deserializer))?;
    deserializer.end()?;
    Ok(value)
}

/// The longest document: it bounds all that a configuration can make a proxy do and keep.
const MAX_DOCUMENT: usize = 1024 * 1024;

/// The place in a document of the value or key that the parser had just read when it failed.
///
/// The path is walked only in this case, by one pass over the text. The crate that tracks it
/// during deserialization doubles the code that serde generates, which a Wasm module pays for.
fn path_at(document: &[u8], line: usize, column: usize) -> JsonPath {
    let before: usize = document
        .split_inclusive(|byte| *byte == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let end = (before + column).min(document.len());
    let text = document.get(..end).unwrap_or(document);
    let mut open = Vec::new();
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'{' => open.push(Open::Object(None)),
            b'[' => open.push(Open::Array(0)),
            b'}' | b']' if rest.len() > 0 => drop(open.pop()),
            b',' if rest.len() > 0 => match open.last_mut() {
                Some(Open::Array(index)) => *index += 1,
                Some(Open::Object(key)) => *key = None,
                None => {}
            },
            b'"' => {
                let string = string(&mut rest);
                if let Some(Open::Object(key @ None)) = open.last_mut() {
                    *key = Some(string);
                }
            }
            _ => {}
        }
    }
    let segment = |open| match open {
        Open::Object(key) => key.map(Segment::Key),
        Open::Array(index) => Some(Segment::Index(index)),
    };
    open.into_iter().filter_map(segment).collect()
}

/// An object or an array that was not closed yet, and where in it the text ends.
enum Open {
    Object(Option<String>),
    Array(usize),
}

/// The rest of a string, after its opening quote. Escapes stay as they are written.
fn string(rest: &mut std::slice::Iter<'_, u8>) -> String {
    let mut bytes = Vec::new();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => break,
            b'\\' => bytes.extend(std::iter::once(*byte).chain(rest.next().copied())),
            _ => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
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
        text: String,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        number: f64,
    }

    fn path(document: &str) -> String {
        let violations = parse_json::<Document>(document.as_bytes()).unwrap_err();
        violations.iter().next().unwrap().path.to_string()
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
        for (document, place) in [
            (
                r#"{"list": [{"number": 1}, {"numer": 2}]}"#,
                "list[1].numer",
            ),
            (
                "{\"list\": [\n {\"number\": 1},\n {\"number\":\n \"two\"}]}",
                "list[1].number",
            ),
            (r#"{"text": "a\"},{[b", "list": {}}"#, "list"),
            (r#"{"text": 5}"#, "text"),
            (r#"{"list": [{"number": 1}, {}]}"#, "list[1]"),
            (r#"{"list": [{"number": 1}"#, "list[0].number"),
            (r#"{"list": ["#, "list[0]"),
            ("[1]", "."),
            ("nothing", "."),
        ] {
            assert_eq!(path(document), place, "{document}");
        }
    }

    #[test]
    fn a_document_has_an_end() {
        let document = format!(r#"{{"text": "{}"}}"#, "x".repeat(MAX_DOCUMENT));
        assert_eq!(
            parse_json::<Document>(document.as_bytes())
                .unwrap_err()
                .to_string(),
            format!(
                ".: bytes: found {}, at most {MAX_DOCUMENT} are allowed",
                document.len()
            )
        );
    }

    #[test]
    fn what_follows_the_document_is_an_error() {
        assert!(parse_json::<Document>(b"{} {}").is_err());
    }
}
