//! What rate limits cost: beside doing nothing, beside Envoy's own, and with several workers on one count.

mod contention;
mod variants;

use anyhow::{Context, Result};
use comfy_table::Table;
use meshlane_e2e::scene::Scene;
use tokio::runtime::Runtime;

use crate::{
    http::counts,
    report::{self, beside_noop},
    settings::Settings,
    stage::{Measured, Stage},
    variants::NOTHING,
};

/// Measures and prints everything about `rate-limit`.
pub(crate) fn run(runtime: &Runtime, scene: &Scene, settings: &Settings) -> Result<()> {
    println!("\n# Rate limits: HTTP/1.1 keep-alive");
    let names = variants::names();
    let mut stage = Stage::start(runtime, scene, variants::contest()?, &[])?;
    let contest = stage.measure(settings, settings.deadline(0.7))?;
    println!(
        "\n## CPU time of Envoy, direct responses\n\n{}\n{}",
        counts(&contest),
        beside_noop(&contest, &names)?
    );
    println!(
        "\n## Where the time of a token bucket goes\n\n{}",
        breakdown(&contest)?
    );
    println!(
        "\n## Where the time of the suite goes\n\n{}",
        of_the_suite(&contest)?
    );
    let latencies = stage.latencies()?;
    let mut table = report::table(&["variant", "median, µs", "99th percentile, µs"]);
    for name in &names {
        let (median, late) = latencies.get(name).context("a variant")?;
        table.add_row([name.clone(), format!("{median:.0}"), format!("{late:.0}")]);
    }
    println!("\n## From a request to its answer, one after the other\n\n{table}");
    println!(
        "\n## Several workers on one count, native\n\n{}",
        contention::times()?
    );
    Ok(())
}

fn breakdown(measured: &Measured) -> Result<Table> {
    let ours = ("our code: read, decide, write", variants::WHOLE);
    let steps = variants::STEPS.iter().map(|(name, step, _)| (*step, *name));
    steps_of(measured, steps.chain([ours]))
}

/// Each filter with all that it does for a request.
fn of_the_suite(measured: &Measured) -> Result<Table> {
    let steps = variants::SUITE_STEPS.iter();
    steps_of(measured, steps.map(|(name, step)| (*step, *name)))
}

/// Each line is one more step of the same work.
fn steps_of(
    measured: &Measured,
    steps: impl Iterator<Item = (&'static str, &'static str)>,
) -> Result<Table> {
    let mut table = report::table(&["step", "µs", "middle half"]);
    let mut before = measured.of(NOTHING)?;
    for (step, name) in steps {
        let series = measured.of(name)?;
        let cost = series.over(before);
        table.add_row([
            step.to_owned(),
            format!("{:+.2}", cost.median()),
            format!("{:.2}", cost.middle()),
        ]);
        before = series;
    }
    Ok(table)
}
