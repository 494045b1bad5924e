//! A service that speaks Dubbo2.

use std::collections::BTreeMap;

use meshlane_bridge::config::Expose;
use meshlane_diagnostics::Violations;

pub use crate::config::{Capture, ProviderListener};

/// A service that speaks Dubbo2.
#[derive(Debug, Clone, PartialEq)]
pub struct DubboService {
    /// The name of the document and of the Kubernetes Service.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// The labels of the pods that provide it.
    pub selector: BTreeMap<String, String>,
    /// The interfaces, or their beginnings followed by `*`.
    pub interfaces: Vec<String>,
    /// The port.
    pub port: u16,
    /// The port of loopback at which calls become Dubbo again.
    pub loopback_port: u16,
    /// Where the listener of loopback comes from.
    pub listener: ProviderListener,
    /// Who calls it.
    pub consumers: Vec<Consumers>,
    /// What of a call is shown.
    pub expose: Expose,
    /// Its versions.
    pub versions: Option<Versions>,
    /// Who may call what; all may call all when not said.
    pub access: Option<Vec<Access>>,
    /// Whether callers must have a certificate.
    pub is_strict: bool,
}

/// Some consumers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Consumers {
    /// Their labels.
    pub selector: BTreeMap<String, String>,
    /// How their calls come to the sidecar.
    pub capture: Capture,
}

/// The versions of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// The label that holds them.
    pub label: String,
    /// Those that calls go to with a tag of the same value.
    pub tagged: Vec<String>,
    /// The one for all other calls.
    pub otherwise: String,
    /// The header that holds the tag.
    pub header: String,
    /// What is tried again.
    pub retries: Retries,
}

/// What is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries {
    /// How often at most.
    pub attempts: u32,
    /// When, in Envoy's words.
    pub on: String,
}

impl Default for Retries {
    /// Calls that reached nobody may be made again.
    fn default() -> Self {
        Self {
            attempts: 2,
            on: "connect-failure,refused-stream".to_owned(),
        }
    }
}

/// Some callers, and what they may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Their service accounts, with the namespaces.
    pub service_accounts: Vec<(String, String)>,
    /// Their namespaces.
    pub namespaces: Vec<String>,
    /// The interfaces.
    pub interfaces: Vec<String>,
    /// The methods; all when there are none.
    pub methods: Vec<String>,
    /// What arguments must be.
    pub arguments: BTreeMap<String, Vec<String>>,
    /// What attachments must be.
    pub attachments: BTreeMap<String, Vec<String>>,
}

impl DubboService {
    /// The `kind` of documents.
    pub const KIND: &'static str = "DubboService";

    /// Reads and validates a document.
    ///
    /// # Errors
    /// The first structural error, or everything that is wrong.
    pub fn parse(document: &[u8]) -> Result<Self, Violations> {
        crate::validate::dubbo_service(document)
    }
}
