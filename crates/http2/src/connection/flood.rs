use std::time::Duration;

use crate::{ConnectionErrorKind, FloodLimits};

/// Counts what a peer does that costs more than it is worth, relative to useful work.
#[derive(Debug)]
pub(super) struct Flood {
    limits: FloodLimits,
    resets: u32,
    pings: u32,
    settings: u32,
    empty: u32,
    control: u32,
    /// The second up to which counters were forgiven.
    second: Option<u64>,
}

impl Flood {
    pub(super) fn new(limits: FloodLimits) -> Self {
        Self {
            limits,
            resets: 0,
            pings: 0,
            settings: 0,
            empty: 0,
            control: 0,
            second: None,
        }
    }

    pub(super) fn limits(&self) -> &FloodLimits {
        &self.limits
    }

    pub(super) fn reset(&mut self) -> Result<(), ConnectionErrorKind> {
        charge(
            &mut self.resets,
            self.limits.resets,
            ConnectionErrorKind::ResetFlood,
        )
    }

    pub(super) fn ping(&mut self) -> Result<(), ConnectionErrorKind> {
        charge(
            &mut self.pings,
            self.limits.pings,
            ConnectionErrorKind::PingFlood,
        )
    }

    pub(super) fn settings(&mut self) -> Result<(), ConnectionErrorKind> {
        charge(
            &mut self.settings,
            self.limits.settings,
            ConnectionErrorKind::SettingsFlood,
        )
    }

    pub(super) fn empty(&mut self) -> Result<(), ConnectionErrorKind> {
        charge(
            &mut self.empty,
            self.limits.empty,
            ConnectionErrorKind::EmptyFrameFlood,
        )
    }

    pub(super) fn control(&mut self) -> Result<(), ConnectionErrorKind> {
        charge(
            &mut self.control,
            self.limits.control,
            ConnectionErrorKind::ControlFlood,
        )
    }

    /// A stream ended as it should.
    pub(super) fn completed(&mut self) {
        for counter in [&mut self.resets, &mut self.settings, &mut self.empty] {
            *counter = counter.saturating_sub(1);
        }
    }

    /// HEADERS were received.
    pub(super) fn headers(&mut self) {
        self.pings = self.pings.saturating_sub(1);
        self.control = self.control.saturating_sub(10);
    }

    /// DATA with data was received.
    pub(super) fn data(&mut self) {
        self.empty = self.empty.saturating_sub(1);
        self.headers();
    }

    /// HEADERS or DATA were sent.
    pub(super) fn sent(&mut self) {
        self.control = self.control.saturating_sub(10);
    }

    pub(super) fn forgive(&mut self, now: Duration) {
        let now = now.as_secs();
        let Some(since) = self.second else {
            self.second = Some(now);
            return;
        };
        let seconds = now.saturating_sub(since);
        if seconds == 0 {
            return;
        }
        self.second = Some(now);
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        let limits = &self.limits;
        for (counter, limit) in [
            (&mut self.resets, limits.resets),
            (&mut self.pings, limits.pings),
            (&mut self.settings, limits.settings),
            (&mut self.empty, limits.empty),
            (&mut self.control, limits.control),
        ] {
            *counter = counter.saturating_sub(limit.div_ceil(30).saturating_mul(seconds));
        }
    }
}

fn charge(
    counter: &mut u32,
    limit: u32,
    kind: ConnectionErrorKind,
) -> Result<(), ConnectionErrorKind> {
    *counter += 1;
    if *counter > limit { Err(kind) } else { Ok(()) }
}
