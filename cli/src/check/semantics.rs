//! What only the validation knows that a document goes through in earnest.
//!
//! The configuration of a filter goes through the very code that the filter runs. That code stops at
//! the first structural error, so where there are some, the parts that they are in are
//! left out first; what is found in the rest is reported beside them.

use std::collections::HashMap;

use meshlane_diagnostics::{JsonPath, Problem, Segment, Violation, Violations};

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{Node, Value};

/// The document as the filter receives it: JSON, or nothing at all.
pub fn document_bytes(config: Option<&Node>) -> Vec<u8> {
    config.map_or_else(Vec::new, |node| node.to_json().to_string().into_bytes())
}

/// Everything that `parse`, the code that reads a document in earnest, would say about it, beside
/// the structural errors that are already known.
pub(super) fn check(
    config: &Node,
    structural: &[Diagnostic],
    parse: &dyn Fn(&[u8]) -> Option<Violations>,
) -> Vec<Diagnostic> {
    let mut rest = Rest::of(config, structural);
    for _ in 0..MAX_ROUNDS {
        let violations = parse(&document_bytes(Some(&rest.node))).unwrap_or_default();
        let malformed = violations
            .iter()
            .find(|violation| matches!(violation.problem, Problem::Malformed { .. }));
        let Some(malformed) = malformed.filter(|_| !structural.is_empty()) else {
            return violations
                .iter()
                .filter(|violation| rest.is_independent(violation, config))
                .map(|violation| diagnostic(violation, &rest, config))
                .collect();
        };
        if !rest.remove_around(&malformed.path) {
            break;
        }
    }
    Vec::new()
}

/// What a violation says, at its place in a document.
pub(super) fn located(violation: &Violation, document: &Node) -> Diagnostic {
    diagnostic(violation, &Rest::of(document, &[]), document)
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
        // What is wrong is a name that somebody gave.
        Problem::InvalidValue { found, .. } if ends_with(path, found) => config.locate(path),
        Problem::UnknownKey { key, .. } => config
            .find(path)
            .and_then(|node| node.entry(key))
            .map_or_else(|| config.locate(path), |entry| entry.key_span.clone()),
        // The path leads to the object that has the key, or to the key itself.
        Problem::Incompatible { key, .. } => config
            .find(path)
            .and_then(|node| node.entry(key))
            .map_or_else(|| config.locate(path), |entry| entry.key_span.clone()),
        _ => config.locate_value(path),
    }
}

/// What is left of a configuration without the parts that have structural errors. All paths that
/// are kept are those of the original.
struct Rest {
    node: Node,
    /// For lists that elements were taken out of: the original index of each that is left.
    indices: HashMap<JsonPath, Vec<usize>>,
    /// What was taken out.
    taken: Vec<JsonPath>,
    /// Objects and lists that something was taken out of.
    incomplete: Vec<JsonPath>,
}

impl Rest {
    fn of(config: &Node, structural: &[Diagnostic]) -> Self {
        let mut rest = Self {
            node: config.clone(),
            indices: HashMap::new(),
            taken: Vec::new(),
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
        let Some(parent_path) = parent(path) else {
            return;
        };
        self.taken.push(path.clone());
        let path = self.current(path);
        let Some((last, parents)) = path.segments().split_last() else {
            return;
        };
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

    /// Takes out the innermost list element around a path of what is left; what is there itself
    /// when it is in no list.
    fn remove_around(&mut self, path: &JsonPath) -> bool {
        let segments = path.segments();
        let element = segments
            .iter()
            .rposition(|segment| matches!(segment, Segment::Index(_)));
        let around = match element {
            Some(index) => segments.get(..=index),
            None => Some(segments).filter(|segments| !segments.is_empty()),
        };
        let Some(around) = around else {
            return false;
        };
        let around = self.original(&around.iter().cloned().collect());
        self.remove(&around);
        true
    }

    /// Whether a violation is not a mere consequence of what was taken out.
    fn is_independent(&self, violation: &Violation, config: &Node) -> bool {
        let path = self.original(&violation.path);
        let is_here = self.incomplete.contains(&path) || self.taken.contains(&path);
        !is_here && !self.follows(&violation.problem, &path, config)
    }

    /// Whether a problem may come from what was taken out elsewhere.
    fn follows(&self, problem: &Problem, path: &JsonPath, config: &Node) -> bool {
        let parent = parent(path).unwrap_or_default();
        match problem {
            Problem::UnknownName { kind: "tag", .. } => !self.incomplete.is_empty(),
            Problem::UnknownName {
                kind: "lane",
                found,
                ..
            } => self.may_have_lost("lanes", found, config),
            Problem::UnknownName {
                kind: "service",
                found,
                ..
            } => self.may_have_lost("services", found, config),
            // It is defined, and something is wrong there.
            Problem::UnknownName {
                kind: "chain",
                found,
                ..
            } => config.descend(&["chains", found.as_str()]).is_some(),
            Problem::Incompatible {
                key: "minHealthy", ..
            } => self.taken.iter().any(|path| ends_with(path, "health")),
            Problem::Incompatible { .. } if self.may_have_lost_key(path) => true,
            Problem::InvalidValue { .. } if self.may_have_lost_limit(path) => true,
            Problem::Incompatible { key, .. } if ends_with(path, key) => {
                self.incomplete.contains(&parent)
            }
            // Labels of destinations, some of which may be missing.
            Problem::InvalidValue { .. } if ends_with(path, "baseline") => {
                let mut incomplete = self.incomplete.iter();
                incomplete.any(|path| path.segments().starts_with(parent.segments()))
            }
            _ => false,
        }
    }

    /// Whether attributes are missing of the `key` in an object.
    fn may_have_lost_key(&self, object: &JsonPath) -> bool {
        let key = Segment::Key("key".to_owned());
        self.incomplete.contains(&object.clone().join(key))
    }

    /// Whether the kind or the key is missing of the limit that an exception, or its key, is of.
    fn may_have_lost_limit(&self, path: &JsonPath) -> bool {
        let limit = match path.segments() {
            [limit @ .., Segment::Key(list), Segment::Index(_)] if list == "exceptions" => limit,
            [
                limit @ ..,
                Segment::Key(list),
                Segment::Index(_),
                Segment::Key(key),
            ] if list == "exceptions" && key == "key" => limit,
            _ => return false,
        };
        let limit = limit.iter().cloned().collect();
        self.incomplete.contains(&limit) || self.may_have_lost_key(&limit)
    }

    /// Whether a list of a lane group had an element of a name, as far as its names can be read.
    fn may_have_lost(&self, list: &str, name: &str, config: &Node) -> bool {
        let elements = config.descend(&["spec", list]);
        let mut elements = elements.map(Node::items).unwrap_or_default().iter();
        let is_it = |element: &Node| {
            let found = element.get("name").and_then(Node::text);
            found.is_none_or(|found| found == name)
        };
        let mut incomplete = self.incomplete.iter();
        incomplete.any(|path| ends_with(path, list)) && elements.any(is_it)
    }

    /// The path in the original document for a path in what is left.
    fn original(&self, path: &JsonPath) -> JsonPath {
        let mut original = JsonPath::default();
        for segment in path.segments() {
            let mapped = match segment {
                Segment::Index(index) => self
                    .indices
                    .get(&original)
                    .and_then(|indices| indices.get(*index))
                    .map_or(segment.clone(), |index| Segment::Index(*index)),
                Segment::Key(_) => segment.clone(),
            };
            original = original.join(mapped);
        }
        original
    }

    /// The path in what is left for a path in the original document.
    fn current(&self, path: &JsonPath) -> JsonPath {
        let mut original = JsonPath::default();
        let mut here = JsonPath::default();
        for segment in path.segments() {
            let mapped = match segment {
                Segment::Index(original_index) => self
                    .indices
                    .get(&original)
                    .and_then(|indices| indices.iter().position(|index| index == original_index))
                    .map_or(segment.clone(), Segment::Index),
                Segment::Key(_) => segment.clone(),
            };
            original = original.join(segment.clone());
            here = here.join(mapped);
        }
        here
    }
}

/// The path of the object or list around.
fn parent(path: &JsonPath) -> Option<JsonPath> {
    let (_, parents) = path.segments().split_last()?;
    Some(parents.iter().cloned().collect())
}

fn ends_with(path: &JsonPath, key: &str) -> bool {
    matches!(path.segments().last(), Some(Segment::Key(last)) if last == key)
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
