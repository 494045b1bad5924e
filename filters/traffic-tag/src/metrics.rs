//! The filter's counters.

use meshlane_diagnostics::Reason;
use meshlane_host::Configured;
use meshlane_host::metric::{Counter, name};
use meshlane_traffic_tag::{Decision, Policy};

/// A set of counters for each tag.
pub(crate) struct Metrics(Vec<TagMetrics>);

/// Every outcome that a tag can have, defined at the start: a rule that never matches shows as 0.
struct TagMetrics {
    /// By rule.
    matched: Vec<Counter>,
    kept: Counter,
    default: Counter,
    none: Counter,
    incoming_kept: Counter,
    incoming_stripped: Counter,
    incoming_overwritten: Counter,
    incoming_invalid: Counter,
}

impl Metrics {
    pub(crate) fn define(configured: &Configured<Policy>) -> Self {
        let plugin = configured.name.as_str();
        let tags = configured.policy.iter().flat_map(Policy::tags);
        Self(tags.map(|tag| TagMetrics::define(plugin, tag)).collect())
    }

    pub(crate) fn count(&self, decision: &Decision<'_>) {
        for (metrics, tag) in self.0.iter().zip(&decision.tags) {
            let decided = match (tag.rule, tag.reason) {
                (Some(rule), _) => metrics.matched.get(rule),
                (None, Reason::TagKeptIncoming) => Some(&metrics.kept),
                (None, Reason::TagDefault) => Some(&metrics.default),
                (None, _) => Some(&metrics.none),
            };
            let incoming = match tag.incoming {
                Reason::IncomingKept => Some(&metrics.incoming_kept),
                Reason::IncomingStripped => Some(&metrics.incoming_stripped),
                Reason::IncomingOverwritten => Some(&metrics.incoming_overwritten),
                Reason::IncomingInvalid => Some(&metrics.incoming_invalid),
                _ => None,
            };
            for counter in decided.into_iter().chain(incoming) {
                counter.add(1);
            }
        }
    }
}

impl TagMetrics {
    fn define(plugin: &str, tag: &meshlane_traffic_tag::Tag) -> Self {
        let decision = |rule: &str, reason: Reason| {
            let labels = [
                ("plugin", plugin),
                ("tag", tag.name()),
                ("rule", rule),
                ("reason", reason.as_str()),
            ];
            Counter::new(&name("traffic_tag_decisions", &labels))
        };
        let incoming = |reason: Reason| {
            let labels = [
                ("plugin", plugin),
                ("tag", tag.name()),
                ("reason", reason.as_str()),
            ];
            Counter::new(&name("traffic_tag_incoming", &labels))
        };
        Self {
            matched: tag
                .rules()
                .iter()
                .map(|rule| decision(rule.name(), rule.reason()))
                .collect(),
            kept: decision("-", Reason::TagKeptIncoming),
            default: decision("-", Reason::TagDefault),
            none: decision("-", Reason::TagNone),
            incoming_kept: incoming(Reason::IncomingKept),
            incoming_stripped: incoming(Reason::IncomingStripped),
            incoming_overwritten: incoming(Reason::IncomingOverwritten),
            incoming_invalid: incoming(Reason::IncomingInvalid),
        }
    }
}
