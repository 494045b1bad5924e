//! Runs the commands.

mod check;
mod dubbo;
mod explain;
mod input;
mod lane_groups;
mod migrate;
mod package;
mod push;
mod render;
mod schema;

use std::ffi::OsString;
use std::io::{self, Read, Write};

use clap::Parser;

use crate::args::{Cli, Colour, Command};
use crate::check::Message;
use crate::documents::Kind;
use crate::report::Human;
use crate::source::Source;

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
    /// A file has lane groups and nothing else that is ours.
    #[error(
        "{0} has lane groups: give them with --lane-group, and the services on the way with --calls"
    )]
    OnlyLaneGroups(String),
    /// It is not clear which plugin is meant.
    #[error(
        "{file} has plugins of several proxies or listeners, choose one with --plugin: {} \
         (or those that see the same requests with --direction)",
        names.join(", ")
    )]
    SeveralPlugins { file: String, names: Vec<String> },
    /// There is no plugin of that name.
    #[error("{file} has no plugin `{name}`; it has: {}", names.join(", "))]
    NoSuchPlugin {
        file: String,
        name: String,
        names: Vec<String>,
    },
    /// There is no request to explain.
    #[error("give a request: a URL, --request FILE, --har FILE or --service NAME")]
    NoRequest,
    /// An option is for plugins of a kind of which none is explained.
    #[error("--{option} is for `{}`, and no plugin here is one", kind.as_str())]
    NoneOfKind { option: &'static str, kind: Kind },
    /// Nothing says which way the requests go.
    #[error(
        "nothing says which way the requests of {0} go: give --direction inbound (to the application) \
         or --direction outbound (from it)"
    )]
    NoDirection(String),
    /// No plugin sees requests of the direction.
    #[error("no plugin here sees {direction} requests: {}", names.join(", "))]
    NoneOfDirection {
        direction: &'static str,
        names: Vec<String>,
    },
    /// What is remembered counts for requests that leave the application.
    #[error("--remembered is for calls that leave the application, and these requests come to it")]
    RememberedInbound,
    /// No plugin has a tag of that name.
    #[error("no plugin of `gray-release` has a tag `{name}`{}; there are: {}", did_you_mean(name, names), names.join(", "))]
    NoSuchTag { name: String, names: Vec<String> },
    /// There is no service of that name.
    #[error("no service `{name}`{}; there are: {}", did_you_mean(name, names), names.join(", "))]
    NoSuchService { name: String, names: Vec<String> },
    /// All hosts of a service are patterns.
    #[error("`{0}` has no host without `*`, give a URL")]
    NoHost(String),
    /// A request is for another service than was said.
    #[error("{request} is for {}, not for `{service}`", found.as_deref().unwrap_or("no service"))]
    OtherService {
        request: String,
        found: Option<String>,
        service: String,
    },
    /// A file is no answer of Envoy's.
    #[error("{name}: {error}")]
    Health {
        name: String,
        error: meshlane_tag_route::InvalidClusters,
    },
    /// No plugin that is explained looks at health.
    #[error("the configuration has no `health`, so --health says nothing")]
    HealthOff,
    /// No resource has anything to render.
    #[error("no DestinationRule with subsets in {0}")]
    NoSubsets(String),
    /// No document is one of ours.
    #[error("no TrafficLabel, RouterChain, RateLimit, DubboService or LaneGroup in {0}")]
    NoDocument(String),
    /// No document is a lane group.
    #[error("no LaneGroup in {0}")]
    NoLaneGroup(String),
    /// No document is one that is converted.
    #[error("nothing in {0} is converted; --from says what a document is that does not tell")]
    NothingToMigrate(String),
    /// A file has no services.
    #[error("{name}: {error}")]
    Services {
        name: String,
        error: crate::migrate::InvalidServices,
    },
    /// What was converted would not be accepted.
    #[error("{0}")]
    Migrated(#[from] crate::migrate::InvalidOutput),
    /// What was rendered would not be accepted.
    #[error("the services cannot be put into one configuration:\n{0}")]
    Rendered(meshlane_diagnostics::Violations),
    /// What was rendered cannot be walked through.
    #[error("the configurations of the lane groups cannot be followed:\n{0}")]
    Walk(meshlane_diagnostics::Violations),
    /// A module was not packaged.
    #[error(transparent)]
    Package(#[from] package::PackageError),
    /// An image was not pushed.
    #[error(transparent)]
    Push(#[from] push::Failed),
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
        Command::Render(args) => render::run(args, streams),
        Command::Migrate(args) => migrate::run(args, streams),
        Command::Schema(args) => schema::run(args, streams),
        Command::Dubbo(args) => dubbo::run(args, streams),
        Command::Package(args) => package::run(args, streams),
        Command::Push(args) => push::run(args, streams),
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

fn did_you_mean(name: &str, names: &[String]) -> String {
    let nearest = meshlane_diagnostics::nearest(name, names.iter().map(String::as_str));
    nearest.map_or_else(String::new, |nearest| {
        format!(" (did you mean `{nearest}`?)")
    })
}

/// Says something on standard error, for commands whose output is to be used.
fn report(source: &Source, messages: &[Message], streams: &mut Streams<'_>) -> Result<(), Failure> {
    // Colours are for standard output.
    let text = Human::new(false).messages(source, messages);
    streams.errors.write_all(text.as_bytes())?;
    Ok(())
}
