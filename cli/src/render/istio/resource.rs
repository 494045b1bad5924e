//! A resource of Kubernetes that is rendered.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::render::yaml;

/// A resource, and why it is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    comment: String,
    value: Value,
}

/// The document that a resource is of: its kind, and its name where it is one alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) kind: &'static str,
    pub(super) name: Option<String>,
}

impl Resource {
    pub(super) fn new(
        (api_version, kind): (&str, &str),
        (namespace, name): (Option<&str>, &str),
        owner: &Owner,
        body: Value,
    ) -> Self {
        let mut labels = json!({
            "app.kubernetes.io/managed-by": MANAGED_BY,
            "meshlane.dev/kind": owner.kind,
        });
        if let Some(name) = &owner.name {
            set(&mut labels, "meshlane.dev/name", json!(name));
        }
        let mut metadata = json!({"name": name, "labels": labels});
        if let Some(namespace) = namespace {
            set(&mut metadata, "namespace", json!(namespace));
        }
        let mut members = Map::new();
        members.insert("apiVersion".to_owned(), json!(api_version));
        members.insert("kind".to_owned(), json!(kind));
        members.insert("metadata".to_owned(), metadata);
        if let Value::Object(body) = body {
            members.extend(body);
        }
        Self {
            comment: String::new(),
            value: Value::Object(members),
        }
    }

    /// Says why the resource is there.
    pub(super) fn comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = comment.into();
        self
    }

    /// Kind, namespace and name: `WasmPlugin shop/rate-limit-orders`.
    pub(super) fn identity(&self) -> String {
        let text = |pointer: &str| self.value.pointer(pointer).and_then(Value::as_str);
        let name = text("/metadata/name").unwrap_or_default();
        let namespace = text("/metadata/namespace").unwrap_or("default");
        format!("{} {namespace}/{name}", text("/kind").unwrap_or_default())
    }

    /// The resource itself.
    pub fn value(&self) -> &Value {
        &self.value
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = String::new();
        for word in self.comment.split_whitespace() {
            if line.len() + word.len() > WIDTH {
                writeln!(f, "#{line}")?;
                line.clear();
            }
            line.push(' ');
            line.push_str(word);
        }
        if !line.is_empty() {
            writeln!(f, "#{line}")?;
        }
        yaml::document(f, &self.value)
    }
}

/// Adds a member to an object.
pub(super) fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}

/// How wide comments are.
const WIDTH: usize = 110;

/// The label by which `kubectl apply --prune` knows what was rendered before.
pub(in crate::render) const MANAGED_BY: &str = "meshlane";
