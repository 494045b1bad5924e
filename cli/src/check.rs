//! `meshlane check`: everything that is wrong with the configurations in some files.

mod advice;
mod counts;
mod exposure;
mod lane_groups;
mod memory;
mod mentions;
mod order;
mod own;
mod semantics;
mod structure;

use meshlane_attributes::ProxyKind;
use meshlane_diagnostics::{JsonPath, Problem, Violations};

use crate::diagnostic::{Diagnostic, Severity};
use crate::documents::{self, Findings, Kind, LaneGroupDocument, OwnDocument, OwnKind, Plugin};
use crate::policy::Policy;
use crate::schema::{self, Subject};
use crate::source::{Node, Source, Value};

pub use exposure::{Needs, relate};
pub use lane_groups::{Merged, check_lane_groups, merge};
pub use own::check_documents;
pub use semantics::document_bytes;
pub use structure::{KEYWORDS, Structure};

/// What may be said about documents that do not say it themselves.
#[derive(Debug, Clone, Copy)]
pub struct Assumptions {
    /// The filter that a document is the configuration of when it is nothing else.
    pub kind: Kind,
    /// The kind of proxy, whatever the documents say.
    pub proxy: Option<ProxyKind>,
}

/// A file and all that is to say about it.
#[derive(Debug)]
pub struct CheckedFile {
    /// The file.
    pub source: Source,
    /// What is to say, in the order of the file.
    pub messages: Vec<Message>,
    /// The configurations that were found and checked.
    pub plugins: Vec<Plugin>,
    /// The lane groups that were found and checked.
    pub lane_groups: Vec<LaneGroupDocument>,
    /// The documents of meshlane's other kinds that were found and checked.
    pub documents: Vec<OwnDocument>,
    /// How many documents are none of ours.
    pub passed_over: usize,
    /// Whether the file could not be read to its end.
    pub unreadable: bool,
}

/// Something to say, and what it is about.
#[derive(Debug)]
pub struct Message {
    /// What is to say.
    pub diagnostic: Diagnostic,
    /// The plugin in words, when it is about a plugin's configuration; also the lane group.
    pub plugin: Option<String>,
}

impl CheckedFile {
    /// What was found in a file, up to the syntax error in it, and is to say about that.
    fn new(
        source: Source,
        syntax_error: Option<Diagnostic>,
        findings: Findings,
        mut messages: Vec<Message>,
    ) -> Self {
        let unreadable = syntax_error.is_some();
        messages.extend(syntax_error.map(Message::from));
        sort(&mut messages);
        Self {
            source,
            messages,
            plugins: findings.plugins,
            lane_groups: findings.lane_groups,
            documents: findings.documents,
            passed_over: findings.passed_over,
            unreadable,
        }
    }

    /// How many documents were checked.
    pub fn configurations(&self) -> usize {
        // Configurations in documents are among the plugins.
        let services = self.documents.iter();
        let services = services.filter(|document| document.kind == OwnKind::DubboService);
        self.plugins.len() + self.lane_groups.len() + services.count()
    }

    /// How many messages have a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.messages
            .iter()
            .filter(|message| message.diagnostic.severity == severity)
            .count()
    }
}

impl From<Diagnostic> for Message {
    /// About no plugin in particular.
    fn from(diagnostic: Diagnostic) -> Self {
        Self {
            diagnostic,
            plugin: None,
        }
    }
}

/// Checks a file.
pub fn check(source: Source, assumptions: Assumptions) -> CheckedFile {
    let contents = source.read();
    let mut findings = Findings::default();
    for document in &contents.documents {
        documents::find(&source, document, assumptions.kind, &mut findings);
    }
    let mut messages = about_plugins(&findings.plugins, assumptions.proxy);
    messages.extend(findings.lane_groups.iter().flat_map(lane_groups::check));
    messages.extend(findings.documents.iter().flat_map(own::check));
    messages.extend(order::check(&findings.plugins));
    messages.extend(memory::check(&findings.plugins));
    messages.extend(counts::check(&findings.plugins));
    let about_documents = std::mem::take(&mut findings.diagnostics);
    messages.extend(about_documents.into_iter().map(Message::from));
    CheckedFile::new(source, contents.syntax_error, findings, messages)
}

/// What is to say about configurations.
fn about_plugins(plugins: &[Plugin], proxy: Option<ProxyKind>) -> Vec<Message> {
    let messages = plugins.iter().flat_map(|plugin| {
        let about_plugin = check_plugin(plugin, proxy).into_iter();
        about_plugin.map(|diagnostic| Message {
            diagnostic,
            plugin: Some(plugin.resource.clone()),
        })
    });
    messages.collect()
}

/// Checks one configuration.
pub fn check_plugin(plugin: &Plugin, proxy: Option<ProxyKind>) -> Vec<Diagnostic> {
    let proxy = proxy.or(plugin.proxy.kind).unwrap_or(ProxyKind::Bare);
    let mut diagnostics = Vec::new();
    if let Some(config) = &plugin.config {
        let parse = |document: &[u8]| Policy::parse(plugin.kind, document, proxy).err();
        diagnostics = check_document(config, plugin.kind.into(), &parse);
    }
    diagnostics.extend(advice::about(plugin));
    diagnostics
}

/// What is wrong with the structure of a document and with what it says; `parse` is the code that reads it in earnest.
fn check_document(
    document: &Node,
    subject: Subject,
    parse: &dyn Fn(&[u8]) -> Option<Violations>,
) -> Vec<Diagnostic> {
    let structural = structural(document, &schema::of(subject));
    let mut diagnostics = semantics::check(document, &structural, parse);
    diagnostics.extend(structural);
    diagnostics
}

/// What is wrong with the structure of a document, and odd about the way in which it is written.
pub(crate) fn structural(document: &Node, schema: &serde_json::Value) -> Vec<Diagnostic> {
    let mut structural = Structure::of(schema).check(document);
    structural.extend(oddities(document));
    structural
}

/// What is odd about the way in which values are written.
fn oddities(config: &Node) -> Vec<Diagnostic> {
    let mut oddities = Vec::new();
    config.walk(&JsonPath::default(), &mut |path, node| {
        let found = node.oddities.iter().cloned().chain(inexact(node));
        oddities.extend(found.map(|oddity| oddity.at(path.clone())));
    });
    oddities
}

/// A whole number that becomes another one as soon as it is a double. The filter sees
/// only what became of it; the file still has what was meant.
fn inexact(node: &Node) -> Option<Diagnostic> {
    let Value::Number(number) = &node.value else {
        return None;
    };
    let written = number.as_i128()?;
    let arrives = number.as_f64()? as i128;
    let problem = Problem::InexactNumber {
        found: number.to_string(),
    };
    (written != arrives).then(|| {
        Diagnostic::error(problem.code(), node.place(), problem.to_string())
            .found(number.to_string())
            .expected("a string")
    })
}

/// Puts messages into the order of the file, each once: a value that is used through an
/// alias is looked at wherever it is used, and a configuration once more with the document
/// around it.
pub(crate) fn sort(messages: &mut Vec<Message>) {
    messages.sort_by(|a, b| {
        let order = |message: &Message| {
            let diagnostic = &message.diagnostic;
            (
                diagnostic.span.start,
                diagnostic.span.end,
                diagnostic.severity,
            )
        };
        order(a).cmp(&order(b))
    });
    messages.dedup_by(|a, b| {
        a.diagnostic.span == b.diagnostic.span
            && a.diagnostic.code == b.diagnostic.code
            && a.diagnostic.message == b.diagnostic.message
    });
}
