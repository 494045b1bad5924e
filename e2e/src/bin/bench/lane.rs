//! What full-link gray release costs: remembering a request, finding it again, and how much of what was remembered is found.

mod store;
mod variants;

use anyhow::Result;
use meshlane_e2e::scene::Scene;
use tokio::runtime::Runtime;

use crate::{http::counts, report::beside_noop, settings::Settings, stage::Stage};

/// Measures and prints everything about `gray-release`.
pub(crate) fn run(runtime: &Runtime, scene: &Scene, settings: &Settings) -> Result<()> {
    println!("\n# Full-link gray release: HTTP/1.1 keep-alive");
    let deadline = settings.deadline(0.6);
    let stage = Stage::start(runtime, scene, variants::contest()?, &[])?;
    let contest = stage.measure(settings, deadline)?;
    println!(
        "\n## CPU time of Envoy, direct responses\n\n{}\n{}",
        counts(&contest),
        beside_noop(&contest, &variants::names())?
    );
    println!("\n## The memory alone, native\n\n{}", store::times()?);
    println!("\n## What is found again\n\n{}", store::hits()?);
    Ok(())
}
