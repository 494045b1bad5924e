//! Reads YAML into nodes.
//!
//! The events come from `saphyr-parser` (YAML 1.2). On top of them: anchors and aliases,
//! merge keys (`<<`), duplicate keys (refused, as `kubectl` refuses them), keys that are
//! no strings, tags, and limits for depth and for what aliases may expand to.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use super::node::{Entry, Node, TextStyle, Value};
use super::scalar::{self, Oddity};
use super::{Contents, Span};
use crate::diagnostic::Diagnostic;

/// How deep values may be nested; a little less than the filters' JSON reader allows.
pub const MAX_DEPTH: usize = 120;

/// How many values a file may have after its aliases are expanded.
const MAX_NODES: usize = 500_000;

/// Reads a stream of YAML documents.
pub(super) fn parse(text: &str) -> Contents {
    let mut loader = Loader {
        bytes: ByteOffsets::new(text),
        documents: Vec::new(),
        stack: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
    };
    let mut parser = Parser::new_from_str(text);
    let mut syntax_error = None;
    while let Some(next) = parser.next_event() {
        let outcome = match next {
            Ok((Event::StreamEnd, _)) => break,
            Ok((event, span)) => {
                let span = loader.bytes.span(span.start.index(), span.end.index());
                loader.event(event, span)
            }
            Err(error) => Err(loader.scan_error(&error, text).boxed()),
        };
        if let Err(error) = outcome {
            syntax_error = Some(*error);
            break;
        }
    }
    Contents {
        documents: loader.documents,
        syntax_error,
    }
}

struct Loader {
    bytes: ByteOffsets,
    documents: Vec<Node>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

/// A list or a map whose end has not come yet.
struct Frame {
    anchor: usize,
    span: Span,
    parts: Parts,
}

enum Parts {
    List(Vec<Node>),
    Map {
        pairs: Vec<(Node, Node)>,
        key: Option<Node>,
    },
}

impl Loader {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Box<Diagnostic>> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = scalar_node(&text, style, tag.as_deref(), span)?;
                self.add(anchor, node)
            }
            Event::SequenceStart(anchor, _) => self.open(anchor, span, Parts::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                let parts = Parts::Map {
                    pairs: Vec::new(),
                    key: None,
                };
                self.open(anchor, span, parts)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(&span),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(Diagnostic::error(
                        "yaml-syntax",
                        span,
                        "the alias refers to the value that it is part of",
                    )
                    .boxed());
                };
                self.nodes += count(&node);
                self.add(0, node)
            }
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            Event::DocumentEnd | Event::Nothing | Event::StreamStart | Event::StreamEnd => Ok(()),
        }
    }

    fn open(&mut self, anchor: usize, span: Span, parts: Parts) -> Result<(), Box<Diagnostic>> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(Diagnostic::error(
                "yaml-syntax",
                span,
                format!("values are nested deeper than {MAX_DEPTH} levels"),
            )
            .boxed());
        }
        self.stack.push(Frame {
            anchor,
            span,
            parts,
        });
        Ok(())
    }

    fn close(&mut self, end: &Span) -> Result<(), Box<Diagnostic>> {
        let Some(frame) = self.stack.pop() else {
            return Ok(());
        };
        let start = frame.span.start;
        let node = match frame.parts {
            Parts::List(items) => {
                let end = list_end(start, end, items.last().map(|item| item.span.end));
                Node::new(Value::List(items), start..end)
            }
            Parts::Map { pairs, .. } => {
                let start = pairs
                    .first()
                    .map_or(start, |(key, _)| key.span.start.min(start).max(start));
                let last = pairs
                    .last()
                    .map(|(key, value)| value.span.end.max(key.span.end));
                let end = list_end(start, end, last);
                map_node(pairs, start..end)
            }
        };
        self.add(frame.anchor, node)
    }

    fn add(&mut self, anchor: usize, node: Node) -> Result<(), Box<Diagnostic>> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Diagnostic::error(
                "yaml-syntax",
                node.span,
                format!(
                    "the document has more than {MAX_NODES} values once its aliases are expanded"
                ),
            )
            .boxed());
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.stack.last_mut() {
            None => self.documents.push(node),
            Some(frame) => match &mut frame.parts {
                Parts::List(items) => items.push(node),
                Parts::Map { pairs, key } => match key.take() {
                    None => *key = Some(node),
                    Some(key) => pairs.push((key, node)),
                },
            },
        }
        Ok(())
    }

    fn scan_error(&self, error: &ScanError, text: &str) -> Diagnostic {
        let offset = self.bytes.at(error.marker().index());
        let message = format!("not YAML: {}", error.info());
        let Some(tab) = tab_in_indentation(text, offset) else {
            return Diagnostic::error("yaml-syntax", offset..offset, message);
        };
        Diagnostic::error("yaml-syntax", tab..tab + 1, message)
            .note("YAML is indented with spaces; a tab is not allowed here")
    }
}

/// The tab that a line is indented with: of the line that the parser stopped in, or of the
/// next one, as the parser may have seen only that a value does not go on there.
fn tab_in_indentation(text: &str, offset: usize) -> Option<usize> {
    let before = text.get(..offset)?;
    let mut start = before.rfind('\n').map_or(0, |newline| newline + 1);
    for line in text.get(start..)?.split_inclusive('\n').take(2) {
        let indentation = line.len() - line.trim_start_matches(' ').len();
        if line.get(indentation..)?.starts_with('\t') {
            return Some(start + indentation);
        }
        start += line.len();
    }
    None
}

/// A list or map in flow style ends with its bracket, one in block style with its last part.
fn list_end(start: usize, end: &Span, last: Option<usize>) -> usize {
    let bracket = end.end > end.start;
    match last {
        Some(last) if !bracket => last,
        _ => end.end.max(start),
    }
}

fn scalar_node(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    span: Span,
) -> Result<Node, Box<Diagnostic>> {
    let style = match style {
        ScalarStyle::Plain => TextStyle::Plain,
        ScalarStyle::SingleQuoted => TextStyle::SingleQuoted,
        ScalarStyle::DoubleQuoted => TextStyle::DoubleQuoted,
        ScalarStyle::Literal | ScalarStyle::Folded => TextStyle::Block,
    };
    let as_text = || Value::Text {
        text: text.to_owned(),
        style,
    };
    let resolvable = match tag {
        None => style == TextStyle::Plain,
        Some(tag) if tag.is_yaml_core_schema() => match tag.suffix.as_str() {
            "str" => false,
            "bool" | "int" | "float" | "null" => true,
            other => {
                return Err(Diagnostic::error(
                    "yaml-tag",
                    span,
                    format!("the YAML tag `!!{other}` has no meaning in JSON"),
                )
                .boxed());
            }
        },
        Some(_) => false,
    };
    let resolved = if resolvable {
        scalar::resolve(text)
    } else {
        None
    };
    let Some(resolved) = resolved else {
        return Ok(Node::new(as_text(), span));
    };
    let mut node = Node::new(resolved.value, span.clone());
    if let Some(oddity) = resolved.oddity {
        node.oddities.push(oddity_of(text, oddity, &node, span));
    }
    Ok(node)
}

fn oddity_of(text: &str, oddity: Oddity, node: &Node, span: Span) -> Diagnostic {
    match oddity {
        Oddity::Boolean(value) => Diagnostic::warning(
            "yaml-boolean",
            span,
            format!(
                "kubectl, Istio and Envoy read the unquoted word `{text}` as the boolean {value}"
            ),
        )
        .label(format!(
            "write \"{text}\" for the text, {value} for the boolean"
        )),
        Oddity::Number => Diagnostic::warning(
            "yaml-number",
            span,
            format!(
                "kubectl and Istio read `{text}` as the number {}",
                node.to_json()
            ),
        )
        .label(format!("write \"{text}\" for the text")),
        Oddity::NotJson => Diagnostic::error(
            "yaml-number",
            span,
            format!("`{text}` is a number that JSON cannot express"),
        )
        .label(format!("write \"{text}\" for the text")),
    }
}

/// Makes an object out of keys and values: keys become strings, `<<` is merged.
fn map_node(pairs: Vec<(Node, Node)>, span: Span) -> Node {
    let mut entries: Vec<Entry> = Vec::with_capacity(pairs.len());
    let mut seen: HashMap<String, Span> = HashMap::new();
    let mut merged: Vec<Entry> = Vec::new();
    let mut oddities = Vec::new();
    for (mut key, value) in pairs {
        if is_merge(&key) {
            merge(&mut merged, value, &mut oddities);
            continue;
        }
        oddities.append(&mut key.oddities);
        let key_span = key.span.clone();
        let Some(name) = key_name(&key) else {
            oddities.push(Diagnostic::error(
                "yaml-key",
                key.place(),
                format!("a key must be a string, found {}", key.type_name()),
            ));
            continue;
        };
        if let Some(first) = seen.get(&name) {
            oddities.push(Diagnostic::duplicate_key(&name, key_span, first.clone()));
            continue;
        }
        seen.insert(name.clone(), key_span.clone());
        entries.push(Entry {
            key: name,
            key_span,
            value,
        });
    }
    for entry in merged {
        if !seen.contains_key(&entry.key) {
            seen.insert(entry.key.clone(), entry.key_span.clone());
            entries.push(entry);
        }
    }
    let mut node = Node::new(Value::Map(entries), span);
    node.oddities = oddities;
    node
}

fn is_merge(key: &Node) -> bool {
    matches!(&key.value, Value::Text { text, style: TextStyle::Plain } if text == "<<")
}

/// Adds the members that a merge key brings; the map's own keys win, and earlier ones
/// of a list of maps win over later ones.
fn merge(merged: &mut Vec<Entry>, value: Node, oddities: &mut Vec<Diagnostic>) {
    match value.value {
        Value::Map(entries) => merged.extend(entries),
        Value::List(items) => {
            for item in items {
                match item.value {
                    Value::Map(entries) => merged.extend(entries),
                    _ => oddities.push(not_mergeable(&item)),
                }
            }
        }
        _ => oddities.push(not_mergeable(&value)),
    }
}

fn not_mergeable(value: &Node) -> Diagnostic {
    Diagnostic::error(
        "yaml-merge",
        value.place(),
        format!(
            "`<<` merges objects or a list of objects, found {}",
            value.type_name()
        ),
    )
}

/// The string that a key becomes in JSON.
fn key_name(key: &Node) -> Option<String> {
    match &key.value {
        Value::Text { text, .. } => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

fn count(node: &Node) -> usize {
    let inside: usize = node.items().iter().map(count).sum();
    let members: usize = node.entries().iter().map(|entry| count(&entry.value)).sum();
    1 + inside + members
}

/// saphyr counts characters, everything else here counts bytes.
struct ByteOffsets {
    /// The byte where each character begins; empty when all are one byte long.
    starts: Vec<usize>,
    len: usize,
}

impl ByteOffsets {
    fn new(text: &str) -> Self {
        let starts = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(offset, _)| offset).collect()
        };
        Self {
            starts,
            len: text.len(),
        }
    }

    fn at(&self, character: usize) -> usize {
        if self.starts.is_empty() {
            character.min(self.len)
        } else {
            self.starts.get(character).copied().unwrap_or(self.len)
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let start = self.at(start);
        start..self.at(end).max(start)
    }
}

#[cfg(test)]
mod tests;
