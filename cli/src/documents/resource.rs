//! What all Kubernetes resources have in common.

use meshlane_diagnostics::{JsonPath, nearest};

use super::{Findings, keys};
use crate::diagnostic::Diagnostic;
use crate::source::Node;

/// Name and namespace of a resource.
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
}

impl Identity {
    pub(crate) fn of(document: &Node) -> Self {
        let field = |name| document.descend(&["metadata", name]).and_then(Node::text);
        Self {
            name: field("name").unwrap_or("unnamed").to_owned(),
            namespace: field("namespace").map(str::to_owned),
        }
    }

    /// `demo/tag`
    pub(crate) fn written(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.clone(),
        }
    }

    /// The namespace that workloads are chosen from; the mesh's root namespace chooses from all.
    pub(super) fn workload_namespace(&self) -> Option<String> {
        self.namespace
            .clone()
            .filter(|namespace| namespace != "istio-system")
    }
}

/// Checks of one object of a resource against what the resource's definition says.
pub(super) struct Fields<'d, 'f> {
    pub(super) object: &'d Node,
    pub(super) path: JsonPath,
    pub(super) findings: &'f mut Findings,
}

impl Fields<'_, '_> {
    /// Reports the keys that are not known.
    pub(super) fn only(&mut self, known: &[&str]) {
        for entry in self.object.entries() {
            if known.contains(&entry.key.as_str()) {
                continue;
            }
            let suggestion = nearest(&entry.key, known.iter().copied());
            let diagnostic = Diagnostic::error(
                "unknown-key",
                entry.key_span.clone(),
                format!("unknown key `{}`", entry.key),
            )
            .found(entry.key.as_str())
            .expected(list(known))
            .suggestion(suggestion)
            .at(self.path_of(&entry.key));
            self.findings.diagnostics.push(diagnostic);
        }
    }

    /// A string field; reports one that is there and no string.
    pub(super) fn text(&mut self, key: &str) -> Option<&str> {
        let value = self.object.get(key)?;
        if let Some(text) = value.text() {
            return Some(text);
        }
        let found = value.to_json().to_string();
        let diagnostic = Diagnostic::error(
            "wrong-type",
            value.place(),
            format!(
                "`{key}` is a string, found the {} {found}",
                value.type_name()
            ),
        )
        .found(found)
        .expected("a string")
        .label("put it in quotes")
        .at(self.path_of(key));
        self.findings.diagnostics.push(diagnostic);
        None
    }

    /// A string field that has one of several values; reports any other.
    pub(super) fn one_of(&mut self, key: &str, known: &[&str]) -> Option<String> {
        let text = self.text(key)?.to_owned();
        if !known.contains(&text.as_str()) {
            let diagnostic = self
                .value_error(key, format!("unknown `{key}` `{text}`"))
                .found(text.as_str())
                .expected(list(known))
                .suggestion(nearest(&text, known.iter().copied()));
            self.findings.diagnostics.push(diagnostic);
        }
        Some(text)
    }

    /// Reports an error about the value of a field, or about its absence.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.findings.diagnostics.push(diagnostic);
    }

    /// An error about the value of a field.
    pub(super) fn value_error(&self, key: &str, message: String) -> Diagnostic {
        let span = self
            .object
            .get(key)
            .map_or_else(|| self.object.place(), Node::place);
        Diagnostic::error("invalid-value", span, message).at(self.path_of(key))
    }

    fn path_of(&self, key: &str) -> JsonPath {
        self.path
            .segments()
            .iter()
            .cloned()
            .chain(keys(&[key]).segments().iter().cloned())
            .collect()
    }
}

/// `a`, `b`, `c`
pub(super) fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
