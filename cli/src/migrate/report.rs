//! What is to say about a document on its way into one of ours.

use std::collections::BTreeMap;

use meshlane_diagnostics::{Place, nearest};
use meshlane_lane_group::{is_label_value, is_name};

use crate::diagnostic::Diagnostic;
use crate::documents::Identity;
use crate::source::Node;

/// What is to say about a document, each with its place.
#[derive(Debug)]
pub(super) struct Report {
    /// The document.
    pub(super) node: Node,
    /// What is to say.
    pub(super) messages: Vec<Diagnostic>,
}

impl Report {
    pub(super) fn new(node: Node) -> Self {
        Self {
            node,
            messages: Vec::new(),
        }
    }

    /// Something that its own system would not accept either, or that is not known.
    pub(super) fn wrong(&mut self, place: &Place<'_>, message: impl Into<String>) {
        let diagnostic = self.at(place, |span| {
            Diagnostic::error("invalid-value", span, message)
        });
        self.messages.push(diagnostic);
    }

    /// The namespace of the document, which must be one.
    pub(super) fn namespace(&mut self) -> Option<String> {
        let namespace = Identity::of(&self.node).namespace?;
        if is_name(&namespace, 63) {
            return Some(namespace);
        }
        let root = Place::root();
        let place = root.key("metadata");
        self.wrong(&place.key("namespace"), "this is no namespace");
        None
    }

    /// Labels of workloads, which must be such as workloads can have.
    pub(super) fn labels(&mut self, labels: &BTreeMap<String, String>, place: &Place<'_>) {
        for (name, value) in labels {
            let short = name.rsplit('/').next().unwrap_or(name);
            let is_label = is_label_value(short) && (value.is_empty() || is_label_value(value));
            if !is_label || name.starts_with('/') {
                self.wrong(&place.key(name), "no workload has such a label");
            }
        }
    }

    /// A text that is none of those that are known.
    pub(super) fn unknown(&mut self, place: &Place<'_>, found: &str, known: &[&str]) {
        let list: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
        let list = list.join(", ");
        let diagnostic = self.at(place, |span| {
            Diagnostic::error(
                "unknown-name",
                span,
                format!("`{found}` is not one of {list}"),
            )
            .found(found)
            .expected(list.clone())
            .suggestion(nearest(found, known.iter().copied()))
        });
        self.messages.push(diagnostic);
    }

    /// Something that has no counterpart: what to do instead.
    pub(super) fn lost(
        &mut self,
        place: &Place<'_>,
        message: impl Into<String>,
        instead: impl Into<String>,
    ) {
        let diagnostic = self.at(place, |span| Diagnostic::warning("not-kept", span, message));
        self.messages.push(diagnostic.note(instead));
    }

    /// Something that is kept in another way: in which.
    pub(super) fn changed(
        &mut self,
        place: &Place<'_>,
        message: impl Into<String>,
        how: impl Into<String>,
    ) {
        let diagnostic = self.at(place, |span| {
            Diagnostic::note_about("kept-differently", span, message)
        });
        self.messages.push(diagnostic.note(how));
    }

    /// A message at a place: at the key where the place ends with one.
    fn at(
        &self,
        place: &Place<'_>,
        message: impl FnOnce(crate::source::Span) -> Diagnostic,
    ) -> Diagnostic {
        let path = place.to_path();
        message(self.node.locate_value(&path)).at(path)
    }
}
