//! What only the filter's own validation knows.
//!
//! The configuration goes through the very code that the filter runs. That code stops at
//! the first structural error, so where there are some, the parts that they are in are
//! left out first; what is found in the rest is reported beside them.

use std::collections::HashMap;

use meshlane_attributes::ProxyKind;
use meshlane_diagnostics::{JsonPath, Problem, Segment, Violation, Violations};
use meshlane_traffic_tag::Policy;

use crate::diagnostic::{Diagnostic, Severity};
use crate::documents::{Kind, Plugin};
use crate::source::{Node, Value};

/// The document as the filter receives it: JSON, or nothing at all.
pub fn document_bytes(config: Option<&Node>) -> Vec<u8> {
    config.map_or_else(Vec::new, |node| node.to_json().to_string().into_bytes())
}

/// Everything that the filter itself would say about a configuration, beside the
/// structural errors that are already known.
pub(super) fn check(
    plugin: &Plugin,
    proxy: ProxyKind,
    structural: &[Diagnostic],
) -> Vec<Diagnostic> {
    let Some(config) = &plugin.config else {
        return Vec::new();
    };
    let mut rest = Rest::of(config, structural);
    for _ in 0..MAX_ROUNDS {
        let violations = validate(plugin.kind, &rest.node, proxy);
        let malformed = violations
            .iter()
            .find(|violation| matches!(violation.problem, Problem::Malformed { .. }));
        let Some(malformed) = malformed.filter(|_| !structural.is_empty()) else {
            return violations
                .iter()
                .filter(|violation| rest.is_independent(violation))
                .map(|violation| diagnostic(violation, &rest, config))
                .collect();
        };
        if !rest.remove_around(&malformed.path) {
            break;
        }
    }
    Vec::new()
}

fn validate(kind: Kind, config: &Node, proxy: ProxyKind) -> Violations {
    let bytes = document_bytes(Some(config));
    let violations = match kind {
        Kind::Dubbo => meshlane_bridge::Policy::parse(&bytes, proxy).err(),
        Kind::TrafficTag => Policy::parse(&bytes, proxy).err(),
    };
    violations.unwrap_or_default()
}

fn diagnostic(violation: &Violation, rest: &Rest, config: &Node) -> Diagnostic {
    let problem = &violation.problem;
    let path = rest.original(&violation.path);
    let span = place(problem, &path, config);
    let message = match problem {
        // The names that exist and the nearest of them are shown beside it.
        Problem::UnknownName { kind, found, .. } => format!("unknown {kind} `{found}`"),
        Problem::UnknownKey { key, .. } => format!("unknown key `{key}`"),
        _ => problem.to_string(),
    };
    let mut diagnostic = Diagnostic::error(problem.code(), span, message)
        .suggestion(problem.suggestion())
        .at(path.clone());
    diagnostic.found = problem.found();
    diagnostic.expected = problem.expected();
    let first = match problem {
        Problem::Duplicate { first, .. } => Some((first, "first used here")),
        Problem::UsedBeforeDecided { defined, .. } => Some((defined, "decided here")),
        _ => None,
    };
    if let Some((other, label)) = first {
        let other = config.locate_value(&rest.original(other));
        diagnostic = diagnostic.related(other, label);
    }
    diagnostic
}

/// A problem with a value is shown at the value, one with a key at the key.
fn place(problem: &Problem, path: &JsonPath, config: &Node) -> crate::source::Span {
    match problem {
        Problem::UnknownKey { key, .. } => config
            .find(path)
            .and_then(|node| node.entry(key))
            .map_or_else(|| config.locate(path), |entry| entry.key_span.clone()),
        Problem::Incompatible { key, .. } => config
            .find(path)
            .and_then(|node| node.entry(key))
            .map_or_else(|| config.locate_value(path), |entry| entry.key_span.clone()),
        _ => config.locate_value(path),
    }
}

/// What is left of a configuration without the parts that have structural errors.
struct Rest {
    node: Node,
    /// For lists that elements were taken out of: the original index of each that is left.
    indices: HashMap<JsonPath, Vec<usize>>,
    /// Objects that something was taken out of.
    incomplete: Vec<JsonPath>,
}

impl Rest {
    fn of(config: &Node, structural: &[Diagnostic]) -> Self {
        let mut rest = Self {
            node: config.clone(),
            indices: HashMap::new(),
            incomplete: Vec::new(),
        };
        // A key that is missing, or that is there twice, leaves nothing to take out.
        let mut paths: Vec<&JsonPath> = structural
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Error)
            .filter(|diagnostic| !matches!(diagnostic.code, "missing-key" | "duplicate-key"))
            .filter_map(|diagnostic| diagnostic.path.as_ref())
            .collect();
        // From the end, so that the indices of what is still to be taken out stay right.
        paths.sort_by(|a, b| compare(b, a));
        paths.dedup();
        for path in paths {
            rest.remove(path);
        }
        rest
    }

    /// Takes out the value at a path of the original document.
    fn remove(&mut self, path: &JsonPath) {
        let path = self.current(path);
        let Some((last, parents)) = path.segments().split_last() else {
            return;
        };
        let parent_path: JsonPath = parents.iter().cloned().collect();
        let Some(parent) = find_mut(&mut self.node, parents) else {
            return;
        };
        match (&mut parent.value, last) {
            (Value::Map(entries), Segment::Key(key)) => {
                entries.retain(|entry| entry.key != *key);
                self.incomplete.push(parent_path);
            }
            (Value::List(items), Segment::Index(index)) if *index < items.len() => {
                let count = items.len();
                items.remove(*index);
                let indices = self
                    .indices
                    .entry(parent_path.clone())
                    .or_insert_with(|| (0..count).collect());
                indices.remove(*index);
                self.incomplete.push(parent_path);
            }
            _ => {}
        }
    }

    /// Takes out the innermost list element around a path of what is left.
    fn remove_around(&mut self, path: &JsonPath) -> bool {
        let segments = path.segments();
        let element = segments
            .iter()
            .rposition(|segment| matches!(segment, Segment::Index(_)));
        let Some(around) = element.and_then(|index| segments.get(..=index)) else {
            return false;
        };
        let around = self.original(&around.iter().cloned().collect());
        self.remove(&around);
        true
    }

    /// Whether a violation is not a mere consequence of what was taken out.
    fn is_independent(&self, violation: &Violation) -> bool {
        let names_a_tag = matches!(&violation.problem, Problem::UnknownName { kind: "tag", .. });
        let is_consequence = self.incomplete.contains(&violation.path)
            || (names_a_tag && !self.incomplete.is_empty());
        !is_consequence
    }

    /// The path in the original document for a path in what is left.
    fn original(&self, path: &JsonPath) -> JsonPath {
        let mut here = JsonPath::default();
        let mut original = JsonPath::default();
        for segment in path.segments() {
            let mapped = match segment {
                Segment::Index(index) => self
                    .indices
                    .get(&here)
                    .and_then(|indices| indices.get(*index))
                    .map_or(segment.clone(), |index| Segment::Index(*index)),
                Segment::Key(_) => segment.clone(),
            };
            original = original.join(mapped);
            here = here.join(segment.clone());
        }
        original
    }

    /// The path in what is left for a path in the original document.
    fn current(&self, path: &JsonPath) -> JsonPath {
        let mut here = JsonPath::default();
        for segment in path.segments() {
            let mapped = match segment {
                Segment::Index(original) => self
                    .indices
                    .get(&here)
                    .and_then(|indices| indices.iter().position(|index| index == original))
                    .map_or(segment.clone(), Segment::Index),
                Segment::Key(_) => segment.clone(),
            };
            here = here.join(mapped);
        }
        here
    }
}

fn find_mut<'n>(node: &'n mut Node, path: &[Segment]) -> Option<&'n mut Node> {
    path.iter()
        .try_fold(node, |node, segment| match (&mut node.value, segment) {
            (Value::Map(entries), Segment::Key(key)) => entries
                .iter_mut()
                .find(|entry| entry.key == *key)
                .map(|entry| &mut entry.value),
            (Value::List(items), Segment::Index(index)) => items.get_mut(*index),
            _ => None,
        })
}

/// The order of a document: by keys, then by indices; what is inside comes after.
fn compare(a: &JsonPath, b: &JsonPath) -> std::cmp::Ordering {
    for (a, b) in a.segments().iter().zip(b.segments()) {
        let order = match (a, b) {
            (Segment::Index(a), Segment::Index(b)) => a.cmp(b),
            (Segment::Key(a), Segment::Key(b)) => a.cmp(b),
            (Segment::Index(_), Segment::Key(_)) => std::cmp::Ordering::Less,
            (Segment::Key(_), Segment::Index(_)) => std::cmp::Ordering::Greater,
        };
        if order.is_ne() {
            return order;
        }
    }
    a.segments().len().cmp(&b.segments().len())
}

/// How often parts are left out before giving up.
const MAX_ROUNDS: usize = 50;
