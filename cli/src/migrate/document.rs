//! What comes of a migration: documents of ours, in the shape of Kubernetes objects.

use std::collections::BTreeMap;
use std::fmt;

use meshlane_attributes::ProxyKind;
use meshlane_documents::{FilterDocument, FilterKind};
use meshlane_gray_release::config::Direction;
use meshlane_lane_group::LaneGroup;
use serde_json::{Map, Value, json};

use super::InvalidOutput;
use crate::policy::Policy;
use crate::render::yaml;

/// A document of ours, and what it comes from.
#[derive(Debug, Clone)]
pub struct Converted {
    /// What it is.
    pub subject: Target,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Which proxies run the filter.
    pub workloads: Workloads,
    /// Which way the requests go.
    pub direction: Option<Direction>,
    /// The filter's own configuration, or what stands in `spec`.
    pub config: Value,
    /// What it was made of, in words.
    pub made_of: String,
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The configuration of a filter.
    Filter(FilterKind),
    /// A lane group.
    LaneGroup,
}

/// Which proxies run a filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Workloads {
    /// The source does not tell: all of the namespace.
    #[default]
    Unsaid,
    /// Gateways.
    Gateway,
    /// Those with these labels.
    Selector(BTreeMap<String, String>),
}

impl Converted {
    /// The configuration of a filter.
    pub(super) fn filter(kind: FilterKind, name: String, config: Value, made_of: &str) -> Self {
        Self {
            subject: Target::Filter(kind),
            name,
            namespace: None,
            workloads: Workloads::Unsaid,
            direction: None,
            config,
            made_of: made_of.to_owned(),
        }
    }

    /// The document.
    pub fn to_json(&self) -> Value {
        let mut metadata = Map::new();
        metadata.insert("name".to_owned(), json!(self.name));
        if let Some(namespace) = &self.namespace {
            metadata.insert("namespace".to_owned(), json!(namespace));
        }
        json!({
            "apiVersion": LaneGroup::API_VERSION,
            "kind": self.kind(),
            "metadata": metadata,
            "spec": self.spec(),
        })
    }

    fn kind(&self) -> &'static str {
        match self.subject {
            Target::Filter(kind) => kind.as_str(),
            Target::LaneGroup => LaneGroup::KIND,
        }
    }

    fn spec(&self) -> Value {
        if self.subject == Target::LaneGroup {
            return self.config.clone();
        }
        let mut spec = Map::new();
        let workloads = match &self.workloads {
            Workloads::Gateway => json!({"gatewaySelector": {"istio": "ingressgateway"}}),
            Workloads::Unsaid => json!({"selector": {}}),
            Workloads::Selector(labels) => json!({"selector": labels}),
        };
        spec.insert("workloads".to_owned(), workloads);
        // A chain is for what goes out, a gateway sees requests once.
        let is_told = self.workloads != Workloads::Gateway
            && self.subject != Target::Filter(FilterKind::RouterChain);
        if is_told {
            let direction = self.direction.unwrap_or(Direction::Inbound);
            spec.insert("direction".to_owned(), json!(direction.as_str()));
        }
        spec.insert("config".to_owned(), self.config.clone());
        Value::Object(spec)
    }

    /// Asks the code that reads the document in earnest.
    pub(super) fn validate(&self) -> Result<(), InvalidOutput> {
        let document = self.to_json().to_string();
        let proxy = match self.workloads {
            Workloads::Gateway => ProxyKind::Gateway,
            _ => ProxyKind::Sidecar,
        };
        let validated = match self.subject {
            Target::LaneGroup => LaneGroup::parse(document.as_bytes()).map(|_| ()),
            Target::Filter(kind) => {
                FilterDocument::parse(kind, document.as_bytes()).and_then(|_| {
                    let config = self.config.to_string();
                    Policy::parse(kind.into(), config.as_bytes(), proxy).map(|_| ())
                })
            }
        };
        validated.map_err(|violations| InvalidOutput {
            document: self.made_of.clone(),
            violations,
        })
    }
}

/// As YAML, with a comment that says what it was made of.
impl fmt::Display for Converted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Made of {}.", self.made_of)?;
        yaml::document(f, &self.to_json())
    }
}

/// A value without the keys that say nothing.
pub(super) fn pruned(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            members.map(|(key, value)| (key, pruned(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(pruned).collect(),
        other => other,
    }
}
