//! The memory of requests without Envoy: how long its operations take, and how much of what was remembered is found again.

use std::{
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use comfy_table::Table;
use meshlane_attributes::{StaticFacts, Workload};
use meshlane_gray_release::{CorrelationKey, Correlations, Policy, Remembered};
use meshlane_shared_data::MapData;

use crate::{report, stats::Series};

const CAPACITY: usize = 16_384;
const WORKERS: [usize; 3] = [1, 2, 4];
const ROUNDS: usize = 15;
const OPERATIONS: u32 = 20_000;
const NOW: Duration = Duration::from_secs(1_000_000);
const LIFETIME: Duration = Duration::from_secs(300);

/// Nanoseconds of one operation while so many workers do the same.
pub(super) fn times() -> Result<Table> {
    let mut table = report::table(&[
        "workers at once",
        "remember, ns",
        "middle half",
        "recall, ns",
        "middle half",
    ]);
    for workers in WORKERS {
        let data = MapData::default();
        let memory = open(&data, CAPACITY);
        let tags = tags()?;
        let (mut remember, mut recall) = (Series::default(), Series::default());
        for round in 0..ROUNDS {
            // Requests that are new, as most are.
            let keys = keys(round, workers)?;
            remember.push(together(&keys, |key| {
                black_box(memory.remember(&data, NOW, key, &tags));
            }));
            recall.push(together(&keys, |key| {
                black_box(memory.recall(&data, NOW, key));
            }));
        }
        table.add_row([
            workers.to_string(),
            format!("{:.0}", remember.median()),
            format!("{:.0}", remember.middle()),
            format!("{:.0}", recall.median()),
            format!("{:.0}", recall.middle()),
        ]);
    }
    Ok(table)
}

/// Which share of the newest identifiers is still known, when so many are alive for each entry of the memory.
pub(super) fn hits() -> Result<Table> {
    let mut table = report::table(&[
        "identifiers in use ÷ capacity",
        "capacity 1024",
        "capacity 16384",
        "capacity 262144",
    ]);
    for load in [0.25, 0.5, 0.75, 1.0, 1.5, 2.0] {
        let mut row = vec![format!("{load}")];
        for capacity in [1_024_usize, 16_384, 262_144] {
            let data = MapData::default();
            let memory = open(&data, capacity);
            let tags = tags()?;
            let alive = (capacity as f64 * load) as u64;
            // Twice, so that the memory is full of older ones.
            for number in 0..alive * 2 {
                memory.remember(&data, NOW, &key(number)?, &tags);
            }
            let mut found = 0;
            for number in alive..alive * 2 {
                found += u32::from(memory.recall(&data, NOW, &key(number)?).is_some());
            }
            row.push(format!("{:.1} %", f64::from(found) * 100.0 / alive as f64));
        }
        table.add_row(row);
    }
    Ok(table)
}

/// How many nanoseconds an operation took, while all workers did theirs.
fn together(keys: &[Vec<CorrelationKey>], operation: impl Fn(&CorrelationKey) + Sync) -> f64 {
    let begin = Instant::now();
    thread::scope(|scope| {
        for own in keys {
            scope.spawn(|| own.iter().for_each(&operation));
        }
    });
    begin.elapsed().as_nanos() as f64 / f64::from(OPERATIONS)
}

/// Those of each worker.
fn keys(round: usize, workers: usize) -> Result<Vec<Vec<CorrelationKey>>> {
    let first = |worker: usize| ((round * 16 + worker) as u64) << 32;
    let of = |worker| (0..OPERATIONS).map(move |number| key(first(worker) + u64::from(number)));
    (0..workers).map(|worker| of(worker).collect()).collect()
}

fn key(number: u64) -> Result<CorrelationKey> {
    let parent = format!(
        "00-{:032x}-00f067aa0ba902b7-01",
        u128::from(number) + (1 << 100)
    );
    let headers = [("traceparent", parent)].into_iter().collect();
    CorrelationKey::of("traceparent", &headers).context("no key")
}

fn tags() -> Result<Remembered> {
    let policy = Policy::parse(br#"{"tags": [{"name": "x-mse-tag"}]}"#)?;
    let facts = StaticFacts::with_headers([("x-mse-tag", "gray")]);
    let decision = policy.inbound(&facts, &Workload::default());
    Ok(decision.remembered(&policy))
}

fn open(data: &MapData, capacity: usize) -> Correlations {
    Correlations::open(data, capacity, LIFETIME, &mut || [7; 16])
}
