//! Where a scenario plays: one Envoy version and a directory that vanishes afterwards.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use anyhow::{Context, Result, ensure};
use meshlane::source::Source;
use serde_json::Value;
use tempfile::TempDir;

/// What `make setup` fetches; the last line that starts with `envoy` names the newest version.
const PINS: &str = include_str!("../../scripts/versions");

/// What is shown of a scene that fails.
const LOGS: [&str; 6] = [
    "envoy.log",
    "java.log",
    "prometheus.log",
    "ratelimit.log",
    "redis.log",
    "registry.log",
];

/// One version of Envoy, a directory for everything that the scenario writes, and the logs to show when it fails.
#[derive(Debug)]
pub struct Scene {
    version: String,
    directory: TempDir,
    names: AtomicUsize,
    passed: AtomicBool,
}

impl Scene {
    /// Prepares a scene for an Envoy version such as `1.40.0`.
    pub fn new(version: &str) -> Result<Self> {
        Ok(Self {
            version: version.to_owned(),
            directory: tempfile::Builder::new().prefix("meshlane-e2e-").tempdir()?,
            names: AtomicUsize::new(0),
            passed: AtomicBool::new(false),
        })
    }

    /// The version of Envoy.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The Envoy binary of this version in the cache.
    pub fn binary(&self) -> Result<PathBuf> {
        let binary = cache()?.join("envoy").join(&self.version).join("envoy");
        ensure!(
            binary.is_file(),
            "Envoy {} is not at {}: run `make setup`",
            self.version,
            binary.display()
        );
        Ok(binary)
    }

    /// A path that nothing else in this scene uses, in a directory of its own.
    pub fn fresh(&self, name: &str) -> Result<PathBuf> {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        let directory = self.directory.path().join(number.to_string());
        fs::create_dir_all(&directory)?;
        Ok(directory.join(name))
    }

    /// Ends the scene without a word: what it was for has succeeded.
    pub fn pass(self) {
        self.passed.store(true, Ordering::Relaxed);
    }
}

impl Drop for Scene {
    #[expect(
        clippy::print_stderr,
        reason = "the place where a failed scenario is explained"
    )]
    fn drop(&mut self) {
        if self.passed.load(Ordering::Relaxed) {
            return;
        }
        eprintln!("--- failed on Envoy {} ---", self.version);
        let directories = fs::read_dir(self.directory.path())
            .into_iter()
            .flatten()
            .flatten();
        let logs = |directory: PathBuf| LOGS.map(|name| directory.join(name));
        for log in directories.flat_map(|entry| logs(entry.path())) {
            if log.is_file() {
                eprintln!("--- the end of {} ---\n{}", log.display(), tail(&log));
            }
        }
    }
}

/// Plays a scenario on every version of Envoy that `MESHLANE_ENVOY_VERSIONS` names (separated by spaces).
pub async fn on_every_version(scenario: impl AsyncFn(&Scene) -> Result<()>) -> Result<()> {
    for version in versions() {
        play(&version, &scenario).await?;
    }
    Ok(())
}

/// Plays a scenario on the last of those versions alone: for what takes long and is Envoy's business least of all.
pub async fn on_last_version(scenario: impl AsyncFn(&Scene) -> Result<()>) -> Result<()> {
    play(&versions().pop().unwrap_or_default(), &scenario).await
}

async fn play(version: &str, scenario: &impl AsyncFn(&Scene) -> Result<()>) -> Result<()> {
    let scene = Scene::new(version)?;
    scenario(&scene)
        .await
        .with_context(|| format!("on Envoy {version}"))?;
    scene.pass();
    Ok(())
}

/// The versions of Envoy to play on, the newest alone when `MESHLANE_ENVOY_VERSIONS` names none; never empty.
pub fn versions() -> Vec<String> {
    let named = std::env::var("MESHLANE_ENVOY_VERSIONS").unwrap_or_default();
    if named.trim().is_empty() {
        vec![newest().to_owned()]
    } else {
        named.split_whitespace().map(str::to_owned).collect()
    }
}

/// The newest version of Envoy that `make setup` fetches.
pub fn newest() -> &'static str {
    PINS.lines()
        .filter_map(|line| line.strip_prefix("envoy "))
        .filter_map(|line| line.split_whitespace().next())
        .next_back()
        .unwrap_or_default()
}

/// The version of something else that `make setup` fetches once.
pub(crate) fn pinned(name: &str) -> &'static str {
    PINS.lines()
        .map(str::split_whitespace)
        .find_map(|mut words| (words.next() == Some(name)).then(|| words.next()).flatten())
        .unwrap_or_default()
}

/// The Wasm module of a filter as `make` builds it, for example `traffic-tag`. `MESHLANE_WASM_DIR` may name a folder with
/// others, such as the packaged ones; what is not in there is for tests alone, and as it is built.
pub fn wasm_module(name: &str) -> Result<PathBuf> {
    let file = format!("{name}.wasm");
    let others = std::env::var_os("MESHLANE_WASM_DIR").map(|folder| Path::new(&folder).join(&file));
    let module = match others {
        Some(module) if module.is_file() => module,
        _ => workspace().join("target").join("wasm").join(&file),
    };
    ensure!(
        module.is_file(),
        "the module {} is missing: run `make wasm`",
        module.display()
    );
    module.canonicalize().context("the path of the module")
}

/// The image of a filter's module as `make package` writes it, a folder.
pub fn packaged(name: &str) -> Result<PathBuf> {
    let image = workspace().join("target").join("package").join(name);
    ensure!(
        image.join("index.json").is_file(),
        "the image {} is missing: run `make package`",
        image.display()
    );
    Ok(image)
}

/// A tool that `make setup` fetches or builds.
pub fn tool(name: &str) -> Result<PathBuf> {
    let tool = cache()?.join("tools").join("bin").join(name);
    ensure!(
        tool.exists(),
        "{} is missing: run `make setup`",
        tool.display()
    );
    Ok(tool)
}

/// The root of the project.
pub fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The first document of a YAML file of the project.
pub fn yaml(file: impl AsRef<Path>) -> Result<Value> {
    let file = workspace().join(file);
    let name = file.display().to_string();
    let text = fs::read_to_string(&file).with_context(|| name.clone())?;
    let contents = Source::new(&name, text).read();
    ensure!(
        contents.syntax_error.is_none(),
        "{name} is not YAML: try `meshlane check`"
    );
    let document = contents.documents.first();
    let document = document.with_context(|| format!("{name} is empty"))?;
    Ok(document.to_json())
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    const LINES: usize = 40;
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines
        .iter()
        .skip(lines.len().saturating_sub(LINES))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The cache that `make setup` fills.
pub(crate) fn cache() -> Result<PathBuf> {
    if let Some(cache) = std::env::var_os("MESHLANE_CACHE") {
        return Ok(PathBuf::from(cache));
    }
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(base) => PathBuf::from(base),
        None => PathBuf::from(
            std::env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?,
        )
        .join(".cache"),
    };
    Ok(base.join("meshlane"))
}
