//! Texts as YAML.

use std::fmt::{self, Write};

use serde_json::{Map, Value};

use crate::source::Source;

/// Writes a value as YAML that begins on a line of its own. Keys stand in alphabetical order, but for those that people
/// write first; what fits in a line stands in one. A text of several lines stands as it is.
pub(crate) fn document(f: &mut impl Write, value: &Value) -> fmt::Result {
    match value {
        Value::Object(members) if !members.is_empty() => object(f, members, 0, ""),
        Value::Array(items) if !items.is_empty() => array(f, items, 0),
        scalar => writeln!(f, "{}", flow(scalar)),
    }
}

/// `first` is what stands before the first key instead of the indentation.
fn object(
    f: &mut impl Write,
    members: &Map<String, Value>,
    indentation: usize,
    first: &str,
) -> fmt::Result {
    for (index, (key, value)) in sorted(members).into_iter().enumerate() {
        match (index, first) {
            (1.., _) | (0, "") => write!(f, "{:indentation$}", "")?,
            (0, first) => f.write_str(first)?,
        }
        let key = scalar(key);
        if let Some(text) = value.as_str().filter(|text| is_block(text)) {
            writeln!(f, "{key}: |")?;
            for line in text.lines() {
                writeln!(f, "{:1$}{line}", "", indentation + 2)?;
            }
            continue;
        }
        let line = flow(value);
        if indentation + key.len() + line.len() + 2 <= WIDTH {
            writeln!(f, "{key}: {line}")?;
            continue;
        }
        match value {
            Value::Object(inner) => {
                writeln!(f, "{key}:")?;
                object(f, inner, indentation + 2, "")?;
            }
            Value::Array(items) => {
                writeln!(f, "{key}:")?;
                array(f, items, indentation)?;
            }
            _ => writeln!(f, "{key}: {line}")?,
        }
    }
    Ok(())
}

fn array(f: &mut impl Write, items: &[Value], indentation: usize) -> fmt::Result {
    for item in items {
        let line = flow(item);
        match item {
            Value::Object(inner) if indentation + line.len() + 2 > WIDTH => {
                let first = format!("{:indentation$}- ", "");
                object(f, inner, indentation + 2, &first)?;
            }
            // A list in a list stays in its line.
            _ => writeln!(f, "{:indentation$}- {line}", "")?,
        }
    }
    Ok(())
}

/// A value in one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => match number.as_f64() {
            Some(value) if value.fract() == 0.0 && value.abs() < 1e15 => format!("{value:.0}"),
            _ => number.to_string(),
        },
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members = sorted(members).into_iter();
            let members: Vec<_> = members
                .map(|(key, value)| format!("{}: {}", scalar(key), flow(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// Whether a text can stand as it is, in lines of its own.
fn is_block(text: &str) -> bool {
    let is_line = |line: &str| {
        let printable = line.bytes().all(|b| b >= b' ' && b != 0x7f);
        printable && !line.ends_with(' ')
    };
    let begins = text.bytes().next().is_some_and(|b| b > b' ');
    begins
        && text.contains('\n')
        && text.ends_with('\n')
        && text.lines().all(is_line)
        && !text.ends_with("\n\n")
}

fn sorted(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = members.iter().collect();
    let rank = |key: &str| FIRST.iter().position(|first| *first == key);
    members.sort_by_key(|(key, _)| (rank(key).unwrap_or(FIRST.len()), *key));
    members
}

/// The keys that stand in front of others, as people write resources.
const FIRST: [&str; 5] = ["apiVersion", "kind", "metadata", "name", "namespace"];

const WIDTH: usize = 100;

/// A text, in quotes where it would be read as something else without.
pub(super) fn scalar(text: &str) -> String {
    let is_word = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/'));
    if is_word && reads_as_itself(text) {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

/// Texts as a list in a line.
pub(super) fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<_> = texts.into_iter().map(scalar).collect();
    format!("[{}]", texts.join(", "))
}

fn reads_as_itself(text: &str) -> bool {
    let contents = Source::new("", text).read();
    let mut documents = contents.documents.iter();
    let document = documents.next();
    document.is_some_and(|node| node.text() == Some(text) && node.oddities.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_read_as_it_was() {
        let rule = |name: &str| {
            json!({
                "value": "gray", "name": name, "when": {"all": [
                    {"attribute": "header.x-user", "in": ["alice", "on", 7, 1.5, null, true]},
                    {"attribute": "path", "regex": "^/a: \"b\" #c$"},
                ]},
            })
        };
        let long = "a long text that does not fit into a line: ".repeat(4);
        let value = json!({
            "tags": [{"rules": [rule("one"), rule("two")], "name": "x-tag", "empty": {}, "none": []}],
            "lists": [[1, 2], [[]], []],
            "a: b": {long.clone(): [long.clone(), long]},
            "time": 1_798_761_600.0,
        });
        let mut text = String::new();
        document(&mut text, &value).unwrap();
        let contents = Source::new("", text.clone()).read();
        assert!(contents.syntax_error.is_none(), "{text}");
        let read = contents.documents.first().unwrap().to_json();
        assert_eq!(normalized(&read), normalized(&value), "{text}");
        assert!(text.starts_with("\"a: b\":\n  \"a long"), "{text}");
        assert!(text.contains("\ntime: 1798761600\n"), "{text}");
    }

    /// With numbers as the doubles that they are for filters.
    fn normalized(value: &Value) -> Value {
        match value {
            Value::Number(number) => json!(number.as_f64()),
            Value::Array(items) => items.iter().map(normalized).collect(),
            Value::Object(members) => {
                let members = members.iter();
                let members = members.map(|(key, value)| (key.clone(), normalized(value)));
                Value::Object(members.collect())
            }
            other => other.clone(),
        }
    }

    #[test]
    fn what_would_be_something_else_is_quoted() {
        for word in ["gray", "v1", "orders.shop.svc.cluster.local", "a/b"] {
            assert_eq!(scalar(word), word);
        }
        for text in [
            "1",
            "1.0",
            "1e3",
            "true",
            "on",
            "n",
            "null",
            "010",
            "-",
            "---",
            "",
            "a b",
            "a:80",
            "outbound|80||a",
            "0x1F",
            "1_000",
        ] {
            assert_eq!(scalar(text), format!("{text:?}"));
        }
    }
}
