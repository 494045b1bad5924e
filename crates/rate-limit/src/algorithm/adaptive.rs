//! So many requests at a time as the service can take, found out from how long it takes for them: the gradient of
//! [Netflix's concurrency-limits](https://github.com/Netflix/concurrency-limits/blob/0.5.4/concurrency-limits-core/src/main/java/com/netflix/concurrency/limits/limit/Gradient2Limit.java)
//! (`Gradient2Limit`). The average of a short window is held against that of a long time; where it is much longer, requests queue up
//! in the service, and fewer are let in. There is no pause in which nothing but a few requests pass to measure the shortest time, as
//! Envoy's `adaptive_concurrency` has it.
//!
//! State: 8 bytes each: the limit as a double, the average of a long time in nanoseconds as a double, when the window began, the
//! sum of the times in it; 4 bytes each: how many times, the most requests at a time; all little-endian; then the
//! [`Holders`]. No state is a service of which nothing is known.

use std::time::Duration;

use super::holders::{Holders, nanoseconds};
use super::{Answer, Ask, Quota, Verdict};

/// A number of requests at a time that follows the service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Adaptive {
    pub(crate) least: u32,
    pub(crate) most: u32,
    pub(crate) initial: u32,
    /// By what the average may be longer than usual before fewer are let in.
    pub(crate) tolerance: f64,
    /// For how long times are collected before the limit changes.
    pub(crate) window: Duration,
    pub(crate) lease: Duration,
}

#[derive(Debug)]
struct State {
    limit: f64,
    usual: f64,
    since: u64,
    sum: u64,
    count: u32,
    most: u32,
    holders: Holders,
}

impl Adaptive {
    pub(crate) fn take(&self, state: &mut Vec<u8>, ask: &Ask) -> Answer {
        let mut known = self.decode(state, ask.now);
        known.holders = std::mem::take(&mut known.holders).alive(ask.now, self.lease);
        let (limit, sum) = (known.limit as u64, known.holders.sum());
        let is_admitted = sum < limit && known.holders.add(ask.holder, ask.now);
        let inside = known.holders.sum();
        known.most = known.most.max(u32::try_from(inside).unwrap_or(u32::MAX));
        if is_admitted {
            *state = known.encode();
        }
        Answer {
            verdict: match is_admitted {
                true => Verdict::Admitted(Duration::ZERO),
                // When one of them ends nobody knows.
                false => Verdict::Over(RETRY),
            },
            quota: Quota {
                limit,
                remaining: limit.saturating_sub(inside),
                reset: if is_admitted { Duration::ZERO } else { RETRY },
                window: Duration::ZERO,
            },
        }
    }

    /// A request is over; it took this time, unless its client went away.
    pub(crate) fn release(
        &self,
        state: &mut Vec<u8>,
        holder: u64,
        (now, took): (Duration, Option<Duration>),
    ) {
        let mut known = self.decode(state, now);
        known.holders.remove(holder);
        if let Some(took) = took {
            known.sum = known.sum.saturating_add(nanoseconds(took));
            known.count = known.count.saturating_add(1);
        }
        let since = Duration::from_nanos(nanoseconds(now).abs_diff(known.since));
        if since >= self.window && known.count >= FEWEST {
            self.follow(&mut known);
            known.since = nanoseconds(now);
            (known.sum, known.count) = (0, 0);
            known.most = u32::try_from(known.holders.sum()).unwrap_or(u32::MAX);
        }
        *state = known.encode();
    }

    pub(crate) fn renew(&self, state: &mut Vec<u8>, holder: u64, now: Duration) {
        let mut known = self.decode(state, now);
        known.holders.renew(holder, now);
        *state = known.encode();
    }

    /// Nothing is on its way, and what was found out is so old that it says nothing any more.
    pub(crate) fn is_idle(&self, state: &[u8], now: Duration) -> bool {
        let known = self.decode(state, now);
        let since = Duration::from_nanos(nanoseconds(now).abs_diff(known.since));
        since >= FORGOTTEN.max(self.window * 10) && known.holders.alive(now, self.lease).sum() == 0
    }

    /// Changes the limit by what the window shows.
    fn follow(&self, known: &mut State) {
        let short = known.sum as f64 / f64::from(known.count);
        known.usual = match known.usual > 0.0 {
            true => known.usual + (short - known.usual) / LONG,
            false => short,
        };
        // A service that has become much quicker is soon as usual.
        if known.usual / short > 2.0 {
            known.usual *= 0.95;
        }
        // As long as there are not enough requests to fill it, nothing is known of what more there may be.
        if f64::from(known.most) < known.limit / 2.0 {
            return;
        }
        let gradient = (self.tolerance * known.usual / short).clamp(0.5, 1.0);
        let room = known.limit.sqrt().max(4.0);
        let aim = known.limit * gradient + room;
        let limit = known.limit + (aim - known.limit) * SMOOTHING;
        known.limit = limit.clamp(self.least.into(), self.most.into());
    }

    fn decode(&self, state: &[u8], now: Duration) -> State {
        let mut known = State::decode(state).unwrap_or_else(|| State {
            limit: self.initial.into(),
            usual: 0.0,
            since: nanoseconds(now),
            sum: 0,
            count: 0,
            most: 0,
            holders: Holders::default(),
        });
        // The numbers may have been others; what lies there may be no number.
        known.limit = known.limit.max(self.least.into()).min(self.most.into());
        known.usual = if known.usual.is_finite() {
            known.usual.max(0.0)
        } else {
            0.0
        };
        known
    }
}

impl State {
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (limit, rest) = bytes.split_first_chunk()?;
        let (usual, rest) = rest.split_first_chunk()?;
        let (since, rest) = rest.split_first_chunk()?;
        let (sum, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (most, holders) = rest.split_first_chunk()?;
        Some(Self {
            limit: f64::from_le_bytes(*limit),
            usual: f64::from_le_bytes(*usual),
            since: u64::from_le_bytes(*since),
            sum: u64::from_le_bytes(*sum),
            count: u32::from_le_bytes(*count),
            most: u32::from_le_bytes(*most),
            holders: Holders::decode(holders),
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.limit.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.usual.to_le_bytes());
        bytes.extend_from_slice(&self.since.to_le_bytes());
        bytes.extend_from_slice(&self.sum.to_le_bytes());
        bytes.extend_from_slice(&self.count.to_le_bytes());
        bytes.extend_from_slice(&self.most.to_le_bytes());
        self.holders.encode(&mut bytes);
        bytes
    }
}

const RETRY: Duration = Duration::from_secs(1);

/// Of fewer times an average says nothing: the window goes on.
const FEWEST: u32 = 10;

/// Over so many windows the usual time is averaged.
const LONG: f64 = 600.0;

/// What part of the way to where it aims a limit goes in a window.
const SMOOTHING: f64 = 0.2;

const FORGOTTEN: Duration = Duration::from_secs(600);
