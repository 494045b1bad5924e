//! What comes of a migration: documents of ours, in the shape of Kubernetes objects.

use std::collections::BTreeMap;
use std::fmt;

use meshlane_attributes::ProxyKind;
use meshlane_diagnostics::Violations;
use meshlane_documents::{FilterDocument, FilterKind};
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
        self.filter_kind()
            .map_or(LaneGroup::KIND, FilterKind::as_str)
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
        let is_told =
            self.workloads != Workloads::Gateway && self.subject != Target::Filter(Kind::TagRoute);
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
        if let Some(kind) = self.filter_kind() {
            FilterDocument::parse(kind, document.as_bytes())
                .map_err(|violations| self.invalid(violations))?;
        }
        let config = self.config.to_string();
        let proxy = match self.workloads {
            Workloads::Gateway => ProxyKind::Gateway,
            _ => ProxyKind::Sidecar,
        };
        let validated = match self.subject {
            Target::LaneGroup => LaneGroup::parse(document.as_bytes()).map(|_| ()),
            Target::Filter(kind) => Policy::parse(kind, config.as_bytes(), proxy).map(|_| ()),
        };
        validated.map_err(|violations| self.invalid(violations))
    }

    fn invalid(&self, violations: Violations) -> InvalidOutput {
        InvalidOutput {
            document: self.made_of.clone(),
            violations,
        }
    }

    fn filter_kind(&self) -> Option<FilterKind> {
        match self.subject {
            Target::Filter(Kind::TrafficTag) => Some(FilterKind::TrafficLabel),
            Target::Filter(Kind::TagRoute) => Some(FilterKind::RouterChain),
            Target::Filter(Kind::RateLimit) => Some(FilterKind::RateLimit),
            // Nothing is converted to these.
            Target::Filter(Kind::Dubbo | Kind::GrayRelease) | Target::LaneGroup => None,
        }
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
