//! What a rate limit service has allowed, and what of it is left.
//!
//! State: 4 bytes, how many requests of a lease are left; 8 bytes, until when they may be spent; 8 bytes, until when the service is
//! known to refuse; 8 bytes, until when somebody asks for the next lease; times in nanoseconds since 1970, all little-endian. Then the
//! state of the local limit that holds while the service does not answer. No state means that nothing is known.

use std::time::Duration;

use super::holders::nanoseconds;
use super::{Answer, Ask, Quota, TokenBucket, Verdict};

/// How a limit of a rate limit service is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    /// How many are taken at once, and for how long; one for one when there is none.
    pub(crate) lease: Option<(u32, Duration)>,
    /// For how long an answer is waited for.
    pub(crate) timeout: Duration,
    pub(crate) remembers_over: bool,
    /// The limit that holds while there is no answer.
    pub(crate) local: Option<TokenBucket>,
}

/// What came of asking the service for a number of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Granted {
    /// It allows all of them.
    All(u32),
    /// It allows none.
    None,
    /// It said nothing.
    Failed,
}

#[derive(Debug, Default)]
struct State {
    left: u32,
    expires: u64,
    over: u64,
    asking: u64,
    local: Vec<u8>,
}

impl Lease {
    pub(crate) fn take(&self, state: &mut Vec<u8>, ask: &Ask) -> Answer {
        let mut known = State::decode(state);
        let now = nanoseconds(ask.now);
        if known.expires <= now {
            known.left = 0;
        }
        // A clock that was set back makes nobody wait for long.
        let is_asked = known.asking > now && known.asking - now <= nanoseconds(self.timeout);
        let has_left = known.left >= ask.hits;
        known.left -= if has_left { ask.hits } else { 0 };
        let quota = Quota {
            limit: self.lease.map_or(1, |(size, _)| size.into()),
            remaining: known.left.into(),
            reset: Duration::from_nanos(known.expires.saturating_sub(now)),
            window: Duration::ZERO,
        };
        let over = known.over.checked_sub(now);
        let over = over.filter(|over| (1..=nanoseconds(LONGEST)).contains(over));
        let verdict = match self.lease {
            Some((size, _)) if !is_asked && over.is_none() && known.left <= size / RENEWAL => {
                known.asking = now + nanoseconds(self.timeout);
                let hits = size.max(ask.hits);
                Verdict::Ask { hits, has_left }
            }
            _ if has_left => Verdict::Admitted(Duration::ZERO),
            _ => Verdict::Ask {
                hits: ask.hits,
                has_left: false,
            },
        };
        if let (false, Some(over)) = (has_left, over) {
            let verdict = Verdict::Over(Duration::from_nanos(over));
            return Answer { verdict, quota };
        }
        if self.lease.is_some() {
            *state = known.encode();
        }
        Answer { verdict, quota }
    }

    /// Takes in what the service said to a request that had room for itself already, or waited for the answer.
    pub(crate) fn answered(
        &self,
        state: &mut Vec<u8>,
        (ask, now): (&Ask, Duration),
        (granted, reset): (Granted, Option<Duration>),
        has_left: bool,
    ) {
        let mut known = State::decode(state);
        let time = nanoseconds(now);
        known.asking = 0;
        match granted {
            Granted::All(hits) => {
                let (_, lasts) = self.lease.unwrap_or_default();
                let lasts = reset.map_or(lasts, |reset| reset.min(lasts));
                let own = if has_left { 0 } else { ask.hits };
                if known.expires <= time {
                    known.left = 0;
                }
                known.left = known.left.saturating_add(hits.saturating_sub(own));
                known.expires = time + nanoseconds(lasts);
                // That it is over may be known from a question that was asked later: it stays known.
            }
            Granted::None if self.remembers_over => {
                known.over = time + nanoseconds(reset.unwrap_or_default());
            }
            Granted::None | Granted::Failed => {}
        }
        *state = known.encode();
    }

    /// The local limit, while the service does not answer.
    pub(crate) fn take_local(&self, state: &mut Vec<u8>, now: Duration) -> Option<Answer> {
        let local = self.local.as_ref()?;
        let mut known = State::decode(state);
        let answer = local.take(&mut known.local, now);
        *state = known.encode();
        Some(answer)
    }

    /// What a request took of a lease.
    pub(crate) fn give_back(&self, state: &mut Vec<u8>, ask: &Ask) {
        let mut known = State::decode(state);
        if self.lease.is_some() {
            known.left = known.left.saturating_add(ask.hits);
        }
        *state = known.encode();
    }

    pub(crate) fn is_idle(&self, state: &[u8], now: Duration) -> bool {
        let known = State::decode(state);
        let time = nanoseconds(now);
        let local = self.local.as_ref();
        known.expires <= time
            && known.over <= time
            && known.asking <= time
            && local.is_none_or(|local| local.is_idle(&known.local, now))
    }
}

impl State {
    fn decode(bytes: &[u8]) -> Self {
        Self::try_decode(bytes).unwrap_or_default()
    }

    fn try_decode(bytes: &[u8]) -> Option<Self> {
        let (left, rest) = bytes.split_first_chunk()?;
        let (expires, rest) = rest.split_first_chunk()?;
        let (over, rest) = rest.split_first_chunk()?;
        let (asking, local) = rest.split_first_chunk()?;
        Some(Self {
            left: u32::from_le_bytes(*left),
            expires: u64::from_le_bytes(*expires),
            over: u64::from_le_bytes(*over),
            asking: u64::from_le_bytes(*asking),
            local: local.to_vec(),
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.left.to_le_bytes().to_vec();
        for time in [self.expires, self.over, self.asking] {
            bytes.extend_from_slice(&time.to_le_bytes());
        }
        bytes.extend_from_slice(&self.local);
        bytes
    }
}

/// The next lease is asked for when this part of one is left.
const RENEWAL: u32 = 2;

/// No service counts in a longer time: a year.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);
