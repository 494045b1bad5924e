//! What it costs to ask Envoy for the health of many endpoints.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use comfy_table::Table;
use meshlane_e2e::scene::Scene;
use tokio::runtime::Runtime;

use super::poll::{Poller, Seen, Subject};
use crate::report::table;

/// A table with Envoys that ask beside Envoys that do not.
pub(super) fn report(runtime: &Runtime, scene: &Scene, time: Duration) -> Result<Table> {
    let mut table = table(&[
        "endpoints",
        "polls an interval",
        "answer, kB",
        "in the VM, ms",
        "worker's CPU an interval, ms",
        "main thread's, ms",
        "a request, median, ms",
        "99.9 %",
        "slowest of an interval, median, ms",
        "middle half",
        "max",
        "memory, MiB",
    ]);
    // The time is shared by all rows.
    let time = (time / 5).max(LEAST);
    let start = |endpoints, asks| Subject::start(runtime, scene, endpoints, asks);
    for endpoints in [FEW, MANY] {
        let seen = start(endpoints, false)?.measure(runtime, time)?;
        table.add_row(row(&format!("{endpoints}, without health"), &seen));
    }
    let seen = start(FEW, true)?.measure(runtime, time)?;
    table.add_row(row(&FEW.to_string(), &seen));
    // Whose VM asks is decided when Envoy starts.
    let mut rows: BTreeMap<&str, [String; 12]> = BTreeMap::new();
    for _ in 0..ATTEMPTS {
        let subject = start(MANY, true)?;
        let name = match subject.poller()? {
            Poller::Nobody | Poller::Main => "the main thread asks",
            Poller::Worker => "the worker asks",
        };
        if !rows.contains_key(name) {
            let seen = subject.measure(runtime, time)?;
            rows.insert(name, row(&format!("{MANY}, {name}"), &seen));
        }
        if rows.len() == 2 {
            break;
        }
    }
    rows.into_values().for_each(|row| {
        table.add_row(row);
    });
    Ok(table)
}

fn row(name: &str, seen: &Seen) -> [String; 12] {
    let milliseconds = |microseconds: f64| format!("{:.2}", microseconds / 1000.0);
    let slowest = seen.slowest.scaled(0.001);
    [
        name.to_owned(),
        format!("{:.2}", seen.polls),
        format!("{:.0}", seen.answer as f64 / 1000.0),
        match seen.in_vm.is_nan() {
            true => "–".to_owned(),
            false => milliseconds(seen.in_vm),
        },
        milliseconds(seen.worker),
        milliseconds(seen.main),
        milliseconds(seen.requests.median()),
        milliseconds(seen.requests.quantile(0.999)),
        format!("{:.2}", slowest.median()),
        format!("{:.2}", slowest.middle()),
        format!("{:.2}", slowest.max()),
        format!("{:.1}", seen.memory / 1024.0),
    ]
}

const FEW: usize = 100;
const MANY: usize = 5000;

/// How many Envoys are started at most to see each thread ask.
const ATTEMPTS: usize = 12;
const LEAST: Duration = Duration::from_secs(6);
