//! What the Makefile needs beyond cargo: builds the Wasm modules, checks them, and generates code.
//!
//! ```text
//! cargo run -p xtask -- wasm                         builds every module into target/wasm, with a list of its crates
//! cargo run -p xtask -- imports                      checks what the built and the packaged modules ask of the host
//! cargo run -p xtask -- sizes                        prints how large they are and checks that against their limits
//! cargo run -p xtask --features gen -- gen [--check] writes generated files anew, or fails when one is out of date
//! ```
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool"
)]

mod build;
#[cfg(feature = "gen")]
mod generate;
mod imports;
mod sbom;
mod sizes;
mod slim;
mod workspace;

use anyhow::{Result, bail};
use std::process::ExitCode;
use workspace::Workspace;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["wasm"] => build::run(&Workspace::load()?),
        ["imports"] => imports::run(&Workspace::load()?),
        ["sizes"] => sizes::run(&Workspace::load()?),
        #[cfg(feature = "gen")]
        ["gen"] => generate::write(),
        #[cfg(feature = "gen")]
        ["gen", "--check"] => generate::check(),
        #[cfg(not(feature = "gen"))]
        ["gen", ..] => bail!("`gen` is not built in; use `make gen` or `make gen-fresh`"),
        _ => bail!("usage: xtask wasm | imports | sizes | gen [--check]"),
    }
}
