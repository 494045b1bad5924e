//! What is told of the way of a request.

use meshlane_tag_route::{Decision, Policy, Service};
use serde::Serialize;

/// The way of a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Walk {
    /// The tags that it got where it entered the mesh.
    pub entry: Vec<EntryTag>,
    /// Where it came, in this order.
    pub hops: Vec<Hop>,
}

/// A tag that `traffic-tag` decided.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryTag {
    /// The tag's name.
    pub name: String,
    /// The value.
    pub value: Option<String>,
    /// The rule that gave it.
    pub rule: Option<String>,
    /// Why, by its code.
    pub reason: &'static str,
    /// What was done with a value that the request came with, by its code.
    pub incoming: &'static str,
}

/// A call of a service.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hop {
    /// Its number, from 1.
    pub hop: usize,
    /// The service that is called.
    pub service: String,
    /// The destination; nothing when `tag-route` refuses the call.
    pub destination: Option<String>,
    /// The cluster there.
    pub cluster: Option<String>,
    /// How the destination was found.
    pub route: Route,
    /// The tags of the call.
    pub tags: Vec<HopTag>,
    /// Who refused the call, when it was.
    pub refused: Option<Refusal>,
    /// Where the workload sends the call on to, when it does: a lane, or `baseline`. The walk ends there.
    pub sent_on: Option<String>,
}

/// What `tag-route` decided in the proxy of the caller.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// Why, by its code.
    pub reason: &'static str,
    /// How much was known of the health of the destinations, by its code.
    pub health: Option<&'static str>,
    /// What each router did that was reached.
    pub routers: Vec<RouterStep>,
}

/// What a router did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouterStep {
    /// The router.
    pub name: String,
    /// What it did, by its code.
    pub reason: &'static str,
    /// What it kept or looked for.
    pub value: Option<String>,
}

/// A tag of a call.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HopTag {
    /// The tag's name.
    pub name: String,
    /// The lane of the workload that is called; nothing when it belongs to the baseline.
    pub lane: Option<String>,
    /// What `gray-release` did where the call left the caller; nothing at the first hop.
    pub sent: Option<TagStep>,
    /// What `gray-release` did where the call came in; nothing when it went nowhere.
    pub received: Option<TagStep>,
}

/// What `gray-release` decided about a tag.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TagStep {
    /// The value with which the request goes on.
    pub value: Option<String>,
    /// Where it comes from, by its code.
    pub reason: &'static str,
    /// What the lanes say, by its code.
    pub lane: Option<&'static str>,
}

/// Who refused a call, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The filter.
    pub by: &'static str,
    /// Why, by its code.
    pub reason: &'static str,
}

impl Walk {
    /// Who refused the request, when it was refused.
    pub fn refused(&self) -> Option<&Refusal> {
        self.hops.last()?.refused.as_ref()
    }
}

impl EntryTag {
    pub(super) fn new(
        tag: &meshlane_traffic_tag::Tag,
        decision: &meshlane_traffic_tag::TagDecision<'_>,
    ) -> Self {
        let rule = decision.rule.and_then(|rule| tag.rules().get(rule));
        Self {
            name: tag.name().to_owned(),
            value: decision.value.as_ref().map(ToString::to_string),
            rule: rule.map(|rule| rule.name().to_owned()),
            reason: decision.reason.as_str(),
            incoming: decision.incoming.as_str(),
        }
    }
}

impl Hop {
    pub(super) fn new(hop: usize, service: &str, route: Route) -> Self {
        Self {
            hop,
            service: service.to_owned(),
            destination: None,
            cluster: None,
            route,
            tags: Vec::new(),
            refused: None,
            sent_on: None,
        }
    }
}

impl Route {
    pub(super) fn new(policy: &Policy, service: &Service, decision: &Decision<'_>) -> Self {
        let routers = policy.routers(service).zip(&decision.steps);
        Self {
            reason: decision.reason.as_str(),
            health: decision.health.map(|health| health.as_str()),
            routers: routers
                .map(|(name, step)| RouterStep {
                    name: name.to_owned(),
                    reason: step.reason.as_str(),
                    value: step.value.as_deref().map(str::to_owned),
                })
                .collect(),
        }
    }
}

impl TagStep {
    pub(super) fn new(decision: &meshlane_gray_release::TagDecision) -> Self {
        Self {
            value: decision.value.as_ref().map(ToString::to_string),
            reason: decision.reason.as_str(),
            lane: decision.lane.map(|lane| lane.as_str()),
        }
    }
}
