//! What a module weighs: its bytes, and the memory of its VMs in a running Envoy.

use std::{fs, io::Write};

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use meshlane_e2e::scene::{Scene, wasm_module};
use tokio::runtime::Runtime;

use crate::{
    envoy_config,
    load::Load,
    variants::{NOTHING, Variant},
};

/// Size of a module in bytes, as it is and packed by gzip.
pub(crate) fn size(module: &str) -> Result<(usize, usize)> {
    let bytes = fs::read(wasm_module(module)?)?;
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&bytes)?;
    Ok((bytes.len(), packed.finish()?.len()))
}

/// What a filter adds to the memory of an Envoy, in KiB.
pub(crate) struct Added {
    /// With one worker: V8, the compiled module, the VM of the main thread and that of the worker.
    pub(crate) first: f64,
    /// With each further worker: its VM.
    pub(crate) each_worker: f64,
}

/// Envoy has no statistic for the memory of a VM: this is the difference to an Envoy without the filter, for one worker
/// and for several.
pub(crate) fn added(
    runtime: &Runtime,
    scene: &Scene,
    filter: impl Fn() -> Result<Variant>,
) -> Result<Added> {
    let added = |workers| {
        let with = process(runtime, scene, filter()?, workers)?;
        let without = process(runtime, scene, Variant::passive(NOTHING, None), workers)?;
        Ok::<_, anyhow::Error>(with - without)
    };
    let (one, many) = (added(1)?, added(MANY)?);
    Ok(Added {
        first: one,
        each_worker: (many - one) / (MANY - 1) as f64,
    })
}

/// KiB that an Envoy with one variant has written to after some load.
fn process(runtime: &Runtime, scene: &Scene, variant: Variant, workers: usize) -> Result<f64> {
    let envoy = envoy_config::start(runtime, scene, std::slice::from_ref(&variant), &[], workers)?;
    let address = envoy.address(&variant.name)?;
    for _ in 0..workers {
        // New connections, so that every worker gets some.
        Load::connect(address, variant.request.clone(), variant.expected)?
            .run(REQUESTS)
            .with_context(|| variant.name.clone())?;
    }
    private_dirty(envoy.process_id())
}

/// Memory that only this process has, and has written to: what it needs beyond the pages of its binary.
pub(crate) fn private_dirty(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Private_Dirty:"))
        .context("the kernel must account for private pages")?;
    let kib = line.split_ascii_whitespace().next().context("a size")?;
    Ok(kib.parse()?)
}

const MANY: usize = 5;
const REQUESTS: usize = 1600;
