use serde::{Deserialize, Serialize};

/// What carries a tag from hop to hop; exactly one key.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Carrier {
    /// A request header.
    pub header: Option<String>,
    /// A member of the W3C `baggage` header; the other members stay as they are.
    pub baggage: Option<String>,
    /// A cookie of the request; the other cookies stay as they are.
    pub cookie: Option<String>,
    /// A Dubbo attachment; only Dubbo calls get it, from other requests a header of that name is removed.
    pub attachment: Option<String>,
}
