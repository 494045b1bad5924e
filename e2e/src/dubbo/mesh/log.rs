//! What the outbound Envoy says of each call.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{bootstrap::parts, poll};

/// The access log of the outbound Envoy.
#[derive(Clone, Debug)]
pub struct CallLog(PathBuf);

/// A call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LoggedCall {
    /// `POST` for calls.
    pub method: Option<String>,
    /// Interface and method.
    pub path: Option<String>,
    /// The host.
    pub authority: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The Dubbo status of the answer.
    pub dubbo_status: Option<String>,
    /// The class of the exception that the provider answered with.
    pub exception: Option<String>,
    /// The cluster that it went to.
    pub cluster: Option<String>,
    /// The endpoint that answered.
    pub host: Option<String>,
    /// How often it was sent.
    pub attempts: Option<u32>,
    /// Envoy's response flags.
    pub flags: Option<String>,
    /// Envoy's reason for the status.
    pub details: Option<String>,
}

impl CallLog {
    pub(super) fn new(file: PathBuf) -> Self {
        Self(file)
    }

    pub(super) fn file(&self) -> &Path {
        &self.0
    }

    /// The calls so far.
    pub fn calls(&self) -> Result<Vec<LoggedCall>> {
        let text = fs::read_to_string(&self.0)?;
        // The last line may be half written.
        let whole = text.rfind('\n').and_then(|end| text.get(..end));
        let lines = whole.unwrap_or_default().lines();
        lines
            .map(|line| serde_json::from_str(line).with_context(|| format!("access log: {line}")))
            .collect()
    }

    /// Waits for so many calls whose path ends in a text.
    pub async fn expect(&self, path: &str, count: usize) -> Result<Vec<LoggedCall>> {
        poll::until("the access log", async || {
            let mut calls = self.calls()?;
            calls.retain(|call| call.path.as_deref().is_some_and(|it| it.ends_with(path)));
            ensure!(
                calls.len() == count,
                "{} calls of {path}: {calls:#?}",
                calls.len()
            );
            Ok(calls)
        })
        .await
    }
}

pub(super) fn access_log(file: &Path) -> Value {
    let format = json!({
                "method": "%REQ(:method)%",
                "path": "%REQ(:path)%",
                "authority": "%REQ(:authority)%",
                "status": "%RESPONSE_CODE%",
                "dubbo_status": "%RESP(dubbo-status)%",
                "exception": "%RESP(dubbo-exception)%",
                "cluster": "%UPSTREAM_CLUSTER%",
                "host": "%UPSTREAM_HOST%",
                "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
                "flags": "%RESPONSE_FLAGS%",
                "details": "%RESPONSE_CODE_DETAILS%",
    });
    parts::file_access_log(file, &format)
}
