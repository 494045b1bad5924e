//! `meshlane render istio`

use std::fmt::Write as _;

use meshlane_diagnostics::JsonPath;
use meshlane_documents::{DubboService, FilterDocument};

use crate::args::IstioArgs;
use crate::check::{Assumptions, CheckedFile, check, check_documents, document_bytes, merge};
use crate::command::{Exit, Failure, Streams, input, report};
use crate::diagnostic::Severity;
use crate::documents::{Kind, OwnKind};
use crate::render::{Documents, Options, Place, Rendering, Resources};
use crate::source::{Node, Source};

/// What is to say goes to standard error: the output is to be applied.
pub(super) fn run(args: &IstioArgs, streams: &mut Streams<'_>) -> Result<Exit, Failure> {
    let mut existing = Resources::default();
    let mut files = Vec::with_capacity(args.files.len());
    for path in &args.files {
        let source = input::read(path, streams)?;
        // What is wrong there with what is not ours does not matter.
        existing.read(files.len(), &source.read().documents);
        files.push(check_documents(source));
    }
    let groups = merge(&mut files);
    for file in &files {
        report(&file.source, &file.messages, streams)?;
    }
    if files.iter().any(|file| file.unreadable) {
        return Ok(Exit::Failed);
    }
    let Some(groups) = groups else {
        return Ok(Exit::Wrong);
    };
    let documents = documents(&files, groups.groups);
    if documents.is_empty() {
        let names: Vec<_> = files.iter().map(|file| file.source.name()).collect();
        return Err(Failure::NoDocument(names.join(", ")));
    }
    let rendering = Rendering::new(documents, &existing, &Options::from(args));
    let is_wrong = said(&files, &rendering, streams)?;
    if is_wrong {
        return Ok(Exit::Wrong);
    }
    let text = text(&rendering);
    let is_wrong = judged(&text, streams)?;
    if is_wrong {
        return Ok(Exit::Wrong);
    }
    streams.output.write_all(text.as_bytes())?;
    Ok(Exit::Fine)
}

/// The documents of files in which nothing is wrong.
fn documents(files: &[CheckedFile], groups: Vec<meshlane_lane_group::LaneGroup>) -> Documents {
    let mut documents = Documents::default();
    let place = |file: usize, node: &Node, resource: &str| Place {
        file,
        span: node.get("kind").unwrap_or(node).place(),
        path: JsonPath::default(),
        resource: resource.to_owned(),
    };
    let mut groups = groups.into_iter();
    for (number, file) in files.iter().enumerate() {
        for group in &file.lane_groups {
            let place = place(number, &group.node, &group.resource);
            documents
                .groups
                .extend(groups.next().map(|group| (group, place)));
        }
        for document in &file.documents {
            let place = place(number, &document.node, &document.resource);
            let bytes = document_bytes(Some(&document.node));
            match document.kind {
                OwnKind::Filter(kind) => {
                    let config = document.node.descend(&["spec", "config"]);
                    let config = config.map(Node::to_json).unwrap_or_default();
                    let parsed = FilterDocument::parse(kind, &bytes).ok();
                    let parsed = parsed.map(|document| (document, config, place));
                    documents.filters.extend(parsed);
                }
                OwnKind::DubboService => {
                    let parsed = DubboService::parse(&bytes).ok();
                    documents
                        .services
                        .extend(parsed.map(|service| (service, place)));
                }
            }
        }
    }
    documents
}

/// Says what is to say about the documents and what is there already; tells whether something is wrong.
fn said(
    files: &[CheckedFile],
    rendering: &Rendering,
    streams: &mut Streams<'_>,
) -> Result<bool, Failure> {
    let mut is_wrong = false;
    for (file, message) in &rendering.messages {
        is_wrong |= message.diagnostic.severity == Severity::Error;
        if let Some(file) = files.get(*file) {
            report(&file.source, std::slice::from_ref(message), streams)?;
        }
    }
    Ok(is_wrong)
}

fn text(rendering: &Rendering) -> String {
    let mut text = String::new();
    for (index, resource) in rendering.resources.iter().enumerate() {
        if index > 0 {
            text.push_str("---\n");
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "{resource}");
    }
    text
}

/// What `check` says of the resources: documents that are right one by one may not go together.
fn judged(text: &str, streams: &mut Streams<'_>) -> Result<bool, Failure> {
    let assumptions = Assumptions {
        kind: Kind::TrafficTag,
        proxy: None,
    };
    let checked = check(Source::new("(rendered)", text), assumptions);
    report(&checked.source, &checked.messages, streams)?;
    Ok(checked.count(Severity::Error) > 0)
}

impl From<&IstioArgs> for Options {
    fn from(args: &IstioArgs) -> Self {
        Self {
            api: args.api,
            routing: args.routing,
            registry: args.registry.clone(),
            tag: args.tag.clone(),
            digests: args.digests.iter().cloned().collect(),
            pull_secret: args.pull_secret.clone(),
        }
    }
}
