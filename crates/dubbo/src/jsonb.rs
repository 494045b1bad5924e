//! JSONB, the binary format of fastjson2, as far as a call needs it.
//!
//! Dubbo writes every value behind its length in four bytes, so that a value is skipped
//! without a look into it. Symbols and references never cross such a boundary.
//! Source: fastjson2, `docs/JSONB/jsonb_format_en.md`, `JSONReaderJSONB`, `JSONWriterJSONB`.

mod build;
mod map;
mod print;
mod select;
mod skip;
mod text;
mod token;

use std::borrow::Cow;
use std::ops::Range;

pub(crate) use build::build;
pub(crate) use map::walk;
pub(crate) use select::{scalar, select};
pub(crate) use token::{Token, Tokens};

use crate::reader::Reader;
use crate::{InvalidBody, InvalidBodyKind};

/// The place in the body of the next value that stands behind its length.
pub(crate) fn framed(reader: &mut Reader<'_>) -> Result<Range<usize>, InvalidBody> {
    let at = reader.offset();
    let length = i32::from_be_bytes(reader.array()?);
    let length = usize::try_from(length).map_err(|_negative| InvalidBodyKind::Length.at(at))?;
    let start = reader.offset();
    reader.take(length)?;
    Ok(start..start + length)
}

/// The next value behind its length, which must be a text or null.
pub(crate) fn framed_text<'a>(
    body: &'a [u8],
    reader: &mut Reader<'a>,
    max_text: usize,
) -> Result<Option<Cow<'a, str>>, InvalidBody> {
    let range = framed(reader)?;
    let mut tokens = Tokens::new(body, range);
    let at = tokens.offset();
    let text = match tokens.next()? {
        Token::Null => None,
        Token::Text(text) => Some(text.decode(max_text)?),
        _ => return Err(InvalidBodyKind::NotText.at(at)),
    };
    if tokens.is_at_end() {
        Ok(text)
    } else {
        Err(InvalidBodyKind::Length.at(tokens.offset()))
    }
}

/// Appends a text behind its length.
pub(crate) fn write_framed_text(out: &mut Vec<u8>, text: &str) {
    let mut value = Vec::with_capacity(text.len() + TEXT_OVERHEAD);
    write_text(&mut value, text);
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.append(&mut value);
}

/// Appends a text.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    match u8::try_from(text.len()) {
        Ok(length) if length <= token::FIXED_TEXT_MAX && text.is_ascii() => {
            out.push(token::FIXED_TEXT + length);
        }
        _ => {
            out.push(if text.is_ascii() {
                token::LATIN1_TEXT
            } else {
                token::UTF8_TEXT
            });
            out.push(token::INT);
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
}

/// What a text takes beside its bytes, at most.
const TEXT_OVERHEAD: usize = 6;

#[cfg(test)]
mod tests;
