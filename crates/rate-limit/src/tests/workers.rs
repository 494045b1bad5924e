//! Several workers at once: what one of them takes, no other has.

use std::sync::Barrier;
use std::thread;

use meshlane_attributes::{StaticFacts, Workload};
use meshlane_shared_data::{MapData, SharedData, Version};

use super::START;
use crate::{Counts, Now, Policy};

/// Requests of all workers at the same moment, to counts that nobody has used yet; how many passed.
fn burst(document: &str, workers: usize, requests: usize) -> usize {
    let policy = Policy::parse(document.as_bytes()).unwrap();
    let data = MapData::default();
    let counts = Counts::open(&policy, &data, &mut || [7; 16]);
    let barrier = Barrier::new(workers);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers as u64)
            .map(|holder| {
                let (policy, counts, data, barrier) = (&policy, &counts, &data, &barrier);
                scope.spawn(move || {
                    let facts = StaticFacts::with_headers([("x-user", "alice")]);
                    let now = Now {
                        time: START,
                        holder,
                    };
                    barrier.wait();
                    let decided = (0..requests).map(|_| {
                        policy.decide(counts, data, &facts, &Workload::default(), now, &mut || {
                            [0; 16]
                        })
                    });
                    decided
                        .filter(|decision| decision.refused.is_none())
                        .count()
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    })
}

#[test]
fn of_a_burst_of_all_workers_exactly_as_many_pass() {
    for kind in [
        r#""tokenBucket": {"requests": 1, "per": 60, "burst": 100}"#,
        r#""slidingWindow": [{"requests": 100, "per": 60}, {"requests": 500, "per": 3600}]"#,
        r#""warmUp": {"requests": 300}"#,
        r#""concurrency": {"requests": 100}"#,
        r#""adaptive": {"initial": 100}"#,
        r#""queue": {"requests": 1, "maxWait": 99, "maxWaiting": 1000}"#,
    ] {
        for key in ["", r#""key": ["header.x-user"],"#] {
            let document = format!(
                r#"{{"limits": [{{"name": "a", "onContention": "refuse", {key} {kind}}}]}}"#
            );
            for _ in 0..5 {
                assert_eq!(burst(&document, 8, 40), 100, "{document}");
            }
        }
    }
}

/// A store whose writers are always too late.
struct Contended(MapData);

impl SharedData for Contended {
    fn get(&self, key: &str) -> (Option<Vec<u8>>, Version) {
        self.0.get(key)
    }

    fn compare_and_swap(&self, _: &str, _: &[u8], _: Version) -> bool {
        false
    }

    fn set(&self, key: &str, value: &[u8]) {
        self.0.set(key, value);
    }
}

#[test]
fn who_is_always_too_late_is_treated_as_configured() {
    for (outcome, is_refused) in [("allow", false), ("refuse", true)] {
        let document = format!(
            r#"{{"limits": [{{"name": "a", "onContention": "{outcome}", "tokenBucket": {{"requests": 9}}}}]}}"#
        );
        let policy = Policy::parse(document.as_bytes()).unwrap();
        let data = Contended(MapData::default());
        let counts = Counts::open(&policy, &data, &mut || [7; 16]);
        let facts = StaticFacts::default();
        let now = Now {
            time: START,
            holder: 1,
        };
        let decision = policy.decide(
            &counts,
            &data,
            &facts,
            &Workload::default(),
            now,
            &mut || [0; 16],
        );
        assert_eq!(decision.refused.is_some(), is_refused);
        let expected = match is_refused {
            true => "a=limit-contended-refused",
            false => "a=limit-contended-allowed",
        };
        assert_eq!(decision.summary(&policy), expected);
    }
}
