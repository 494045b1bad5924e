//! What it costs to ask Envoy for the health of many endpoints.

use std::time::Duration;

use anyhow::Result;
use comfy_table::Table;
use meshlane_e2e::scene::Scene;
use tokio::runtime::Runtime;

use super::poll::{self, Seen};
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
    // The time is shared by two Envoys for each number of endpoints.
    let time = (time / (2 * ENDPOINTS.len() as u32)).max(LEAST);
    for endpoints in ENDPOINTS {
        for asks in [false, true] {
            let seen = poll::measure(runtime, scene, endpoints, asks, time)?;
            let what = if asks { "" } else { ", without health" };
            table.add_row(row(&format!("{endpoints}{what}"), &seen));
        }
    }
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

const ENDPOINTS: [usize; 2] = [100, 5000];
const LEAST: Duration = Duration::from_secs(6);
