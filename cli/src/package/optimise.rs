//! Makes modules smaller, by Binaryen's `wasm-opt`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where `wasm-opt` is.
#[derive(Debug, Clone)]
pub struct Optimiser {
    program: PathBuf,
}

/// Why a module was not made smaller.
#[derive(Debug, thiserror::Error)]
pub enum OptimiseError {
    /// The program cannot be run.
    #[error(
        "{} does not start: {error}; `wasm-opt` comes with Binaryen (npm install --global binaryen), \
         --wasm-opt says where it is, and with --as-is modules stay as they are",
        program.display()
    )]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The program refused the module.
    #[error("{} refused the module:\n{said}", program.display())]
    Refused {
        /// The program.
        program: PathBuf,
        /// What it said.
        said: String,
    },
    /// The module cannot be handed over.
    #[error("cannot hand the module to wasm-opt: {0}")]
    Files(#[from] io::Error),
}

impl Optimiser {
    /// The program of a path, or of a name that is looked for in `PATH`.
    pub fn new(program: &Path) -> Self {
        Self {
            program: program.to_owned(),
        }
    }

    /// The module as small as it gets. The same program makes the same of the same module.
    ///
    /// # Errors
    /// The program is not there, or does not take the module.
    pub fn optimise(&self, wasm: &[u8]) -> Result<Vec<u8>, OptimiseError> {
        let folder = tempfile::tempdir()?;
        let (input, output) = (
            folder.path().join("in.wasm"),
            folder.path().join("out.wasm"),
        );
        fs::write(&input, wasm)?;
        let ended = Command::new(&self.program)
            .args(FEATURES)
            .arg("-Oz")
            .arg(&input)
            .arg("-o")
            .arg(&output)
            .output();
        let program = self.program.clone();
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) => return Err(OptimiseError::Start { program, error }),
        };
        if !ended.status.success() {
            let said = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
            return Err(OptimiseError::Refused { program, said });
        }
        Ok(fs::read(&output)?)
    }
}

/// What Rust compiles to, and what every Envoy that runs our modules knows. Without a word, wasm-opt would refuse modules
/// that use it; with more than that, it could put in what an Envoy does not know.
const FEATURES: [&str; 8] = [
    "--mvp-features",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];
