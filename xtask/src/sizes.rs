//! How large the modules are.

use crate::workspace::Workspace;
use anyhow::{Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// Prints the size of each module as it was built, as it is packaged, and compressed as in an image layer; fails when one
/// is over its limit.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut over = Vec::new();
    println!(
        "{:>9}  {:>9}  {:>9}  {:>9}  module",
        "built", "packaged", "gzip", "limit"
    );
    for module in workspace.modules() {
        let built = workspace.read(module)?;
        let packaged = workspace.read_packaged(module)?;
        let limit = module.settings.max_size;
        println!(
            "{:>9}  {:>9}  {:>9}  {:>9}  {}.wasm",
            built.len(),
            or_dash(packaged.as_ref().map(Vec::len)),
            compressed(packaged.as_ref().unwrap_or(&built))?,
            or_dash(limit),
            module.name
        );
        let size = u64::try_from(packaged.unwrap_or(built).len())?;
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

fn or_dash(number: Option<impl ToString>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

fn compressed(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}
