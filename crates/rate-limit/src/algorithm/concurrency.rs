//! So many requests at a time. State: the [`Holders`].

use std::time::Duration;

use super::holders::Holders;
use super::{Answer, Ask, Quota, Verdict};

/// A number of requests at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Concurrency {
    pub(crate) requests: u32,
    pub(crate) lease: Duration,
}

impl Concurrency {
    pub(crate) fn take(&self, state: &mut Vec<u8>, ask: &Ask) -> Answer {
        let mut holders = Holders::decode(state).alive(ask.now, self.lease);
        let (limit, sum) = (u64::from(self.requests), holders.sum());
        let is_admitted = sum < limit && holders.add(ask.holder, ask.now);
        if is_admitted {
            write(state, &holders);
        }
        let verdict = match is_admitted {
            true => Verdict::Admitted(Duration::ZERO),
            // When one of them ends nobody knows.
            false => Verdict::Over(RETRY),
        };
        let quota = Quota {
            limit,
            remaining: limit.saturating_sub(holders.sum()),
            reset: if is_admitted { Duration::ZERO } else { RETRY },
            window: Duration::ZERO,
        };
        Answer { verdict, quota }
    }

    pub(crate) fn release(&self, state: &mut Vec<u8>, holder: u64) {
        let mut holders = Holders::decode(state);
        holders.remove(holder);
        write(state, &holders);
    }

    pub(crate) fn renew(&self, state: &mut Vec<u8>, holder: u64, now: Duration) {
        let mut holders = Holders::decode(state);
        holders.renew(holder, now);
        write(state, &holders);
    }

    pub(crate) fn is_idle(&self, state: &[u8], now: Duration) -> bool {
        Holders::decode(state).alive(now, self.lease).sum() == 0
    }
}

fn write(state: &mut Vec<u8>, holders: &Holders) {
    state.clear();
    holders.encode(state);
}

const RETRY: Duration = Duration::from_secs(1);
