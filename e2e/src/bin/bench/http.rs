//! What filters of HTTP requests cost.

use anyhow::Result;
use comfy_table::Table;
use meshlane_e2e::scene::Scene;
use tokio::runtime::Runtime;

use crate::{
    memory, native, report,
    settings::Settings,
    stage::{Measured, Stage},
    variants::{self, Variant},
};

/// Measures and prints everything about `traffic-tag`.
pub(crate) fn run(runtime: &Runtime, scene: &Scene, settings: &Settings) -> Result<()> {
    println!("\n# HTTP filters: HTTP/1.1 keep-alive, direct response");
    println!("\n## The decision alone, native\n\n{}", native::report()?);

    let contest = measure(
        runtime,
        scene,
        variants::contest()?,
        settings,
        CONTEST_SHARE,
    )?;
    println!(
        "\n## CPU time of Envoy\n\n{}\n{}",
        counts(&contest),
        report::contest(&contest)?
    );
    println!("\n{}", report::goals(&contest)?);
    println!(
        "\n## Where the time goes\n\n{}",
        report::breakdown(&contest)?
    );

    let calls = measure(runtime, scene, variants::calls()?, settings, CALLS_SHARE)?;
    println!(
        "\n## Host calls\n\n{}\n{}",
        counts(&calls),
        report::calls(&calls)?
    );

    println!("\n## Size\n\n{}", weights(runtime, scene)?);
    Ok(())
}

fn measure(
    runtime: &Runtime,
    scene: &Scene,
    variants: Vec<Variant>,
    settings: &Settings,
    share: f64,
) -> Result<Measured> {
    let deadline = settings.deadline(share);
    Stage::start(runtime, scene, variants, &[])?.measure(settings, deadline)
}

pub(crate) fn counts(measured: &Measured) -> String {
    format!(
        "{} rounds, {} requests a variant; the variants take turns in every round; medians, ranges over the rounds.\n",
        measured.rounds, measured.requests
    )
}

fn weights(runtime: &Runtime, scene: &Scene) -> Result<Table> {
    let mut table = report::table(&[
        "module",
        "bytes",
        "gzip",
        "memory with one worker, KiB",
        "each further worker, KiB",
    ]);
    let mut add = |module: &str, filter: &dyn Fn() -> Result<Variant>| {
        let (bytes, packed) = memory::size(module)?;
        let added = memory::added(runtime, scene, filter)?;
        table.add_row([
            module.to_owned(),
            bytes.to_string(),
            packed.to_string(),
            format!("{:.0}", added.first),
            format!("{:.0}", added.each_worker),
        ]);
        Ok::<_, anyhow::Error>(())
    };
    add("noop", &variants::noop)?;
    add("traffic-tag", &variants::ten_rules)?;
    Ok(table)
}

/// How much of the time each part may take at most; the sizes take a few seconds more.
const CONTEST_SHARE: f64 = 0.6;
const CALLS_SHARE: f64 = 0.35;
