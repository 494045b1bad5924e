//! A rate that a cold service is not given at once: Sentinel's
//! [`WarmUpController`](https://github.com/alibaba/Sentinel/blob/1.8.9/sentinel-core/src/main/java/com/alibaba/csp/sentinel/slots/block/flow/controller/WarmUpController.java)
//! (after Guava's `SmoothWarmingUp`). Tokens pile up while there is little traffic; the more of them there are, the colder it is and the
//! fewer requests a second pass.
//!
//! Where Sentinel counts the requests of the last second in halves of one, here a [sliding window](super::sliding_window) of tenths
//! counts them, so that in no second more pass than the rate of that moment. Where Sentinel divides whole numbers here they are
//! fractions, and exactly at the limit between warm and cold tokens come too: a slow service would never get cold again otherwise.
//!
//! State: 8 bytes, the tokens as a double; 8 bytes, the second in which they were last counted; 4 bytes, how many requests passed in
//! it; then the slots of the window. No state is a cold service.

use std::time::Duration;

use super::sliding_window::{Slots, Window};
use super::{Answer, Verdict};

/// So many requests a second, reached step by step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WarmUp {
    pub(crate) requests: u32,
    /// Seconds.
    pub(crate) period: u32,
    pub(crate) cold_factor: u32,
}

struct State {
    tokens: f64,
    second: u64,
    passed: u32,
    slots: Slots,
}

impl WarmUp {
    pub(crate) fn take(&self, state: &mut Vec<u8>, now: Duration) -> Answer {
        let mut known = self.at(state, now);
        // As a whole number of requests: 1 at least, or a slow one would never get warm.
        let requests = (self.rate(known.tokens) as u32).max(1);
        let window = Window { requests, ..WINDOW };
        let verdict = window.ask(&known.slots, now).verdict;
        if let Verdict::Admitted(_) = verdict {
            known.slots.add();
            known.passed = known.passed.saturating_add(1);
            *state = known.encode();
        }
        let quota = window.ask(&known.slots, now).quota;
        let verdict = match verdict {
            // The rate may be another one by then: not before all of them have left the window there is room for sure.
            Verdict::Over(_) => Verdict::Over(quota.reset),
            admitted => admitted,
        };
        Answer { verdict, quota }
    }

    pub(crate) fn give_back(&self, state: &mut Vec<u8>, then: Duration) {
        let mut known = self.at(state, then);
        known.slots.remove(WINDOW.slot(then));
        if known.second == then.as_secs() {
            known.passed = known.passed.saturating_sub(1);
        }
        *state = known.encode();
    }

    /// It is as cold as one of which nothing is known.
    pub(crate) fn is_idle(&self, state: &[u8], now: Duration) -> bool {
        let known = self.at(state, now);
        known.slots.sum() == 0 && known.tokens >= self.most()
    }

    /// The state at a time: tokens have come, and those of the traffic of the last second went.
    fn at(&self, state: &[u8], now: Duration) -> State {
        let (slot, second) = (WINDOW.slot(now), now.as_secs());
        let Some(mut known) = State::decode(state) else {
            return State {
                tokens: self.most(),
                second,
                passed: 0,
                slots: Slots::at(None, slot),
            };
        };
        // What a clock that was set back leaves in the future is of now.
        let since = second.saturating_sub(known.second);
        known.slots = Slots::at(Some(known.slots), slot);
        if since > 0 {
            // How many passed in the second before this one.
            let last = if since == 1 { known.passed } else { 0 };
            let came = since as f64 * f64::from(self.requests);
            let is_quiet = f64::from(last) < f64::from(self.requests) / f64::from(self.cold_factor);
            let is_cooling = known.tokens <= self.warning() || is_quiet;
            let tokens = known.tokens + if is_cooling { came } else { 0.0 };
            known.tokens = (tokens.min(self.most()) - f64::from(last)).max(0.0);
            known.passed = 0;
        }
        known.second = known.second.max(second);
        known
    }

    /// How many requests a second pass with so many tokens.
    fn rate(&self, tokens: f64) -> f64 {
        let above = tokens - self.warning();
        let warm = f64::from(self.requests);
        if above < 0.0 {
            return warm;
        }
        // What Sentinel adds by `Math.nextUp`, so that the last step is not lost to rounding.
        (1.0 / (above * self.slope() + 1.0 / warm)).next_up()
    }

    /// So many tokens are left when it is warm.
    fn warning(&self) -> f64 {
        f64::from(self.period) * f64::from(self.requests) / (f64::from(self.cold_factor) - 1.0)
    }

    fn most(&self) -> f64 {
        let (period, requests) = (f64::from(self.period), f64::from(self.requests));
        self.warning() + 2.0 * period * requests / (1.0 + f64::from(self.cold_factor))
    }

    fn slope(&self) -> f64 {
        let range = self.most() - self.warning();
        (f64::from(self.cold_factor) - 1.0) / f64::from(self.requests) / range
    }
}

impl State {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.tokens.to_le_bytes().to_vec();
        bytes.extend(self.second.to_le_bytes());
        bytes.extend(self.passed.to_le_bytes());
        bytes.extend(self.slots.encode());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (tokens, rest) = bytes.split_first_chunk()?;
        let (second, rest) = rest.split_first_chunk()?;
        let (passed, slots) = rest.split_first_chunk()?;
        let tokens = f64::from_le_bytes(*tokens);
        Some(Self {
            tokens: if tokens.is_finite() { tokens } else { 0.0 },
            second: u64::from_le_bytes(*second),
            passed: u32::from_le_bytes(*passed),
            slots: Slots::decode(slots)?,
        })
    }
}

/// In which requests are counted.
const WINDOW: Window = Window {
    requests: 0,
    per: Duration::from_secs(1),
};
