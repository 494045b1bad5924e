use std::collections::BTreeMap;

use meshlane_attributes::DubboHeaders;
use meshlane_conditions::config::{Condition, Jwt, SourceIp};
use meshlane_diagnostics::OnInvalidConfig;
use serde::Deserialize;

/// Configuration of the filter `rate-limit`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct RateLimitConfig {
    /// The plugin's name in metrics, and its identity when the last good document is kept. The name that Envoy knows the plugin by, when not given.
    pub name: Option<String>,
    /// What happens to requests while this document is invalid and there was no good one before. `refuse` when not given: without its limits a service may break.
    pub on_invalid_config: Option<OnInvalidConfig>,
    /// How `source.ip` is found.
    pub source_ip: Option<SourceIp>,
    /// Where `jwt.*` is read from.
    pub jwt: Option<Jwt>,
    /// Whose word on a bridged Dubbo call is believed. `bridge` when not given.
    pub dubbo_headers: Option<DubboHeaders>,
    /// How requests are refused, unless a limit says it otherwise.
    pub refusal: Option<Refusal>,
    /// The limits, asked in this order. A request passes when all of them that apply have room for it; when one has none, what it took from those before is given back.
    pub limits: Vec<Limit>,
}

/// A limit: which requests it is for, what it counts them by, and exactly one of `tokenBucket`, `slidingWindow`, `warmUp`, `concurrency`, `adaptive`, `queue`, `cluster`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Limit {
    /// The limit's name. Limits of the same name and kind in one proxy are one limit, whichever listeners and plugins they are in.
    pub name: String,
    /// `false` switches the limit off.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// `true`: requests that are over the limit are counted, and pass; those that a queue would have wait pass at once.
    #[serde(default)]
    pub shadow: Option<bool>,
    /// Of the requests that are over the limit so many percent are refused, chosen at random: 100 when not given.
    #[serde(default)]
    pub enforce: Option<f64>,
    /// Which requests the limit is for: all when not given.
    #[serde(default)]
    pub when: Option<Condition>,
    /// The attributes whose values requests are counted by, each combination for itself. All requests together when there are none. A request that lacks one of them is not limited: `when` can say that it must be there.
    #[serde(default)]
    pub key: Vec<String>,
    /// How many keys are counted at a time: 8192 when not given, from 64 to 131072. A key that has used nothing lately takes no room.
    #[serde(default)]
    pub capacity: Option<f64>,
    /// What happens to a new key while there is no room for it: `share` when not given.
    #[serde(default)]
    pub on_overflow: Option<OnOverflow>,
    /// What happens when other workers changed the count so often in the meantime that it was given up: `allow` when not given.
    #[serde(default)]
    pub on_contention: Option<OnContention>,
    /// Keys with other numbers, or without a limit.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
    /// How requests are refused.
    #[serde(default)]
    pub refusal: Option<Refusal>,
    /// So many requests in a time on average, and a burst.
    #[serde(default)]
    pub token_bucket: Option<TokenBucket>,
    /// So many requests in any time of a length; several lengths at once.
    #[serde(default)]
    pub sliding_window: Option<Vec<Window>>,
    /// So many requests a second, reached step by step after a pause.
    #[serde(default)]
    pub warm_up: Option<WarmUp>,
    /// So many requests at a time.
    #[serde(default)]
    pub concurrency: Option<Concurrency>,
    /// As many requests at a time as the service can take.
    #[serde(default)]
    pub adaptive: Option<Adaptive>,
    /// Requests one after the other at an even pace; they wait for their turn.
    #[serde(default)]
    pub queue: Option<Queue>,
    /// What a rate limit service allows, which counts for all proxies. It is asked when the other limits have room; `key`, `capacity` and `exceptions` are not for it.
    #[serde(default)]
    pub cluster: Option<Cluster>,
}

/// A key with other numbers: `unlimited`, or the limit's own kind with others.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Exception {
    /// The values of the attributes of the limit's `key`, in their order.
    pub key: Vec<meshlane_conditions::config::Scalar>,
    /// `true`: no limit.
    #[serde(default)]
    pub unlimited: Option<bool>,
    /// Another bucket.
    #[serde(default)]
    pub token_bucket: Option<TokenBucket>,
    /// Other windows.
    #[serde(default)]
    pub sliding_window: Option<Vec<Window>>,
    /// Another rate.
    #[serde(default)]
    pub warm_up: Option<WarmUp>,
    /// Another number.
    #[serde(default)]
    pub concurrency: Option<Concurrency>,
    /// Another range.
    #[serde(default)]
    pub adaptive: Option<Adaptive>,
    /// Another pace.
    #[serde(default)]
    pub queue: Option<Queue>,
}

/// A token bucket, as the generic cell rate algorithm (ITU-T I.371) has it: it holds `burst` tokens and is filled evenly; a request takes one.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TokenBucket {
    /// How many tokens come in `per` seconds: a whole number from 1 to 1000000000.
    pub requests: f64,
    /// Seconds: 1 when not given, from 0.001 to 2678400 (31 days).
    #[serde(default)]
    pub per: Option<f64>,
    /// How many tokens there may be, and so how many requests at once: as `requests` when not given.
    #[serde(default)]
    pub burst: Option<f64>,
}

/// In any time of `per` seconds no more than `requests`. It is counted in tenths of the time: what came in the tenth that has just left the window still counts, so that at no edge more pass.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Window {
    /// How many requests: a whole number from 1 to 1000000000.
    pub requests: f64,
    /// Seconds: 1 when not given, from 0.001 to 2678400 (31 days).
    #[serde(default)]
    pub per: Option<f64>,
}

/// A rate that a cold service is not given at once, as Sentinel's `WarmUpController` has it: after a pause `requests / coldFactor` a second, and `period` seconds of traffic later the whole.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WarmUp {
    /// How many requests a second once it is warm: a whole number from 1 to 1000000000.
    pub requests: f64,
    /// Seconds of traffic that it takes to get warm: 10 when not given, from 1 to 3600.
    #[serde(default)]
    pub period: Option<f64>,
    /// By what the rate is smaller when it is cold: 3 when not given, a whole number from 2 to 100.
    #[serde(default)]
    pub cold_factor: Option<f64>,
}

/// A number of requests at a time, from when they come until they are answered.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Concurrency {
    /// How many: a whole number from 1 to 1000000.
    pub requests: f64,
    /// After how many seconds the requests of a worker count no more that was lost without a word: 15 when not given, from 3 to 3600. Those that are really still on their way go on counting.
    #[serde(default)]
    pub lease: Option<f64>,
}

/// A number of requests at a time that follows the service, as `Gradient2Limit` of Netflix's concurrency-limits has it: where answers take longer than usual fewer are let in, otherwise more. With `key: [path]` each path has one of its own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Adaptive {
    /// The fewest: 10 when not given, a whole number from 1 to 1000000.
    pub min: Option<f64>,
    /// The most: 1000 when not given, a whole number from `min` to 1000000.
    pub max: Option<f64>,
    /// How many there are at first: 20 when not given, or `min` or `max` where that lies outside.
    pub initial: Option<f64>,
    /// By what factor answers may take longer than usual before fewer are let in: 1.5 when not given, from 1 to 10.
    pub tolerance: Option<f64>,
    /// For how many seconds times are collected before the number changes: 1 when not given, from 0.1 to 60.
    pub window: Option<f64>,
    /// As with `concurrency`: 15 when not given.
    pub lease: Option<f64>,
}

/// A queue that requests leave at an even pace. A request that comes too early gets the next free time, and waits until then.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Queue {
    /// How many requests leave in `per` seconds: a whole number from 1 to 1000000000.
    pub requests: f64,
    /// Seconds: 1 when not given, from 0.001 to 2678400 (31 days).
    #[serde(default)]
    pub per: Option<f64>,
    /// How many seconds a request waits at most: who would have to wait longer is refused at once. 1 when not given, from 0 to 600.
    #[serde(default)]
    pub max_wait: Option<f64>,
    /// How many requests wait at most: as many as `maxWait` gives room for when not given, from 1 to 1000000.
    #[serde(default)]
    pub max_waiting: Option<f64>,
    /// Classes of requests with a patience of their own; the first whose condition holds counts. When it gets full, those with more patience still find a place.
    #[serde(default)]
    pub classes: Vec<Class>,
}

/// A limit that a service counts for all proxies, asked by Envoy's rate limit service protocol, version 3: [envoyproxy/ratelimit](https://github.com/envoyproxy/ratelimit), [Limitador](https://github.com/Kuadrant/limitador).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Cluster {
    /// Envoy's cluster of the service, which must speak HTTP/2: `outbound|8081||ratelimit.infra.svc.cluster.local`. At most 120 characters.
    pub service: String,
    /// The domain under which the service has the limits.
    pub domain: String,
    /// What requests are counted by there. A descriptor of which an attribute is absent is left out; a request for which none is left is not limited.
    pub descriptors: Vec<Descriptor>,
    /// How much a request counts: 1 when not given, a whole number from 1 to 1000000.
    #[serde(default)]
    pub hits: Option<f64>,
    /// The attribute that holds how much a request counts; as `hits` says when it is absent or no such number.
    #[serde(default)]
    pub hits_from: Option<String>,
    /// For how many seconds an answer is waited for: 0.02 when not given, from 0.001 to 10.
    #[serde(default)]
    pub timeout: Option<f64>,
    /// What happens when there is no answer: `open` when not given.
    #[serde(default)]
    pub failure_mode: Option<FailureMode>,
    /// With `failureMode: local` the limit that holds while there is no answer, for each combination of descriptors.
    #[serde(default)]
    pub local: Option<TokenBucket>,
    /// Takes more than one at a time from the service, so that it is not asked for each request.
    #[serde(default)]
    pub lease: Option<Lease>,
    /// Whether the service is not asked again for what is over the limit until it says that it is reset: `true` when not given.
    #[serde(default)]
    pub remember_over: Option<bool>,
}

/// A descriptor of a request: the service has a limit for each combination of its values.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Descriptor {
    /// Its entries, in the order that the service has them in.
    pub entries: Vec<Entry>,
    /// A limit instead of that of the service, where the service allows it.
    #[serde(default)]
    pub limit: Option<Override>,
}

/// An entry of a descriptor: `value`, or the value of `attribute`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Entry {
    /// Its key. When not given as the actions of Envoy's routes have it: `generic_key` with `value`, `remote_address` with `source.ip`; otherwise the attribute's name.
    pub key: Option<String>,
    /// The attribute that holds its value.
    pub attribute: Option<String>,
    /// Its value.
    pub value: Option<String>,
}

/// A limit that comes with a request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Override {
    /// How many requests: a whole number from 1 to 1000000000.
    pub requests_per_unit: f64,
    /// In which time.
    pub unit: Unit,
}

/// A unit of time of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A month.
    Month,
    /// A year.
    Year,
}

/// Requests that are taken from the service at once and spent by the proxy alone. At the end of the service's window a proxy may have up to 1.5 times as many left, which the next window does not know of.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Lease {
    /// How many: a whole number from 2 to 1000000.
    pub requests: f64,
    /// For how many seconds they may be spent: 1 when not given, from 0.1 to 3600. No longer than until the service's window is over.
    #[serde(default)]
    pub seconds: Option<f64>,
}

/// What happens to a request when the service does not answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum FailureMode {
    /// It passes.
    #[default]
    Open,
    /// It is refused.
    Closed,
    /// The limit of `local` holds.
    Local,
}

/// A class of requests in a queue.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Class {
    /// Which requests are of it.
    pub when: Condition,
    /// How many seconds they wait at most, from 0 to 600.
    pub max_wait: f64,
}

/// How a request is refused.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Refusal {
    /// The HTTP status, from 400 to 599. When not given 429, and 503 where a rate limit service did not answer. A gRPC client gets `RESOURCE_EXHAUSTED` whatever it is, a Dubbo client by default the status 100 (`SERVER_THREADPOOL_EXHAUSTED`).
    pub status: Option<f64>,
    /// The body: a sentence with the limit's name when not given.
    pub body: Option<String>,
    /// The body for clients that accept JSON and no plain text, a JSON document: the same as an object when not given.
    pub json: Option<String>,
    /// More headers.
    pub headers: Option<BTreeMap<String, String>>,
    /// When answers have the headers `x-ratelimit-limit`, `x-ratelimit-remaining` and `x-ratelimit-reset` ([draft 03](https://datatracker.ietf.org/doc/html/draft-polli-ratelimit-headers-03)) of the limit with the least left: `refused` when not given.
    pub rate_limit_headers: Option<RateLimitHeaders>,
}

/// Which answers have the rate limit headers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum RateLimitHeaders {
    /// None.
    Never,
    /// Refusals.
    #[default]
    Refused,
    /// All that a limit was asked for.
    Always,
}

/// What happens to a new key while there is no room for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum OnOverflow {
    /// It is counted together with others that find no room, as if they were one key. Keys that are counted already are not touched.
    #[default]
    Share,
    /// Its requests pass.
    Allow,
    /// Its requests are refused.
    Refuse,
}

/// What happens to a request whose count could not be changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum OnContention {
    /// It passes.
    #[default]
    Allow,
    /// It is refused.
    Refuse,
}
