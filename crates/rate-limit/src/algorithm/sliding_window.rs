//! A window that slides by tenths. What came in the current tenth and in the ten before it counts, so that in *any* time of the
//! window's length no more passes than the limit.
//!
//! State: for each window 8 bytes, the number of the newest tenth since 1970, and for it and each of the ten before it 4 bytes, how
//! many requests came in it; all little-endian. No state is an empty window.

use std::time::Duration;

use super::{Answer, Quota, Verdict};

/// Several windows at once; all must have room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SlidingWindow {
    pub(crate) windows: Vec<Window>,
}

/// No more than so many requests in any time of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) requests: u32,
    pub(crate) per: Duration,
}

/// How many requests came when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slots {
    /// The number of the newest slot, since 1970.
    newest: u64,
    /// The newest first.
    counts: [u32; SLOTS],
}

impl SlidingWindow {
    pub(crate) fn take(&self, state: &mut Vec<u8>, now: Duration) -> Answer {
        let mut slots = self.slots(state, now);
        let answers = self.windows.iter().zip(&slots);
        let answers: Vec<_> = answers
            .map(|(window, slots)| window.ask(slots, now))
            .collect();
        let over = answers.iter().filter_map(|answer| match answer.verdict {
            Verdict::Over(wait) => Some(wait),
            _ => None,
        });
        let verdict = over
            .max()
            .map_or(Verdict::Admitted(Duration::ZERO), Verdict::Over);
        if let Verdict::Admitted(_) = verdict {
            for slots in &mut slots {
                slots.add();
            }
            *state = slots.iter().flat_map(Slots::encode).collect();
        }
        let quotas = self.windows.iter().zip(&slots);
        let quotas = quotas.map(|(window, slots)| window.ask(slots, now).quota);
        let tightest = quotas.min_by_key(|quota| quota.remaining);
        let quota = tightest.unwrap_or(Quota::NONE);
        Answer { verdict, quota }
    }

    pub(crate) fn give_back(&self, state: &mut Vec<u8>, then: Duration) {
        let mut slots = self.slots(state, then);
        for (window, slots) in self.windows.iter().zip(&mut slots) {
            slots.remove(window.slot(then));
        }
        *state = slots.iter().flat_map(Slots::encode).collect();
    }

    pub(crate) fn is_idle(&self, state: &[u8], now: Duration) -> bool {
        self.slots(state, now).iter().all(|slots| slots.sum() == 0)
    }

    fn slots(&self, state: &[u8], now: Duration) -> Vec<Slots> {
        let mut states = state.chunks_exact(Slots::SIZE);
        let slots = self.windows.iter().map(|window| {
            let known = states.next().and_then(Slots::decode);
            Slots::at(known, window.slot(now))
        });
        slots.collect()
    }
}

impl Window {
    /// The length of a tenth, rounded up.
    fn tenth(&self) -> u64 {
        let nanoseconds = u64::try_from(self.per.as_nanos()).unwrap_or(u64::MAX);
        nanoseconds.div_ceil(TENTHS).max(1)
    }

    pub(crate) fn slot(&self, now: Duration) -> u64 {
        u64::try_from(now.as_nanos()).unwrap_or(u64::MAX) / self.tenth()
    }

    /// Whether there is room for one more. Nothing is taken.
    pub(super) fn ask(&self, slots: &Slots, now: Duration) -> Answer {
        let (limit, sum) = (u64::from(self.requests), slots.sum());
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        // When a slot that is `age` slots old leaves the window.
        let leaves = |age: usize| {
            let end = slots.newest.saturating_sub(age as u64) + SLOTS as u64;
            Duration::from_nanos(end.saturating_mul(self.tenth()).saturating_sub(now))
        };
        let mut used = slots
            .counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0);
        let reset = used.next().map_or(Duration::ZERO, |(age, _)| leaves(age));
        let quota = Quota {
            limit,
            remaining: limit.saturating_sub(sum),
            reset,
            window: self.per,
        };
        if sum < limit {
            let verdict = Verdict::Admitted(Duration::ZERO);
            return Answer { verdict, quota };
        }
        // The oldest ones leave first; when enough are gone there is room for one.
        let mut left = sum;
        let mut wait = reset;
        for (age, count) in slots.counts.iter().enumerate().rev() {
            left = left.saturating_sub(u64::from(*count));
            if left < limit {
                wait = leaves(age);
                break;
            }
        }
        let verdict = Verdict::Over(wait);
        Answer { verdict, quota }
    }
}

impl Slots {
    pub(crate) const SIZE: usize = 8 + 4 * SLOTS;

    /// What of it counts in a slot. One that is a little behind is of a worker whose clock was read a moment earlier; one far
    /// behind means that the clock was set back, or that slots had another length.
    pub(crate) fn at(known: Option<Self>, slot: u64) -> Self {
        let empty = Self {
            newest: slot,
            counts: [0; SLOTS],
        };
        let Some(mut known) = known else { return empty };
        if known.newest >= slot {
            return if known.newest - slot < SLOTS as u64 {
                known
            } else {
                empty
            };
        }
        let passed = usize::try_from(slot - known.newest).unwrap_or(SLOTS);
        let passed = passed.min(SLOTS);
        known.counts.rotate_right(passed % SLOTS);
        for count in known.counts.iter_mut().take(passed) {
            *count = 0;
        }
        known.newest = slot;
        known
    }

    pub(crate) fn sum(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    pub(crate) fn add(&mut self) {
        if let Some(count) = self.counts.first_mut() {
            *count = count.saturating_add(1);
        }
    }

    /// Takes one off a slot, while it is known.
    pub(crate) fn remove(&mut self, slot: u64) {
        let age = self.newest.saturating_sub(slot);
        let age = usize::try_from(age).unwrap_or(SLOTS);
        if let Some(count) = self.counts.get_mut(age) {
            *count = count.saturating_sub(1);
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.newest.to_le_bytes().to_vec();
        bytes.extend(self.counts.iter().flat_map(|count| count.to_le_bytes()));
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (newest, counts) = bytes.split_first_chunk()?;
        let mut counts = counts.as_chunks::<4>().0.iter();
        Some(Self {
            newest: u64::from_le_bytes(*newest),
            counts: std::array::from_fn(|_| {
                counts.next().map_or(0, |count| u32::from_le_bytes(*count))
            }),
        })
    }
}

impl Quota {
    const NONE: Self = Self {
        limit: 0,
        remaining: 0,
        reset: Duration::ZERO,
        window: Duration::ZERO,
    };
}

/// Into how many parts a window is cut.
const TENTHS: u64 = 10;

/// So many are counted: the tenths of a window that begins inside of one reach into eleven.
pub(crate) const SLOTS: usize = 11;
