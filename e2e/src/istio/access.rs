//! Access logs of sidecars.

use serde::Deserialize;

/// What a sidecar says of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// The path.
    pub path: Option<String>,
    /// The `:authority`.
    pub authority: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// Envoy's response flags.
    pub flags: Option<String>,
    /// Envoy's reason for the status.
    pub details: Option<String>,
    /// How often the call was made upstream.
    pub attempts: Option<u32>,
    /// The address that the call went to.
    pub upstream: Option<String>,
    /// The cluster that the call went to.
    pub cluster: Option<String>,
    /// Who the peer's certificate says that it is.
    pub principal: Option<String>,
    /// What `traffic-tag` decided.
    pub tags: Option<String>,
    /// What `tag-route` decided.
    pub route: Option<String>,
}

/// The entries among the lines of a log.
pub(super) fn entries(log: &str) -> Vec<Entry> {
    let lines = log.lines().filter(|line| line.starts_with('{'));
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
