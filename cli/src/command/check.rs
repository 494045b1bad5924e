//! `meshlane check`

use super::{Exit, Failure, Streams, input};
use crate::args::{AssumptionArgs, CheckArgs, Format};
use crate::check::{Assumptions, CheckedFile, check, relate};
use crate::report::{Human, Totals, json};

pub(super) fn run(args: &CheckArgs, streams: &mut Streams<'_>) -> Result<Exit, Failure> {
    let assumptions = Assumptions::from(&args.assumptions);
    let mut files = Vec::new();
    let mut unreadable = false;
    for path in &args.files {
        match input::read(path, streams) {
            Ok(source) => files.push(check(source, assumptions)),
            // The other files are checked all the same.
            Err(failure) => {
                unreadable = true;
                writeln!(streams.errors, "error: {failure}")?;
            }
        }
    }
    relate(&mut files);
    let text = match args.format {
        Format::Human => Human::new(streams.coloured).render(&files),
        Format::Json => json(&files)? + "\n",
    };
    streams.output.write_all(text.as_bytes())?;
    Ok(exit(&files, unreadable, args.deny_warnings))
}

fn exit(files: &[CheckedFile], unreadable: bool, deny_warnings: bool) -> Exit {
    let totals = Totals::of(files);
    if unreadable || files.iter().any(|file| file.unreadable) {
        Exit::Failed
    } else if totals.errors > 0 || (deny_warnings && totals.warnings > 0) {
        Exit::Wrong
    } else {
        Exit::Fine
    }
}

impl From<&AssumptionArgs> for Assumptions {
    fn from(args: &AssumptionArgs) -> Self {
        Self {
            kind: args.kind,
            proxy: args.proxy.map(Into::into),
        }
    }
}
