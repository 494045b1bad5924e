use std::collections::BTreeMap;

use serde::Deserialize;

/// Configuration of the filter `dubbo`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct DubboConfig {
    /// The plugin's name in metrics, and its identity when the last good document is kept. The name that Envoy knows the plugin by, when not given.
    pub name: Option<String>,
    /// What happens to connections while this document is invalid and there was no good one before. `passThrough` when not given: bytes that are not bridged would only break both ends.
    pub on_invalid_config: Option<OnInvalidConfig>,
    /// `false` switches the bridge off: connections that open from now on pass untouched, those that are bridged stay so.
    pub enabled: Option<bool>,
    /// On which side of HTTP/2 the filter stands. It must be given. A connection keeps the mode that it began with.
    pub mode: Option<Mode>,
    /// What a call's `:authority` is (`toHttp`).
    pub authority: Option<Authority>,
    /// The interfaces that are called on one exact instance and must not be load-balanced: their `:authority` is the address that the client connected to (`toHttp`). An interface, or its beginning followed by `*`; `org.apache.dubbo.metadata.MetadataService*` when not given. Calls whose head cannot be read are always among them.
    pub original_destination: Option<Vec<String>>,
    /// What of a call is shown to HTTP filters, besides its head and the carriers (`toHttp`).
    pub expose: Option<Expose>,
    /// The attachments that go under their own name as headers and are written back when a filter changed them.
    pub carriers: Option<Carriers>,
    /// Which timeout counts, Dubbo's or the one of Envoy's route: `shorter` when not given (`toHttp`).
    pub timeout: Option<TimeoutSource>,
    /// What happens to a call whose head cannot be read, because of its serialization or because it is broken: `pass` when not given. HTTP filters see its path as `/_/_`.
    pub on_unreadable_head: Option<OnUnreadableHead>,
    /// What happens when the bytes stop being Dubbo frames: `answer` when not given.
    pub on_broken_frame: Option<OnBrokenFrame>,
    /// How much a connection may ask for.
    pub limits: Option<Limits>,
    /// How much is counted.
    pub metrics: Option<Metrics>,
}

/// What happens to connections while the document is invalid and there was no good one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum OnInvalidConfig {
    /// They are bridged with the defaults of the document's `mode`, or closed when that cannot be read.
    PassThrough,
    /// They are closed.
    Refuse,
}

/// On which side of HTTP/2 the filter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// In front of the HTTP connection manager: Dubbo becomes HTTP/2.
    ToHttp,
    /// In front of `tcp_proxy`: HTTP/2 becomes Dubbo.
    ToDubbo,
}

/// What a call's `:authority` is. The first that gives one: `hosts`, then `host` or `from`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Authority {
    /// The host of an interface. A key is an interface, or its beginning followed by `*`; the longest that fits counts. A host may have a port.
    pub hosts: Option<BTreeMap<String, String>>,
    /// The host of every other interface. Not together with `from`.
    pub host: Option<String>,
    /// Where the host of every other interface comes from: `destination` when neither this nor `host` is given.
    pub from: Option<AuthoritySource>,
    /// The host of calls that are bound to an instance (see the document's `originalDestination`): that of a route to an `ORIGINAL_DST` cluster. The address that the client connected to when not given.
    pub original_destination: Option<String>,
}

/// Where an `:authority` comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum AuthoritySource {
    /// The address and port that the client connected to.
    Destination,
    /// The name of the interface, in lower case.
    Interface,
}

/// What of a call is shown to HTTP filters.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Expose {
    /// Arguments and what is in them, as in the attribute `dubbo.arg.…`: `0`, `0.user.id`, `1[0]`.
    pub arguments: Option<Vec<String>>,
    /// Attachments, by their exact names, as in the attribute `dubbo.attachment.…`.
    pub attachments: Option<Vec<String>>,
}

/// The attachments that go under their own name as headers.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Carriers {
    /// `false` leaves out the known carriers of tags and of trace context; `true` when not given.
    pub defaults: Option<bool>,
    /// More of them, by the exact names of the attachments. Each must be a header name, too, and none that says which
    /// call it is (`path`, `group`, `version` …).
    pub names: Option<Vec<String>>,
}

/// Which timeout counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum TimeoutSource {
    /// The attachment `timeout` of the call, where there is one above 0.
    Attachment,
    /// The timeout of Envoy's route.
    Route,
    /// The attachment where it is shorter than the route's timeout.
    Shorter,
}

/// What happens to a call whose head cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum OnUnreadableHead {
    /// It passes; a rule by interface, method or attachment does not match it.
    Pass,
    /// It ends in a Dubbo error.
    Refuse,
}

/// What happens when the bytes stop being Dubbo frames. The connection is closed in any case, as nobody knows where the next frame begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum OnBrokenFrame {
    /// The calls that are on their way are ended by Dubbo errors first.
    Answer,
    /// Nothing more is sent.
    Close,
}

/// How much a connection may ask for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Limits {
    /// The longest frame, in bytes: 17825792 (17 MiB) when not given; from 1024 to 268435456 (256 MiB).
    pub max_frame_bytes: Option<f64>,
    /// How many bytes a connection may have waiting in the filter: 33554432 (32 MiB) when not given; from 65536 to 1073741824 (1 GiB). Over it the newest call ends in a Dubbo error.
    pub max_buffered_bytes: Option<f64>,
    /// How many bytes all connections of a worker may have waiting: 268435456 (256 MiB) when not given; from 65536 to 2147483648 (2 GiB), and not below `maxBufferedBytes`.
    pub max_buffered_bytes_per_vm: Option<f64>,
    /// How many calls of a connection may be on their way: 1024 when not given; from 1 to 100000.
    pub max_concurrent_calls: Option<f64>,
    /// How many calls of a connection may wait for one on its way to end: 1024 when not given; up to 100000. Over it a call ends in a Dubbo error.
    pub max_queued_calls: Option<f64>,
    /// How many bytes the headers of a call may come to: 49152 (48 KiB) when not given; from 1024 to 1048576. What would go over it is not shown. Envoy's own limit is 60 KiB (`max_request_headers_kb`).
    pub max_header_bytes: Option<f64>,
    /// How deep values may lie in each other in what is read of a call: 512 when not given; from 8 to 10000.
    pub max_depth: Option<f64>,
}

/// How much is counted.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Metrics {
    /// How many methods are counted on their own; those that come later count as `other`. 200 when not given; up to 10000, 0 counts them all as `other`.
    pub max_names: Option<f64>,
}
