//! Access logs: one JSON object a request.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{poll, scene::Scene};

/// The header by which a request is found in the log.
pub const ID_HEADER: &str = "x-e2e-id";

/// An access log that a listener writes.
#[derive(Clone, Debug)]
pub struct AccessLog(PathBuf);

/// What the log says of one request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// The value of [`ID_HEADER`].
    pub id: Option<String>,
    /// The status that the client got.
    pub status: Option<u16>,
    /// The cluster that the request went to.
    pub upstream: Option<String>,
    /// Envoy's response flags.
    pub flags: Option<String>,
    /// Envoy's reason for the status.
    pub details: Option<String>,
    /// What the filter `traffic-tag` decided: `%FILTER_STATE(wasm.meshlane.traffic-tag:PLAIN)%`.
    pub tags: Option<String>,
    /// What the filter `tag-route` decided: `%FILTER_STATE(wasm.meshlane.tag-route:PLAIN)%`.
    pub route: Option<String>,
    /// What the filter `gray-release` decided: `%FILTER_STATE(wasm.meshlane.gray-release:PLAIN)%`.
    pub gray: Option<String>,
    /// What the filter `rate-limit` decided: `%FILTER_STATE(wasm.meshlane.rate-limit:PLAIN)%`.
    pub limits: Option<String>,
}

impl AccessLog {
    /// A log in a fresh file.
    pub fn new(scene: &Scene) -> Result<Self> {
        Ok(Self(scene.fresh("access.json")?))
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.0
    }

    /// The entries so far.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let text = String::from_utf8_lossy(&fs::read(&self.0)?).into_owned();
        // The last line may be half written.
        let whole = text
            .rfind('\n')
            .and_then(|end| text.get(..end))
            .unwrap_or_default();
        whole
            .lines()
            .map(|line| serde_json::from_str(line).with_context(|| format!("access log: {line}")))
            .collect()
    }

    /// The entry of the request with this id; waits until it is written.
    pub async fn entry(&self, id: &str) -> Result<Entry> {
        poll::until("the access log", async || {
            let mut entries = self.entries()?.into_iter();
            entries
                .find(|entry| entry.id.as_deref() == Some(id))
                .with_context(|| format!("request {id} is not in the log"))
        })
        .await
    }
}
