//! Reads files.

use std::path::Path;

use super::{Failure, Streams};
use crate::source::Source;

/// Reads a file; `-` is standard input.
pub(super) fn read(path: &Path, streams: &mut Streams<'_>) -> Result<Source, Failure> {
    let is_input = path.as_os_str() == "-";
    let name = if is_input {
        "<stdin>".to_owned()
    } else {
        path.display().to_string()
    };
    let text = if is_input {
        let mut text = String::new();
        streams.input.read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    match text {
        Ok(text) => Ok(Source::new(name, text)),
        Err(error) => Err(Failure::Read { name, error }),
    }
}
