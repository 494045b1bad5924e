//! Deciding where a request goes.

use std::borrow::Cow;
use std::fmt::Write;

use meshlane_attributes::{Request, RequestFacts, Workload};
use meshlane_conditions::RandomBytes;
use meshlane_diagnostics::Reason;

use crate::config::LastResort;
use crate::health::{Health, HealthState, ServiceHealth};
use crate::inventory::{Destination, Service};
use crate::policy::Policy;
use crate::routing::{Outcome, Pass};
use crate::set::Set;

/// Where a request goes.
#[derive(Debug, Clone)]
pub struct Decision<'p> {
    /// The service that the request is for, by its position.
    pub service: Option<usize>,
    /// Where it goes; nothing when it is refused, or for no service of the policy.
    pub destination: Option<&'p Destination>,
    /// Why.
    pub reason: Reason,
    /// How much was known of the health of the destinations; nothing without a service.
    pub health: Option<Reason>,
    /// What each router did that was reached, in their order.
    pub steps: Vec<Step<'p>>,
}

/// What a router did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<'p> {
    /// The router, by its position in the service's chain.
    pub router: usize,
    /// What it did.
    pub reason: Reason,
    /// What it kept or looked for: a zone, a unit, a tag, the name of a rule.
    pub value: Option<Cow<'p, str>>,
    /// How many destinations were left.
    pub left: usize,
}

/// Told of the destinations that are left: at first, and after each step.
pub(crate) type Observer<'o> = &'o mut dyn FnMut(Option<&Step<'_>>, &Set);

impl Policy {
    /// Decides where a request goes.
    ///
    /// `random` is asked once for each choice by chance that is reached.
    pub fn decide<'p>(
        &'p self,
        facts: &dyn RequestFacts,
        workload: &Workload,
        health: &Health,
        random: RandomBytes<'_>,
    ) -> Decision<'p> {
        let request = Request::new(&self.table, facts, workload);
        self.decide_observed(&request, workload, health, random, &mut |_, _| {})
    }

    pub(crate) fn decide_observed<'p>(
        &'p self,
        request: &Request<'_>,
        workload: &Workload,
        health: &Health,
        random: RandomBytes<'_>,
        observer: Observer<'_>,
    ) -> Decision<'p> {
        let found = self.service(request.headers());
        let found = found.and_then(|at| Some((at, self.services.get(at)?)));
        let Some((position, service)) = found else {
            return Decision {
                service: None,
                destination: None,
                reason: Reason::RouteUnknownService,
                health: None,
                steps: Vec::new(),
            };
        };
        let known = health.service(position);
        let considered = || considered(service, health.state(), known);
        let (mut left, health) = considered();
        observer(None, &left);
        let mut pass = Pass {
            policy: self,
            service,
            request,
            workload,
            random,
        };
        let mut steps = Vec::new();
        let mut reason = Reason::RouteChosen;
        let chain = self.chains.get(service.chain).into_iter();
        for (router, config) in chain.flat_map(|chain| chain.routers.iter().enumerate()) {
            let Outcome {
                reason: done,
                value,
                kept,
            } = pass.route(router, config, &left);
            if let Some(kept) = kept {
                left = kept;
            }
            let step = Step {
                router,
                reason: done,
                value,
                left: left.len(),
            };
            observer(Some(&step), &left);
            steps.push(step);
            match done {
                Reason::RouterFailed => reason = Reason::RouteRefused,
                Reason::RouterNobody => reason = Reason::RouteNobody,
                Reason::RouterLeftNothing => {
                    reason = Reason::RouteLastResort;
                    left = last_resort(service, considered().0);
                }
                done if fell_back(done) => reason = Reason::RouteFellBack,
                _ => {}
            }
            if ends_chain(done) {
                break;
            }
        }
        let destination = pass
            .select(&left, known)
            .and_then(|position| service.destinations.get(position));
        if destination.is_none() && reason != Reason::RouteNobody {
            reason = Reason::RouteRefused;
        }
        Decision {
            service: Some(position),
            destination,
            reason,
            health: Some(health),
            steps,
        }
    }
}

impl Decision<'_> {
    /// Whether the request must not go anywhere.
    pub fn is_refused(&self) -> bool {
        matches!(self.reason, Reason::RouteRefused | Reason::RouteNobody)
    }

    /// The decision in a line, as it goes to access logs:
    /// `SERVICE=DESTINATION;reason=CODE;health=CODE;ROUTER=VALUE:CODE;…`, `-` for what is not there.
    pub fn summary(&self, policy: &Policy) -> String {
        let service = self.service.and_then(|at| policy.services.get(at));
        let destination = self.destination.map_or("-", Destination::name);
        let mut line = format!(
            "{}={destination};reason={}",
            service.map_or("-", Service::name),
            self.reason
        );
        if let Some(health) = self.health {
            // Writing to a String cannot fail.
            let _ = write!(line, ";health={health}");
        }
        let routers = service
            .into_iter()
            .flat_map(|service| policy.routers(service));
        for (router, step) in routers.zip(&self.steps) {
            let value = step.value.as_deref().unwrap_or("-");
            let _ = write!(line, ";{router}={}:{}", printable(value), step.reason);
        }
        line
    }
}

/// A value of a request in a line of a log: no separator, and no longer than a name.
fn printable(value: &str) -> String {
    let allowed =
        |c: char| c.is_ascii_graphic() && !matches!(c, ';' | ',' | '"' | '\\' | '=' | ':');
    let replaced = value
        .chars()
        .take(MAX_PRINTED)
        .map(|c| if allowed(c) { c } else { '_' });
    replaced.collect()
}

/// The destinations that count at first.
fn considered(
    service: &Service,
    state: HealthState,
    known: Option<&ServiceHealth>,
) -> (Set, Reason) {
    let all = || Set::all(service.destinations.len());
    match (state, known) {
        (HealthState::Fresh, Some(known)) if known.healthy.is_empty() => {
            (all(), Reason::HealthIgnored)
        }
        (HealthState::Fresh, Some(known)) => (known.healthy.clone(), Reason::HealthKnown),
        (HealthState::Off, _) => (all(), Reason::HealthOff),
        (HealthState::Stale | HealthState::Fresh, _) => (all(), Reason::HealthStale),
    }
}

fn last_resort(service: &Service, considered: Set) -> Set {
    match service.last_resort {
        LastResort::Fail => Set::none(service.destinations.len()),
        LastResort::AnyHealthy => considered,
        LastResort::Baseline => considered.and(&service.baseline),
    }
}

fn fell_back(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::RouterWidened
            | Reason::RouterSkipped
            | Reason::RouterFellBackValue
            | Reason::RouterFellBackUntagged
    )
}

fn ends_chain(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::RouterFailed | Reason::RouterNobody | Reason::RouterLeftNothing
    )
}

const MAX_PRINTED: usize = 64;
