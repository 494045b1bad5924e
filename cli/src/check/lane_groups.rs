//! Lane groups, alone and together.

use std::collections::BTreeMap;

use meshlane_diagnostics::{JsonPath, Problem, Segment, Violation};
use meshlane_lane_group::{LaneGroup, Rendered};

use super::{CheckedFile, Message, check_document, document_bytes, semantics, sort};
use crate::diagnostic::{Diagnostic, Severity};
use crate::documents::{self, Findings, Kind, LaneGroupDocument};
use crate::schema::Subject;
use crate::source::Source;

/// Lane groups and what follows from all of them.
#[derive(Debug)]
pub struct Merged {
    /// The groups.
    pub groups: Vec<LaneGroup>,
    /// The configurations of the filters.
    pub rendered: Rendered,
}

/// What is to say about a lane group.
pub(super) fn check(document: &LaneGroupDocument) -> Vec<Message> {
    let parse = |document: &[u8]| LaneGroup::parse(document).err();
    let found = check_document(&document.node, Subject::LaneGroup, &parse).into_iter();
    found
        .map(|diagnostic| message(diagnostic, document))
        .collect()
}

/// Checks the lane groups of a file and passes over all else.
pub fn check_lane_groups(source: Source) -> CheckedFile {
    let contents = source.read();
    let mut findings = Findings::default();
    for document in &contents.documents {
        documents::find(&source, document, Kind::TrafficTag, &mut findings);
    }
    findings.passed_over += findings.plugins.len();
    findings.plugins.clear();
    findings.documents.clear();
    let messages = findings.lane_groups.iter().flat_map(check).collect();
    CheckedFile::new(source, contents.syntax_error, findings, messages)
}

/// What follows from the lane groups of some files together; nothing when something is wrong with one of them. What does not go
/// together is added to the messages of the files.
pub fn merge(files: &mut [CheckedFile]) -> Option<Merged> {
    if files.iter().any(|file| file.count(Severity::Error) > 0) {
        return None;
    }
    let documents = files.iter().enumerate();
    let documents: Vec<_> = documents
        .flat_map(|(file, checked)| checked.lane_groups.iter().map(move |group| (file, group)))
        .collect();
    let groups = documents
        .iter()
        .map(|(_, document)| LaneGroup::parse(&document_bytes(Some(&document.node))).ok())
        .collect::<Option<Vec<_>>>()?;
    let violations = match meshlane_lane_group::merge(&groups) {
        Ok(rendered) => return Some(Merged { groups, rendered }),
        Err(violations) => violations,
    };
    let mut found: BTreeMap<usize, Vec<Message>> = BTreeMap::new();
    for violation in &violations {
        // What comes from no document in particular is shown at the first one.
        let (at, path) = member(&violation.path).unwrap_or_default();
        if let Some((file, document)) = documents.get(at) {
            let mut diagnostic = located(violation, path, document);
            if let Problem::Duplicate { value, first } = &violation.problem {
                let first = member(first).and_then(|(other, path)| {
                    let (other, document) = documents.get(other)?;
                    Some((other == file, *document, path))
                });
                duplicate(&mut diagnostic, value, first);
            }
            let messages = found.entry(*file).or_default();
            messages.push(message(diagnostic, document));
        }
    }
    for (file, messages) in found {
        if let Some(checked) = files.get_mut(file) {
            checked.messages.extend(messages);
            sort(&mut checked.messages);
        }
    }
    None
}

/// What is wrong, at a place in a document.
fn located(violation: &Violation, path: JsonPath, document: &LaneGroupDocument) -> Diagnostic {
    let problem = violation.problem.clone();
    semantics::located(&Violation { path, problem }, &document.node)
}

/// Says where a value was first used: whether that is in the same file, the document, and the place in it.
fn duplicate(
    diagnostic: &mut Diagnostic,
    value: &str,
    first: Option<(bool, &LaneGroupDocument, JsonPath)>,
) {
    // That was looked for in the wrong document.
    diagnostic.related.clear();
    if let Some((is_here, document, path)) = first {
        let resource = &document.resource;
        diagnostic.message = format!("`{value}` is already used at {path} in {resource}");
        if is_here {
            let span = document.node.locate_value(&path);
            diagnostic
                .related
                .push((span, "first used here".to_owned()));
        }
    }
}

/// The position of a group and the place in its document, of a place in all of them.
fn member(path: &JsonPath) -> Option<(usize, JsonPath)> {
    match path.segments().split_first()? {
        (Segment::Index(at), rest) => Some((*at, rest.iter().cloned().collect())),
        (Segment::Key(_), _) => None,
    }
}

fn message(diagnostic: Diagnostic, document: &LaneGroupDocument) -> Message {
    Message {
        diagnostic,
        plugin: Some(document.resource.clone()),
    }
}
