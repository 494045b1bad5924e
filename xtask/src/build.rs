//! Builds the modules.

use crate::sbom::sbom;
use crate::slim;
use crate::workspace::{TARGET, Workspace, cargo};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// Compiles every module, slims it and puts it into `target/wasm`, with the list of its crates; removes modules that are no
/// more.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    if workspace.modules().is_empty() {
        bail!("there is no module: no package in filters/ or e2e/modules/ is one");
    }
    compile(workspace)?;
    let directory = workspace.wasm();
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    remove_others(workspace, &directory)?;
    for module in workspace.modules() {
        let built = workspace.built(module);
        let compiled =
            fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
        let slimmed = slim::slim(&compiled, module.settings.callbacks.as_ref())
            .with_context(|| format!("{} ({})", module.name, module.package))?;
        let path = workspace.finished(module);
        write_if_changed(&path, &slimmed)?;
        let sbom = sbom(workspace, module).with_context(|| module.name.clone())?;
        write_if_changed(&workspace.sbom(module), sbom.as_bytes())?;
        println!(
            "{:>9} bytes  {}",
            slimmed.len(),
            path.strip_prefix(workspace.root())
                .unwrap_or(&path)
                .display()
        );
    }
    Ok(())
}

/// Each module by itself: together, a filter that is a part of another module would be built as the module that it is alone.
fn compile(workspace: &Workspace) -> Result<()> {
    workspace
        .modules()
        .iter()
        .try_for_each(|module| compile_one(workspace, &module.package))
}

fn compile_one(workspace: &Workspace, package: &str) -> Result<()> {
    let mut command = cargo(workspace.root());
    command.args(["rustc", "--release", "--locked", "--target", TARGET]);
    command.args(["-p", package, "--lib", "--crate-type", "cdylib"]);
    // Messages of panics name source files; a module must be the same wherever it is built.
    let remap: Vec<String> = workspace
        .registries()
        .map(|registry| {
            toml_string(&format!(
                "--remap-path-prefix={}=crates.io",
                registry.display()
            ))
        })
        .collect();
    command.args([
        "--config",
        &format!("target.{TARGET}.rustflags=[{}]", remap.join(",")),
    ]);
    let status = command.status().context("cannot run cargo build")?;
    if !status.success() {
        bail!("{package} does not compile; see above");
    }
    Ok(())
}

/// A basic string of TOML. Its escapes are those of JSON.
fn toml_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn remove_others(workspace: &Workspace, directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let known = workspace
            .modules()
            .iter()
            .any(|module| path == workspace.finished(module) || path == workspace.sbom(module));
        let name = path.to_string_lossy();
        if !known && (name.ends_with(".wasm") || name.ends_with(".cdx.json")) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// Leaves the file alone when it is the same already, and never half written.
fn write_if_changed(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let unfinished = path.with_extension("tmp");
    fs::write(&unfinished, content)
        .and_then(|()| fs::rename(&unfinished, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
