//! The pairs of a map, one after the other.

use std::borrow::Cow;
use std::ops::Range;

use super::skip::skip_rest;
use super::{Token, Tokens};
use crate::{InvalidBody, InvalidBodyKind, Limits};

/// A pair of a map.
#[derive(Debug)]
pub(crate) struct Pair<'a> {
    /// Where the name begins.
    pub(crate) start: usize,
    /// The name, if it is a text.
    pub(crate) name: Option<Cow<'a, str>>,
    /// Whether later names may refer to this one.
    pub(crate) name_is_symbol: bool,
    /// Where the value begins.
    pub(crate) value_start: usize,
    /// The value if it is in one piece.
    pub(crate) value: Option<Token<'a>>,
    /// Whether later texts may refer to the value.
    pub(crate) value_is_symbol: bool,
    /// Where the pair ends.
    pub(crate) end: usize,
}

/// Walks through the map that is the whole document in this place of the body.
///
/// Gives the place of its end mark, or nothing when it is null.
pub(crate) fn walk<'a>(
    body: &'a [u8],
    document: Range<usize>,
    limits: &Limits,
    mut pair: impl FnMut(Pair<'a>) -> Result<(), InvalidBody>,
) -> Result<Option<usize>, InvalidBody> {
    let mut tokens = Tokens::new(body, document);
    let at = tokens.offset();
    match tokens.next()? {
        Token::Null => {
            whole(&tokens)?;
            return Ok(None);
        }
        Token::Object => {}
        Token::Type(_) => match tokens.next()? {
            Token::Object => {}
            _ => return Err(InvalidBodyKind::Attachments.at(at)),
        },
        _ => return Err(InvalidBodyKind::Attachments.at(at)),
    }
    for _ in 0..=limits.max_attachments {
        let start = tokens.offset();
        let name_is_symbol = body.get(start) == Some(&SYMBOL);
        let name = match tokens.next()? {
            Token::ObjectEnd => {
                whole(&tokens)?;
                return Ok(Some(start));
            }
            Token::Text(text) => Some(text.decode(limits.max_text)?),
            other => {
                skip_rest(&mut tokens, other, start, limits.max_depth)?;
                None
            }
        };
        let value_start = tokens.offset();
        let first = tokens.next()?;
        let value = match first {
            Token::Array(_) | Token::Object | Token::Type(_) | Token::ObjectEnd => {
                skip_rest(&mut tokens, first, value_start, limits.max_depth)?;
                None
            }
            scalar => Some(scalar),
        };
        pair(Pair {
            start,
            name,
            name_is_symbol,
            value_start,
            value,
            value_is_symbol: body.get(value_start) == Some(&SYMBOL),
            end: tokens.offset(),
        })?;
    }
    Err(InvalidBodyKind::TooManyAttachments.at(tokens.offset()))
}

/// Nothing may follow.
fn whole(tokens: &Tokens<'_>) -> Result<(), InvalidBody> {
    if tokens.is_at_end() {
        Ok(())
    } else {
        Err(InvalidBodyKind::Length.at(tokens.offset()))
    }
}

/// A text with a number, or the number of one.
const SYMBOL: u8 = 0x7f;
