//! A decision with everything that led to it, for people.

use meshlane_attributes::{Request, RequestFacts, Workload};
use meshlane_conditions::RandomBytes;
use meshlane_diagnostics::Reason;
use serde::Serialize;

use crate::chain::{Kind, Router};
use crate::decision::{Decision, Step};
use crate::health::Health;
use crate::inventory::{Destination, Service};
use crate::policy::Policy;
use crate::set::Set;

/// A decision with everything that led to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The service that the request is for.
    pub service: Option<String>,
    /// The name of its chain.
    pub chain: Option<String>,
    /// The destinations that were considered at first.
    pub considered: Vec<String>,
    /// Those that were not, because they are not healthy.
    pub unhealthy: Vec<String>,
    /// How much was known of their health, by its code.
    pub health: Option<&'static str>,
    /// The routers, in their order.
    pub routers: Vec<RouterExplanation>,
    /// Where the request goes.
    pub destination: Option<String>,
    /// The cluster there.
    pub cluster: Option<String>,
    /// Why, by its code.
    pub reason: &'static str,
    /// The header that Envoy is told by.
    pub header: String,
    /// Its value; nothing when the header is removed.
    pub header_value: Option<String>,
    /// The line that the access log gets.
    pub summary: String,
}

/// What a router did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouterExplanation {
    /// The router's name.
    pub name: String,
    /// What kind of router it is.
    pub kind: &'static str,
    /// What it did, by its code.
    pub reason: &'static str,
    /// What it kept or looked for.
    pub value: Option<String>,
    /// The destinations before it.
    pub before: Vec<String>,
    /// The destinations after it.
    pub after: Vec<String>,
    /// Its rules with what was found; of a `condition` only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleExplanation>,
}

/// A rule of a `condition`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleExplanation {
    /// The rule's name.
    pub name: String,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Its condition with what was found; nothing when it has none.
    pub from: Option<meshlane_conditions::Explanation>,
}

impl Policy {
    /// Decides as [`decide`](Self::decide) does and tells why.
    pub fn explain(
        &self,
        facts: &dyn RequestFacts,
        workload: &Workload,
        health: &Health,
        random: RandomBytes<'_>,
    ) -> Explanation {
        let request = Request::new(&self.table, facts, workload);
        let mut left = Vec::new();
        let decision = self.decide_observed(&request, workload, health, random, &mut |_, set| {
            left.push(set.clone());
        });
        let service = decision.service.and_then(|at| self.services.get(at));
        let names = |set: Option<&Set>| service.zip(set).map_or_else(Vec::new, names);
        let chain = service.and_then(|service| self.chains.get(service.chain));
        let routers = chain
            .map(|chain| chain.routers.as_slice())
            .unwrap_or_default();
        let explained = routers.iter().enumerate().map(|(position, router)| {
            let step = decision.steps.get(position);
            let before = left.get(position).filter(|_| step.is_some());
            let after = left.get(position + 1);
            explain_router(router, step, names(before), names(after), &request)
        });
        let considered = names(left.first());
        let unhealthy = service.map(Service::destinations).unwrap_or_default();
        let unhealthy = unhealthy.iter().map(|destination| destination.name.clone());
        Explanation {
            unhealthy: unhealthy
                .filter(|name| !considered.contains(name))
                .collect(),
            considered,
            service: service.map(|service| service.name.clone()),
            chain: chain.map(|chain| chain.name.clone()),
            health: decision.health.map(Reason::as_str),
            routers: explained.collect(),
            destination: decision.destination.map(|found| found.name.clone()),
            cluster: decision
                .destination
                .and_then(Destination::cluster)
                .map(str::to_owned),
            reason: decision.reason.as_str(),
            header: self.output.header.clone(),
            header_value: self.header_value(&decision).map(str::to_owned),
            summary: decision.summary(self),
        }
    }

    /// What the header of [`output`](Self::output) is set to; nothing when it is removed.
    pub fn header_value<'d>(&self, decision: &Decision<'d>) -> Option<&'d str> {
        decision
            .destination
            .map(|destination| self.output.value(destination))
    }
}

fn explain_router(
    router: &Router,
    step: Option<&Step<'_>>,
    before: Vec<String>,
    after: Vec<String>,
    request: &Request<'_>,
) -> RouterExplanation {
    let reason = step.map_or(Reason::RouterNotReached, |step| step.reason);
    let rules = match &router.kind {
        Kind::Condition(rules) => rules.rules.as_slice(),
        _ => &[],
    };
    let rules = rules.iter().map(|rule| RuleExplanation {
        name: rule.name.clone(),
        enabled: rule.enabled,
        from: rule.from.as_ref().map(|from| from.explain(request)),
    });
    RouterExplanation {
        name: router.name.clone(),
        kind: router.kind.name(),
        reason: reason.as_str(),
        value: step
            .and_then(|step| step.value.as_deref())
            .map(str::to_owned),
        before,
        after,
        rules: rules.collect(),
    }
}

fn names((service, set): (&Service, &Set)) -> Vec<String> {
    let destinations = set.iter().filter_map(|at| service.destinations.get(at));
    destinations
        .map(|destination| destination.name.clone())
        .collect()
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Locality(_) => "locality",
            Self::Unit(_) => "unit",
            Self::Tag(_) => "tag",
            Self::Condition(_) => "condition",
            Self::Weight(_) => "weight",
        }
    }
}
