//! Reads JSON into nodes.
//!
//! `serde_json` decides what is JSON and what its strings and numbers are; this module
//! only finds where the parts of a correct text begin and end.

use std::collections::HashMap;

use serde::de::IgnoredAny;

use super::node::{Entry, Node, TextStyle, Value};
use super::{MAX_DEPTH, Span};
use crate::diagnostic::Diagnostic;

/// Reads one JSON value.
pub(super) fn parse(text: &str) -> Result<Node, Box<Diagnostic>> {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        let offset = offset_of(text, error.line(), error.column());
        let message = error.to_string();
        let message = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(text, _)| text);
        return Err(syntax_error(offset, message));
    }
    let mut reader = Reader { text, offset: 0 };
    reader
        .value(0)
        .map_err(|what| syntax_error(reader.offset, what))
}

fn syntax_error(offset: usize, message: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(
        "json-syntax",
        offset..offset,
        format!("not JSON: {message}"),
    ))
}

struct Reader<'t> {
    text: &'t str,
    offset: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Node, &'static str> {
        if depth > MAX_DEPTH {
            return Err("values are nested too deep");
        }
        self.skip_space();
        let start = self.offset;
        let value = match self.peek() {
            b'{' => return self.object(depth),
            b'[' => self.array(depth)?,
            b'"' => Value::Text {
                text: self.string()?,
                style: TextStyle::DoubleQuoted,
            },
            _ => self.word()?,
        };
        Ok(Node::new(value, start..self.offset))
    }

    fn object(&mut self, depth: usize) -> Result<Node, &'static str> {
        let start = self.offset;
        let mut entries: Vec<Entry> = Vec::new();
        let mut oddities = Vec::new();
        let mut seen: HashMap<String, Span> = HashMap::new();
        self.offset += 1;
        while self.next_part(b'}') {
            let key_start = self.offset;
            let key = self.string()?;
            let key_span = key_start..self.offset;
            self.skip_space();
            self.offset += 1; // the colon
            let value = self.value(depth + 1)?;
            if let Some(first) = seen.get(&key) {
                oddities.push(Diagnostic::duplicate_key(&key, key_span, first.clone()));
                continue;
            }
            seen.insert(key.clone(), key_span.clone());
            entries.push(Entry {
                key,
                key_span,
                value,
            });
        }
        let mut node = Node::new(Value::Map(entries), start..self.offset);
        node.oddities = oddities;
        Ok(node)
    }

    fn array(&mut self, depth: usize) -> Result<Value, &'static str> {
        let mut items = Vec::new();
        self.offset += 1;
        while self.next_part(b']') {
            items.push(self.value(depth + 1)?);
        }
        Ok(Value::List(items))
    }

    /// Passes space and commas; false when `end` (or the end of the text) was passed.
    fn next_part(&mut self, end: u8) -> bool {
        loop {
            self.skip_space();
            match self.peek() {
                b',' => self.offset += 1,
                byte if byte == end || byte == 0 => {
                    self.offset += 1;
                    return false;
                }
                _ => return true,
            }
        }
    }

    fn string(&mut self) -> Result<String, &'static str> {
        let start = self.offset;
        self.offset += 1;
        loop {
            match self.peek() {
                b'\\' => self.offset += 2,
                b'"' => break,
                0 => return Err("a string does not end"),
                _ => self.offset += 1,
            }
        }
        self.offset += 1;
        let written = self.text.get(start..self.offset).unwrap_or_default();
        serde_json::from_str(written).map_err(|_| "a string has an escape that is no character")
    }

    fn word(&mut self) -> Result<Value, &'static str> {
        let start = self.offset;
        while !matches!(
            self.peek(),
            0 | b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t'
        ) {
            self.offset += 1;
        }
        match self.text.get(start..self.offset).unwrap_or_default() {
            "null" => Ok(Value::Null),
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            number => serde_json::from_str(number)
                .map(Value::Number)
                .map_err(|_| "a number is out of range"),
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.offset += 1;
        }
    }

    fn peek(&self) -> u8 {
        self.text
            .as_bytes()
            .get(self.offset)
            .copied()
            .unwrap_or_default()
    }
}

/// The byte that serde_json means by a line and a column (columns count bytes from 1).
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    let mut offset = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
