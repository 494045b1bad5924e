//! Explanations, whatever the filter.

use std::collections::BTreeMap;

use meshlane_attributes::StaticFacts;
use meshlane_conditions::RandomBytes;
use meshlane_diagnostics::Reason;
use meshlane_gray_release::CorrelationKey;
use meshlane_tag_route::{Destination, Health, Service};
use meshlane_tags::HeaderWrite;
use serde::Serialize;

use super::Proxy;
use crate::policy::Policy;

/// A decision and what led to it.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Explanation {
    /// Of `gray-release`.
    GrayRelease(Box<meshlane_gray_release::Explanation>),
    /// Of `rate-limit`.
    RateLimit(Box<meshlane_rate_limit::Explanation>),
    /// Of `tag-route`.
    TagRoute(Box<Routed>),
    /// Of `traffic-tag`.
    TrafficTag(meshlane_traffic_tag::Explanation),
}

/// Where a request goes, and why.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Routed {
    /// The decision and what led to it.
    #[serde(flatten)]
    pub explanation: meshlane_tag_route::Explanation,
    /// What the service does when its chain leaves nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_resort: Option<&'static str>,
    /// The endpoints of the service's destinations, where they are known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoints: BTreeMap<String, Endpoints>,
}

/// The endpoints of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Endpoints {
    /// How many are healthy.
    pub healthy: u32,
    /// How many there are.
    pub total: u32,
}

impl Policy {
    /// Decides about a request and tells why.
    pub(super) fn explain(
        &self,
        facts: &StaticFacts,
        proxy: &Proxy,
        random: RandomBytes<'_>,
    ) -> Explanation {
        let workload = &proxy.workload;
        match self {
            Self::GrayRelease(policy) => {
                // Whatever identifies the request, it is the one that was said.
                let mut recall = |_: &CorrelationKey| proxy.remembered.clone();
                let explanation = policy.explain(facts, workload, proxy.direction, &mut recall);
                Explanation::GrayRelease(Box::new(explanation))
            }
            Self::RateLimit(policy) => {
                let explanation = proxy.counted.explain(policy, facts, workload, random);
                Explanation::RateLimit(Box::new(explanation))
            }
            Self::TagRoute(policy) => {
                let health = Health::new(policy, proxy.clusters.as_ref());
                let explanation = policy.explain(facts, workload, &health, random);
                Explanation::TagRoute(Box::new(Routed::new(explanation, policy, proxy)))
            }
            Self::TrafficTag(policy) => {
                Explanation::TrafficTag(policy.explain(facts, workload, random))
            }
        }
    }
}

impl Explanation {
    /// The status of the answer when the request goes no further.
    pub fn refused(&self) -> Option<u32> {
        let refusing = [Reason::RouteRefused, Reason::RouteNobody].map(Reason::as_str);
        let is_refused = match self {
            Self::GrayRelease(explanation) => explanation.refused.is_some(),
            Self::RateLimit(explanation) => return explanation.refused,
            Self::TagRoute(routed) => refusing.contains(&routed.explanation.reason),
            Self::TrafficTag(_) => false,
        };
        is_refused.then_some(SERVICE_UNAVAILABLE)
    }

    /// The headers that are written to the request.
    pub fn writes(&self) -> Vec<HeaderWrite> {
        match self {
            Self::GrayRelease(explanation) => explanation.headers.clone(),
            Self::RateLimit(_) => Vec::new(),
            Self::TagRoute(routed) => vec![HeaderWrite {
                name: routed.explanation.header.clone(),
                value: routed.explanation.header_value.clone(),
            }],
            Self::TrafficTag(explanation) => explanation.headers.clone(),
        }
    }

    /// The headers that are added to the answer, with their values.
    pub fn answers(&self) -> Vec<(&str, &str)> {
        match self {
            Self::GrayRelease(explanation) => {
                let headers = explanation.response_headers.iter();
                headers
                    .filter_map(|header| Some((header.name.as_str(), header.value.as_deref()?)))
                    .collect()
            }
            Self::RateLimit(explanation) => {
                let headers = explanation.response_headers.iter();
                headers
                    .map(|header| (header.name.as_str(), header.value.as_str()))
                    .collect()
            }
            Self::TagRoute(_) => Vec::new(),
            Self::TrafficTag(explanation) => {
                let cookies = explanation.set_cookies.iter();
                cookies
                    .map(|cookie| ("set-cookie", cookie.as_str()))
                    .collect()
            }
        }
    }

    /// The line that access logs get.
    pub fn summary(&self) -> &str {
        match self {
            Self::GrayRelease(explanation) => &explanation.summary,
            Self::RateLimit(explanation) => &explanation.summary,
            Self::TagRoute(routed) => &routed.explanation.summary,
            Self::TrafficTag(explanation) => &explanation.summary,
        }
    }
}

impl Routed {
    fn new(
        explanation: meshlane_tag_route::Explanation,
        policy: &meshlane_tag_route::Policy,
        proxy: &Proxy,
    ) -> Self {
        let name = explanation.service.as_deref();
        let service = policy
            .services()
            .iter()
            .find(|service| Some(service.name()) == name);
        let destinations = service.map(Service::destinations).unwrap_or_default();
        let clusters = proxy
            .clusters
            .as_ref()
            .filter(|_| policy.health_source().is_some());
        let endpoints = |destination: &Destination| {
            let health = clusters?.get(destination.cluster()?);
            let endpoints = Endpoints {
                healthy: health.healthy,
                total: health.total,
            };
            Some((destination.name().to_owned(), endpoints))
        };
        Self {
            last_resort: service.map(|service| service.last_resort().as_str()),
            endpoints: destinations.iter().filter_map(endpoints).collect(),
            explanation,
        }
    }
}

/// What lanes and routes refuse requests with.
const SERVICE_UNAVAILABLE: u32 = 503;
