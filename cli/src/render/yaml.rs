//! Texts as YAML.

use crate::source::Source;

/// A text, in quotes where it would be read as something else without.
pub(super) fn scalar(text: &str) -> String {
    let is_word = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/'));
    if is_word && reads_as_itself(text) {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
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
    use super::*;

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
