use std::collections::BTreeMap;

use meshlane_conditions::config::{Condition, Scalar};
use meshlane_gray_release::config::{Correlation, Mode, OnOtherLane, OnUnknownTag, OnUntagged};
use meshlane_tag_route::config::Health;
use meshlane_tags::config::Carrier;
use meshlane_traffic_tag::config::StickyCookie;
use serde::{Deserialize, Serialize};

/// A lane group: services, the lanes through them, and who enters which lane. The configurations of `traffic-tag`, `tag-route` and `gray-release` follow from it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LaneGroup {
    /// `meshlane.dev/v1alpha1`.
    pub api_version: String,
    /// `LaneGroup`.
    pub kind: String,
    /// What the group is called.
    pub metadata: Metadata,
    /// What the group is.
    pub spec: Spec,
}

/// What a document is called.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Metadata {
    /// Its name: 1 to 50 lower-case letters, digits and `-`.
    pub name: String,
    /// Its namespace.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Labels of the document; they mean nothing here.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Annotations of the document; they mean nothing here.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// Services, the lanes through them, and who enters which lane.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Spec {
    /// The tag that says which lane a request is in, a header name: `x-mse-tag` when not given.
    #[serde(default)]
    pub tag: Option<String>,
    /// What carries the tag: read in this order, and all written. The request header of the tag's name when not given; for `dubbo.tag` the attachment. Routers read a header, a cookie or an attachment, so one of these must be among them.
    #[serde(default)]
    pub carriers: Option<Vec<Carrier>>,
    /// How calls are recognised that a request causes.
    #[serde(default)]
    pub correlation: Option<Correlation>,
    /// Whether calls that no remembered request caused, as those of a timer, are in the lane of their own workload: `true` when not given.
    #[serde(default)]
    pub own_label: Option<bool>,
    /// The header of answers that tells which lane the request is in. None when not given.
    #[serde(default)]
    pub response_header: Option<String>,
    /// The label of workloads that holds the name of their lane: `lane` when not given.
    #[serde(default)]
    pub label: Option<String>,
    /// The value of the label that workloads of the baseline have: `base` when not given.
    #[serde(default)]
    pub baseline: Option<String>,
    /// Whether requests of lanes may leave them, for lanes that do not say: `permissive` when not given.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// What happens to a request without the tag at a workload of a lane: `refuse` when not given.
    #[serde(default)]
    pub on_untagged: Option<OnUntagged>,
    /// What happens to a request of a lane at a workload of another one: `refuse` when not given. A `fallback` needs `accept`.
    #[serde(default)]
    pub on_other_lane: Option<OnOtherLane>,
    /// What a tag means that is no lane's: `untagged` when not given.
    #[serde(default)]
    pub on_unknown_tag: Option<OnUnknownTag>,
    /// Requests that workloads take whatever tag they have: those of probes and scrapers.
    #[serde(default)]
    pub exempt: Option<Condition>,
    /// How it is known which destinations are healthy. Without it every destination counts as healthy.
    #[serde(default)]
    pub health: Option<Health>,
    /// The gateways where requests enter the mesh, for Istio's resources.
    #[serde(default)]
    pub gateways: Option<Gateways>,
    /// The services that the lanes go through.
    pub services: Vec<Service>,
    /// The lanes. A request enters the first one that has an entry for it.
    pub lanes: Vec<Lane>,
}

/// The gateways where requests enter the mesh.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Gateways {
    /// Their namespace: `istio-system` when not given.
    pub namespace: Option<String>,
    /// Their labels: `{istio: ingressgateway}` when neither these nor `name` are given.
    pub selector: Option<BTreeMap<String, String>>,
    /// The Gateway of the Gateway API that they are of. Not together with `selector`.
    pub name: Option<String>,
    /// Istio's Gateways, or for `gateway-api` those of the Gateway API, whose requests for the services' hosts are routed: `istio-system/shop`. None when not given: those routes are written by hand.
    pub routes: Vec<String>,
}

/// A service. It has workloads in the baseline, and in the lanes that say so.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Service {
    /// The service's name in this document, in metrics and in logs.
    pub name: String,
    /// The hosts of its requests: `orders.shop`, with a port (`orders.shop:8080`) for that port alone, `*.shop` for all that end so.
    pub hosts: Vec<String>,
    /// The port in the names of Istio's clusters, `outbound|PORT|SUBSET|HOST`; the subset is the lane, or the value of the label in the baseline. Together with `host`.
    #[serde(default)]
    pub port: Option<f64>,
    /// The host in the names of Istio's clusters: `orders.shop.svc.cluster.local`. Together with `port`.
    #[serde(default)]
    pub host: Option<String>,
    /// The cluster of each lane, and of the baseline under the value of its label; instead of `port` and `host`. Without any of these health is not known.
    #[serde(default)]
    pub clusters: BTreeMap<String, String>,
    /// Where requests of a lane go while it has no healthy workload of the service: to this lane, instead of the baseline. That one may have a fallback of its own.
    #[serde(default)]
    pub fallback: BTreeMap<String, String>,
    /// Workloads that are in lanes of several groups at once. They count when those groups are merged.
    #[serde(default)]
    pub combinations: Vec<Combination>,
}

/// Workloads of a service that are in lanes of several groups at once.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Combination {
    /// The name, unique in the service: what routes match, and the subset in the name of Istio's cluster.
    pub name: String,
    /// The lane of each group, by the group's label.
    pub lanes: BTreeMap<String, String>,
    /// The cluster; where the service has `clusters`.
    #[serde(default)]
    pub cluster: Option<String>,
}

/// A lane: workloads of some services, and who gets to them.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Lane {
    /// The lane's name: the value of the tag, and of its workloads' label.
    pub name: String,
    /// Whether its requests may leave it: as the group says when not given.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// `false` closes the lane: nobody enters it, and everybody who is in it goes to the baseline.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// The services that have workloads in the lane: all when not given.
    #[serde(default)]
    pub services: Option<Vec<String>>,
    /// Who enters the lane: requests that one of these applies to.
    #[serde(default)]
    pub entry: Vec<Entry>,
}

/// Who enters a lane. All that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Entry {
    /// What it is called in metrics, behind the lane and a `/`: `1`, `2` … when not given.
    pub name: Option<String>,
    /// `false` switches it off.
    pub enabled: Option<bool>,
    /// One of these is the host: `shop.example`, or `*.shop.example` for all that end so.
    pub hosts: Option<Vec<String>>,
    /// One of these is the path.
    pub paths: Option<Vec<Path>>,
    /// This holds for the request.
    pub when: Option<Condition>,
    /// The user is one of these.
    pub users: Option<Users>,
    /// The request is of this share of users.
    pub share: Option<Share>,
    /// When it begins, as RFC 3339 writes it: `2027-01-31T18:00:00+01:00`.
    pub from: Option<String>,
    /// When it ends.
    pub until: Option<String>,
}

/// A path; exactly one key.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Path {
    /// The whole path, without the query.
    pub exact: Option<String>,
    /// What it begins with.
    pub prefix: Option<String>,
}

/// Some users.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Users {
    /// The attribute that holds the user: `header.x-user`, `jwt.sub` …
    pub attribute: String,
    /// The users.
    #[serde(rename = "in")]
    pub one_of: Vec<Scalar>,
}

/// A share of the users, the same ones each time: growing it only adds some. `percent`, or `steps` by which it grows.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Share {
    /// What tells users apart.
    pub by: ShareKey,
    /// What makes this share independent of others: the names of the group and the lane when not given. With a sticky cookie it is needed, and should not be known to clients.
    #[serde(default)]
    pub salt: Option<String>,
    /// The share, from 0 to 100.
    #[serde(default)]
    pub percent: Option<f64>,
    /// How the share grows in the course of time. Nobody is in it before the first step.
    #[serde(default)]
    pub steps: Option<Vec<Step>>,
    /// A time as RFC 3339 writes it: steps that are later do not happen.
    #[serde(default)]
    pub freeze: Option<String>,
}

/// What tells users apart; exactly one key.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ShareKey {
    /// An attribute: the same value is always on the same side. Who does not have it is not in the share.
    pub attribute: Option<String>,
    /// A cookie that the filter sets in the browser with a random id.
    pub sticky_cookie: Option<StickyCookie>,
}

/// A step by which a share grows.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Step {
    /// When it happens, as RFC 3339 writes it; later than the step before.
    pub at: String,
    /// The share from then on; larger than that of the step before.
    pub percent: f64,
}
