//! How large the modules are.

use crate::workspace::Workspace;
use anyhow::{Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// Prints the size of each module, as it is and compressed as in an image layer; fails when one is over its limit.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut over = Vec::new();
    println!("{:>9}  {:>9}  {:>9}  module", "bytes", "gzip", "limit");
    for module in workspace.modules() {
        let wasm = workspace.read(module)?;
        let size = u64::try_from(wasm.len())?;
        let limit = module.settings.max_size;
        let shown = limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string());
        println!(
            "{size:>9}  {:>9}  {shown:>9}  {}.wasm",
            compressed(&wasm)?,
            module.name
        );
        if let Some(limit) = limit.filter(|limit| size > *limit) {
            over.push(format!(
                "  {}.wasm has {size} bytes, {} more than its limit",
                module.name,
                size - limit
            ));
        }
    }
    if !over.is_empty() {
        bail!(
            "max_size in [package.metadata.meshlane] is exceeded:\n{}",
            over.join("\n")
        );
    }
    Ok(())
}

fn compressed(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}
