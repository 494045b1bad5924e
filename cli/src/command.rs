//! Runs the commands.

mod check;
mod dubbo;
mod explain;
mod input;
mod schema;

use std::ffi::OsString;
use std::io::{self, Read, Write};

use clap::Parser;

use crate::args::{Cli, Colour, Command};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for was done, and nothing is wrong.
    Fine = 0,
    /// Errors were found in what was to be looked at.
    Wrong = 1,
    /// A file could not be read, or the command line is wrong.
    Failed = 2,
}

/// What keeps a command from doing what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file cannot be read.
    #[error("cannot read {name}: {error}")]
    Read { name: String, error: io::Error },
    /// A request cannot be made out.
    #[error("{0}")]
    Request(#[from] crate::explain::InvalidRequest),
    /// A file has no configuration in it.
    #[error("{0} has no configuration in it of a filter that decides about requests")]
    NoPlugin(String),
    /// It is not clear which plugin is meant.
    #[error("{file} has several plugins, choose one with --plugin: {}", names.join(", "))]
    SeveralPlugins { file: String, names: Vec<String> },
    /// There is no plugin of that name.
    #[error("{file} has no plugin `{name}`; it has: {}", names.join(", "))]
    NoSuchPlugin {
        file: String,
        name: String,
        names: Vec<String>,
    },
    /// There is no request to explain.
    #[error("give a request: a URL, --request FILE or --har FILE")]
    NoRequest,
    /// The output cannot be written.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
    /// A result cannot be written as JSON.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Where the program reads from and writes to.
pub struct Streams<'s> {
    /// Standard input.
    pub input: &'s mut dyn Read,
    /// Standard output.
    pub output: &'s mut dyn Write,
    /// Standard error.
    pub errors: &'s mut dyn Write,
    /// Whether standard output shows colours.
    pub coloured: bool,
}

/// Runs the program.
pub fn run(arguments: impl IntoIterator<Item = OsString>, streams: &mut Streams<'_>) -> Exit {
    let outcome = match Cli::try_parse_from(arguments) {
        Ok(cli) => execute(&cli, streams),
        Err(error) => return usage(&error, streams),
    };
    let outcome = outcome.and_then(|exit| {
        streams.output.flush()?;
        Ok(exit)
    });
    match outcome {
        Ok(exit) => exit,
        // Whoever reads has had enough (`meshlane check … | head`).
        Err(Failure::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Fine,
        Err(failure) => {
            // Nothing is left to tell it to when this fails as well.
            let _ = writeln!(streams.errors, "error: {failure}");
            Exit::Failed
        }
    }
}

fn execute(cli: &Cli, streams: &mut Streams<'_>) -> Result<Exit, Failure> {
    streams.coloured = match cli.color {
        Colour::Auto => streams.coloured,
        Colour::Always => true,
        Colour::Never => false,
    };
    match &cli.command {
        Command::Check(args) => check::run(args, streams),
        Command::Explain(args) => explain::run(args, streams),
        Command::Schema(args) => schema::run(args, streams),
        Command::Dubbo(args) => dubbo::run(args, streams),
    }
}

/// Prints help where help was asked for, and what is wrong with the command line otherwise.
fn usage(error: &clap::Error, streams: &mut Streams<'_>) -> Exit {
    let text = error.render();
    if error.use_stderr() {
        let _ = write!(streams.errors, "{text}");
        Exit::Failed
    } else {
        let _ = write!(streams.output, "{text}");
        Exit::Fine
    }
}
