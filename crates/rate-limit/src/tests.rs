mod decisions;
mod keys;
mod models;
mod services;
#[cfg(not(target_arch = "wasm32"))]
mod workers;

use std::time::Duration;

use meshlane_attributes::{StaticFacts, Workload};
use meshlane_shared_data::MapData;

use crate::{Counts, Decision, Now, Policy};

/// A proxy with a policy, whose clock stands still until it is moved.
struct Proxy {
    policy: Policy,
    data: MapData,
    counts: Counts,
    now: Duration,
}

impl Proxy {
    fn new(document: &str) -> Self {
        let policy = Policy::parse(document.as_bytes());
        let policy = policy.unwrap_or_else(|violations| panic!("{violations}"));
        let data = MapData::default();
        Self {
            counts: Counts::open(&policy, &data, &mut || [7; 16]),
            policy,
            data,
            now: START,
        }
    }

    fn pass(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }

    /// Decides about a request that comes to one of its VMs.
    fn ask_at(&self, holder: u64, headers: &[(&str, &str)]) -> Decision {
        let facts = StaticFacts::with_headers(headers.iter().copied());
        let now = Now {
            time: self.now,
            holder,
        };
        let (policy, workload) = (&self.policy, Workload::default());
        let mut random = || [0x80; 16];
        policy.decide(
            &self.counts,
            &self.data,
            &facts,
            &workload,
            now,
            &mut random,
        )
    }

    fn ask(&self, headers: &[(&str, &str)]) -> Decision {
        self.ask_at(1, headers)
    }

    /// The decision in a line.
    fn line(&self, headers: &[(&str, &str)]) -> String {
        self.ask(headers).summary(&self.policy)
    }

    /// How many of so many requests pass.
    fn passing(&self, requests: usize, headers: &[(&str, &str)]) -> usize {
        let decisions = (0..requests).map(|_| self.ask(headers));
        decisions
            .filter(|decision| decision.refused.is_none())
            .count()
    }
}

/// Numbers that look random, and are the same ones each time and on both targets: xorshift64*.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Mostly little time, sometimes none, now and then much.
    fn pause(&mut self, scale: Duration) -> Duration {
        let scale = scale.as_nanos() as u64;
        Duration::from_nanos(match self.below(10) {
            0..=2 => 0,
            3..=8 => self.below(scale / 4 + 1),
            _ => self.below(scale * 3 + 1),
        })
    }
}

/// In the middle of a second, a tenth and a minute.
const START: Duration = Duration::from_nanos(1_800_000_033_345_678_901);
