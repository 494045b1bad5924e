mod dubbo_service;

use std::collections::BTreeMap;

pub use dubbo_service::*;
use meshlane_gray_release::config::Direction;
pub use meshlane_lane_group::config::Metadata;
use meshlane_rate_limit::config::RateLimitConfig;
use meshlane_tag_route::config::TagRouteConfig;
use meshlane_traffic_tag::config::TrafficTagConfig;
use serde::Deserialize;

/// Who gets which tag: a configuration of `traffic-tag`, and the proxies that it is for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TrafficLabel {
    /// `meshlane.dev/v1alpha1`.
    pub api_version: String,
    /// `TrafficLabel`.
    pub kind: String,
    /// What the document is called.
    pub metadata: Metadata,
    /// What it says.
    pub spec: TrafficLabelSpec,
}

/// Who gets which tag.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TrafficLabelSpec {
    /// The proxies.
    pub workloads: Workloads,
    /// Which way the requests go. Needed for sidecars, and only there.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// The ports of the services: all when not given. Not for waypoints, where Istio knows no ports.
    #[serde(default)]
    pub ports: Vec<f64>,
    /// The configuration of the filter `traffic-tag`.
    pub config: TrafficTagConfig,
}

/// To which version a call goes: a configuration of `tag-route`, and the proxies that it is for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RouterChain {
    /// `meshlane.dev/v1alpha1`.
    pub api_version: String,
    /// `RouterChain`.
    pub kind: String,
    /// What the document is called.
    pub metadata: Metadata,
    /// What it says.
    pub spec: RouterChainSpec,
}

/// To which version a call goes.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RouterChainSpec {
    /// The proxies: gateways, or the way out of sidecars.
    pub workloads: Workloads,
    /// The ports of the services: all when not given.
    #[serde(default)]
    pub ports: Vec<f64>,
    /// The hosts whose subsets, of Istio's DestinationRules, are destinations besides those of `config`: `orders` in this namespace, or `orders.shop.svc.cluster.local`.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The routes by the header that the filter writes. Without it they are written by hand.
    #[serde(default)]
    pub routes: Option<RoutesConfig>,
    /// The configuration of the filter `tag-route`.
    pub config: TagRouteConfig,
}

/// Routes by the header that `tag-route` writes.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RoutesConfig {
    /// The name of the destination for requests without the header: those of proxies that have no filter.
    pub otherwise: String,
    /// Istio's Gateways whose requests are routed too: `istio-system/shop`. The hosts of a service are then those of its `hosts` that are none of the cluster, too.
    #[serde(default)]
    pub gateways: Vec<String>,
    /// What is tried again. Istio's own defaults when not given.
    #[serde(default)]
    pub retries: Option<RetriesConfig>,
}

/// What is tried again.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RetriesConfig {
    /// How often at most: 2 when not given, 0 for never, at most 10.
    #[serde(default)]
    pub attempts: Option<f64>,
    /// When, in Envoy's words: `connect-failure,refused-stream` when not given, what reached nobody.
    #[serde(default)]
    pub retry_on: Option<String>,
}

/// How many requests may come: a configuration of `rate-limit`, and the proxies that it is for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RateLimit {
    /// `meshlane.dev/v1alpha1`.
    pub api_version: String,
    /// `RateLimit`.
    pub kind: String,
    /// What the document is called.
    pub metadata: Metadata,
    /// What it says.
    pub spec: RateLimitSpec,
}

/// How many requests may come.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RateLimitSpec {
    /// The proxies.
    pub workloads: Workloads,
    /// Which way the requests go. Needed for sidecars, and only there.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// The ports of the services: all when not given. Not for waypoints, where Istio knows no ports.
    #[serde(default)]
    pub ports: Vec<f64>,
    /// The configuration of the filter `rate-limit`.
    pub config: RateLimitConfig,
}

/// Which proxies; exactly one key.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Workloads {
    /// The sidecars of pods with these labels; `{}` is all of the namespace, of the mesh in the namespace `istio-system`.
    pub selector: Option<BTreeMap<String, String>>,
    /// The gateways with these labels: `{istio: ingressgateway}`.
    pub gateway_selector: Option<BTreeMap<String, String>>,
    /// The gateway of a Gateway of the Gateway API, by its name.
    pub gateway: Option<String>,
    /// A waypoint, by the name of its Gateway: all services behind it.
    pub waypoint: Option<String>,
    /// A Service behind a waypoint, by its name.
    pub service: Option<String>,
}
