//! Structural errors: a walk along the JSON Schema of a configuration.
//!
//! The parser inside a filter stops at the first error. Here all are wanted, with the
//! key that was probably meant, and in words that fit the place rather than "is not
//! valid under any of the schemas given". The walk knows the part of JSON Schema that
//! schemars writes for the configuration types; a test holds the schemas to it.

mod words;

use meshlane_diagnostics::{JsonPath, Segment, nearest};
use serde_json::Value as Json;

use crate::diagnostic::Diagnostic;
use crate::source::{Node, Value};
use words::{found, join_or, quoted, shortened, with_article};

/// The structure that a schema describes.
#[derive(Debug)]
pub struct Structure<'s> {
    root: &'s Json,
}

/// The keywords that [`Structure`] understands or that say nothing about validity.
pub const KEYWORDS: [&str; 24] = [
    "$defs",
    "$id",
    "$ref",
    "$schema",
    "additionalProperties",
    "anyOf",
    "const",
    "default",
    "description",
    "enum",
    "examples",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "oneOf",
    "properties",
    "required",
    "title",
    "type",
];

impl<'s> Structure<'s> {
    /// The structure that `schema` describes.
    pub fn of(schema: &'s Json) -> Self {
        Self { root: schema }
    }

    /// Everything in `document` that the schema does not allow.
    pub fn check(&self, document: &Node) -> Vec<Diagnostic> {
        let mut walk = Walk {
            structure: self,
            diagnostics: Vec::new(),
        };
        walk.value(self.root, document, &JsonPath::default());
        walk.diagnostics
    }

    /// The schema that a reference leads to.
    pub fn resolve(&self, schema: &'s Json) -> &'s Json {
        let mut schema = schema;
        for _ in 0..MAX_REFERENCES {
            let target = schema
                .get("$ref")
                .and_then(Json::as_str)
                .and_then(|reference| reference.strip_prefix('#'))
                .and_then(|pointer| self.root.pointer(pointer));
            match target {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }

    /// What a value may be, in a few words.
    pub fn describe(&self, schema: &'s Json) -> String {
        let schema = self.resolve(schema);
        if let Some(values) = allowed_values(self, schema) {
            return format!("one of {}", quoted(&values));
        }
        if let Some(alternatives) = alternatives(schema) {
            let mut words: Vec<String> = Vec::new();
            for alternative in alternatives {
                let word = self.describe(alternative);
                if word != "null" && !words.contains(&word) {
                    words.push(word);
                }
            }
            return join_or(&words);
        }
        if types(schema) == ["null"] {
            return "null".to_owned();
        }
        let words: Vec<String> = types(schema)
            .into_iter()
            .filter(|name| *name != "null")
            .map(|name| with_article(name).to_owned())
            .collect();
        if words.is_empty() {
            "any value".to_owned()
        } else {
            join_or(&words)
        }
    }
}

struct Walk<'w, 's> {
    structure: &'w Structure<'s>,
    diagnostics: Vec<Diagnostic>,
}

impl<'s> Walk<'_, 's> {
    fn value(&mut self, schema: &'s Json, node: &Node, path: &JsonPath) {
        let schema = self.structure.resolve(schema);
        if let Some(values) = allowed_values(self.structure, schema) {
            self.one_of_values(&values, schema, node, path);
            return;
        }
        if let Some(alternatives) = alternatives(schema) {
            self.alternatives(alternatives, schema, node, path);
            return;
        }
        if !has_type(schema, node) {
            self.wrong_type(schema, node, path);
            return;
        }
        match &node.value {
            Value::Map(_) => self.object(schema, node, path),
            Value::List(items) => {
                self.size(
                    "items",
                    "minItems",
                    "maxItems",
                    items.len(),
                    schema,
                    node,
                    path,
                );
                if let Some(item_schema) = schema.get("items") {
                    for (index, item) in items.iter().enumerate() {
                        self.value(item_schema, item, &path.clone().join(Segment::Index(index)));
                    }
                }
            }
            Value::Text { text, .. } => {
                let length = text.chars().count();
                self.size(
                    "characters",
                    "minLength",
                    "maxLength",
                    length,
                    schema,
                    node,
                    path,
                );
            }
            Value::Number(number) => self.bounds(number, schema, node, path),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn object(&mut self, schema: &'s Json, node: &Node, path: &JsonPath) {
        let properties = schema.get("properties").and_then(Json::as_object);
        let property = |key: &str| properties.and_then(|properties| properties.get(key));
        for entry in node.entries() {
            let here = path.clone().join(Segment::Key(entry.key.clone()));
            match (property(&entry.key), schema.get("additionalProperties")) {
                (Some(schema), _) => self.value(schema, &entry.value, &here),
                (None, Some(Json::Bool(false))) => {
                    let known: Vec<String> = properties
                        .map(|properties| properties.keys().cloned().collect())
                        .unwrap_or_default();
                    self.diagnostics
                        .push(unknown_key(&entry.key, &known, entry.key_span.clone()).at(here));
                }
                (None, Some(schema @ Json::Object(_))) => self.value(schema, &entry.value, &here),
                (None, _) => {}
            }
        }
        let required = schema.get("required").and_then(Json::as_array);
        for key in required.into_iter().flatten().filter_map(Json::as_str) {
            if node.entry(key).is_none() {
                let expected = property(key).map(|schema| self.structure.describe(schema));
                let mut diagnostic = Diagnostic::error(
                    "missing-key",
                    node.place(),
                    format!("key `{key}` is missing"),
                )
                .expected(format!("`{key}`: {}", expected.unwrap_or_default()))
                .at(path.clone());
                diagnostic.label = Some(format!("in this object `{key}` is required"));
                self.diagnostics.push(diagnostic);
            }
        }
    }

    /// Checks a value that may have one of several shapes, and speaks of the one that it
    /// was most likely meant to have.
    fn alternatives(
        &mut self,
        alternatives: &'s [Json],
        schema: &'s Json,
        node: &Node,
        path: &JsonPath,
    ) {
        let fitting: Vec<&Json> = alternatives
            .iter()
            .map(|alternative| self.structure.resolve(alternative))
            .filter(|alternative| {
                has_type(alternative, node) || self::alternatives(alternative).is_some()
            })
            .collect();
        let mut best: Option<Vec<Diagnostic>> = None;
        for alternative in fitting {
            let mut walk = Walk {
                structure: self.structure,
                diagnostics: Vec::new(),
            };
            walk.value(alternative, node, path);
            if walk.diagnostics.is_empty() {
                return;
            }
            if best
                .as_ref()
                .is_none_or(|best| walk.diagnostics.len() < best.len())
            {
                best = Some(walk.diagnostics);
            }
        }
        match best {
            Some(diagnostics) => self.diagnostics.extend(diagnostics),
            None => self.wrong_type(schema, node, path),
        }
    }

    fn one_of_values(&mut self, values: &[&str], schema: &'s Json, node: &Node, path: &JsonPath) {
        let Some(text) = node.text() else {
            if !matches!(node.value, Value::Null) || !has_type(schema, node) {
                self.wrong_type(schema, node, path);
            }
            return;
        };
        if values.contains(&text) {
            return;
        }
        self.diagnostics.push(
            Diagnostic::error(
                "unknown-name",
                node.place(),
                format!("`{text}` is not one of {}", quoted(values)),
            )
            .found(text)
            .expected(quoted(values))
            .suggestion(nearest(text, values.iter().copied()))
            .at(path.clone()),
        );
    }

    fn wrong_type(&mut self, schema: &'s Json, node: &Node, path: &JsonPath) {
        let expected = self.structure.describe(schema);
        let mut diagnostic = Diagnostic::error(
            "wrong-type",
            node.place(),
            format!("expected {expected}, found {}", found(node)),
        )
        .found(shortened(node.to_json().to_string()))
        .expected(expected.clone())
        .at(path.clone());
        let scalar = matches!(node.value, Value::Bool(_) | Value::Number(_));
        if scalar && types(self.structure.resolve(schema)).contains(&"string") {
            diagnostic = diagnostic.note("put the value in quotes to make it a string");
        }
        self.diagnostics.push(diagnostic);
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one comparison")]
    fn size(
        &mut self,
        what: &str,
        at_least: &str,
        at_most: &str,
        found: usize,
        schema: &Json,
        node: &Node,
        path: &JsonPath,
    ) {
        let limit = |keyword: &str| schema.get(keyword).and_then(Json::as_u64);
        let found = found as u64;
        let expected = match (limit(at_least), limit(at_most)) {
            (Some(least), _) if found < least => format!("at least {least} {what}"),
            (_, Some(most)) if found > most => format!("at most {most} {what}"),
            _ => return,
        };
        self.diagnostics.push(
            Diagnostic::error(
                "invalid-value",
                node.place(),
                format!("found {found} {what}, expected {expected}"),
            )
            .found(found.to_string())
            .expected(expected)
            .at(path.clone()),
        );
    }

    fn bounds(&mut self, number: &serde_json::Number, schema: &Json, node: &Node, path: &JsonPath) {
        let limit = |keyword: &str| schema.get(keyword).and_then(Json::as_f64);
        let value = number.as_f64().unwrap_or_default();
        let expected = match (limit("minimum"), limit("maximum")) {
            (Some(least), _) if value < least => format!("a number of at least {least}"),
            (_, Some(most)) if value > most => format!("a number of at most {most}"),
            _ => return,
        };
        self.diagnostics.push(
            Diagnostic::error(
                "invalid-value",
                node.place(),
                format!("found {number}, expected {expected}"),
            )
            .found(number.to_string())
            .expected(expected)
            .at(path.clone()),
        );
    }
}

fn unknown_key(key: &str, known: &[String], span: crate::source::Span) -> Diagnostic {
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    Diagnostic::error("unknown-key", span, format!("unknown key `{key}`"))
        .found(key)
        .expected(quoted(&names))
        .suggestion(nearest(key, names.iter().copied()))
}

/// The texts that a schema allows, when it allows nothing but certain texts (and null).
fn allowed_values<'s>(structure: &Structure<'s>, schema: &'s Json) -> Option<Vec<&'s str>> {
    if let Some(value) = schema.get("const") {
        return Some(vec![value.as_str()?]);
    }
    if let Some(values) = schema.get("enum").and_then(Json::as_array) {
        return Some(values.iter().filter_map(Json::as_str).collect());
    }
    let mut all = Vec::new();
    for alternative in alternatives(schema)? {
        let alternative = structure.resolve(alternative);
        if types(alternative) == ["null"] {
            continue;
        }
        all.extend(allowed_values(structure, alternative)?);
    }
    Some(all)
}

fn alternatives(schema: &Json) -> Option<&[Json]> {
    schema
        .get("anyOf")
        .or_else(|| schema.get("oneOf"))
        .and_then(Json::as_array)
        .map(Vec::as_slice)
}

fn types(schema: &Json) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(name)) => vec![name],
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

fn has_type(schema: &Json, node: &Node) -> bool {
    let types = types(schema);
    if types.is_empty() {
        return alternatives(schema).is_none_or(|alternatives| {
            alternatives
                .iter()
                .any(|alternative| has_type(alternative, node))
        });
    }
    let name = match &node.value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Text { .. } => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        Value::Number(number) => {
            let whole = number.as_f64().is_some_and(|number| number.fract() == 0.0);
            return types.contains(&"number") || (whole && types.contains(&"integer"));
        }
    };
    types.contains(&name)
}

/// How long a chain of references may be.
const MAX_REFERENCES: usize = 16;
