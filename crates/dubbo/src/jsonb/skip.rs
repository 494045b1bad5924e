//! Passes over values.

use super::{Token, Tokens};
use crate::{InvalidBody, InvalidBodyKind};

/// Passes over the next value, however deep it is, without the native stack.
pub(crate) fn skip(tokens: &mut Tokens<'_>, max_depth: usize) -> Result<(), InvalidBody> {
    let at = tokens.offset();
    let first = tokens.next()?;
    skip_rest(tokens, first, at, max_depth)
}

/// Passes over the rest of a value whose first piece was read.
pub(crate) fn skip_rest(
    tokens: &mut Tokens<'_>,
    first: Token<'_>,
    first_at: usize,
    max_depth: usize,
) -> Result<(), InvalidBody> {
    let mut open: Vec<Open> = Vec::new();
    let (mut token, mut at) = (first, first_at);
    let mut typed = false;
    loop {
        match token {
            Token::Array(0) => {}
            Token::Array(count) => open.push(Open::Array(count)),
            Token::Object => open.push(Open::Object { name: true }),
            Token::ObjectEnd => match open.pop() {
                Some(Open::Object { name: true }) if !typed => {}
                _ => return Err(InvalidBodyKind::UnknownTag.at(at)),
            },
            _ => {}
        }
        if open.len() > max_depth {
            return Err(InvalidBodyKind::TooDeep.at(at));
        }
        // The value follows a type, the first piece of it an opened container.
        let complete = !matches!(token, Token::Type(_) | Token::Object)
            && !matches!(token, Token::Array(count) if count > 0);
        if complete {
            close(&mut open);
            if open.is_empty() {
                return Ok(());
            }
        }
        typed = matches!(token, Token::Type(_));
        at = tokens.offset();
        token = tokens.next()?;
    }
}

#[derive(Debug, Clone, Copy)]
enum Open {
    /// So many values are to come.
    Array(u32),
    /// Whether a name is to come; otherwise its value.
    Object { name: bool },
}

/// A value is complete: counts it, and every array that it completes.
fn close(open: &mut Vec<Open>) {
    while let Some(innermost) = open.last_mut() {
        match innermost {
            Open::Object { name } => {
                *name = !*name;
                return;
            }
            Open::Array(left) => {
                *left = left.saturating_sub(1);
                if *left > 0 {
                    return;
                }
                open.pop();
            }
        }
    }
}
