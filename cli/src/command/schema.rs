//! `meshlane schema`

use super::{Exit, Failure, Streams};
use crate::args::{SchemaArgs, SchemaFormat};
use crate::schema;

pub(super) fn run(args: &SchemaArgs, streams: &mut Streams<'_>) -> Result<Exit, Failure> {
    let text = match args.format {
        SchemaFormat::Json => schema::text(args.subject),
        SchemaFormat::Markdown => schema::reference(args.subject),
    };
    streams.output.write_all(text.as_bytes())?;
    Ok(Exit::Fine)
}
