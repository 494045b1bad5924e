use meshlane_attributes::DubboHeaders;
use meshlane_conditions::config::{Condition, HashAlgorithm, Jwt, SourceIp};
use meshlane_diagnostics::OnInvalidConfig;
use meshlane_tags::config::Carrier;
use serde::{Deserialize, Serialize};

/// Configuration of the filter `traffic-tag`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct TrafficTagConfig {
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
    /// The tags, decided in this order; a later tag's rules may ask for an earlier one as `tag.NAME`.
    pub tags: Vec<Tag>,
}

/// A tag: where its value comes from and what carries it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tag {
    /// The tag's name, a header name: `x-asm-prefer-tag`, `x-mse-tag`, `dubbo.tag` …
    pub name: String,
    /// What is done with a value that the request came with. `strip` at gateways, `keep` at sidecars and waypoints when not given; on Envoy without Istio it must be given.
    pub on_incoming: Option<OnIncoming>,
    /// What carries the tag: read in this order, and all written. The request header of the tag's name when not given; for `dubbo.tag` the attachment.
    pub carriers: Option<Vec<Carrier>>,
    /// The rules, tried in this order; the first that gives a value decides.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// The value when no rule gives one.
    pub default: Option<String>,
}

/// What is done with a tag that a request came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum OnIncoming {
    /// It is removed before the rules are tried: a client must not choose its own lane.
    Strip,
    /// It is kept, and the rules are tried only for requests that came without one.
    Keep,
    /// It is replaced when a rule or the default gives a value, and kept otherwise.
    Overwrite,
}

/// A rule: when it applies, and exactly one of `value`, `valueFrom`, `split`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Rule {
    /// The rule's name in metrics, logs and `meshlane explain`: `rule-1`, `rule-2` … when not given.
    pub name: Option<String>,
    /// `false` switches the rule off.
    pub enabled: Option<bool>,
    /// When the rule applies: always when not given.
    pub when: Option<Condition>,
    /// The tag's value.
    pub value: Option<String>,
    /// The attribute that holds the tag's value; when it is absent the rule does not apply.
    pub value_from: Option<String>,
    /// Several values, each for a share of the requests.
    pub split: Option<Split>,
}

/// A split by weight. Who falls beyond the sum of the weights gets no value from this rule.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Split {
    /// What a request is split by.
    pub by: SplitKey,
    /// What makes this split independent of others (only with `xxh64`). With a sticky cookie it is needed, and should not be known to clients.
    pub salt: Option<String>,
    /// How the key is hashed: `xxh64` when not given.
    pub algorithm: Option<HashAlgorithm>,
    /// What the weights are shares of: 100 when not given.
    pub of: Option<f64>,
    /// The values with their weights. Raising the first weight only adds keys to it; put the value that grows first.
    pub values: Vec<WeightedValue>,
}

/// What a request is split by; exactly one key.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct SplitKey {
    /// An attribute: the same value always gets the same share. When it is absent the rule does not apply.
    pub attribute: Option<String>,
    /// A cookie that this filter sets in the browser with a random id.
    pub sticky_cookie: Option<StickyCookie>,
    /// `true`: each request on its own, at random.
    pub random: Option<bool>,
}

/// A cookie with a random id. It never holds the tag: a client must not choose.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StickyCookie {
    /// The cookie's name.
    pub name: String,
    /// `Path`: `/` when not given.
    pub path: Option<String>,
    /// `Domain`: the host alone when not given.
    pub domain: Option<String>,
    /// `Max-Age` in seconds: 31536000 (a year) when not given; 0 for a cookie that ends with the browser's session.
    pub max_age: Option<f64>,
    /// `Secure`: `true` when not given.
    pub secure: Option<bool>,
    /// `HttpOnly`: `true` when not given.
    pub http_only: Option<bool>,
    /// `SameSite`: `Lax` when not given.
    pub same_site: Option<SameSite>,
}

/// `SameSite` of a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SameSite {
    /// Sent with requests of the same site only.
    Strict,
    /// Sent with requests of the same site and when a link is followed.
    Lax,
    /// Sent always; needs `secure`.
    None,
}

/// A value of a split.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WeightedValue {
    /// The tag's value.
    pub value: String,
    /// Its share.
    pub weight: f64,
}
