//! The filter's counters.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use meshlane_diagnostics::Reason;
use meshlane_gray_release::config::Direction;
use meshlane_gray_release::{Decision, Policy};
use meshlane_host::Configured;
use meshlane_host::metric::{ByReason, Counter, name};

/// Counters of what requests carry, of lanes, and of the memory.
pub(crate) struct Metrics {
    plugin: String,
    /// By tag.
    carried: Vec<ByTag>,
    correlations: ByReason,
    has_warned: Cell<bool>,
}

struct ByTag {
    tag: String,
    inbound: ByReason,
    outbound: ByReason,
    /// By lane, direction and code. Defined when they first count: of the many that a large document could have most never do.
    lanes: RefCell<BTreeMap<(String, &'static str, Reason), Counter>>,
}

impl Metrics {
    pub(crate) fn define(configured: &Configured<Policy>) -> Self {
        let plugin = configured.name.as_str();
        let tags = configured.policy.iter().flat_map(Policy::tags);
        Self {
            plugin: plugin.to_owned(),
            carried: tags.map(|tag| ByTag::define(plugin, tag.name())).collect(),
            correlations: ByReason::define(
                "gray_release_correlations",
                &[("plugin", plugin)],
                &CORRELATIONS,
            ),
            has_warned: Cell::new(false),
        }
    }

    pub(crate) fn count(&self, policy: &Policy, decision: &Decision) {
        if let Some(reason) = decision.correlation {
            self.correlation(reason);
        }
        let tags = policy.tags().iter().zip(&self.carried);
        for ((tag, metrics), decided) in tags.zip(&decision.tags) {
            match decision.direction {
                Direction::Inbound => metrics.inbound.count(decided.reason),
                Direction::Outbound => metrics.outbound.count(decided.reason),
            }
            let Some(reason) = decided.lane else { continue };
            // What a client makes up must not make metrics.
            let found = decided.found.as_ref().map(|value| value.as_str());
            let lane = found.filter(|found| tag.has_lane(found)).unwrap_or("-");
            metrics.lane(&self.plugin, lane, decision.direction, reason);
        }
    }

    pub(crate) fn correlation(&self, reason: Reason) {
        self.correlations.count(reason);
    }

    /// Says once that it is not known which way requests go.
    pub(crate) fn undirected(&self, plugin: &str) {
        if !self.has_warned.replace(true) {
            log::error!(
                "gray-release {plugin}: neither the listener (`traffic_direction`) nor the configuration (`direction`) says \
                 whether requests come to the application or leave it; this plugin does nothing"
            );
        }
    }
}

impl ByTag {
    fn define(plugin: &str, tag: &str) -> Self {
        let carried = |direction: Direction, reasons: &[Reason]| {
            let labels = [
                ("plugin", plugin),
                ("tag", tag),
                ("direction", direction.as_str()),
            ];
            ByReason::define("gray_release_carried", &labels, reasons)
        };
        Self {
            tag: tag.to_owned(),
            inbound: carried(Direction::Inbound, &INBOUND),
            outbound: carried(Direction::Outbound, &OUTBOUND),
            lanes: RefCell::default(),
        }
    }

    fn lane(&self, plugin: &str, lane: &str, direction: Direction, reason: Reason) {
        let Ok(mut counters) = self.lanes.try_borrow_mut() else {
            return;
        };
        let direction = direction.as_str();
        let define = || {
            let labels = [
                ("plugin", plugin),
                ("tag", &self.tag),
                ("lane", lane),
                ("direction", direction),
                ("reason", reason.as_str()),
            ];
            Counter::new(&name("gray_release_lanes", &labels))
        };
        counters
            .entry((lane.to_owned(), direction, reason))
            .or_insert_with(define)
            .add(1);
    }
}

const INBOUND: [Reason; 3] = [
    Reason::CarriedByRequest,
    Reason::CarriedNothing,
    Reason::CarriedInvalid,
];

const OUTBOUND: [Reason; 5] = [
    Reason::CarriedByRequest,
    Reason::CarriedByCorrelation,
    Reason::CarriedUntagged,
    Reason::CarriedByLabel,
    Reason::CarriedNothing,
];

const CORRELATIONS: [Reason; 8] = [
    Reason::CorrelationHit,
    Reason::CorrelationMiss,
    Reason::CorrelationUnidentified,
    Reason::CorrelationStored,
    Reason::CorrelationEvicted,
    Reason::CorrelationKnown,
    Reason::CorrelationReplaced,
    Reason::CorrelationLost,
];
