use std::cell::RefCell;
use std::collections::BTreeMap;

use meshlane_diagnostics::Reason;

use crate::abi::{self, COUNTER, GAUGE, HISTOGRAM};

/// A metric that only grows. One that the host would not define counts nothing.
#[derive(Debug, Clone, Copy)]
pub struct Counter(Option<u32>);

/// A metric that is set.
#[derive(Debug, Clone, Copy)]
pub struct Gauge(Option<u32>);

/// A distribution.
#[derive(Debug, Clone, Copy)]
pub struct Histogram(Option<u32>);

/// Counters that differ in their `reason` alone.
#[derive(Debug, Clone)]
pub struct ByReason(Vec<(Reason, Counter)>);

impl ByReason {
    /// The counters of a metric, defined at the start: what never happens shows as 0.
    pub fn define(metric: &str, labels: &[(&str, &str)], reasons: &[Reason]) -> Self {
        let counters = reasons.iter().map(|reason| {
            let labels = [labels, &[("reason", reason.as_str())]].concat();
            (*reason, Counter::new(&name(metric, &labels)))
        });
        Self(counters.collect())
    }

    /// Counts one of those that were defined.
    pub fn count(&self, reason: Reason) {
        let mut counters = self.0.iter();
        if let Some((_, counter)) = counters.find(|(known, _)| *known == reason) {
            counter.add(1);
        }
    }
}

impl Counter {
    /// The counter of a [`name`].
    pub fn new(name: &str) -> Self {
        Self(define(COUNTER, name))
    }

    /// Counts.
    pub fn add(self, count: usize) {
        if let (Some(id), Ok(count)) = (self.0, i64::try_from(count)) {
            abi::increment_metric(id, count);
        }
    }
}

impl Gauge {
    /// The gauge of a [`name`].
    pub fn new(name: &str) -> Self {
        Self(define(GAUGE, name))
    }

    /// Sets it.
    pub fn set(self, value: u64) {
        if let Some(id) = self.0 {
            abi::record_metric(id, value);
        }
    }

    /// Raises or lowers it: several workers share one gauge, each knows its own part.
    pub fn change(self, difference: i64) {
        if let (Some(id), true) = (self.0, difference != 0) {
            abi::increment_metric(id, difference);
        }
    }
}

impl Histogram {
    /// The distribution of a [`name`].
    pub fn new(name: &str) -> Self {
        Self(define(HISTOGRAM, name))
    }

    /// Takes a value into it.
    pub fn record(self, value: u64) {
        if let Some(id) = self.0 {
            abi::record_metric(id, value);
        }
    }
}

/// A metric's full name: `meshlane_METRIC.LABEL=VALUE.LABEL=VALUE…`.
///
/// Envoy has no labels in names; it cuts them out by its `stats_tags`, for which the guide
/// gives the expressions. So no value may have a dot.
pub fn name(metric: &str, labels: &[(&str, &str)]) -> String {
    let mut name = format!("meshlane_{metric}");
    for (label, value) in labels {
        name.push('.');
        name.push_str(label);
        name.push('=');
        name.extend(value.chars().map(|c| if c == '.' { '_' } else { c }));
    }
    name
}

thread_local! {
    /// The metrics that this VM has defined: Envoy keeps each definition for as long as the VM
    /// lives, so a configuration that comes again must not define its metrics again.
    static DEFINED: RefCell<BTreeMap<(u32, String), u32>> = const { RefCell::new(BTreeMap::new()) };
}

fn define(kind: u32, name: &str) -> Option<u32> {
    DEFINED.with(|defined| {
        let mut defined = defined.try_borrow_mut().ok()?;
        let key = (kind, name.to_owned());
        if let Some(id) = defined.get(&key) {
            return Some(*id);
        }
        let id = abi::define_metric(kind, name)?;
        defined.insert(key, id);
        Some(id)
    })
}
