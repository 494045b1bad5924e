//! The filter's counters.

use std::cell::RefCell;
use std::collections::BTreeMap;

use meshlane_diagnostics::Reason;
use meshlane_host::Configured;
use meshlane_host::metric::{Counter, name};
use meshlane_tag_route::{Decision, Policy, Service};

/// Counters of decisions and of what routers did.
pub(crate) struct Metrics {
    plugin: String,
    /// By service.
    services: Vec<ServiceMetrics>,
    unknown_service: Counter,
    /// By service, router and code. Defined when they first count: of the many that a large document could have most never
    /// do.
    steps: RefCell<BTreeMap<(usize, usize, Reason), Counter>>,
    names: Vec<ServiceNames>,
}

/// Every outcome that a service can have, defined at the start: what never happens shows as 0.
struct ServiceMetrics(Vec<(Reason, Counter)>);

struct ServiceNames {
    service: String,
    routers: Vec<String>,
}

impl Metrics {
    pub(crate) fn define(configured: &Configured<Policy>) -> Self {
        let plugin = configured.name.as_str();
        let policy = configured.policy.as_ref();
        let services = policy.map(Policy::services).unwrap_or_default();
        let names = policy.into_iter().flat_map(|policy| {
            policy.services().iter().map(|service| ServiceNames {
                service: service.name().to_owned(),
                routers: policy.routers(service).map(str::to_owned).collect(),
            })
        });
        Self {
            plugin: plugin.to_owned(),
            unknown_service: decisions(plugin, "-", Reason::RouteUnknownService),
            services: services
                .iter()
                .map(|service| ServiceMetrics::define(plugin, service))
                .collect(),
            steps: RefCell::default(),
            names: names.collect(),
        }
    }

    pub(crate) fn count(&self, decision: &Decision<'_>) {
        let Some(service) = decision.service else {
            self.unknown_service.add(1);
            return;
        };
        if let Some(metrics) = self.services.get(service) {
            metrics.count(decision.reason);
        }
        let Ok(mut counters) = self.steps.try_borrow_mut() else {
            return;
        };
        for step in &decision.steps {
            let key = (service, step.router, step.reason);
            let counter = counters.entry(key).or_insert_with(|| self.step(key));
            counter.add(1);
        }
    }

    fn step(&self, (service, router, reason): (usize, usize, Reason)) -> Counter {
        let names = self.names.get(service);
        let router = names.and_then(|names| names.routers.get(router));
        let labels = [
            ("plugin", self.plugin.as_str()),
            ("service", names.map_or("-", |names| &names.service)),
            ("router", router.map_or("-", String::as_str)),
            ("reason", reason.as_str()),
        ];
        Counter::new(&name("tag_route_steps", &labels))
    }
}

impl ServiceMetrics {
    fn define(plugin: &str, service: &Service) -> Self {
        let define = |reason| (reason, decisions(plugin, service.name(), reason));
        Self(OUTCOMES.map(define).to_vec())
    }

    fn count(&self, reason: Reason) {
        let mut counters = self.0.iter();
        if let Some((_, counter)) = counters.find(|(known, _)| *known == reason) {
            counter.add(1);
        }
    }
}

fn decisions(plugin: &str, service: &str, reason: Reason) -> Counter {
    let labels = [
        ("plugin", plugin),
        ("service", service),
        ("reason", reason.as_str()),
    ];
    Counter::new(&name("tag_route_decisions", &labels))
}

const OUTCOMES: [Reason; 5] = [
    Reason::RouteChosen,
    Reason::RouteFellBack,
    Reason::RouteLastResort,
    Reason::RouteRefused,
    Reason::RouteNobody,
];
