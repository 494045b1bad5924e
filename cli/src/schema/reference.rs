//! A configuration reference in Markdown, made from the JSON Schema.

use std::fmt::Write as _;

use meshlane_attributes::Attribute;
use meshlane_diagnostics::Reason;
use serde_json::{Map, Value};

use super::Subject;
use crate::check::Structure;
use crate::documents::Kind;

/// The reference of a document.
pub fn reference(subject: Subject) -> String {
    let schema = super::of(subject);
    let structure = Structure::of(&schema);
    let mut page = Page {
        structure: &structure,
        text: String::new(),
        queue: Vec::new(),
        described: Vec::new(),
    };
    page.introduction(subject, &schema);
    page.object("The document", &schema);
    while let Some(name) = page.next_definition() {
        if let Some(definition) = schema.pointer(&format!("/$defs/{name}")) {
            page.object(&name, definition);
        }
    }
    match subject {
        Subject::Filter(kind) => {
            if kind.decides() {
                page.attributes(kind == Kind::TrafficTag);
            }
            page.reasons(kind);
        }
        Subject::LaneGroup => page.attributes(false),
        Subject::Document(_) => {}
    }
    page.text
}

struct Page<'s> {
    structure: &'s Structure<'s>,
    text: String,
    /// Definitions that the text refers to and that are not described yet.
    queue: Vec<String>,
    described: Vec<String>,
}

impl<'s> Page<'s> {
    fn introduction(&mut self, subject: Subject, schema: &Value) {
        let name = subject.as_str();
        self.line(&match subject {
            Subject::Filter(_) => format!("# Configuration of `{name}`"),
            Subject::LaneGroup => "# Lane groups".to_owned(),
            Subject::Document(kind) => format!("# `{}` documents", kind.as_str()),
        });
        self.line("");
        self.line(&format!(
            "<!-- Generated from the configuration types by `meshlane schema {name} --format markdown`. -->"
        ));
        self.line("");
        self.line(description(schema));
        self.line("");
        self.line(&format!(
            "The same as a JSON Schema, for editors: [`{name}.schema.json`]({name}.schema.json). \
             Check a file with `meshlane check FILE`; it knows more than the schema does."
        ));
    }

    /// A section about an object, or about the values of an enumeration.
    fn object(&mut self, title: &str, schema: &'s Value) {
        self.line("");
        self.line(&format!("## {title}"));
        if title != "The document" && !description(schema).is_empty() {
            self.line("");
            self.line(description(schema));
        }
        match schema.get("properties").and_then(Value::as_object) {
            Some(properties) => self.properties(schema, properties),
            None => self.values(schema),
        }
    }

    fn properties(&mut self, schema: &'s Value, properties: &'s Map<String, Value>) {
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        self.line("");
        self.line("| key | type | description |");
        self.line("|---|---|---|");
        let (needed, optional): (Vec<_>, Vec<_>) = properties
            .iter()
            .partition(|(key, _)| required.contains(&key.as_str()));
        for (key, property) in needed.into_iter().chain(optional) {
            let mut about = description(property).to_owned();
            if required.contains(&key.as_str()) {
                about = format!("**Required.** {about}");
            }
            if let Some(default) = property.get("default").filter(|value| !value.is_null()) {
                let _ = write!(about, " Default: `{default}`.");
            }
            about.push_str(&limits(property));
            let type_name = self.type_of(property);
            self.line(&format!("| `{key}` | {type_name} | {} |", cell(&about)));
        }
    }

    fn values(&mut self, schema: &'s Value) {
        let mut rows = Vec::new();
        for value in ["oneOf", "anyOf"]
            .iter()
            .filter_map(|keyword| schema.get(keyword)?.as_array())
            .flatten()
        {
            match value.get("const") {
                Some(constant) => {
                    rows.push(format!("- `{}`: {}", plain(constant), description(value)))
                }
                None => rows.push(format!("- {}: {}", self.type_of(value), description(value))),
            }
        }
        for constant in schema
            .get("enum")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            rows.push(format!("- `{}`", plain(constant)));
        }
        if rows.is_empty() {
            return;
        }
        self.line("");
        for row in rows {
            self.line(&row);
        }
    }

    /// The attributes that conditions and rules can name. Tags are known while they are decided; later they are found in their
    /// carriers.
    fn attributes(&mut self, with_tags: bool) {
        self.line("");
        self.line("## Attributes");
        self.line("");
        self.line("What stands in capitals is the user's own.");
        self.line("");
        let names = Attribute::NAMES.iter();
        for name in names.filter(|name| with_tags || **name != "tag.NAME") {
            self.line(&format!("- `{name}`"));
        }
    }

    /// The codes that decisions carry.
    fn reasons(&mut self, kind: Kind) {
        self.line("");
        self.line("## Reason codes");
        self.line("");
        self.line(match kind {
            Kind::Dubbo => {
                "The same code stands in metrics, logs and the messages of Dubbo errors."
            }
            Kind::GrayRelease | Kind::RateLimit | Kind::TagRoute | Kind::TrafficTag => {
                "The same code stands in metrics, access logs, debug logs and `meshlane explain`."
            }
        });
        self.line("");
        self.line("| code | meaning |");
        self.line("|---|---|");
        for reason in Reason::ALL.iter().filter(|reason| concerns(**reason, kind)) {
            self.line(&format!("| `{reason}` | {} |", cell(reason.description())));
        }
    }

    /// A type in words, with links to the definitions that it refers to.
    fn type_of(&mut self, schema: &'s Value) -> String {
        if let Some(name) = definition_name(schema) {
            if let Some(page) = page_of(&name) {
                return format!("[configuration]({page}.md)");
            }
            if !self.described.contains(&name) && !self.queue.contains(&name) {
                self.queue.push(name.clone());
            }
            return format!("[{name}](#{})", name.to_lowercase());
        }
        if let Some(items) = schema.get("items") {
            return format!("list of {}", self.type_of(items));
        }
        if let Some(values @ Value::Object(_)) = schema.get("additionalProperties") {
            return format!("map of names to {}", self.type_of(values));
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(alternatives) = schema.get(keyword).and_then(Value::as_array) {
                let words: Vec<String> = alternatives
                    .iter()
                    .filter(|alternative| !is_null(alternative))
                    .map(|alternative| self.type_of(alternative))
                    .collect();
                return words.join(" or ");
            }
        }
        self.structure
            .describe(schema)
            .replace("true or false", "boolean")
            .trim_start_matches("a ")
            .trim_start_matches("an ")
            .to_owned()
    }

    fn next_definition(&mut self) -> Option<String> {
        if self.queue.is_empty() {
            return None;
        }
        let name = self.queue.remove(0);
        self.described.push(name.clone());
        Some(name)
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}

/// Whether a filter gives this reason.
fn concerns(reason: Reason, kind: Kind) -> bool {
    let areas: &[&str] = match kind {
        Kind::Dubbo => &["bridge", "config"],
        Kind::GrayRelease => &["config", "request", "carried", "correlation", "lane"],
        Kind::RateLimit => &["config", "request", "limit"],
        Kind::TagRoute => &["config", "request", "route", "router", "health"],
        Kind::TrafficTag => &["config", "request", "tag", "incoming", "rule"],
    };
    let code = reason.as_str();
    areas.contains(&code.split('-').next().unwrap_or(code))
}

/// The page of a definition that is the configuration of a filter.
fn page_of(definition: &str) -> Option<&'static str> {
    let kind = match definition {
        "RateLimitConfig" => Kind::RateLimit,
        "TagRouteConfig" => Kind::TagRoute,
        "TrafficTagConfig" => Kind::TrafficTag,
        _ => return None,
    };
    Some(kind.as_str())
}

fn definition_name(schema: &Value) -> Option<String> {
    let reference = schema.get("$ref")?.as_str()?;
    Some(reference.strip_prefix("#/$defs/")?.to_owned())
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

fn description(schema: &Value) -> &str {
    schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn limits(schema: &Value) -> String {
    let mut text = String::new();
    for (keyword, words) in [
        ("minimum", "At least"),
        ("maximum", "At most"),
        ("minItems", "Elements at least"),
        ("maxItems", "Elements at most"),
        ("minLength", "Characters at least"),
        ("maxLength", "Characters at most"),
    ] {
        if let Some(limit) = schema.get(keyword) {
            let _ = write!(text, " {words} {limit}.");
        }
    }
    text
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A text for one cell of a table.
fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}
