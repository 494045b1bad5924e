//! Requests from files in the format of the decision tables.

use serde_json::Value;

use super::InvalidRequest;
use super::request::Request;
use crate::source::Source;

/// The requests of a JSON or YAML file: one object, or a list of them.
///
/// # Errors
/// Text that is no YAML, or values that are no requests.
pub fn requests(source: &Source) -> Result<Vec<Request>, InvalidRequest> {
    let contents = source.read();
    if let Some(error) = contents.syntax_error {
        return Err(InvalidRequest::Syntax {
            line: source.position(error.span.start).line,
            message: error.message,
        });
    }
    let mut requests = Vec::new();
    for document in &contents.documents {
        let values = match document.to_json() {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            single => vec![single],
        };
        for value in values {
            if let Some(key) = beside_a_call(&value) {
                return Err(InvalidRequest::BesideDubbo(key));
            }
            requests.push(serde_json::from_value(value).map_err(InvalidRequest::File)?);
        }
    }
    Ok(requests)
}

/// What a request must not say when it is a Dubbo call.
fn beside_a_call(request: &Value) -> Option<&'static str> {
    request.get("dubbo")?;
    ["method", "path"]
        .into_iter()
        .find(|key| request.get(key).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_or_a_list() {
        let one = Source::new("x.yaml", "{path: /cart, headers: [[x-user, alice]]}");
        assert_eq!(requests(&one).unwrap().len(), 1);
        let two = Source::new("x.json", r#"[{"path": "/a"}, {"path": "/b"}]"#);
        let paths: Vec<_> = requests(&two)
            .unwrap()
            .into_iter()
            .map(|r| r.path)
            .collect();
        assert_eq!(paths, ["/a", "/b"]);
    }

    #[test]
    fn unknown_keys_are_refused() {
        let source = Source::new("x.yaml", "{pth: /cart}");
        let error = requests(&source).unwrap_err().to_string();
        assert!(error.contains("pth"), "{error}");
    }

    #[test]
    fn a_dubbo_call_has_no_path_of_its_own() {
        let call = Source::new("x.yaml", "{dubbo: {interface: a.B, method: m}}");
        let call = requests(&call).unwrap().remove(0);
        assert_eq!(call.title(), "Dubbo call a.B.m");
        let both = Source::new("x.yaml", "{path: /a, dubbo: {interface: a.B}}");
        let error = requests(&both).unwrap_err().to_string();
        assert!(error.contains("`path`"), "{error}");
    }

    #[test]
    fn bytes_that_are_no_text_are_given_in_hexadecimal() {
        let source = Source::new("x.json", r#"{"headers": [["x-a", {"hex": "ff61"}]]}"#);
        let request = requests(&source).unwrap().into_iter().next().unwrap();
        assert_eq!(request.headers.first().unwrap().1.as_bytes(), b"\xffa");
    }
}
