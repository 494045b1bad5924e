use meshlane_host::metric::{Counter, Gauge};

/// A counter, and what it was not told yet.
pub(crate) struct Tally {
    counter: Counter,
    pending: usize,
}

/// A gauge of which this VM knows a part, and how that has changed.
pub(crate) struct Level {
    gauge: Gauge,
    pending: i64,
}

impl Tally {
    pub(crate) fn new(counter: Counter) -> Self {
        Self {
            counter,
            pending: 0,
        }
    }

    pub(crate) fn add(&mut self, count: usize) {
        self.pending = self.pending.saturating_add(count);
    }

    pub(crate) fn flush(&mut self) {
        if self.pending > 0 {
            self.counter.add(self.pending);
            self.pending = 0;
        }
    }
}

impl Level {
    pub(crate) fn new(gauge: Gauge) -> Self {
        Self { gauge, pending: 0 }
    }

    pub(crate) fn change(&mut self, difference: i64) {
        self.pending += difference;
    }

    pub(crate) fn flush(&mut self) {
        self.gauge.change(self.pending);
        self.pending = 0;
    }
}
