use meshlane_bridge::CallEnded;
use meshlane_host::metric::{Counter, Histogram, name};

use crate::metrics::tally::Tally;

/// What is counted of a method.
pub(crate) struct MethodMetrics {
    plugin: String,
    interface: String,
    method: String,
    /// By Dubbo status.
    calls: Vec<(Option<u8>, Tally)>,
    exceptions: Tally,
    request_bytes: Tally,
    response_bytes: Tally,
    milliseconds: Histogram,
}

impl MethodMetrics {
    pub(crate) fn new(plugin: &str, interface: &str, method: &str) -> Self {
        let full = |metric: &str| {
            let labels = [
                ("plugin", plugin),
                ("interface", interface),
                ("method", method),
            ];
            name(metric, &labels)
        };
        let counter = |metric: &str| Tally::new(Counter::new(&full(metric)));
        Self {
            plugin: plugin.to_owned(),
            interface: interface.to_owned(),
            method: method.to_owned(),
            calls: Vec::new(),
            exceptions: counter("dubbo_exceptions"),
            request_bytes: counter("dubbo_request_bytes"),
            response_bytes: counter("dubbo_response_bytes"),
            milliseconds: Histogram::new(&full("dubbo_call_milliseconds")),
        }
    }

    pub(crate) fn count(&mut self, call: &CallEnded) {
        self.calls_of(call.dubbo_status).add(1);
        self.exceptions.add(call.exception.into());
        self.request_bytes.add(call.request_bytes);
        self.response_bytes.add(call.response_bytes);
        if call.dubbo_status.is_some() {
            let milliseconds = call.latency.as_micros().saturating_add(500) / 1_000;
            let milliseconds = u64::try_from(milliseconds).unwrap_or(u64::MAX);
            self.milliseconds.record(milliseconds);
        }
    }

    pub(crate) fn flush(&mut self) {
        let counters = [
            &mut self.exceptions,
            &mut self.request_bytes,
            &mut self.response_bytes,
        ];
        let calls = self.calls.iter_mut().map(|(_, calls)| calls);
        calls.chain(counters).for_each(Tally::flush);
    }

    fn calls_of(&mut self, status: Option<u8>) -> &mut Tally {
        let known = self.calls.iter().position(|(known, _)| *known == status);
        let index = known.unwrap_or_else(|| {
            let tally = Tally::new(self.calls_counter(status));
            self.calls.push((status, tally));
            self.calls.len() - 1
        });
        match self.calls.get_mut(index) {
            Some((_, tally)) => tally,
            None => &mut self.exceptions,
        }
    }

    fn calls_counter(&self, status: Option<u8>) -> Counter {
        let status = status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        let labels = [
            ("plugin", &*self.plugin),
            ("interface", &*self.interface),
            ("method", &*self.method),
            ("status", &*status),
        ];
        Counter::new(&name("dubbo_calls", &labels))
    }
}
