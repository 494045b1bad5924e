//! The filter's metrics.
//!
//! A host call costs as much as a good part of a call's work, so what is counted is kept here
//! and handed to Envoy with the next tick; only latencies go at once.

mod method;
mod tally;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use meshlane_bridge::{Bridge, CallEnded, Names, Note};
use meshlane_diagnostics::Reason;
use meshlane_host::metric::{Counter, Gauge, name};

use crate::metrics::method::MethodMetrics;
use crate::metrics::tally::{Level, Tally};
use crate::plugin::budget;

/// What a plugin counts in this VM.
pub(crate) struct Metrics {
    plugin: String,
    counted: RefCell<Counted>,
}

/// What became of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connection {
    /// Its bytes are translated.
    Bridged,
    /// Its bytes pass.
    Untouched,
}

struct Counted {
    methods: Names<MethodMetrics>,
    bridged: Tally,
    untouched: Tally,
    open_connections: Level,
    open_calls: Level,
    heartbeats: Tally,
    drains: Tally,
    carriers_not_written: Tally,
    closed: BTreeMap<Reason, Tally>,
    refused: BTreeMap<Reason, Tally>,
    failed: BTreeMap<Reason, Tally>,
}

impl Metrics {
    pub(crate) fn new(plugin: &str) -> Self {
        let of_plugin = |metric: &str| name(metric, &[("plugin", plugin)]);
        let counter = |metric: &str| Tally::new(Counter::new(&of_plugin(metric)));
        let gauge = |metric: &str| Level::new(Gauge::new(&of_plugin(metric)));
        let connections = |outcome: &str| {
            let labels = [("plugin", plugin), ("outcome", outcome)];
            Tally::new(Counter::new(&name("dubbo_connections", &labels)))
        };
        let other = Names::<()>::OTHER;
        Self {
            plugin: plugin.to_owned(),
            counted: RefCell::new(Counted {
                methods: Names::new(0, MethodMetrics::new(plugin, other, other)),
                bridged: connections("bridged"),
                untouched: connections("untouched"),
                open_connections: gauge("dubbo_connections_open"),
                open_calls: gauge("dubbo_calls_open"),
                heartbeats: counter("dubbo_heartbeats_answered"),
                drains: counter("dubbo_drains"),
                carriers_not_written: counter("dubbo_carriers_not_written"),
                closed: BTreeMap::new(),
                refused: BTreeMap::new(),
                failed: BTreeMap::new(),
            }),
        }
    }

    /// Changes how many methods are counted on their own.
    pub(crate) fn limit_names(&self, limit: usize) {
        self.with(|counted| counted.methods.set_limit(limit));
    }

    pub(crate) fn connection(&self, outcome: Connection) {
        self.with(|counted| match outcome {
            Connection::Bridged => {
                counted.bridged.add(1);
                counted.open_connections.change(1);
            }
            Connection::Untouched => counted.untouched.add(1),
        });
    }

    /// A bridged connection is gone, and with it the calls that were on their way.
    pub(crate) fn connection_ended(&self, open_calls: i64) {
        self.with(|counted| {
            counted.open_connections.change(-1);
            counted.open_calls.change(-open_calls);
        });
    }

    /// The filter closes a connection.
    pub(crate) fn closed(&self, reason: Reason) {
        self.with(|counted| {
            self.by_reason(&mut counted.closed, "dubbo_connections_closed", reason)
        });
    }

    /// Counts what the bridge tells. `open_calls` is how many calls of the connection are on
    /// their way.
    pub(crate) fn take_notes(&self, bridge: &mut Bridge, open_calls: &mut i64) {
        while let Some(note) = bridge.poll_note() {
            self.with(|counted| self.count(counted, &note, open_calls));
        }
    }

    /// Hands everything to Envoy.
    pub(crate) fn flush(&self) {
        self.with(|counted| {
            for method in counted.methods.iter_mut() {
                method.flush();
            }
            let reasons = [
                &mut counted.closed,
                &mut counted.refused,
                &mut counted.failed,
            ];
            let tallies = reasons.into_iter().flat_map(BTreeMap::values_mut).chain([
                &mut counted.bridged,
                &mut counted.untouched,
                &mut counted.heartbeats,
                &mut counted.drains,
                &mut counted.carriers_not_written,
            ]);
            tallies.for_each(Tally::flush);
            counted.open_connections.flush();
            counted.open_calls.flush();
        });
        report_buffered();
    }

    fn count(&self, counted: &mut Counted, note: &Note, open_calls: &mut i64) {
        match note {
            Note::CallStarted => {
                *open_calls += 1;
                counted.open_calls.change(1);
            }
            Note::CallEnded(call) => {
                *open_calls -= 1;
                counted.open_calls.change(-1);
                self.count_call(counted, call);
            }
            Note::Refused(reason) => {
                self.by_reason(&mut counted.refused, "dubbo_refused", *reason);
            }
            Note::HeartbeatAnswered => counted.heartbeats.add(1),
            Note::Draining => counted.drains.add(1),
            Note::CarrierNotWritten => counted.carriers_not_written.add(1),
            _ => {}
        }
    }

    fn count_call(&self, counted: &mut Counted, call: &CallEnded) {
        if let Some(reason) = call.reason {
            self.by_reason(&mut counted.failed, "dubbo_calls_failed", reason);
        }
        let new =
            |interface: &str, method: &str| MethodMetrics::new(&self.plugin, interface, method);
        let methods = &mut counted.methods;
        methods
            .of(&call.interface, &call.method, call.names_are_real(), new)
            .count(call);
    }

    fn by_reason(&self, tallies: &mut BTreeMap<Reason, Tally>, metric: &str, reason: Reason) {
        let new = || {
            let labels = [("plugin", &*self.plugin), ("reason", reason.as_str())];
            Tally::new(Counter::new(&name(metric, &labels)))
        };
        tallies.entry(reason).or_insert_with(new).add(1);
    }

    fn with(&self, action: impl FnOnce(&mut Counted)) {
        if let Ok(mut counted) = self.counted.try_borrow_mut() {
            action(&mut counted);
        }
    }
}

thread_local! {
    static REPORTED: Cell<i64> = const { Cell::new(0) };
}

/// How many bytes the connections of all plugins of this VM hold.
fn report_buffered() {
    let held = i64::try_from(budget().held()).unwrap_or(i64::MAX);
    let before = REPORTED.replace(held);
    Gauge::new(&name("dubbo_buffered_bytes", &[])).change(held - before);
}
