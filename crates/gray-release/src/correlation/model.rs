//! Several workers on one memory, in every order that a schedule says.
//!
//! Each worker is a thread that stops before each of its calls to shared data until it is its turn. So a schedule, which is a list
//! of workers, decides between which read and which write of one worker the others write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex};
use std::thread;

use meshlane_shared_data::{MapData, Version};
use proptest::prelude::*;

use super::tests::{key, open, tagged};
use super::*;

const START: Duration = Duration::from_secs(1_000_000);

/// Whose turn it is.
struct Turnstile {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Workers, in the order in which they may make a call; when it is used up, whoever comes.
    schedule: Vec<usize>,
    finished: BTreeSet<usize>,
    calls: usize,
}

impl Turnstile {
    fn new(mut schedule: Vec<usize>) -> Self {
        schedule.reverse();
        let state = State {
            schedule,
            finished: BTreeSet::new(),
            calls: 0,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// Makes a call when it is the worker's turn; nobody else makes one at the same time.
    fn pass<T>(&self, worker: usize, call: impl FnOnce() -> T) -> T {
        let mut state = self.state.lock().unwrap();
        loop {
            while let Some(next) = state.schedule.last()
                && state.finished.contains(next)
            {
                state.schedule.pop();
            }
            match state.schedule.last() {
                Some(next) if *next != worker => state = self.changed.wait(state).unwrap(),
                _ => break,
            }
        }
        state.schedule.pop();
        state.calls += 1;
        let result = call();
        self.changed.notify_all();
        result
    }
}

/// A worker that is at work; when it has ended, by whatever means, nobody waits for it.
struct Working<'w> {
    turnstile: &'w Turnstile,
    worker: usize,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        let mut state = self.turnstile.state.lock().unwrap();
        state.finished.insert(self.worker);
        self.turnstile.changed.notify_all();
    }
}

/// Shared data as one worker sees it.
struct Scheduled<'w> {
    data: &'w MapData,
    turnstile: &'w Turnstile,
    worker: usize,
}

impl SharedData for Scheduled<'_> {
    fn get(&self, key: &str) -> (Option<Vec<u8>>, Version) {
        self.turnstile.pass(self.worker, || self.data.get(key))
    }

    fn compare_and_swap(&self, key: &str, value: &[u8], version: Version) -> bool {
        let swap = || self.data.compare_and_swap(key, value, version);
        self.turnstile.pass(self.worker, swap)
    }

    fn set(&self, key: &str, value: &[u8]) {
        self.turnstile
            .pass(self.worker, || self.data.set(key, value));
    }
}

/// What a worker does.
#[derive(Debug, Clone, Copy)]
enum Action {
    /// Remembers a request by its number.
    Remember(u64),
    Recall(u64),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    // Few keys and few buckets: they meet often, and buckets overflow.
    let id = 0..40_u64;
    let action = (id, any::<bool>()).prop_map(|(id, remembers)| match remembers {
        true => Action::Remember(id),
        false => Action::Recall(id),
    });
    prop::collection::vec(action, 1..24)
}

/// The tag of a request follows from its number, and which worker wrote it does not matter.
fn value(id: u64) -> String {
    format!("t{id}")
}

/// Plays the actions of the workers; returns what was still known at the end.
fn play(workers: &[Vec<Action>], schedule: Vec<usize>) -> BTreeMap<u64, String> {
    let data = MapData::default();
    let correlations = open(&data, Correlations::MIN_CAPACITY);
    let turnstile = Turnstile::new(schedule);
    thread::scope(|scope| {
        for (worker, actions) in workers.iter().enumerate() {
            let (data, turnstile, correlations) = (&data, &turnstile, &correlations);
            scope.spawn(move || {
                let _working = Working { turnstile, worker };
                let view = Scheduled {
                    data,
                    turnstile,
                    worker,
                };
                for action in actions {
                    match *action {
                        Action::Remember(id) => {
                            let tags = tagged(&value(id));
                            let stored = correlations.remember(&view, START, &key(id), &tags);
                            assert_ne!(stored, Stored::Replacing, "nobody wrote another value");
                            assert_ne!(stored, Stored::Lost, "others did not write that often");
                        }
                        Action::Recall(id) => {
                            let found = correlations.recall(&view, START, &key(id));
                            if let Some(found) = found {
                                assert_eq!(found, tagged(&value(id)));
                            }
                        }
                    }
                }
            });
        }
    });
    let known = (0..40).filter_map(|id| {
        let remembered = correlations.recall(&data, START, &key(id))?;
        Some((id, remembered.tag("lane").unwrap().unwrap().to_string()))
    });
    known.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the order of reads and writes, no key has another's tag, and what was written last is known.
    #[test]
    fn no_order_of_calls_makes_a_wrong_value(
        workers in prop::collection::vec(actions(), 2..5),
        schedule in prop::collection::vec(0_usize..5, 0..200),
    ) {
        let schedule = schedule.into_iter().map(|worker| worker % workers.len()).collect();
        let known = play(&workers, schedule);
        for (id, found) in &known {
            prop_assert_eq!(found, &value(*id));
        }
        // 64 entries for at most 40 requests: nobody has to go but from a bucket that overflows.
        let written: BTreeSet<u64> = workers.iter().flatten().filter_map(|action| match action {
            Action::Remember(id) => Some(*id),
            Action::Recall(_) => None,
        }).collect();
        let mut buckets = BTreeMap::new();
        let data = MapData::default();
        let correlations = open(&data, Correlations::MIN_CAPACITY);
        for id in &written {
            buckets.entry(correlations.address(&key(*id))).or_insert_with(Vec::new).push(*id);
        }
        for ids in buckets.values() {
            let found = ids.iter().filter(|id| known.contains_key(id)).count();
            prop_assert_eq!(found, ids.len().min(WAYS), "an entry was lost: {:?}", ids);
        }
    }
}

/// The worst case: all workers write to one bucket, and read before anybody writes. Each round one of them succeeds.
#[test]
fn of_those_who_write_at_once_one_always_succeeds() {
    let ids: Vec<u64> = {
        let data = MapData::default();
        let correlations = open(&data, Correlations::MIN_CAPACITY);
        let first = correlations.address(&key(0));
        let same = (0..).filter(|id| correlations.address(&key(*id)) == first);
        same.take(WAYS).collect()
    };
    let data = MapData::default();
    let correlations = open(&data, Correlations::MIN_CAPACITY);
    // Read, read, …, write, write, …
    let round: Vec<usize> = (0..WAYS).collect();
    let turnstile = Turnstile::new(round.repeat(2 * WAYS));
    thread::scope(|scope| {
        for (worker, id) in ids.iter().copied().enumerate() {
            let view = Scheduled {
                data: &data,
                turnstile: &turnstile,
                worker,
            };
            let correlations = &correlations;
            scope.spawn(move || {
                let _working = Working {
                    turnstile: view.turnstile,
                    worker,
                };
                let stored = correlations.remember(&view, START, &key(id), &tagged(&value(id)));
                assert_eq!(stored, Stored::New);
            });
        }
    });
    for id in ids {
        let found = correlations.recall(&data, START, &key(id));
        assert_eq!(found, Some(tagged(&value(id))));
    }
    // 8 workers: 8 + 7 + … + 1 times a read and a write.
    assert_eq!(turnstile.state.lock().unwrap().calls, WAYS * (WAYS + 1));
}
