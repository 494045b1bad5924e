//! The benchmark: what filters cost Envoy, beside doing nothing, native code and Lua, in one run.
//!
//! `docs/benchmarks.md` says what is measured and how to read the tables.
#![allow(clippy::print_stdout, reason = "a command-line tool prints its report")]
#![allow(
    clippy::disallowed_methods,
    reason = "the clock is what this program is about"
)]

mod codec;
mod cpu;
mod dubbo;
mod envoy_config;
mod http;
mod lane;
mod limit;
mod load;
mod memory;
mod native;
mod report;
mod request;
mod route;
mod rules;
mod settings;
mod stage;
mod stats;
mod variants;

use anyhow::Result;
use meshlane_e2e::scene::{Scene, versions};
use tokio::runtime::Builder;

use crate::settings::{Part, Settings};

fn main() -> Result<()> {
    let settings = Settings::from_environment()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let scene = Scene::new(&versions().pop().unwrap_or_default())?;
    println!("Envoy {}, one worker", scene.version());
    for part in &settings.parts {
        match part {
            Part::Http => http::run(&runtime, &scene, &settings)?,
            Part::Route => route::run(&runtime, &scene, &settings)?,
            Part::Lane => lane::run(&runtime, &scene, &settings)?,
            Part::Limit => limit::run(&runtime, &scene, &settings)?,
            Part::Dubbo => dubbo::run(&runtime, &scene, &settings)?,
            Part::Codec => codec::run()?,
        }
    }
    scene.pass();
    Ok(())
}
