//! Whose word on a Dubbo call is believed.

use serde::Deserialize;

/// Whose `dubbo-*` headers are believed: what they say is what rules see as `dubbo.*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum DubboHeaders {
    /// Those of the `dubbo` filter in front of this very connection manager. All others are removed; interface and method of a bridged call still come from its path.
    #[default]
    Bridge,
    /// Those of every bridged call (`content-type: application/dubbo2`). For proxies of providers, which get such calls from the proxies of their consumers, and only where the `dubbo` filter with `mode: toDubbo` stands in front of the provider: it compares each header with the call itself.
    Peer,
}
