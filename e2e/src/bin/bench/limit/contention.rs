//! Workers that count on one value: how long a decision takes, how often it is tried, and whether exactly as many pass as may.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use comfy_table::Table;
use meshlane_attributes::{StaticFacts, Workload};
use meshlane_rate_limit::{Counts, Now, Policy, SharedData};
use meshlane_shared_data::{MapData, Version};

use crate::{report, stats::Series};

const WORKERS: [u64; 3] = [1, 2, 4];
const ROUNDS: usize = 15;
const REQUESTS: u64 = 20_000;
/// Half of the requests of one worker.
const LIMIT: u64 = 10_000;

/// A store that counts writes.
#[derive(Default)]
struct Counted {
    data: MapData,
    writes: AtomicU64,
}

impl SharedData for Counted {
    fn get(&self, key: &str) -> (Option<Vec<u8>>, Version) {
        self.data.get(key)
    }

    fn compare_and_swap(&self, key: &str, value: &[u8], version: Version) -> bool {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.data.compare_and_swap(key, value, version)
    }

    fn set(&self, key: &str, value: &[u8]) {
        self.data.set(key, value);
    }
}

/// Each round begins with a full bucket that every worker takes from as fast as it can.
pub(super) fn times() -> Result<Table> {
    let mut table = report::table(&[
        "workers at once",
        "a decision, ns",
        "middle half",
        "writes for one that passes",
        "passed too many",
    ]);
    let document = format!(
        r#"{{"limits": [{{"name": "a", "onContention": "refuse", "tokenBucket": {{"requests": 1, "per": 86400, "burst": {LIMIT}}}}}]}}"#
    );
    let policy = Policy::parse(document.as_bytes())
        .map_err(|violations| anyhow!("the benchmark's own document: {violations:?}"))?;
    for workers in WORKERS {
        let (mut times, mut writes, mut wrong) = (Series::default(), Series::default(), 0);
        for _ in 0..ROUNDS {
            let data = Counted::default();
            let counts = Counts::open(&policy, &data, &mut || [7; 16]);
            let barrier = Barrier::new(workers as usize);
            let passed = AtomicU64::new(0);
            let begin = Instant::now();
            thread::scope(|scope| {
                for holder in 0..workers {
                    let (policy, counts, data) = (&policy, &counts, &data);
                    let (barrier, passed) = (&barrier, &passed);
                    scope.spawn(move || {
                        barrier.wait();
                        passed.fetch_add(take(policy, counts, data, holder), Ordering::Relaxed);
                    });
                }
            });
            times.push(begin.elapsed().as_nanos() as f64 / REQUESTS as f64);
            writes.push(data.writes.load(Ordering::Relaxed) as f64 / LIMIT as f64);
            wrong += passed.load(Ordering::Relaxed).abs_diff(LIMIT);
        }
        table.add_row([
            workers.to_string(),
            format!("{:.0}", times.median()),
            format!("{:.0}", times.middle()),
            format!("{:.2}", writes.median()),
            wrong.to_string(),
        ]);
    }
    Ok(table)
}

/// How many of a worker's requests pass.
fn take(policy: &Policy, counts: &Counts, data: &Counted, holder: u64) -> u64 {
    let (facts, workload) = (StaticFacts::default(), Workload::default());
    let now = Now {
        time: Duration::from_secs(1_800_000_000),
        holder,
    };
    let decide = |_| policy.decide(counts, data, &facts, &workload, now, &mut || [0; 16]);
    let decisions = (0..REQUESTS).map(decide);
    decisions
        .filter(|decision| decision.refused.is_none())
        .count() as u64
}
