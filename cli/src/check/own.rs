//! What is around the configurations in documents of meshlane's own kinds, and Dubbo services.

use meshlane_diagnostics::Segment;
use meshlane_documents::{DubboService, FilterDocument, FilterKind};

use super::{CheckedFile, Message, about_plugins, check_document, lane_groups};
use crate::diagnostic::Diagnostic;
use crate::documents::{self, Findings, Kind, Origin, OwnDocument, OwnKind};
use crate::schema::Subject;
use crate::source::{Node, Source};

/// Checks the documents of meshlane's own kinds in a file and passes over all else.
pub fn check_documents(source: Source) -> CheckedFile {
    let contents = source.read();
    let mut findings = Findings::default();
    for document in &contents.documents {
        documents::find(&source, document, Kind::TrafficTag, &mut findings);
    }
    let found = findings.plugins.len();
    let is_own = |plugin: &documents::Plugin| plugin.origin == Origin::Document;
    findings.plugins.retain(is_own);
    findings.passed_over += found - findings.plugins.len();
    let mut messages: Vec<_> = findings.documents.iter().flat_map(check).collect();
    messages.extend(findings.lane_groups.iter().flat_map(lane_groups::check));
    messages.extend(about_plugins(&findings.plugins, None));
    CheckedFile::new(source, contents.syntax_error, findings, messages)
}

/// What is to say about a document. What is wrong with a configuration in it is said of its plugin, too.
pub(super) fn check(document: &OwnDocument) -> Vec<Message> {
    let parse = |bytes: &[u8]| match document.kind {
        OwnKind::Filter(kind) => FilterDocument::parse(kind, bytes).err(),
        OwnKind::DubboService => DubboService::parse(bytes).err(),
    };
    let mut found = check_document(&document.node, Subject::Document(document.kind), &parse);
    found.extend(nothing_to_route(document));
    let messages = found.into_iter().map(|diagnostic| Message {
        diagnostic,
        plugin: Some(document.resource.clone()),
    });
    messages.collect()
}

/// A chain for which there are no services, in its configuration or by hosts that are looked up when it is rendered.
fn nothing_to_route(document: &OwnDocument) -> Option<Diagnostic> {
    let of = |keys: &[&str]| document.node.descend(keys).map(Node::items);
    let is_empty = |keys: &[&str]| of(keys).is_none_or(<[Node]>::is_empty);
    let is_chain = document.kind == OwnKind::Filter(FilterKind::RouterChain);
    let spec = document.node.get("spec").filter(|_| is_chain)?;
    let is_idle = is_empty(&["spec", "hosts"]) && is_empty(&["spec", "config", "services"]);
    let message = "without `hosts`, or `services` in `config`, no request is given a destination";
    let path = [Segment::Key("spec".to_owned())].into_iter().collect();
    is_idle.then(|| Diagnostic::warning("config-empty", spec.place(), message).at(path))
}
