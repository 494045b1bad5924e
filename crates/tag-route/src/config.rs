use std::collections::BTreeMap;

use meshlane_attributes::DubboHeaders;
use meshlane_conditions::config::{Condition, HashAlgorithm, Jwt, SourceIp};
use meshlane_diagnostics::OnInvalidConfig;
use serde::{Deserialize, Serialize};

/// Configuration of the filter `tag-route`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct TagRouteConfig {
    /// The plugin's name in metrics, and its identity when the last good document is kept. The name that Envoy knows the plugin by, when not given.
    pub name: Option<String>,
    /// What happens to requests while this document is invalid and there was no good one before. `passThrough` when not given.
    pub on_invalid_config: Option<OnInvalidConfig>,
    /// How `source.ip` is found.
    pub source_ip: Option<SourceIp>,
    /// Where `jwt.*` is read from.
    pub jwt: Option<Jwt>,
    /// Whose word on a bridged Dubbo call is believed. `bridge` when not given.
    pub dubbo_headers: Option<DubboHeaders>,
    /// How Envoy is told the destination.
    pub output: Option<Output>,
    /// Where this proxy is, for the router `locality`: a value for each label. A label that is not given here is looked for among the labels of the workload, then (`region`, `zone`, `subZone`) in the node's locality.
    pub locality: BTreeMap<String, String>,
    /// How it is known which destinations are healthy. Without it every destination counts as healthy.
    pub health: Option<Health>,
    /// How one of several destinations is chosen that a chain leaves.
    pub select: Option<Select>,
    /// The chains of routers, by name. `default` is for services that name none; without it they have an empty one.
    pub chains: BTreeMap<String, Vec<Router>>,
    /// The services and their destinations.
    pub services: Vec<Service>,
    /// Answers tell the decision in the header `x-meshlane-route-decision`. Not for production: it names destinations to clients.
    pub debug: Option<bool>,
}

/// How Envoy is told the destination: by a request header that routes match, or that is a `cluster_header`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Output {
    /// The request header: `x-meshlane-route` when not given. What a request brings under this name is removed.
    pub header: Option<String>,
    /// What is written: `name` when not given.
    pub value: Option<OutputValue>,
}

/// What is written to the header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum OutputValue {
    /// The destination's name: for a VirtualService or HTTPRoute that matches it.
    #[default]
    Name,
    /// The destination's cluster: for a route with `cluster_header`.
    Cluster,
}

/// How it is known which destinations are healthy: one VM of the proxy asks Envoy's own admin interface.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Health {
    /// The cluster that leads to Envoy's admin interface. Istio's proxies have `prometheus_stats`.
    pub cluster: String,
    /// Seconds between two polls: 5 when not given, from 0.2 to 300.
    pub interval: Option<f64>,
    /// The largest answer that is read, in bytes: 16777216 when not given, at most 268435456. A larger one counts as a missed poll.
    pub max_bytes: Option<f64>,
    /// After how many missed polls the last answer no longer counts and every destination is taken for healthy: 3 when not given, at most 100.
    pub stale_after: Option<f64>,
    /// How many healthy endpoints a destination needs to count: `{endpoints: 1}` when not given.
    pub min_healthy: Option<MinHealthy>,
}

/// How many healthy endpoints a destination needs; exactly one key.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct MinHealthy {
    /// That many endpoints.
    pub endpoints: Option<f64>,
    /// That share of its endpoints, in percent, and at least one.
    pub percent: Option<f64>,
}

/// How one of several destinations is chosen.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Select {
    /// What the shares are: `endpoints` when not given. With `by` shares are those of `destinations`.
    pub balance: Option<Balance>,
    /// An attribute: the same value gets the same destination as long as it is there. At random when not given or absent.
    pub by: Option<String>,
    /// What makes this choice independent of others.
    pub salt: Option<String>,
}

/// What the shares of destinations are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Balance {
    /// In proportion to healthy endpoints times `weight`, so that endpoints are loaded alike; to `weight` alone while health is not known.
    #[default]
    Endpoints,
    /// In proportion to `weight`.
    Destinations,
    /// The first in the order of the document gets all.
    First,
}

/// A service and its destinations.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Service {
    /// The service's name in metrics, logs and `meshlane explain`.
    pub name: String,
    /// The hosts of its requests: `orders.shop`, with a port (`orders.shop:8080`) for that port alone, `*.shop` for all that end so. An exact one goes before a longer `*` before a shorter one.
    pub hosts: Vec<String>,
    /// The chain: `default` when not given.
    #[serde(default)]
    pub chain: Option<String>,
    /// What happens when the chain leaves nothing: `fail` when not given.
    #[serde(default)]
    pub last_resort: Option<LastResort>,
    /// The labels of the destinations that `lastResort: baseline` means.
    #[serde(default)]
    pub baseline: BTreeMap<String, String>,
    /// Where its requests can go.
    pub destinations: Vec<Destination>,
}

/// What happens when a chain leaves nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum LastResort {
    /// The request is refused.
    #[default]
    Fail,
    /// Any healthy destination of the service.
    AnyHealthy,
    /// The healthy ones with the labels of `baseline`; refused when there are none.
    Baseline,
}

impl LastResort {
    /// The name in a configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::AnyHealthy => "anyHealthy",
            Self::Baseline => "baseline",
        }
    }
}

/// Where requests can go: a cluster of Envoy and its labels.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Destination {
    /// The name, unique in the service: what routes match, and what metrics and logs say.
    pub name: String,
    /// The cluster, as Envoy calls it: `outbound|8080|gray|orders.shop.svc.cluster.local`. Without it health is not known and `output: {value: cluster}` not possible.
    #[serde(default)]
    pub cluster: Option<String>,
    /// What routers go by.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// How many healthy endpoints it needs to count; as in `health` when not given.
    #[serde(default)]
    pub min_healthy: Option<MinHealthy>,
    /// Its share when several destinations are left: 1 when not given.
    #[serde(default)]
    pub weight: Option<f64>,
}

/// A router; exactly one of `locality`, `unit`, `tag`, `condition`, `weight`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Router {
    /// The router's name in metrics, logs and `meshlane explain`: `router-1`, `router-2` … when not given.
    pub name: Option<String>,
    /// `false` switches the router off.
    pub enabled: Option<bool>,
    /// `true`: when the router would leave nothing, the request is refused. No fallback, and hierarchical tags are not shortened.
    pub force: Option<bool>,
    /// Keeps what is near.
    pub locality: Option<Locality>,
    /// Keeps the unit that owns a share of the keys.
    pub unit: Option<Unit>,
    /// Keeps what has the request's tag.
    pub tag: Option<Tag>,
    /// Keeps what a rule for such requests says.
    pub condition: Option<ConditionRouter>,
    /// Keeps one value of a label, by weight.
    pub weight: Option<Weight>,
    /// What happens when the router would leave nothing.
    pub fallback: Option<Fallback>,
}

/// What happens when a router would leave nothing: first the values in their order, then `then`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Fallback {
    /// Values of the router's label (of the first level of `locality`), tried in this order; the first that leaves something is taken.
    pub values: Vec<String>,
    /// The label of `values`, for a `condition`, which has none of its own.
    pub label: Option<String>,
    /// What happens when no value leaves anything. When not given: `skip` for `locality`, `condition` and `weight`, `lastResort` for `unit`, `untagged` for `tag`.
    pub then: Option<Then>,
}

/// What happens when a router would leave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Then {
    /// The router is ignored.
    Skip,
    /// The request is refused.
    Fail,
    /// The chain ends, and the service's `lastResort` decides.
    LastResort,
    /// What has no tag is kept; for `tag` only. When there is none, the service's `lastResort` decides.
    Untagged,
}

/// Keeps destinations as near as can be: of the first level that leaves something.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Locality {
    /// The labels that say where a destination is, the nearest first: `[zone, region]` when not given. At a level, this label and all after it must be as they are for this proxy.
    pub levels: Option<Vec<String>>,
}

/// Keeps the unit that owns the request's key.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Unit {
    /// The attributes that may hold the key, for example a user's id; the first that is present counts.
    pub keys: Vec<String>,
    /// The label that says which unit a destination belongs to: `unit` when not given.
    #[serde(default)]
    pub label: Option<String>,
    /// The key's place is its hash; this or `divisor`, `hash` of 100 when neither is given.
    #[serde(default)]
    pub hash: Option<Hash>,
    /// The key is an integer, and its place is the remainder of a division by this.
    #[serde(default)]
    pub divisor: Option<f64>,
    /// Which places belong to which unit.
    pub ranges: Vec<UnitRange>,
    /// The unit of requests without a key, and of places in no range. When not given the router lets such requests pass.
    #[serde(default)]
    pub default: Option<String>,
}

/// How a key is hashed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Hash {
    /// The algorithm: `xxh64` when not given.
    pub algorithm: Option<HashAlgorithm>,
    /// What makes this hash independent of others (only with `xxh64`).
    pub salt: Option<String>,
    /// How many places there are: 100 when not given.
    pub of: Option<f64>,
}

/// The places of a unit.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UnitRange {
    /// The unit: a value of the label.
    pub unit: String,
    /// The first place.
    pub from: f64,
    /// The place behind the last one.
    pub below: f64,
}

/// Keeps what has the request's tag; a request without one keeps what has none.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Tag {
    /// The semantics of another system, and its defaults for the other keys.
    pub preset: Option<TagPreset>,
    /// The attributes that may hold the tag: `header.x-mse-tag`, `dubbo.attachment.dubbo.tag` …; the first that is present and not empty counts. Needed without a preset.
    pub keys: Vec<String>,
    /// The label that says which tag a destination has: `tag` when not given.
    pub label: Option<String>,
    /// Values of the label that count as no tag, besides its absence: the baseline of destinations that all have the label.
    pub untagged: Vec<String>,
    /// What separates the levels of a hierarchical tag: `|` when not given. `a|b|c` looks for itself, then `a|b`, then `a`. At most 16 levels are looked up.
    pub separator: Option<String>,
    /// Which lookups shorten a hierarchical tag: `all` when not given.
    pub hierarchy: Option<Hierarchy>,
    /// An attribute that, when it holds `true`, is for this request what `force` is for the router.
    pub force_key: Option<String>,
    /// Tags that destinations have without a label of their own: they are looked at before the label.
    pub groups: Vec<TagGroup>,
}

/// The semantics of another system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum TagPreset {
    /// The tag router of Apache Dubbo 3.3. `keys` are the attachment `dubbo.tag` and the workload's label `dubbo.tag`, `label` is `dubbo.tag`, `forceKey` the attachment `dubbo.force.tag`, `hierarchy` is `groups`, and `force` is about groups only. A group that no destination is in counts as defined; empty levels of a tag are levels.
    Dubbo,
}

/// Which lookups shorten a hierarchical tag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Hierarchy {
    /// Groups, then labels; a level with nothing healthy is passed over.
    #[default]
    All,
    /// Groups only; the first group that is defined counts, whatever is in it.
    Groups,
    /// None: a tag is one value.
    None,
}

/// A tag that destinations with some labels have.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TagGroup {
    /// The tag.
    pub tag: String,
    /// Who has it: destinations on which each label has one of the values.
    pub labels: BTreeMap<String, Vec<String>>,
}

/// Keeps what the first rule says whose `from` holds.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConditionRouter {
    /// The rules, tried in this order; the first whose `from` holds decides.
    pub rules: Vec<ConditionRule>,
    /// An attribute: the same value gets the same entry of a weighted `to`. At random when not given or absent.
    #[serde(default)]
    pub by: Option<String>,
    /// What makes this choice independent of others.
    #[serde(default)]
    pub salt: Option<String>,
}

/// Where some requests go.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConditionRule {
    /// The rule's name in logs and `meshlane explain`: `rule-1`, `rule-2` … when not given.
    #[serde(default)]
    pub name: Option<String>,
    /// `false` switches the rule off.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// The requests: caller (`workload.*`, `source.*`) and request alike. All when not given.
    #[serde(default)]
    pub from: Option<Condition>,
    /// Where they go: one of these, by weight, among those that leave something. An empty list: nowhere, they are refused.
    pub to: Vec<To>,
}

/// Some destinations, with a share.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct To {
    /// Each of these labels has one of the values.
    pub labels: BTreeMap<String, Vec<String>>,
    /// Each of these labels has none of the values (a destination without the label passes).
    pub not_labels: BTreeMap<String, Vec<String>>,
    /// Each of these labels equals an attribute of the request or of the caller: `{region: workload.region}`. When the attribute is absent nothing passes.
    pub same: BTreeMap<String, String>,
    /// The share of this entry: 100 when not given.
    pub weight: Option<f64>,
}

/// Keeps one value of a label, by weight.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Weight {
    /// The label.
    pub label: String,
    /// Its values with their weights. Raising the first weight only adds keys to it. A value that leaves nothing gives its share to the others; keys of the others stay where they are.
    pub values: Vec<WeightedValue>,
    /// An attribute: the same value always gets the same share. At random when not given or absent.
    #[serde(default)]
    pub by: Option<String>,
    /// What makes this choice independent of others.
    #[serde(default)]
    pub salt: Option<String>,
}

/// A value of a label with its weight.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WeightedValue {
    /// The value.
    pub value: String,
    /// Its weight; shares are relative to the sum.
    pub weight: f64,
}
