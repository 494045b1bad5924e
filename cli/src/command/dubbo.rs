//! `meshlane dubbo`

use std::path::Path;

use super::{Exit, Failure, Streams};
use crate::args::{DecodeArgs, DubboArgs, DubboCommand, Format};
use crate::dubbo::{Entry, Frames, human, json, raw_bytes};

pub(super) fn run(args: &DubboArgs, streams: &mut Streams<'_>) -> Result<Exit, Failure> {
    match &args.command {
        DubboCommand::Decode(args) => decode(args, streams),
    }
}

fn decode(args: &DecodeArgs, streams: &mut Streams<'_>) -> Result<Exit, Failure> {
    let mut exit = Exit::Fine;
    for path in &args.files {
        match read(path, streams) {
            Ok((name, bytes)) => {
                if !print(&name, &bytes, args.format, streams)? && exit == Exit::Fine {
                    exit = Exit::Wrong;
                }
            }
            // The other files are decoded all the same.
            Err(failure) => {
                exit = Exit::Failed;
                writeln!(streams.errors, "error: {failure}")?;
            }
        }
    }
    Ok(exit)
}

/// Prints what a file holds; false when something in it is broken.
fn print(
    name: &str,
    file: &[u8],
    format: Format,
    streams: &mut Streams<'_>,
) -> Result<bool, Failure> {
    let mut fine = true;
    let mut print = |entry: &Entry<'_>| {
        fine &= matches!(entry, Entry::Frame(frame) if frame.content.is_ok());
        let text = match format {
            Format::Human => human(name, entry),
            Format::Json => json(name, entry),
        };
        streams.output.write_all(text.as_bytes())
    };
    match raw_bytes(file) {
        Ok(bytes) => {
            for entry in Frames::new(&bytes) {
                print(&entry)?;
            }
        }
        Err(broken) => print(&Entry::Broken(broken))?,
    }
    Ok(fine)
}

/// Reads a file; `-` is standard input.
fn read(path: &Path, streams: &mut Streams<'_>) -> Result<(String, Vec<u8>), Failure> {
    let (name, bytes) = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let read = streams.input.read_to_end(&mut bytes).map(|_| bytes);
        ("<stdin>".to_owned(), read)
    } else {
        (path.display().to_string(), std::fs::read(path))
    };
    match bytes {
        Ok(bytes) => Ok((name, bytes)),
        Err(error) => Err(Failure::Read { name, error }),
    }
}
