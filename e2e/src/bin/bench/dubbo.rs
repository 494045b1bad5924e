//! What the Dubbo bridge costs, beside other ways through Envoy.

mod chains;
mod client;
mod connection;
mod frames;
mod http2;
mod report;
mod scanner;
mod stage;
mod upstream;

use anyhow::Result;
use meshlane_e2e::scene::Scene;
use tokio::{runtime::Runtime, task::LocalSet};

use self::{frames::Call, stage::Stage};
use crate::settings::Settings;

/// Measures and prints everything about the bridge.
pub(crate) fn run(runtime: &Runtime, scene: &Scene, settings: &Settings) -> Result<()> {
    println!(
        "\n# Dubbo: calls with one text as argument and result, 8 on their way on each connection"
    );
    let tasks = LocalSet::new();
    let measured = tasks.block_on(runtime, async {
        Stage::start(scene, &tasks).await?.measure(settings).await
    })?;
    println!(
        "\n## CPU time of Envoy\n\n{} rounds; the chains take turns in every round; medians and middle halves.\n\n{}",
        measured.rounds,
        report::contest(&measured)?
    );
    println!("\n{}", report::ratios(&measured)?);
    println!("\nGoals: {GOALS}");
    Ok(())
}

/// A request frame whose argument is a text of so many bytes.
pub(crate) fn text_call(size: usize) -> Vec<u8> {
    Call::of_size(size).request
}

const GOALS: &str = "consumer side ÷ plain HTTP/2 at most 1.3 for 100 B and 1 kB, 1.15 for 64 KiB; provider side ÷ tcp_proxy at most 1.3 for 100 B and 1 kB";
