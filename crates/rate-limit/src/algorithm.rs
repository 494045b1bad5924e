//! The kinds of limits: each reads and writes a state of a few bytes, and knows nothing of where that lies.

mod adaptive;
mod concurrency;
mod holders;
mod lease;
mod queue;
mod sliding_window;
mod token_bucket;
mod warm_up;

use std::time::Duration;

pub(crate) use adaptive::Adaptive;
pub(crate) use concurrency::Concurrency;
pub(crate) use lease::{Granted, Lease};
pub(crate) use queue::Queue;
pub(crate) use sliding_window::{SlidingWindow, Window};
pub(crate) use token_bucket::TokenBucket;
pub(crate) use warm_up::WarmUp;

/// A kind of limit with its numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Algorithm {
    TokenBucket(TokenBucket),
    SlidingWindow(SlidingWindow),
    WarmUp(WarmUp),
    Concurrency(Concurrency),
    Adaptive(Adaptive),
    Queue(Queue),
    Cluster(Lease),
}

/// A request that asks for room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ask {
    /// Since 1970.
    pub(crate) now: Duration,
    /// Who asks: a VM. What it takes for a while is given up when it is gone.
    pub(crate) holder: u64,
    /// How long the request may wait, where it may.
    pub(crate) patience: Duration,
    /// Whether it waits where it has to. Of a limit that only looks nobody does.
    pub(crate) waits: bool,
    /// How much it counts.
    pub(crate) hits: u32,
}

/// What a limit says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    pub(crate) quota: Quota,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is room, once this time has passed.
    Admitted(Duration),
    /// There is none; after this time there may be.
    Over(Duration),
    /// The request would have to wait longer than it may, or too many wait already.
    TooLong(Duration),
    /// The rate limit service is to be asked for so many; the request has room already, or waits for the answer.
    Ask { hits: u32, has_left: bool },
}

/// How much of a limit there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many requests the limit has room for.
    pub limit: u64,
    /// For how many there is room now.
    pub remaining: u64,
    /// When there is room again for all of them, if nobody comes.
    pub reset: Duration,
    /// The time that `limit` is for; zero when it is for none.
    pub window: Duration,
}

impl Algorithm {
    /// The name of the kind, as in a document.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::TokenBucket(_) => "tokenBucket",
            Self::SlidingWindow(_) => "slidingWindow",
            Self::WarmUp(_) => "warmUp",
            Self::Concurrency(_) => "concurrency",
            Self::Adaptive(_) => "adaptive",
            Self::Queue(_) => "queue",
            Self::Cluster(_) => "cluster",
        }
    }

    /// Asks for room and takes it when there is some; otherwise the state stays as it is.
    pub(crate) fn take(&self, state: &mut Vec<u8>, ask: &Ask) -> Answer {
        match self {
            Self::TokenBucket(bucket) => bucket.take(state, ask.now),
            Self::SlidingWindow(windows) => windows.take(state, ask.now),
            Self::WarmUp(warm_up) => warm_up.take(state, ask.now),
            Self::Concurrency(concurrency) => concurrency.take(state, ask),
            Self::Adaptive(adaptive) => adaptive.take(state, ask),
            Self::Queue(queue) => queue.take(state, ask),
            Self::Cluster(lease) => lease.take(state, ask),
        }
    }

    /// Gives back what a request took at the time `ask.now` and does not need: another limit had no room, or it went away while it
    /// waited, for the time `wait` from then on.
    pub(crate) fn give_back(&self, state: &mut Vec<u8>, ask: &Ask, wait: Duration) {
        match self {
            Self::TokenBucket(bucket) => bucket.give_back(state),
            Self::SlidingWindow(windows) => windows.give_back(state, ask.now),
            Self::WarmUp(warm_up) => warm_up.give_back(state, ask.now),
            Self::Concurrency(_) | Self::Adaptive(_) => {
                self.release(state, ask.holder, (ask.now, None));
            }
            Self::Queue(queue) => queue.give_back(state, ask, wait),
            Self::Cluster(lease) => lease.give_back(state, ask),
        }
    }

    /// A request is over, or its turn has come. `took` is the time from when it came until it was answered; nothing when it was not.
    pub(crate) fn release(
        &self,
        state: &mut Vec<u8>,
        holder: u64,
        (now, took): (Duration, Option<Duration>),
    ) {
        match self {
            Self::Concurrency(concurrency) => concurrency.release(state, holder),
            Self::Adaptive(adaptive) => adaptive.release(state, holder, (now, took)),
            Self::Queue(queue) => queue.release(state, holder),
            _ => {}
        }
    }

    /// The holder is there: what it has taken goes on counting.
    pub(crate) fn renew(&self, state: &mut Vec<u8>, holder: u64, now: Duration) {
        match self {
            Self::Concurrency(concurrency) => concurrency.renew(state, holder, now),
            Self::Adaptive(adaptive) => adaptive.renew(state, holder, now),
            Self::Queue(queue) => queue.renew(state, holder, now),
            _ => {}
        }
    }

    /// Whether the state is as good as none.
    pub(crate) fn is_idle(&self, state: &[u8], now: Duration) -> bool {
        match self {
            Self::TokenBucket(bucket) => bucket.is_idle(state, now),
            Self::SlidingWindow(windows) => windows.is_idle(state, now),
            Self::WarmUp(warm_up) => warm_up.is_idle(state, now),
            Self::Concurrency(concurrency) => concurrency.is_idle(state, now),
            Self::Adaptive(adaptive) => adaptive.is_idle(state, now),
            Self::Queue(queue) => queue.is_idle(state, now),
            Self::Cluster(lease) => lease.is_idle(state, now),
        }
    }

    /// Whether a request holds a place until it is released.
    pub(crate) fn is_held(&self, wait: Duration) -> bool {
        match self {
            Self::Concurrency(_) | Self::Adaptive(_) => true,
            Self::Queue(queue) => queue.counts() && !wait.is_zero(),
            _ => false,
        }
    }

    /// How long what a holder has taken counts without a sign of it; nothing when nothing is held.
    pub(crate) fn lease(&self) -> Option<Duration> {
        match self {
            Self::Concurrency(concurrency) => Some(concurrency.lease),
            Self::Adaptive(adaptive) => Some(adaptive.lease),
            Self::Queue(queue) => queue.counts().then_some(Queue::LEASE),
            _ => None,
        }
    }
}

/// A point in time or a length of it, in parts of 2^-32 nanoseconds: so an interval of a rate that is no whole number of nanoseconds
/// is off by so little that it takes 4 billion requests to gain one nanosecond. Intervals are rounded up: never does more pass.
pub(crate) type Fine = u128;

pub(crate) fn fine(time: Duration) -> Fine {
    time.as_nanos() << 32
}

/// Rounded up.
pub(crate) fn coarse(time: Fine) -> Duration {
    let nanoseconds = (time + 0xffff_ffff) >> 32;
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// The time between two of so many in a time.
pub(crate) fn interval(requests: u32, per: Duration) -> Fine {
    fine(per).div_ceil(u128::from(requests.max(1)))
}
