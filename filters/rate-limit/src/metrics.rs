//! The filter's counters.

use std::time::Duration;

use meshlane_diagnostics::Reason;
use meshlane_host::Configured;
use meshlane_host::metric::{ByReason, Counter, Histogram, name};
use meshlane_rate_limit::{Decision, Policy};

/// Counters of what limits say.
pub(crate) struct Metrics {
    /// In the order of the limits.
    limits: Vec<OfLimit>,
    waits: Histogram,
    lost: Counter,
}

struct OfLimit {
    decisions: ByReason,
    shared: Counter,
    /// Of a rate limit service: how often it was asked, and how often it did not answer.
    calls: Option<(Counter, Counter)>,
}

impl Metrics {
    pub(crate) fn define(configured: &Configured<Policy>) -> Self {
        let plugin = ("plugin", configured.name.as_str());
        let limits = configured.policy.iter().flat_map(Policy::limits);
        Self {
            limits: limits
                .map(|limit| {
                    let labels = [plugin, ("limit", limit.name())];
                    OfLimit {
                        decisions: ByReason::define("rate_limit_decisions", &labels, &DECISIONS),
                        shared: Counter::new(&name("rate_limit_shared", &labels)),
                        calls: (limit.kind() == "cluster").then(|| {
                            let calls = ["rate_limit_calls", "rate_limit_failed_calls"];
                            calls
                                .map(|metric| Counter::new(&name(metric, &labels)))
                                .into()
                        }),
                    }
                })
                .collect(),
            waits: Histogram::new(&name("rate_limit_wait_milliseconds", &[plugin])),
            lost: Counter::new(&name("rate_limit_lost", &[plugin])),
        }
    }

    pub(crate) fn count(&self, decision: &Decision) {
        for (limit, decided) in self.limits.iter().zip(&decision.limits) {
            if decided.is_applied() {
                limit.decisions.count(decided.reason);
            }
            if decided.shares {
                limit.shared.add(1);
            }
        }
    }

    /// The service of a limit is asked.
    pub(crate) fn called(&self, limit: usize) {
        let calls = self.limits.get(limit).and_then(|limit| limit.calls);
        calls.into_iter().for_each(|(calls, _)| calls.add(1));
    }

    /// The service of a limit did not answer.
    pub(crate) fn failed(&self, limit: usize) {
        let calls = self.limits.get(limit).and_then(|limit| limit.calls);
        calls.into_iter().for_each(|(_, failed)| failed.add(1));
    }

    /// A request has waited so long for its turn.
    pub(crate) fn waited(&self, time: Duration) {
        self.waits
            .record(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    }

    /// Others wrote so often at the same time that it could not be noted what a request gave back. It counts until it expires.
    pub(crate) fn lost(&self) {
        self.lost.add(1);
    }
}

const DECISIONS: [Reason; 13] = [
    Reason::LimitAllowed,
    Reason::LimitUnlimited,
    Reason::LimitQueued,
    Reason::LimitOver,
    Reason::LimitQueueFull,
    Reason::LimitShadowed,
    Reason::LimitNotEnforced,
    Reason::LimitOverflowAllowed,
    Reason::LimitOverflowRefused,
    Reason::LimitContendedAllowed,
    Reason::LimitContendedRefused,
    Reason::LimitFailedOpen,
    Reason::LimitFailedClosed,
];
