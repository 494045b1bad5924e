//! A filter's configuration and the proxies that it is for.

use std::collections::BTreeMap;

use meshlane_attributes::ProxyKind;
use meshlane_diagnostics::Violations;
use meshlane_gray_release::config::Direction;
pub use meshlane_lane_group::GatewayReference;

use crate::dubbo_service::Retries;

/// What is around the configuration of a filter.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterDocument {
    /// Which filter it is.
    pub kind: FilterKind,
    /// The document's name.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// The proxies that the filter runs in.
    pub proxies: Proxies,
    /// The ports of the services; all when there are none.
    pub ports: Vec<u16>,
    /// The hosts whose subsets are destinations.
    pub hosts: Vec<String>,
    /// The routes by the header that the filter writes.
    pub routes: Option<Routes>,
}

/// The kinds of documents that hold the configuration of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FilterKind {
    /// Of `traffic-tag`.
    TrafficLabel,
    /// Of `tag-route`.
    RouterChain,
    /// Of `rate-limit`.
    RateLimit,
}

/// The proxies that a filter runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proxies {
    /// Sidecars.
    Sidecars {
        /// The labels of their pods.
        labels: BTreeMap<String, String>,
        /// Which way the requests go.
        direction: Direction,
    },
    /// Gateways.
    Gateways(GatewayReference),
    /// Waypoints: all services behind the one of a Gateway.
    Waypoint(String),
    /// Waypoints, for one Service.
    WaypointService(String),
}

/// Routes by the header that `tag-route` writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routes {
    /// The destination for requests without the header.
    pub otherwise: String,
    /// Istio's Gateways whose requests are routed too.
    pub gateways: Vec<String>,
    /// What is tried again; as Istio does when not said.
    pub retries: Option<Retries>,
}

impl FilterKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::TrafficLabel, Self::RouterChain, Self::RateLimit];

    /// The `kind` of documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TrafficLabel => "TrafficLabel",
            Self::RouterChain => "RouterChain",
            Self::RateLimit => "RateLimit",
        }
    }

    /// The same as messages have it.
    pub(crate) fn quoted(self) -> &'static str {
        match self {
            Self::TrafficLabel => "`TrafficLabel`",
            Self::RouterChain => "`RouterChain`",
            Self::RateLimit => "`RateLimit`",
        }
    }
}

impl FilterDocument {
    /// Reads a document and validates what is around the configuration.
    ///
    /// # Errors
    /// The first structural error, or everything that is wrong.
    pub fn parse(kind: FilterKind, document: &[u8]) -> Result<Self, Violations> {
        crate::validate::filter(kind, document)
    }
}

impl Proxies {
    /// The kind of the proxies.
    pub fn kind(&self) -> ProxyKind {
        match self {
            Self::Sidecars { .. } => ProxyKind::Sidecar,
            Self::Gateways(_) => ProxyKind::Gateway,
            Self::Waypoint(_) | Self::WaypointService(_) => ProxyKind::Waypoint,
        }
    }
}
