use meshlane_attributes::DubboHeaders;
use meshlane_conditions::config::{Condition, Jwt, SourceIp};
use meshlane_diagnostics::OnInvalidConfig;
use meshlane_tags::config::Carrier;
use serde::{Deserialize, Serialize};

/// Configuration of the filter `gray-release`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct GrayReleaseConfig {
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
    /// Which way requests go through the listener: `inbound` to the application, `outbound` from it. As the listener's `traffic_direction` says when not given.
    pub direction: Option<Direction>,
    /// How calls are recognised that a request causes.
    pub correlation: Option<Correlation>,
    /// The tags that are carried from a request to the calls that it causes.
    pub tags: Vec<Tag>,
}

/// Which way requests go through a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// To the application.
    Inbound,
    /// From the application.
    Outbound,
}

impl Direction {
    /// The direction as documents spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// How calls are recognised that a request causes: by an identifier that the application forwards.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Correlation {
    /// Request headers that identify a request; on Dubbo calls the attachments of these names. A request is remembered under all that it has; of a call the first counts that is known. When not given: `x-request-id`, `traceparent`, `b3`, `x-b3-traceid`, `sw8`, `uber-trace-id`, `x-datadog-trace-id`, `x-cloud-trace-context`, `eagleeye-traceid`. Of these what counts is the trace id; of others the whole value.
    pub identifiers: Option<Vec<String>>,
    /// How many identifiers the proxy remembers: 16384 when not given, from 64 to 262144. All plugins of a proxy share one memory and should say the same.
    pub capacity: Option<f64>,
    /// For how many seconds after the last request with an identifier it is remembered: 300 when not given, from 1 to 86400.
    pub ttl: Option<f64>,
}

/// A tag that is carried on.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tag {
    /// The tag's name, a header name: `x-asm-prefer-tag`, `x-mse-tag`, `dubbo.tag` …
    pub name: String,
    /// What carries the tag: read in this order, and all written. The request header of the tag's name when not given; for `dubbo.tag` the attachment.
    #[serde(default)]
    pub carriers: Option<Vec<Carrier>>,
    /// The label of the own workload that holds the tag of calls which no remembered request caused, as those of a timer are.
    #[serde(default)]
    pub own_label: Option<String>,
    /// The header of answers that tells which tag the request had. None when not given.
    #[serde(default)]
    pub response_header: Option<String>,
    /// The lanes that the tag's values stand for, and how they are kept apart.
    #[serde(default)]
    pub lanes: Option<Lanes>,
}

/// Lanes, and what happens to a request that comes to a workload of another one.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Lanes {
    /// The label of workloads that holds the name of their lane.
    pub label: String,
    /// The value of the label that workloads of the baseline have; those without the label, and those whose value is no lane's, belong to it too. As a tag this value says that a request is in no lane; such a tag stays.
    #[serde(default)]
    pub baseline: Option<String>,
    /// The lanes.
    pub lanes: Vec<Lane>,
    /// What happens to a request without the tag at a workload of a lane: `refuse` when not given.
    #[serde(default)]
    pub on_untagged: Option<OnUntagged>,
    /// What happens to a request of a lane at a workload of another one: `refuse` when not given.
    #[serde(default)]
    pub on_other_lane: Option<OnOtherLane>,
    /// What a tag means that is no lane's: `untagged` when not given.
    #[serde(default)]
    pub on_unknown_tag: Option<OnUnknownTag>,
    /// Requests that are let in whatever tag they have: those of probes and scrapers.
    #[serde(default)]
    pub exempt: Option<Condition>,
}

/// A lane.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Lane {
    /// The lane's name: the value of the tag, and of its workloads' label.
    pub name: String,
    /// Whether its requests may leave it: `permissive` when not given.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// `false` closes the lane: its tag is taken from all requests, which go on as untagged ones.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// Whether the requests of a lane may leave it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// They never do: the baseline refuses them.
    Strict,
    /// The baseline takes them where the lane has no workload; they keep their tag, and come back at the next hop that has one.
    #[default]
    Permissive,
}

/// What happens to a request without the tag at a workload of a lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum OnUntagged {
    /// It is refused.
    #[default]
    Refuse,
    /// It gets the header `x-meshlane-route: baseline`, by which a route of the listener can send it on.
    Reroute,
}

/// What happens to a request of a lane at a workload of another one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum OnOtherLane {
    /// It is refused.
    #[default]
    Refuse,
    /// It gets the header `x-meshlane-route` with the name of its lane, by which a route of the listener can send it on.
    Reroute,
    /// It is let in: one lane lends its workload to another.
    Accept,
}

/// What a tag means that is no lane's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum OnUnknownTag {
    /// The tag is removed, and the request is one without a tag.
    #[default]
    Untagged,
    /// The request is refused.
    Refuse,
    /// The request is let in, and the tag stays.
    Accept,
}
