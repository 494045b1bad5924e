//! Files that are generated from others and committed, so that nobody needs the generator to build.

mod protobuf;

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Writes every generated file anew.
pub(crate) fn write() -> Result<()> {
    let generated = generated()?;
    for (path, content) in &generated {
        let path = root().join(path);
        if fs::read_to_string(&path).is_ok_and(|old| old == *content) {
            continue;
        }
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        println!(
            "wrote {}",
            path.strip_prefix(root()).unwrap_or(&path).display()
        );
    }
    for path in leftovers(&generated)? {
        fs::remove_file(root().join(&path))
            .with_context(|| format!("cannot remove {}", path.display()))?;
        println!("removed {}", path.display());
    }
    Ok(())
}

/// Fails when a generated file is not what it would be if it were written now, naming each.
pub(crate) fn check() -> Result<()> {
    let mut stale = Vec::new();
    let generated = generated()?;
    for (path, content) in &generated {
        match fs::read_to_string(root().join(path)) {
            Ok(old) if old == *content => println!("fresh: {}", path.display()),
            Ok(old) => stale.push(format!(
                "  {}: line {} differs",
                path.display(),
                first_difference(&old, content)
            )),
            Err(error) => stale.push(format!("  {}: {error}", path.display())),
        }
    }
    stale.extend(
        leftovers(&generated)?
            .into_iter()
            .map(|path| format!("  {}: is generated from nothing", path.display())),
    );
    if !stale.is_empty() {
        bail!(
            "these generated files are out of date; run `make gen` and commit them:\n{}",
            stale.join("\n")
        );
    }
    Ok(())
}

/// Every generated file, by its path in the repository.
fn generated() -> Result<BTreeMap<PathBuf, String>> {
    protobuf::generate(root())
}

/// Files in a directory that holds nothing but generated ones, which are not generated any more.
fn leftovers(generated: &BTreeMap<PathBuf, String>) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(protobuf::DIRECTORY))? {
        let path = Path::new(protobuf::DIRECTORY).join(entry?.file_name());
        if !generated.contains_key(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn first_difference(old: &str, new: &str) -> usize {
    1 + old
        .lines()
        .zip(new.lines())
        .take_while(|(old, new)| old == new)
        .count()
}

fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}
