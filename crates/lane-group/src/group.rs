//! A validated lane group.

use std::collections::{BTreeMap, BTreeSet};

use meshlane_conditions::config::Condition;
use meshlane_diagnostics::{Violations, parse_json};
use meshlane_gray_release::config::{Correlation, Mode, OnOtherLane, OnUnknownTag, OnUntagged};
use meshlane_tag_route::config::Health;
use meshlane_tags::config::Carrier;

use crate::config;

/// A validated lane group.
#[derive(Debug, Clone)]
pub struct LaneGroup {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) tag: String,
    pub(crate) carriers: Option<Vec<Carrier>>,
    pub(crate) correlation: Option<Correlation>,
    pub(crate) own_label: bool,
    pub(crate) response_header: Option<String>,
    pub(crate) label: String,
    pub(crate) baseline: String,
    pub(crate) on_untagged: OnUntagged,
    pub(crate) on_other_lane: OnOtherLane,
    pub(crate) on_unknown_tag: OnUnknownTag,
    pub(crate) exempt: Option<Condition>,
    pub(crate) health: Option<Health>,
    pub(crate) gateways: Gateways,
    pub(crate) services: Vec<Service>,
    pub(crate) lanes: Vec<Lane>,
}

/// The gateways where requests enter the mesh.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gateways {
    /// Their namespace.
    pub namespace: String,
    /// Which ones.
    pub reference: GatewayReference,
    /// The Gateways whose requests are routed.
    pub routes: Vec<String>,
}

/// How gateways are named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GatewayReference {
    /// By the labels of their pods.
    Labels(BTreeMap<String, String>),
    /// By a Gateway of the Gateway API.
    Name(String),
}

/// A service of a [`LaneGroup`].
#[derive(Debug, Clone)]
pub struct Service {
    pub(crate) name: String,
    pub(crate) hosts: Vec<String>,
    pub(crate) clusters: Clusters,
    /// Where the requests of a lane go instead of the baseline, one after the other.
    pub(crate) fallback: BTreeMap<String, Vec<String>>,
    pub(crate) combinations: Vec<config::Combination>,
}

/// What the clusters of a service are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Clusters {
    /// Nobody knows.
    Unknown,
    /// As Istio calls them.
    Istio { port: u16, host: String },
    /// As the document says, by lane.
    Named(BTreeMap<String, String>),
}

/// A lane of a [`LaneGroup`].
#[derive(Debug, Clone)]
pub struct Lane {
    pub(crate) name: String,
    pub(crate) mode: Mode,
    pub(crate) is_enabled: bool,
    /// The services that have members in it.
    pub(crate) services: BTreeSet<String>,
    pub(crate) entry: Vec<Entry>,
}

/// Who enters a [`Lane`].
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The position in the document.
    pub(crate) at: usize,
    pub(crate) name: Option<String>,
    pub(crate) is_enabled: bool,
    pub(crate) hosts: Vec<Host>,
    pub(crate) paths: Vec<Path>,
    pub(crate) when: Option<Condition>,
    pub(crate) users: Option<config::Users>,
    pub(crate) window: Window,
    pub(crate) share: Option<Share>,
}

#[derive(Debug, Clone)]
pub(crate) enum Host {
    Exact(String),
    /// With the dot that it begins with.
    Suffix(String),
}

#[derive(Debug, Clone)]
pub(crate) enum Path {
    Exact(String),
    Prefix(String),
}

/// A window of time in seconds since 1970, ends included; each may be open.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Window {
    pub(crate) from: Option<f64>,
    pub(crate) until: Option<f64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Share {
    pub(crate) by: config::ShareKey,
    pub(crate) salt: Option<String>,
    pub(crate) size: Size,
}

/// How large a share is.
#[derive(Debug, Clone)]
pub(crate) enum Size {
    /// In percent.
    Fixed(f64),
    /// Steps that happen, in their order.
    Steps(Vec<Step>),
}

#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// The position in the document.
    pub(crate) position: usize,
    /// When it happens, in seconds since 1970.
    pub(crate) at: f64,
    pub(crate) percent: f64,
}

impl LaneGroup {
    /// The `apiVersion` of documents.
    pub const API_VERSION: &'static str = "meshlane.dev/v1alpha1";
    /// The `kind` of documents.
    pub const KIND: &'static str = "LaneGroup";
    /// The most steps of a share.
    pub const MAX_STEPS: usize = 100;
    /// The most hosts, and the most paths, of an entry.
    pub const MAX_ENTRIES: usize = 1_000;

    /// Reads and validates a document.
    ///
    /// # Errors
    /// The first structural error, or every semantic one.
    pub fn parse(document: &[u8]) -> Result<Self, Violations> {
        let config: config::LaneGroup = parse_json(document)?;
        Self::new(&config)
    }

    /// The group's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The group's namespace.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The tag that says which lane a request is in.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The label of workloads that holds the name of their lane.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The value of the label that workloads of the baseline have.
    pub fn baseline(&self) -> &str {
        &self.baseline
    }

    /// The gateways where requests enter the mesh.
    pub fn gateways(&self) -> &Gateways {
        &self.gateways
    }

    /// The services, in the order of the document.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The lanes, in the order of the document.
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// The same group with everything in force that is switched off: that must be right too, so that it can be switched on.
    pub(crate) fn opened(&self) -> Self {
        let mut group = self.clone();
        for lane in &mut group.lanes {
            lane.is_enabled = true;
            for entry in &mut lane.entry {
                entry.is_enabled = true;
            }
        }
        group
    }

    /// The lanes that are not closed.
    pub(crate) fn open_lanes(&self) -> impl Iterator<Item = (usize, &Lane)> {
        let lanes = self.lanes.iter().enumerate();
        lanes.filter(|(_, lane)| lane.is_enabled)
    }

    /// The attributes that may hold the tag, as far as routers can read its carriers.
    pub(crate) fn keys(&self) -> Vec<String> {
        let Some(carriers) = &self.carriers else {
            return vec![match self.tag.as_str() {
                "dubbo.tag" => "dubbo.attachment.dubbo.tag".to_owned(),
                tag => format!("header.{tag}"),
            }];
        };
        let key = |carrier: &Carrier| {
            let header = carrier.header.as_ref().map(|name| format!("header.{name}"));
            let cookie = carrier.cookie.as_ref().map(|name| format!("cookie.{name}"));
            let attachment = carrier.attachment.as_ref();
            let attachment = attachment.map(|name| format!("dubbo.attachment.{name}"));
            header.or(cookie).or(attachment)
        };
        carriers.iter().filter_map(key).take(MAX_KEYS).collect()
    }
}

impl Service {
    /// The service's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hosts of its requests.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// Port and host in the names of Istio's clusters, where the document says them.
    pub fn istio(&self) -> Option<(u16, &str)> {
        match &self.clusters {
            Clusters::Istio { port, host } => Some((*port, host)),
            Clusters::Unknown | Clusters::Named(_) => None,
        }
    }

    /// The cluster of a lane, or of the baseline by the value of its label.
    pub fn cluster(&self, lane: &str) -> Option<String> {
        match &self.clusters {
            Clusters::Named(clusters) => clusters.get(lane).cloned(),
            Clusters::Unknown | Clusters::Istio { .. } => self.istio_cluster(lane),
        }
    }

    /// What Istio calls the cluster of a subset.
    pub(crate) fn istio_cluster(&self, subset: &str) -> Option<String> {
        let (port, host) = self.istio()?;
        Some(format!("outbound|{port}|{subset}|{host}"))
    }
}

impl Lane {
    /// The lane's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its requests may leave it.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether it is open.
    pub fn is_enabled(&self) -> bool {
        self.is_enabled
    }

    /// Whether a service has workloads in it.
    pub fn has(&self, service: &Service) -> bool {
        self.services.contains(&service.name)
    }
}

/// As many keys as a router takes. All carriers hold the same, so the first ones do.
const MAX_KEYS: usize = 8;
