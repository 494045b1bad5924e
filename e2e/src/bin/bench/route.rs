//! What routing by tag costs: the decision, the filter, all filters in one module, and asking Envoy for health.

mod documents;
mod health;
mod native;
mod poll;
mod report;
mod variants;

use anyhow::Result;
use comfy_table::Table;
use meshlane_e2e::scene::Scene;
use tokio::runtime::Runtime;

use crate::{
    http::counts,
    memory,
    report::{beside_noop, table},
    settings::Settings,
    stage::Stage,
    variants::Variant,
};

/// Measures and prints everything about `tag-route`.
pub(crate) fn run(runtime: &Runtime, scene: &Scene, settings: &Settings) -> Result<()> {
    println!("\n# Routing by tag: HTTP/1.1 keep-alive");
    println!("\n## The decision alone, native\n\n{}", native::report()?);

    let deadline = settings.deadline(CONTEST_SHARE);
    let mut stage = Stage::start(runtime, scene, variants::contest()?, &[])?;
    let contest = stage.measure(settings, deadline)?;
    println!(
        "\n## CPU time of Envoy, direct responses\n\n{}\n{}",
        counts(&contest),
        beside_noop(&contest, &variants::contest_names())?
    );
    println!("\n{}", report::ratios(&contest)?);

    let deadline = settings.deadline(UPSTREAM_SHARE);
    let backend = variants::backend(runtime, scene)?;
    let variants = variants::upstream()?;
    let clusters = variants::clusters(&backend)?;
    let mut stage = Stage::start(runtime, scene, variants, &clusters)?;
    let upstream = stage.measure(settings, deadline)?;
    drop(backend);
    println!(
        "\n## CPU time of Envoy, with an upstream\n\n{}\n{}",
        counts(&upstream),
        report::upstream(&upstream)?
    );

    println!("\n## Size\n\n{}", weights(runtime, scene)?);
    println!(
        "\n## Asking Envoy for health\n\n{}",
        health::report(runtime, scene, settings.time.mul_f64(HEALTH_SHARE))?
    );
    Ok(())
}

fn weights(runtime: &Runtime, scene: &Scene) -> Result<Table> {
    let mut table = table(&[
        "modules",
        "bytes",
        "gzip",
        "memory with one worker, KiB",
        "each further worker, KiB",
    ]);
    let mut add = |modules: &[&str], filters: &dyn Fn() -> Result<Variant>| {
        let (mut bytes, mut packed) = (0, 0);
        for module in modules {
            let (plain, gzip) = memory::size(module)?;
            bytes += plain;
            packed += gzip;
        }
        let added = memory::added(runtime, scene, filters)?;
        table.add_row([
            modules.join(" + "),
            bytes.to_string(),
            packed.to_string(),
            format!("{:.0}", added.first),
            format!("{:.0}", added.each_worker),
        ]);
        Ok::<_, anyhow::Error>(())
    };
    add(&["noop"], &crate::variants::noop)?;
    add(&["tag-route"], &|| variants::tag_route(10))?;
    add(&["traffic-tag", "tag-route"], &variants::two_modules)?;
    add(&["suite"], &variants::suite)?;
    Ok(table)
}

/// How much of the time each part may take at most; the sizes take up to a minute more.
const CONTEST_SHARE: f64 = 0.45;
const UPSTREAM_SHARE: f64 = 0.2;
const HEALTH_SHARE: f64 = 0.3;
