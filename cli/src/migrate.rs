//! `meshlane migrate`: what people have of other systems, as documents of ours.
//!
//! A document is recognised (`origin`), read along the structure that its system gives it (`read`), and converted by the module of
//! that system. What cannot be kept as it is goes into a `report`, each with its place; what comes of it is a [`Converted`].

mod asm;
mod condition;
mod document;
mod dubbo;
mod higress;
mod name;
mod origin;
mod read;
mod report;
mod sentinel;
mod services;

use meshlane_diagnostics::Violations;

pub use document::{Converted, Target, Workloads};
pub use origin::Origin;
pub use services::{InvalidServices, Services};

use crate::check::Message;
use crate::diagnostic::Severity;
use crate::source::Source;
use origin::Found;

/// What is known beside the documents.
#[derive(Debug)]
pub struct Settings {
    /// What a document is that does not tell itself.
    pub from: Option<Origin>,
    /// The attribute that holds the name of the calling application, which Sentinel calls the origin.
    pub caller: String,
    /// The services that rules of Dubbo are for, with their destinations.
    pub services: Option<Services>,
    /// The namespace of documents that have none.
    pub namespace: Option<String>,
}

/// What came of some files.
#[derive(Debug)]
pub struct Migration {
    /// The files, in order.
    pub files: Vec<MigratedFile>,
    /// The documents, in the order of what they come from; none where something is wrong.
    pub documents: Vec<Converted>,
}

/// A file and all that is to say about it.
#[derive(Debug)]
pub struct MigratedFile {
    /// The file.
    pub source: Source,
    /// What is to say, in the order of the file.
    pub messages: Vec<Message>,
    /// How many documents were converted.
    pub converted: usize,
    /// How many documents are nothing that is converted.
    pub passed_over: usize,
    /// Whether the file could not be read to its end.
    pub unreadable: bool,
}

/// A converted document is not valid. That is a mistake of this program.
#[derive(Debug, thiserror::Error)]
#[error(
    "what `{document}` was converted to is not valid; this is a bug of meshlane, please report it with the source:\n{violations}"
)]
pub struct InvalidOutput {
    /// What was converted, in words.
    pub document: String,
    /// What is wrong with the output.
    pub violations: Violations,
}

impl Migration {
    /// Converts all that is known in some files.
    pub fn of(sources: Vec<Source>, settings: &Settings) -> Self {
        let mut files: Vec<_> = sources.into_iter().map(MigratedFile::new).collect();
        let mut found = Vec::new();
        for (number, file) in files.iter_mut().enumerate() {
            let contents = file.source.read();
            for document in &contents.documents {
                origin::find(document, number, settings, &mut found, file);
            }
            let syntax_error = contents.syntax_error;
            file.unreadable = syntax_error.is_some();
            file.messages.extend(syntax_error.map(Message::from));
        }
        let mut documents = Vec::new();
        for found in &mut found {
            documents.extend(convert(found, settings));
        }
        documents.extend(dubbo::chains(&mut found, settings));
        documents.extend(asm::lane_groups(&mut found));
        for one in &mut documents {
            if one.namespace.is_none() {
                one.namespace.clone_from(&settings.namespace);
            }
        }
        name::make_unique(&mut documents);
        for Found {
            file: number,
            resource,
            report,
            ..
        } in found
        {
            if let Some(file) = files.get_mut(number) {
                file.converted += 1;
                file.messages
                    .extend(report.messages.into_iter().map(|diagnostic| Message {
                        diagnostic,
                        plugin: Some(resource.clone()),
                    }));
            }
        }
        for file in &mut files {
            crate::check::sort(&mut file.messages);
        }
        let mut migration = Self { files, documents };
        if migration.count(Severity::Error) > 0 {
            // Half of it would be taken for the whole.
            migration.documents.clear();
        }
        migration
    }

    /// How many messages have a severity.
    pub fn count(&self, severity: Severity) -> usize {
        let messages = self.files.iter().flat_map(|file| &file.messages);
        messages
            .filter(|message| message.diagnostic.severity == severity)
            .count()
    }

    /// Asks the filters whether they would accept the documents.
    ///
    /// # Errors
    /// The first that they would not accept, and why.
    pub fn validate(&self) -> Result<(), InvalidOutput> {
        self.documents.iter().try_for_each(Converted::validate)
    }
}

impl MigratedFile {
    fn new(source: Source) -> Self {
        Self {
            source,
            messages: Vec::new(),
            converted: 0,
            passed_over: 0,
            unreadable: false,
        }
    }
}

/// What comes of one document alone.
fn convert(found: &mut Found, settings: &Settings) -> Vec<Converted> {
    let report = &mut found.report;
    let resource = found.resource.as_str();
    match found.origin {
        Origin::HigressWasmPlugin => higress::wasm_plugin(resource, report),
        Origin::HigressTrafficTag => higress::traffic_tag(resource, report),
        Origin::HigressKeyRateLimit => higress::key_rate_limit(resource, report),
        Origin::HigressClusterKeyRateLimit => higress::cluster_key_rate_limit(report),
        Origin::AsmTrafficLabel => asm::traffic_label(resource, report),
        // What belongs together is converted together.
        Origin::AsmSwimLaneGroup
        | Origin::AsmSwimLane
        | Origin::DubboTagRule
        | Origin::DubboConditionRule => Vec::new(),
        Origin::SentinelFlow => sentinel::flow_rules(resource, report, settings),
        Origin::SentinelParamFlow => sentinel::param_flow_rules(resource, report),
    }
}
