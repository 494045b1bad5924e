//! What cargo knows about this workspace, and the Wasm modules in it.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace that this program belongs to.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    registries: BTreeSet<PathBuf>,
    modules: Vec<Module>,
}

/// A Wasm module: a package in `filters/` or `e2e/modules/` whose library is a `cdylib`, or which has settings of a module: a
/// filter that is a part of another module too.
pub(crate) struct Module {
    /// The name of its directory, `traffic-tag`.
    pub(crate) name: String,
    /// The name of its package, `meshlane-filter-traffic-tag`.
    pub(crate) package: String,
    /// Its version.
    pub(crate) version: String,
    /// What it is, in a sentence.
    pub(crate) description: Option<String>,
    /// Whether it is for users: those of `e2e/modules` are for measuring.
    pub(crate) ships: bool,
    /// The name of its library, `meshlane_filter_traffic_tag`.
    library: String,
    /// What its `Cargo.toml` says about it.
    pub(crate) settings: Settings,
}

/// `[package.metadata.meshlane]` of a module.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The callbacks that the module overrides, by the name of their export (`proxy_on_request_headers`). Envoy does
    /// not call what is not exported, so the others are removed, and with them the code that only they reach. All are
    /// kept when this is absent.
    pub(crate) callbacks: Option<BTreeSet<String>>,
    /// The functions of WASI that the module may import, besides those of Proxy-Wasm.
    #[serde(default)]
    pub(crate) wasi: BTreeSet<String>,
    /// How many bytes the module may have when it is packaged.
    pub(crate) max_size: Option<u64>,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn load() -> Result<Self> {
        let output = cargo(Path::new(env!("CARGO_MANIFEST_DIR")))
            .args([
                "metadata",
                "--format-version=1",
                "--locked",
                "--filter-platform",
                TARGET,
            ])
            .output()
            .context("cannot run cargo metadata")?;
        if !output.status.success() {
            bail!(
                "cargo metadata failed:\n{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let metadata: Metadata =
            serde_json::from_slice(&output.stdout).context("cannot read cargo metadata")?;
        let mut modules = Vec::new();
        let mut registries = BTreeSet::new();
        for package in metadata.packages {
            let directory = package
                .manifest_path
                .parent()
                .context("a manifest outside of a directory")?
                .to_path_buf();
            if package
                .source
                .as_deref()
                .is_some_and(|source| source.starts_with("registry+"))
            {
                registries.extend(directory.parent().map(Path::to_path_buf));
            } else if let Ok(relative) = directory.strip_prefix(&metadata.workspace_root) {
                modules.extend(Module::of(relative, package)?);
            }
        }
        modules.sort_by(|a, b| a.name.cmp(&b.name));
        for pair in modules.windows(2) {
            if let [a, b] = pair
                && a.name == b.name
            {
                bail!(
                    "{} and {} would both become {}.wasm",
                    a.package,
                    b.package,
                    a.name
                );
            }
        }
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            registries,
            modules,
        })
    }

    /// The directory of the workspace.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The modules, by name.
    pub(crate) fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// The directories in which cargo keeps the sources of the dependencies.
    pub(crate) fn registries(&self) -> impl Iterator<Item = &Path> {
        self.registries.iter().map(PathBuf::as_path)
    }

    /// Where cargo puts a module.
    pub(crate) fn built(&self, module: &Module) -> PathBuf {
        self.target
            .join(TARGET)
            .join("release")
            .join(&module.library)
            .with_extension("wasm")
    }

    /// Where the finished modules are, wherever cargo builds.
    pub(crate) fn wasm(&self) -> PathBuf {
        self.root.join("target/wasm")
    }

    /// A finished module.
    pub(crate) fn finished(&self, module: &Module) -> PathBuf {
        self.wasm().join(format!("{}.wasm", module.name))
    }

    /// The list of the crates in a finished module.
    pub(crate) fn sbom(&self, module: &Module) -> PathBuf {
        self.wasm().join(format!("{}.cdx.json", module.name))
    }

    /// The content of a finished module.
    pub(crate) fn read(&self, module: &Module) -> Result<Vec<u8>> {
        let path = self.finished(module);
        std::fs::read(&path)
            .with_context(|| format!("cannot read {}; has `make wasm` run?", path.display()))
    }

    /// The content of a module as it is in its image, of those that ship.
    pub(crate) fn read_packaged(&self, module: &Module) -> Result<Option<Vec<u8>>> {
        if !module.ships {
            return Ok(None);
        }
        let path = self.root.join("target/package");
        let path = path.join(format!("{}.wasm", module.name));
        let packaged = std::fs::read(&path);
        packaged
            .map(Some)
            .with_context(|| format!("cannot read {}; has `make package` run?", path.display()))
    }
}

impl Module {
    fn of(directory: &Path, package: Package) -> Result<Option<Self>> {
        if !MODULE_DIRECTORIES
            .iter()
            .any(|parent| directory.parent() == Some(Path::new(parent)))
        {
            return Ok(None);
        }
        let settings = package.metadata.and_then(|tables| tables.meshlane);
        let is_library = |kind: &String| kind == "cdylib" || (kind == "lib" && settings.is_some());
        let mut targets = package.targets.into_iter();
        let Some(library) = targets.find(|target| target.crate_types.iter().any(is_library)) else {
            return Ok(None);
        };
        let settings = match settings {
            Some(table) => Settings::deserialize(table).with_context(|| {
                format!(
                    "{}/Cargo.toml: [package.metadata.meshlane]",
                    directory.display()
                )
            })?,
            None => Settings::default(),
        };
        let name = directory
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(Some(Self {
            name,
            package: package.name,
            version: package.version,
            description: package.description,
            ships: directory.starts_with("filters"),
            library: library.name.replace('-', "_"),
            settings,
        }))
    }
}

/// Cargo, with the toolchain that runs this program.
pub(crate) fn cargo(directory: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(directory);
    command
}

/// What modules are compiled for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

const MODULE_DIRECTORIES: [&str; 2] = ["filters", "e2e/modules"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    description: Option<String>,
    manifest_path: PathBuf,
    source: Option<String>,
    targets: Vec<Target>,
    metadata: Option<MetadataTables>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

#[derive(Deserialize)]
struct MetadataTables {
    meshlane: Option<serde_json::Value>,
}
