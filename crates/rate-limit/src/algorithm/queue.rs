//! A queue that requests leave at an even pace, as Sentinel's `ThrottlingController` has it: each takes the next free time.
//!
//! A request that goes away leaves its time to the next who comes.
//!
//! State: the first free time, 16 bytes, in [`Fine`] parts; 1 byte, how many times before it are free again, and each of them, 8
//! bytes, in nanoseconds since 1970; then, where those that wait are counted, the [`Holders`]. All little-endian. No state is an
//! empty queue.

use std::time::Duration;

use super::holders::{Holders, nanoseconds};
use super::{Answer, Ask, Fine, Quota, Verdict, coarse, fine, interval};

/// Requests one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Queue {
    pub(crate) requests: u32,
    pub(crate) per: Duration,
    /// How many may wait, when they are counted.
    pub(crate) max_waiting: Option<u32>,
}

impl Queue {
    /// How long a VM that says nothing has requests that wait.
    pub(crate) const LEASE: Duration = Duration::from_secs(15);

    /// Whether those that wait are counted.
    pub(crate) fn counts(&self) -> bool {
        self.max_waiting.is_some()
    }

    pub(crate) fn take(&self, state: &mut Vec<u8>, ask: &Ask) -> Answer {
        let now = fine(ask.now);
        let mut line = self.line(state, now);
        line.waiting = std::mem::take(&mut line.waiting).alive(ask.now, Self::LEASE);
        let left = line.left.iter().position(|time| *time >= ask.now);
        let wait = match left.and_then(|at| line.left.get(at)) {
            Some(time) => *time - ask.now,
            None => coarse(line.free - now),
        };
        let most = self.max_waiting.map_or(u64::MAX, u64::from);
        if wait > ask.patience || (line.waiting.sum() >= most && !wait.is_zero()) {
            // Until somebody has left, or the line is short enough.
            let retry = wait.saturating_sub(ask.patience);
            return Answer {
                verdict: Verdict::TooLong(retry.max(coarse(self.interval()))),
                quota: self.quota(line.free - now, ask.patience),
            };
        }
        match left {
            Some(at) => _ = line.left.remove(at),
            None => line.free += self.interval(),
        }
        if self.counts() && ask.waits && !wait.is_zero() {
            line.waiting.add(ask.holder, ask.now);
        }
        *state = line.encode();
        Answer {
            verdict: Verdict::Admitted(wait),
            quota: self.quota(line.free - now, ask.patience),
        }
    }

    /// A request leaves that would have waited until `wait` after `ask.now`: its time is free again.
    pub(crate) fn give_back(&self, state: &mut Vec<u8>, ask: &Ask, wait: Duration) {
        let mut line = Line::decode(state);
        let own = ask.now + wait;
        // Waits are rounded up to whole nanoseconds.
        let is_last = |line: &Line, own| line.free.abs_diff(fine(own) + self.interval()) <= 1 << 32;
        if is_last(&line, own) {
            line.free = line.free.saturating_sub(self.interval());
            // The one before it may be free for longer already.
            while let Some(before) = line
                .left
                .last()
                .copied()
                .filter(|time| is_last(&line, *time))
            {
                line.left.retain(|time| *time != before);
                line.free = line.free.saturating_sub(self.interval());
            }
        } else {
            let at = line.left.partition_point(|time| *time < own);
            line.left.insert(at, own);
            if line.left.len() > MAX_LEFT {
                line.left.remove(0);
            }
        }
        if self.counts() && ask.waits && !wait.is_zero() {
            line.waiting.remove(ask.holder);
        }
        *state = line.encode();
    }

    pub(crate) fn release(&self, state: &mut Vec<u8>, holder: u64) {
        let mut line = Line::decode(state);
        line.waiting.remove(holder);
        *state = line.encode();
    }

    pub(crate) fn renew(&self, state: &mut Vec<u8>, holder: u64, now: Duration) {
        let mut line = Line::decode(state);
        line.waiting.renew(holder, now);
        *state = line.encode();
    }

    pub(crate) fn is_idle(&self, state: &[u8], now: Duration) -> bool {
        let line = self.line(state, fine(now));
        line.free <= fine(now) && line.waiting.alive(now, Self::LEASE).sum() == 0
    }

    /// The line at a time. A first free time that lies much further ahead than the longest wait that there is is none: the clock
    /// was set back.
    fn line(&self, state: &[u8], now: Fine) -> Line {
        let mut line = Line::decode(state);
        let furthest = now + 2 * fine(MAX_WAIT) + self.interval();
        if line.free > furthest || line.free < now {
            line.free = now;
            line.left.clear();
        }
        line
    }

    fn interval(&self) -> Fine {
        interval(self.requests, self.per)
    }

    fn quota(&self, ahead: Fine, patience: Duration) -> Quota {
        let room = |time: Fine| u64::try_from(time / self.interval()).unwrap_or(u64::MAX);
        let limit = room(fine(patience)).saturating_add(1);
        Quota {
            limit,
            remaining: match fine(patience).checked_sub(ahead) {
                Some(time) => room(time).saturating_add(1).min(limit),
                None => 0,
            },
            reset: coarse(ahead),
            window: Duration::ZERO,
        }
    }
}

#[derive(Debug, Default)]
struct Line {
    free: Fine,
    /// The times before it that are free again, in order.
    left: Vec<Duration>,
    waiting: Holders,
}

impl Line {
    fn decode(state: &[u8]) -> Self {
        Self::try_decode(state).unwrap_or_default()
    }

    fn try_decode(state: &[u8]) -> Option<Self> {
        let (free, rest) = state.split_first_chunk()?;
        let (count, rest) = rest.split_first()?;
        let (left, waiting) = rest.split_at_checked(8 * usize::from(*count))?;
        let left = left.as_chunks().0.iter();
        Some(Self {
            free: Fine::from_le_bytes(*free),
            left: left
                .map(|time| Duration::from_nanos(u64::from_le_bytes(*time)))
                .collect(),
            waiting: Holders::decode(waiting),
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.free.to_le_bytes().to_vec();
        // At most `MAX_LEFT`.
        bytes.push(self.left.len() as u8);
        for time in &self.left {
            bytes.extend_from_slice(&nanoseconds(*time).to_le_bytes());
        }
        self.waiting.encode(&mut bytes);
        bytes
    }
}

/// So many times that were left are kept for others; of more the earliest passes unused.
const MAX_LEFT: usize = 128;

/// The longest that a document can have a request wait.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(600);
