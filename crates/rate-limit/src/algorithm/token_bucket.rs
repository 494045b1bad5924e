//! A token bucket as the generic cell rate algorithm (ITU-T Recommendation I.371, Annex A): of all tokens only the time is kept
//! at which the bucket will be full again.
//!
//! State: that time, 16 bytes, little-endian, in [`Fine`] parts. No state is a full bucket.

use std::time::Duration;

use super::{Answer, Fine, Quota, Verdict, coarse, fine, interval};

/// So many requests in a time on average, and a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenBucket {
    pub(crate) requests: u32,
    pub(crate) per: Duration,
    pub(crate) burst: u32,
}

impl TokenBucket {
    pub(crate) fn take(&self, state: &mut Vec<u8>, now: Duration) -> Answer {
        let (interval, now) = (self.interval(), fine(now));
        let capacity = interval * u128::from(self.burst);
        let full = self.full(state, now);
        let taken = full + interval;
        let Some(over) = (taken - now).checked_sub(capacity).filter(|over| *over > 0) else {
            *state = taken.to_le_bytes().to_vec();
            return Answer {
                verdict: Verdict::Admitted(Duration::ZERO),
                quota: self.quota(taken - now),
            };
        };
        Answer {
            verdict: Verdict::Over(coarse(over)),
            quota: self.quota(full - now),
        }
    }

    pub(crate) fn give_back(&self, state: &mut Vec<u8>) {
        if let Some(full) = decode(state) {
            let full = full.saturating_sub(self.interval());
            *state = full.to_le_bytes().to_vec();
        }
    }

    pub(crate) fn is_idle(&self, state: &[u8], now: Duration) -> bool {
        self.full(state, fine(now)) <= fine(now)
    }

    /// When the bucket will be full. What lies much further ahead than an empty one needs is nothing: the clock was set back, or the
    /// numbers were others.
    fn full(&self, state: &[u8], now: Fine) -> Fine {
        let capacity = self.interval() * u128::from(self.burst);
        let furthest = now + 2 * capacity + fine(SLACK);
        let full = decode(state).filter(|full| *full <= furthest);
        full.map_or(now, |full| full.max(now))
    }

    fn interval(&self) -> Fine {
        interval(self.requests, self.per)
    }

    /// When `missing` has to be filled in until the bucket is full.
    fn quota(&self, missing: Fine) -> Quota {
        let missing_tokens = missing.div_ceil(self.interval());
        let missing_tokens = u64::try_from(missing_tokens).unwrap_or(u64::MAX);
        Quota {
            limit: self.burst.into(),
            remaining: u64::from(self.burst).saturating_sub(missing_tokens),
            reset: coarse(missing),
            window: coarse(self.interval() * u128::from(self.burst)),
        }
    }
}

fn decode(state: &[u8]) -> Option<Fine> {
    Some(Fine::from_le_bytes(state.try_into().ok()?))
}

/// By so much the clocks of two workers never differ.
const SLACK: Duration = Duration::from_secs(1);
