//! Values with their places.

use meshlane_diagnostics::{JsonPath, Segment};

use super::Span;
use super::align::Places;
use crate::diagnostic::Diagnostic;

/// A value and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it is written.
    pub span: Span,
    /// What is odd about the way it is written.
    pub oddities: Vec<Diagnostic>,
}

/// A JSON value whose parts have places.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number
    Number(serde_json::Number),
    /// A string
    Text {
        /// The string.
        text: String,
        /// How it is written.
        style: TextStyle,
    },
    /// An array
    List(Vec<Node>),
    /// An object, in the order of the file
    Map(Vec<Entry>),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Where the key is written.
    pub key_span: Span,
    /// Its value.
    pub value: Node,
}

/// How a string is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextStyle {
    /// Without quotes.
    Plain,
    /// In `'…'`.
    SingleQuoted,
    /// In `"…"`, with escapes.
    DoubleQuoted,
    /// As a block after `|` or `>`.
    Block,
}

impl Node {
    /// A value at a place.
    pub fn new(value: Value, span: Span) -> Self {
        Self {
            value,
            span,
            oddities: Vec::new(),
        }
    }

    /// The value of a key, for an object that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of the first of several keys that is there: protobuf's JSON knows each
    /// field by two names.
    pub fn get_any(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// The value at the end of a chain of keys.
    pub fn descend(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The member with a key, for an object that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The members, for an object; nothing otherwise.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The elements, for an array; nothing otherwise.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The string, for a string.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The member or element that one step of a path leads to.
    pub fn step(&self, segment: &Segment) -> Option<&Self> {
        match segment {
            Segment::Key(key) => self.get(key),
            Segment::Index(index) => self.items().get(*index),
        }
    }

    /// The place that a path points at: the key when the path ends with one, the value
    /// otherwise, and the nearest thing around it when there is no such value.
    pub fn locate(&self, path: &JsonPath) -> Span {
        let mut node = self;
        let mut span = self.place();
        for segment in path.segments() {
            let Some(next) = node.step(segment) else {
                break;
            };
            span = match segment {
                Segment::Key(key) => node
                    .entry(key)
                    .map_or_else(|| next.place(), |entry| entry.key_span.clone()),
                Segment::Index(_) => next.place(),
            };
            node = next;
        }
        span
    }

    /// The place of the value that a path points at, or of the nearest thing around it.
    pub fn locate_value(&self, path: &JsonPath) -> Span {
        self.find(path)
            .map_or_else(|| self.locate(path), Self::place)
    }

    /// The value that a path points at.
    pub fn find(&self, path: &JsonPath) -> Option<&Self> {
        path.segments()
            .iter()
            .try_fold(self, |node, segment| node.step(segment))
    }

    /// Where the value is written.
    pub fn place(&self) -> Span {
        self.span.clone()
    }

    /// The value without places.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => serde_json::Value::Bool(*value),
            Value::Number(number) => serde_json::Value::Number(number.clone()),
            Value::Text { text, .. } => serde_json::Value::String(text.clone()),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => serde_json::Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.to_json()))
                    .collect(),
            ),
        }
    }

    /// What the value is, in a word.
    pub fn type_name(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::Text { .. } => "string",
            Value::List(_) => "list",
            Value::Map(_) => "object",
        }
    }

    /// Calls `visit` for this value and every value inside it, with its path.
    pub fn walk(&self, path: &JsonPath, visit: &mut impl FnMut(&JsonPath, &Self)) {
        visit(path, self);
        for (index, item) in self.items().iter().enumerate() {
            item.walk(&path.clone().join(Segment::Index(index)), visit);
        }
        for entry in self.entries() {
            let path = path.clone().join(Segment::Key(entry.key.clone()));
            entry.value.walk(&path, visit);
        }
    }

    /// Moves every place from an embedded text into the file around it.
    pub(super) fn relocate(&mut self, places: &Places) {
        self.span = places.span(&self.span);
        for oddity in &mut self.oddities {
            oddity.relocate(|span| places.span(span));
        }
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.relocate(places)),
            Value::Map(entries) => {
                for entry in entries {
                    entry.key_span = places.span(&entry.key_span);
                    entry.value.relocate(places);
                }
            }
            _ => {}
        }
    }
}
