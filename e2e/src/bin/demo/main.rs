//! The demo: one stock Envoy as a gateway with `traffic-tag`, two versions of a service behind it, and a table of what
//! became of requests; then five services with a sidecar each, and what becomes of a gray request on its way through all.
//! It fails when a row is not as it must be.
//!
//! With `KEEP=1` everything stays up until Ctrl-C. The configuration is `e2e/demo/traffic-tag.yaml`.

#![allow(
    clippy::print_stdout,
    reason = "a command line program talks on standard output"
)]

use std::process::ExitCode;

use anyhow::{Context, Result};
use meshlane_e2e::{
    bootstrap::{Bootstrap, WasmFilter},
    scene::{Scene, versions, yaml},
    shop::Shop,
};

mod lane;
mod play;
mod requests;
mod show;

const CONFIGURATION: &str = "e2e/demo/traffic-tag.yaml";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let version = versions()
        .into_iter()
        .next_back()
        .context("no version of Envoy")?;
    let scene = Scene::new(&version)?;
    // YAML is for people, filters get JSON.
    let document = yaml(CONFIGURATION)?;
    let filter = WasmFilter::traffic_tag(&document)?;
    let shop = Shop::open(&scene, Bootstrap::gateway(), |listener| {
        listener.use_remote_address().filter(&filter)
    })
    .await?;

    println!("stock Envoy {version}, {CONFIGURATION}, upstreams v1 and gray\n");
    let mut rows = Vec::new();
    for request in requests::all() {
        rows.push(play::play(&shop, request).await?);
    }
    rows.push(play::play_share(&shop).await?);
    println!("{}\n", show::table(&rows));
    let lane = lane::play(&scene).await?;
    println!("{}\n", show::table(&lane));
    rows.extend(lane);

    let wrong = rows.iter().filter(|row| !row.is_as_expected()).count();
    if std::env::var_os("KEEP").is_some_and(|keep| !keep.is_empty() && keep != "0") {
        println!("{}", show::hints(&shop)?);
        tokio::signal::ctrl_c().await?;
    }
    if wrong > 0 {
        println!("{wrong} of {} rows are not as they must be.", rows.len());
        return Ok(ExitCode::FAILURE);
    }
    println!("All {} rows are as they must be.", rows.len());
    drop(shop);
    scene.pass();
    Ok(ExitCode::SUCCESS)
}
