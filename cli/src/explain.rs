//! `meshlane explain`: what a configuration does with a request, and why.

mod bytes;
mod dubbo;
mod file;
mod har;
mod print;
mod request;

use meshlane_attributes::Workload;
use meshlane_traffic_tag::{Explanation, Policy};
use serde::Serialize;

use crate::check::Needs;

pub use bytes::HeaderText;
pub use dubbo::DubboCall;
pub use file::requests as requests_of_file;
pub use har::requests as requests_of_har;
pub use print::print;
pub use request::{Request, random_bytes};

/// A request that cannot be made out.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRequest {
    /// A URL names no host.
    #[error("the URL `{0}` names no host")]
    NoHost(String),
    /// The claims are no JSON object.
    #[error("--jwt takes a JSON object: {0}")]
    Jwt(serde_json::Error),
    /// Random bytes are not as they must be.
    #[error("`{0}` is not 16 bytes in hexadecimal (32 digits)")]
    Random(String),
    /// A file is no HAR.
    #[error("not a HAR file: {0}")]
    Har(serde_json::Error),
    /// A file has no requests in the format of the decision tables.
    #[error("not a request: {0}")]
    File(serde_json::Error),
    /// A Dubbo call says something that follows from it.
    #[error("`{0}` follows from the Dubbo call and cannot be given beside it")]
    BesideDubbo(&'static str),
    /// A file is neither YAML nor JSON.
    #[error("line {line}: {message}")]
    Syntax {
        /// The line.
        line: usize,
        /// What is wrong there.
        message: String,
    },
}

/// An explained request.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// The request in a line.
    pub request: String,
    /// The reserved headers that the request came with; the filter removes them first.
    pub reserved_headers_removed: Vec<String>,
    /// Of a Dubbo call: what the configuration of the bridge has to say for the rules to see what
    /// they ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bridge_needs: Option<String>,
    /// The random bytes, when they mattered.
    pub random: Option<String>,
    /// The decision and what led to it.
    #[serde(flatten)]
    pub explanation: Explanation,
}

/// Explains what a policy does with a request. `random` is what chance gives whenever the
/// decision asks for it.
pub fn explain(
    policy: &Policy,
    request: &Request,
    workload: &Workload,
    random: [u8; 16],
) -> Explained {
    let (facts, reserved_headers_removed) = request.facts(policy);
    let mut drawn = false;
    let explanation = policy.explain(&facts, workload, &mut || {
        drawn = true;
        random
    });
    Explained {
        request: request.title(),
        reserved_headers_removed,
        bridge_needs: request.dubbo.as_ref().and_then(|_| needs(policy)),
        random: drawn.then(|| bytes::hex(&random)),
        explanation,
    }
}

fn needs(policy: &Policy) -> Option<String> {
    let needs = Needs::of(policy);
    (!needs.is_empty()).then(|| needs.to_string())
}
