//! What requests hold of limits, and how they give it back.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use meshlane_shared_data::SharedData;

use crate::algorithm::{Algorithm, Ask};
use crate::counts::{Counts, Spot};
use crate::policy::Policy;

/// Something that a request has of a limit, for as long as it is on its way or waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub(crate) spot: Spot,
    pub(crate) ask: Ask,
    pub(crate) wait: Duration,
}

impl Held {
    /// Whether the request waits for its turn there.
    pub fn is_waiting(&self) -> bool {
        !self.wait.is_zero()
    }

    /// Whether it has to be given back at all, once it is known that the request passes.
    pub(crate) fn is_needed(&self, policy: &Policy) -> bool {
        if self.is_waiting() && !self.ask.waits {
            return false;
        }
        let is_held = algorithm(policy, self).is_some_and(|algorithm| algorithm.is_held(self.wait));
        is_held || self.is_waiting()
    }
}

impl Counts {
    /// A request is over at the time `now`, or its turn has come: what it held others may have. `took` is how long the service took
    /// for its answer; nothing when there was none. Tells whether that could be noted.
    pub fn release(
        &self,
        policy: &Policy,
        data: &dyn SharedData,
        held: &Held,
        (now, took): (Duration, Option<Duration>),
    ) -> bool {
        let Some(algorithm) = algorithm(policy, held) else {
            return true;
        };
        if !algorithm.is_held(held.wait) {
            return true;
        }
        let change = |state: &mut Vec<u8>| algorithm.release(state, held.ask.holder, (now, took));
        self.change(data, &held.spot, change).is_some()
    }

    /// A request is gone that did not get what it asked for: it waited, or another limit refused it.
    pub fn cancel(&self, policy: &Policy, data: &dyn SharedData, held: &Held) -> bool {
        let Some(algorithm) = algorithm(policy, held) else {
            return true;
        };
        let change = |state: &mut Vec<u8>| algorithm.give_back(state, &held.ask, held.wait);
        self.change(data, &held.spot, change).is_some()
    }

    /// The VM is there: what its requests hold goes on counting. To be called as often as [`Limit::renewal`](crate::Limit::renewal) says.
    pub fn renew(
        &self,
        policy: &Policy,
        data: &dyn SharedData,
        held: &Held,
        now: Duration,
    ) -> bool {
        let Some(algorithm) = algorithm(policy, held) else {
            return true;
        };
        let change = |state: &mut Vec<u8>| algorithm.renew(state, held.ask.holder, now);
        self.change(data, &held.spot, change).is_some()
    }
}

/// What the requests of a VM hold, so that a sign of life can be given of it.
#[derive(Debug, Clone, Default)]
pub struct Holding(BTreeMap<Spot, (Held, u32)>);

impl Holding {
    /// A request holds something.
    pub fn add(&mut self, held: &Held) {
        let entry = self.0.entry(held.spot.clone());
        entry.or_insert_with(|| (held.clone(), 0)).1 += 1;
    }

    /// A request holds something no more.
    pub fn remove(&mut self, held: &Held) {
        if let Entry::Occupied(mut entry) = self.0.entry(held.spot.clone()) {
            entry.get_mut().1 -= 1;
            if entry.get().1 == 0 {
                entry.remove();
            }
        }
    }

    /// All that is held, each once, however many requests hold it.
    pub fn iter(&self) -> impl Iterator<Item = &Held> {
        self.0.values().map(|(held, _)| held)
    }
}

fn algorithm<'p>(policy: &'p Policy, held: &Held) -> Option<&'p Algorithm> {
    let limit = policy.limits.get(held.spot.limit)?;
    limit.algorithm(held.spot.variant)
}
