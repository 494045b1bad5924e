//! Values and types in a few words.

use crate::source::{Node, Value};

/// A value in a few words.
pub(super) fn found(node: &Node) -> String {
    let text = match &node.value {
        Value::Null => return "nothing (null)".to_owned(),
        Value::List(_) => return "a list".to_owned(),
        Value::Map(_) => return "an object".to_owned(),
        Value::Text { text, .. } => format!("the string {text:?}"),
        _ => format!("the {} {}", node.type_name(), node.to_json()),
    };
    shortened(text)
}

pub(super) fn shortened(text: String) -> String {
    if text.chars().count() > MAX_SHOWN {
        let start: String = text.chars().take(MAX_SHOWN).collect();
        format!("{start}…")
    } else {
        text
    }
}

pub(super) fn with_article(type_name: &str) -> &str {
    match type_name {
        "string" => "a string",
        "number" => "a number",
        "integer" => "a whole number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "an object",
        other => other,
    }
}

pub(super) fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

pub(super) fn join_or(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// How much of a found value is shown.
const MAX_SHOWN: usize = 60;
