//! What full-link gray release costs: remembering a request, finding it again, and how much of what was remembered is found.

mod store;
mod variants;

use anyhow::Result;
use meshlane_e2e::scene::Scene;
use tokio::runtime::Runtime;

use self::variants::{CARRIED, MISSED, RESTORED};
use crate::{
    http::counts,
    report::{self, beside_noop},
    settings::Settings,
    stage::{Measured, Stage},
    variants::NOTHING,
};

/// Measures and prints everything about `gray-release`.
pub(crate) fn run(runtime: &Runtime, scene: &Scene, settings: &Settings) -> Result<()> {
    println!("\n# Full-link gray release: HTTP/1.1 keep-alive");
    let measure = |workers, share| -> Result<Measured> {
        let variants = variants::contest()?;
        let mut stage = Stage::start_with(runtime, scene, variants, &[], workers)?;
        stage.measure(settings, settings.deadline(share))
    };
    let contest = measure(1, 0.4)?;
    println!(
        "\n## CPU time of Envoy, direct responses\n\n{}\n{}",
        counts(&contest),
        beside_noop(&contest, &variants::names())?
    );
    let mut table = report::table(&[
        "workers",
        "carried, over no filter",
        "a look for nothing",
        "middle half",
        "a tag found and set",
        "middle half",
    ]);
    for (workers, measured) in [(1, contest), (2, measure(2, 0.2)?), (4, measure(4, 0.2)?)] {
        let carried = measured.of(CARRIED)?;
        let (missed, restored) = (measured.of(MISSED)?, measured.of(RESTORED)?);
        let (missed, restored) = (missed.over(carried), restored.over(carried));
        table.add_row([
            workers.to_string(),
            format!("{:+.2}", carried.over(measured.of(NOTHING)?).median()),
            format!("{:+.2}", missed.median()),
            format!("{:.2}", missed.middle()),
            format!("{:+.2}", restored.median()),
            format!("{:.2}", restored.middle()),
        ]);
    }
    println!("\n## What the memory adds to a call, µs, by workers of Envoy\n\n{table}");
    println!("\n## The memory alone, native\n\n{}", store::times()?);
    println!("\n## What is found again\n\n{}", store::hits()?);
    Ok(())
}
