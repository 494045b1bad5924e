//! `meshlane explain`: what the plugins of a proxy do with a request, and why.

mod bytes;
mod counted;
mod dubbo;
mod explanation;
mod file;
mod har;
mod print;
mod request;
mod walk;

use meshlane_attributes::Workload;
use meshlane_gray_release::Remembered;
use meshlane_gray_release::config::Direction;
use meshlane_tag_route::Snapshot;
use serde::Serialize;

use crate::check::Needs;
use crate::policy::Policy;

pub use bytes::HeaderText;
pub use counted::Counted;
pub use dubbo::DubboCall;
pub use explanation::{Endpoints, Explanation, Routed};
pub use file::requests as requests_of_file;
pub use har::requests as requests_of_har;
pub use print::{print, print_walk};
pub use request::{Request, random_bytes};
pub use walk::{LaneMesh, Walked};

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

/// The proxy that a request goes through.
#[derive(Debug, Default)]
pub struct Proxy {
    /// What it knows about itself.
    pub workload: Workload,
    /// What it would say of its clusters; nothing when it has not been asked.
    pub clusters: Option<Snapshot>,
    /// Which way the requests go that are explained, when it is known.
    pub direction: Option<Direction>,
    /// What it remembers of the request that caused them; nothing when it remembers none.
    pub remembered: Option<Remembered>,
    /// What its limits count of the requests that are explained, one after the other.
    pub counted: Counted,
    /// The plugins that decide about requests, in the order in which they see them.
    pub plugins: Vec<Deciding>,
}

impl Proxy {
    /// What its plugins decide by, in the order in which they see requests.
    pub fn policies(&self) -> Vec<&Policy> {
        self.plugins.iter().map(|plugin| &plugin.policy).collect()
    }
}

/// A plugin that decides about requests.
#[derive(Debug)]
pub struct Deciding {
    /// The document that it is from, in words.
    pub plugin: String,
    /// What it decides by.
    pub policy: Policy,
}

/// An explained request.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// The request in a line.
    pub request: String,
    /// Of a Dubbo call: what the configuration of the bridge has to say for the rules to see what
    /// they ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bridge_needs: Option<String>,
    /// The random bytes, when they mattered.
    pub random: Option<String>,
    /// What each plugin did that the request came to.
    pub plugins: Vec<Decided>,
}

/// What a plugin did with a request.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decided {
    /// The document that the plugin is from, in words.
    pub plugin: String,
    /// The filter.
    pub kind: &'static str,
    /// The reserved headers that the request came with; the filter removes them first.
    pub reserved_headers_removed: Vec<String>,
    /// The decision and what led to it.
    #[serde(flatten)]
    pub explanation: Explanation,
}

/// Explains what the plugins of a proxy do with a request, one after the other: each sees what
/// those before it made of the request. `random` is what chance gives whenever a decision asks for
/// it. Limits count the request, also for those that are explained later.
pub fn explain(proxy: &Proxy, request: &Request, random: [u8; 16]) -> Explained {
    let policies = proxy.policies();
    let mut on_its_way = request.bridged(&policies);
    let mut drawn = false;
    let mut draw = || {
        drawn = true;
        random
    };
    let mut decided = Vec::with_capacity(proxy.plugins.len());
    for Deciding { plugin, policy } in &proxy.plugins {
        let (facts, reserved) = on_its_way.facts(policy.settings());
        let explanation = policy.explain(&facts, proxy, &mut draw);
        on_its_way.remove_headers(&reserved);
        on_its_way.write(&explanation.writes());
        on_its_way.is_decided |= !explanation.summary().is_empty();
        let is_refused = explanation.refused().is_some();
        decided.push(Decided {
            plugin: plugin.clone(),
            kind: policy.kind().as_str(),
            reserved_headers_removed: reserved,
            explanation,
        });
        if is_refused {
            break;
        }
    }
    Explained {
        request: request.title(),
        bridge_needs: bridge_needs(request, &policies),
        random: drawn.then(|| bytes::hex(&random)),
        plugins: decided,
    }
}

/// Of a Dubbo call: what the bridge has to be told so that policies see what they ask for.
fn bridge_needs(request: &Request, policies: &[&Policy]) -> Option<String> {
    let needs = Needs::of(policies);
    (request.dubbo.is_some() && !needs.is_empty()).then(|| needs.to_string())
}
