//! Rust code for the protocol buffers.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the code goes.
pub(crate) const DIRECTORY: &str = "proto/src/gen";

/// One Rust file per protobuf package.
pub(crate) fn generate(root: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let include = root.join("proto");
    let sources = DIRECTORIES.map(|directory| sources(&include, Path::new(directory)));
    let sources = sources.into_iter().collect::<Result<Vec<_>>>()?.concat();
    let files = protox::compile(sources, [&include])?;
    let out = tempfile::tempdir()?;
    tonic_prost_build::configure()
        // The transport is for those who connect to choose.
        .build_transport(false)
        .client_mod_attribute(".", GRPC)
        .server_mod_attribute(".", GRPC)
        .emit_rerun_if_changed(false)
        .out_dir(out.path())
        .compile_fds(files)?;
    let mut generated = BTreeMap::new();
    for entry in fs::read_dir(out.path())? {
        let entry = entry?;
        let code = fs::read_to_string(entry.path())?;
        // A package whose name is a keyword of Rust, `envoy.type`, is generated as `envoy.r#type`.
        let name = entry.file_name().to_string_lossy().replace("r#", "");
        generated.insert(Path::new(DIRECTORY).join(name), code);
    }
    Ok(generated)
}

/// Every `.proto` file below a directory, by its path from `include`.
fn sources(include: &Path, directory: &Path) -> Result<Vec<PathBuf>> {
    let full = include.join(directory);
    let mut found = Vec::new();
    for entry in fs::read_dir(&full).with_context(|| format!("cannot read {}", full.display()))? {
        let entry = entry?;
        let path = directory.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            found.extend(sources(include, &path)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Where the `.proto` files lie below `proto`: those of Envoy, and ours.
const DIRECTORIES: [&str; 2] = ["envoy", "meshlane"];

const GRPC: &str = r#"#[cfg(feature = "grpc")]"#;
