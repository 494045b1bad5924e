//! The command as its users see it: arguments and files in, text and exit code out.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may state what they expect, in their helpers as well"
)]

mod agreement;
mod check;
mod command;
mod docs;
mod documents;
mod dubbo;
mod explain;
mod generated;
mod lane_groups;
mod lanes;
mod limits;
mod migrate;
mod package;
mod peers;
mod push;
mod render;
mod routes;
mod tables;
mod walks;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use meshlane::command::{Exit, Streams, run};

/// What a run of the program left behind.
struct Outcome {
    exit: Exit,
    output: String,
    errors: String,
}

/// Runs the program.
fn meshlane(arguments: &[&str]) -> Outcome {
    meshlane_with_input(arguments, "")
}

/// Runs the program with something on its standard input.
fn meshlane_with_input(arguments: &[&str], input: impl AsRef<[u8]>) -> Outcome {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let program = std::iter::once(OsString::from("meshlane"));
    let exit = run(
        program.chain(arguments.iter().map(OsString::from)),
        &mut Streams {
            input: &mut input.as_ref(),
            output: &mut output,
            errors: &mut errors,
            coloured: false,
        },
    );
    Outcome {
        exit,
        output: String::from_utf8(output).unwrap(),
        errors: String::from_utf8(errors).unwrap(),
    }
}

impl Outcome {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.output)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.output, self.errors))
    }
}

/// The checkout.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The files of a directory with one of some extensions, in alphabetical order.
fn files(directory: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|found| extensions.iter().any(|extension| found == *extension))
        })
        .collect();
    files.sort();
    files
}
