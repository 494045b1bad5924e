//! A Wasm module and what is known of it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A Wasm module, with the list of its parts when there is one.
#[derive(Debug, Clone)]
pub struct Module {
    /// What it is called: the name of its file without `.wasm`.
    pub name: String,
    /// The module.
    pub wasm: Vec<u8>,
    /// Its parts, in the JSON of CycloneDX.
    pub sbom: Option<Vec<u8>>,
}

/// Why a file is not taken for a module.
#[derive(Debug, thiserror::Error)]
pub enum InvalidModule {
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It begins otherwise.
    #[error(
        "{} is no Wasm module: it begins with {}, expected {}",
        path.display(), hex(found), hex(&MAGIC)
    )]
    Magic {
        /// The file.
        path: PathBuf,
        /// Its first bytes.
        found: Vec<u8>,
    },
    /// The list of its parts cannot be read.
    #[error("{} is not JSON: {error}", path.display())]
    Sbom {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        error: serde_json::Error,
    },
    /// The file has no name to call the module by.
    #[error("{} is no file of a module, which would end with .wasm", .0.display())]
    Name(PathBuf),
}

impl Module {
    /// Reads a module, and the list of its parts when that stands beside it: `suite.cdx.json` beside `suite.wasm`.
    ///
    /// # Errors
    /// The file cannot be read, or is something else.
    pub fn read(path: &Path) -> Result<Self, InvalidModule> {
        let name = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".wasm"))
            .filter(|name| !name.is_empty());
        let Some(name) = name else {
            return Err(InvalidModule::Name(path.to_owned()));
        };
        let wasm = read(path)?;
        if !wasm.starts_with(&MAGIC) {
            let found = wasm.iter().copied().take(MAGIC.len()).collect();
            let path = path.to_owned();
            return Err(InvalidModule::Magic { path, found });
        }
        let beside = path.with_extension(SBOM_EXTENSION);
        let sbom = if beside.exists() {
            let sbom = read(&beside)?;
            serde_json::from_slice::<Value>(&sbom).map_err(|error| InvalidModule::Sbom {
                path: beside,
                error,
            })?;
            Some(sbom)
        } else {
            None
        };
        Ok(Self {
            name: name.to_owned(),
            wasm,
            sbom,
        })
    }

    /// What the list of its parts says of the module itself, as annotations of an image.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        let sbom = self.sbom.as_deref().unwrap_or_default();
        // That it is JSON was found when it was read.
        let sbom: Value = serde_json::from_slice(sbom).unwrap_or_default();
        let text = |path: &str| sbom.pointer(path).and_then(Value::as_str);
        let known = [
            ("title", Some(self.name.as_str())),
            ("description", text("/metadata/component/description")),
            ("version", text("/metadata/component/version")),
            (
                "licenses",
                text("/metadata/component/licenses/0/expression"),
            ),
        ];
        let known = known.into_iter();
        known
            .filter_map(|(name, value)| Some((annotation(name), value?.to_owned())))
            .collect()
    }
}

/// The whole name of an annotation; those of OCI's own may be said in short: `version`, `source`, `revision` …
pub(crate) fn annotation(name: &str) -> String {
    if name.contains('.') {
        name.to_owned()
    } else {
        format!("org.opencontainers.image.{name}")
    }
}

fn read(path: &Path) -> Result<Vec<u8>, InvalidModule> {
    fs::read(path).map_err(|error| InvalidModule::Read {
        path: path.to_owned(),
        error,
    })
}

fn hex(bytes: &[u8]) -> String {
    match bytes {
        [] => "nothing".to_owned(),
        bytes => {
            let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            bytes.join(" ")
        }
    }
}

/// `\0asm` and the version of a core module; components, of which Envoy knows nothing, have another.
const MAGIC: [u8; 8] = *b"\0asm\x01\0\0\0";

/// What the file with the parts of a module ends with.
pub(super) const SBOM_EXTENSION: &str = "cdx.json";
