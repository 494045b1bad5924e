//! What a module consists of.

use crate::workspace::{Module, TARGET, Workspace, cargo};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The crates that are compiled into a module, in the JSON of CycloneDX. It says nothing about when and where the module
/// was built: the same crates give the same text.
pub(crate) fn sbom(workspace: &Workspace, module: &Module) -> Result<String> {
    let mut parts = parts(&tree(workspace, &module.package)?)?;
    let Some(own) = parts.remove(&(module.package.clone(), module.version.clone())) else {
        bail!("cargo tree does not name {} itself", module.package);
    };
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "name": module.name,
                "version": module.version,
                "description": module.description,
                "licenses": own.get("licenses"),
            },
        },
        "components": parts.into_values().collect::<Vec<_>>(),
    });
    Ok(format!("{document:#}\n"))
}

/// As it is built: cargo metadata would tell of features that other packages of the workspace ask for.
fn tree(workspace: &Workspace, package: &str) -> Result<String> {
    let output = cargo(workspace.root())
        .args(["tree", "--locked", "--target", TARGET, "-p", package])
        .args(["--edges", "normal,no-proc-macro", "--prefix", "none"])
        .args(["--format", "{p}\t{l}"])
        .output()
        .context("cannot run cargo tree")?;
    if !output.status.success() {
        bail!(
            "cargo tree failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    String::from_utf8(output.stdout).context("cargo tree")
}

/// Each crate once, by name and version. A line is `name v1.2.3 (/where/it/is)`, a tab, and the licence; one that was
/// there before ends with a star.
fn parts(tree: &str) -> Result<BTreeMap<(String, String), Value>> {
    let mut parts = BTreeMap::new();
    for line in tree.lines() {
        let line = line.strip_suffix(" (*)").unwrap_or(line);
        let words = line.split_once('\t').and_then(|(package, licence)| {
            let mut words = package.splitn(3, ' ');
            let name = words.next()?;
            let version = words.next()?.strip_prefix('v')?;
            Some((name, version, words.next(), licence))
        });
        let Some((name, version, place, licence)) = words else {
            bail!("cargo tree prints `{line}`, expected a name, a version and a licence");
        };
        let mut part = json!({
            "type": "library",
            "name": name,
            "version": version,
            // In old manifests a slash is an «or».
            "licenses": [{"expression": licence.replace('/', " OR ")}],
        });
        // What has no place of its own is from the registry.
        if let (None, Some(part)) = (place, part.as_object_mut()) {
            let purl = format!("pkg:cargo/{name}@{version}");
            part.insert("purl".to_owned(), purl.into());
        }
        parts.insert((name.to_owned(), version.to_owned()), part);
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_listed_once_and_ours_are_not_in_the_registry() {
        let tree = "meshlane-filter-suite v0.1.0 (/src/filters/suite)\tApache-2.0\n\
                    log v0.4.35\tMIT OR Apache-2.0\n\
                    fnv v1.0.7\tApache-2.0 / MIT\n\
                    log v0.4.35\tMIT OR Apache-2.0 (*)\n";
        let parts: Vec<Value> = parts(tree).unwrap().into_values().collect();
        let log = json!({
            "type": "library",
            "name": "log",
            "version": "0.4.35",
            "licenses": [{"expression": "MIT OR Apache-2.0"}],
            "purl": "pkg:cargo/log@0.4.35",
        });
        assert_eq!(parts.len(), 3);
        assert_eq!(parts[1], log);
        assert_eq!(parts[2]["name"], "meshlane-filter-suite");
        assert!(parts[2].get("purl").is_none());
    }

    #[test]
    fn a_line_that_is_not_understood_is_an_error() {
        let error = parts("log 0.4.35\tMIT\n").unwrap_err();
        assert!(error.to_string().contains("log 0.4.35"), "{error}");
    }
}
