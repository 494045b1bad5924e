//! The command line tool, run in this process.

use std::ffi::OsString;

use anyhow::{Result, ensure};
use meshlane::command::{Exit, Streams, run};

/// Runs the command line tool: what it prints, and what it says on standard error.
pub fn meshlane(arguments: &[&str], input: &str) -> Result<(String, String)> {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let exit = run(
        ["meshlane"].iter().chain(arguments).map(OsString::from),
        &mut Streams {
            input: &mut input.as_bytes(),
            output: &mut output,
            errors: &mut errors,
            coloured: false,
        },
    );
    let (output, errors) = (String::from_utf8(output)?, String::from_utf8(errors)?);
    let arguments = arguments.join(" ");
    ensure!(exit == Exit::Fine, "meshlane {arguments}: {output}{errors}");
    Ok((output, errors))
}
