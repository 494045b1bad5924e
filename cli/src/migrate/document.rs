//! What comes of a migration: documents of ours, in the shape of Kubernetes objects.

use std::collections::BTreeMap;
use std::fmt;

use meshlane_attributes::ProxyKind;
use meshlane_gray_release::config::Direction;
use meshlane_lane_group::LaneGroup;
use serde_json::{Map, Value, json};

use super::InvalidOutput;
use crate::documents::Kind;
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
    Filter(Kind),
    /// A lane group.
    LaneGroup,
}

/// Which proxies run a filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Workloads {
    /// The source does not tell.
    #[default]
    Unsaid,
    /// Gateways.
    Gateway,
    /// Those with these labels.
    Selector(BTreeMap<String, String>),
}

impl Converted {
    /// The configuration of a filter.
    pub(super) fn filter(kind: Kind, name: String, config: Value, made_of: &str) -> Self {
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
            Target::LaneGroup => LaneGroup::KIND,
            Target::Filter(kind) => match kind {
                Kind::TrafficTag => "TrafficLabel",
                Kind::TagRoute => "RouterChain",
                Kind::RateLimit => "RateLimit",
                // Nothing is converted to these.
                Kind::Dubbo | Kind::GrayRelease => kind.as_str(),
            },
        }
    }

    fn spec(&self) -> Value {
        if self.subject == Target::LaneGroup {
            return self.config.clone();
        }
        let mut spec = Map::new();
        match &self.workloads {
            Workloads::Unsaid => {}
            Workloads::Gateway => {
                spec.insert("workloads".to_owned(), json!({"gateway": true}));
            }
            Workloads::Selector(labels) => {
                spec.insert("workloads".to_owned(), json!({"selector": labels}));
            }
        }
        if let Some(direction) = self.direction {
            let direction = match direction {
                Direction::Inbound => "inbound",
                Direction::Outbound => "outbound",
            };
            spec.insert("direction".to_owned(), json!(direction));
        }
        spec.insert("config".to_owned(), self.config.clone());
        Value::Object(spec)
    }

    /// Asks the code that reads the document in earnest.
    pub(super) fn validate(&self) -> Result<(), InvalidOutput> {
        let document = self.to_json().to_string();
        let config = self.config.to_string();
        let proxy = match self.workloads {
            Workloads::Gateway => ProxyKind::Gateway,
            _ => ProxyKind::Sidecar,
        };
        let validated = match self.subject {
            Target::LaneGroup => LaneGroup::parse(document.as_bytes()).map(|_| ()),
            Target::Filter(kind) => Policy::parse(kind, config.as_bytes(), proxy).map(|_| ()),
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
