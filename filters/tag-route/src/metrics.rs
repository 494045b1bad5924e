//! The filter's counters.

use std::cell::RefCell;
use std::collections::BTreeMap;

use meshlane_diagnostics::Reason;
use meshlane_host::Configured;
use meshlane_host::metric::{ByReason, Counter, name};
use meshlane_tag_route::{Decision, Policy, Service};

/// Counters of decisions and of what routers did.
pub(crate) struct Metrics {
    plugin: String,
    services: Vec<ServiceMetrics>,
    unknown_service: ByReason,
}

struct ServiceMetrics {
    name: String,
    routers: Vec<String>,
    decisions: ByReason,
    /// By router and code. Defined when they first count: of the many that a large document could have most never do.
    steps: RefCell<BTreeMap<(usize, Reason), Counter>>,
}

impl Metrics {
    pub(crate) fn define(configured: &Configured<Policy>) -> Self {
        let plugin = configured.name.as_str();
        let services = configured.policy.iter().flat_map(|policy| {
            let services = policy.services().iter();
            services.map(|service| ServiceMetrics::define(plugin, policy, service))
        });
        Self {
            plugin: plugin.to_owned(),
            services: services.collect(),
            unknown_service: decisions(plugin, "-", &[Reason::RouteUnknownService]),
        }
    }

    pub(crate) fn count(&self, decision: &Decision<'_>) {
        let service = decision.service.and_then(|at| self.services.get(at));
        match service {
            Some(service) => service.count(&self.plugin, decision),
            None => self.unknown_service.count(decision.reason),
        }
    }
}

impl ServiceMetrics {
    fn define(plugin: &str, policy: &Policy, service: &Service) -> Self {
        Self {
            name: service.name().to_owned(),
            routers: policy.routers(service).map(str::to_owned).collect(),
            decisions: decisions(plugin, service.name(), &OUTCOMES),
            steps: RefCell::default(),
        }
    }

    fn count(&self, plugin: &str, decision: &Decision<'_>) {
        self.decisions.count(decision.reason);
        let Ok(mut counters) = self.steps.try_borrow_mut() else {
            return;
        };
        for step in &decision.steps {
            let (router, reason) = (step.router, step.reason);
            let define = || self.step(plugin, router, reason);
            counters
                .entry((router, reason))
                .or_insert_with(define)
                .add(1);
        }
    }

    fn step(&self, plugin: &str, router: usize, reason: Reason) -> Counter {
        let labels = [
            ("plugin", plugin),
            ("service", &self.name),
            (
                "router",
                self.routers.get(router).map_or("-", String::as_str),
            ),
            ("reason", reason.as_str()),
        ];
        Counter::new(&name("tag_route_steps", &labels))
    }
}

fn decisions(plugin: &str, service: &str, reasons: &[Reason]) -> ByReason {
    let labels = [("plugin", plugin), ("service", service)];
    ByReason::define("tag_route_decisions", &labels, reasons)
}

const OUTCOMES: [Reason; 5] = [
    Reason::RouteChosen,
    Reason::RouteFellBack,
    Reason::RouteLastResort,
    Reason::RouteRefused,
    Reason::RouteNobody,
];
