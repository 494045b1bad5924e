//! The text of a file, and what stands where in it.
//!
//! Files are read into [`Node`]s: values that remember the bytes they were written
//! as, whether they were written as YAML, as JSON, or as JSON text inside a YAML
//! string. Every message about a value can so point at the file as its author sees it.

mod align;
mod json;
mod node;
mod scalar;
mod yaml;

use std::ops::Range;

pub use node::{Entry, Node, TextStyle, Value};
pub use yaml::MAX_DEPTH;

use crate::diagnostic::Diagnostic;

/// A range of bytes in the text of a file.
pub type Span = Range<usize>;

/// A file: its name as the user gave it, and its text.
#[derive(Debug)]
pub struct Source {
    name: String,
    text: String,
    line_starts: Vec<usize>,
}

/// A place as people and editors count: both numbers begin with 1, columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

/// What a file holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// The documents, in order; those before the first syntax error if there is one.
    pub documents: Vec<Node>,
    /// The place where the text stops to be YAML or JSON.
    pub syntax_error: Option<Diagnostic>,
}

impl Source {
    /// A file with its text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text = text.into();
        // Some editors begin a file with a byte order mark; it is no part of the text.
        if text.starts_with('\u{feff}') {
            text.remove(0);
        }
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(offset, _)| offset + 1))
            .collect();
        Self {
            name: name.into(),
            text,
            line_starts,
        }
    }

    /// The name of the file, `<stdin>` for standard input.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of the file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = line
            .checked_sub(1)
            .and_then(|index| self.line_starts.get(index))
            .copied()
            .unwrap_or_default();
        let column = self
            .text
            .get(start..offset)
            .map_or(1, |before| before.chars().count() + 1);
        Position { line, column }
    }

    /// Reads the file as JSON when it is JSON, as a stream of YAML documents otherwise.
    pub fn read(&self) -> Contents {
        let starts_as_json = self.text.trim_start().starts_with(['{', '[']);
        let named_json = self.name.to_ascii_lowercase().ends_with(".json");
        if starts_as_json || named_json {
            match json::parse(&self.text) {
                Ok(node) => {
                    return Contents {
                        documents: vec![node],
                        syntax_error: None,
                    };
                }
                Err(error) if named_json => {
                    return Contents {
                        documents: Vec::new(),
                        syntax_error: Some(*error),
                    };
                }
                // Possibly YAML in flow style.
                Err(_) => {}
            }
        }
        yaml::parse(&self.text)
    }

    /// Reads JSON text that stands inside a string of this file. The places in the
    /// result are places in the file.
    ///
    /// # Errors
    /// The place where the text stops to be JSON.
    pub fn read_embedded_json(
        &self,
        text: &str,
        style: TextStyle,
        span: &Span,
    ) -> Result<Node, Box<Diagnostic>> {
        let places = align::align(&self.text, span, style, text);
        match json::parse(text) {
            Ok(mut node) => {
                node.relocate(&places);
                Ok(node)
            }
            Err(mut error) => {
                error.span = places.span(&error.span);
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_characters_from_one() {
        let source = Source::new("x", "a\nbé: c\n");
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(2), Position { line: 2, column: 1 });
        let c = source.text().find('c').unwrap();
        assert_eq!(source.position(c), Position { line: 2, column: 5 });
        assert_eq!(source.position(99), Position { line: 3, column: 1 });
    }

    #[test]
    fn json_inside_a_yaml_string_keeps_its_place() {
        for text in [
            "value: |\n  {\"a\": 1,\n   \"bad\": [true]}\n",
            "value: '{\"a\": \"it''s\",\n   \"bad\": [true]}'\n",
            "value: \"{\\\"a\\\": 1, \\\"bad\\\": [true]}\"\n",
            "value: >-\n    {\"a\": 1,\n\n    \"bad\": [true]}\n",
            "value: |\r\n  {\"a\": 1,\r\n   \"bad\": [true]}\r\n",
        ] {
            let source = Source::new("x.yaml", text);
            let contents = source.read();
            let document = contents.documents.first().unwrap();
            let value = document.get("value").unwrap();
            let Value::Text { text: json, style } = &value.value else {
                panic!("{value:?}")
            };
            let inner = source
                .read_embedded_json(json, *style, &value.span)
                .unwrap();
            let bad = inner.entry("bad").unwrap();
            let key = text.get(bad.key_span.clone()).unwrap();
            assert!(key.contains("bad"), "{text:?}: {key:?}");
            let element = bad.value.items().first().unwrap();
            assert_eq!(text.get(element.span.clone()), Some("true"), "{text:?}");
        }
    }

    #[test]
    fn json_files_are_read_as_json() {
        let source = Source::new("x.json", "{\"a\": \"\\ud83d\\ude00\",\n\t\"b\": 2}");
        let contents = source.read();
        assert!(contents.syntax_error.is_none());
        let document = contents.documents.first().unwrap();
        assert_eq!(document.get("a").unwrap().text(), Some("\u{1f600}"));

        let source = Source::new("x.json", "{\"a\": }");
        let error = source.read().syntax_error.unwrap();
        assert_eq!(source.position(error.span.start).column, 7);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        for name in ["x.json", "x.yaml"] {
            let contents = Source::new(name, "\u{feff}{\"a\": 1}").read();
            assert!(contents.syntax_error.is_none(), "{name}");
            assert_eq!(contents.documents.len(), 1);
        }
    }

    #[test]
    fn documents_before_a_syntax_error_are_kept() {
        let contents = Source::new("x.yaml", "a: 1\n---\nb: [1\n").read();
        assert_eq!(contents.documents.len(), 1);
        assert!(contents.syntax_error.is_some());
    }
}
