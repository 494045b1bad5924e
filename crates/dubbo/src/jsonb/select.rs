//! Finds a scalar inside a document without building the rest.

use std::ops::Range;

use meshlane_hessian2::{MAX_LIST, Path, Scalar, Step};

use super::skip::{skip, skip_rest};
use super::{Token, Tokens};
use crate::{InvalidBody, InvalidBodyKind, Limits};

/// The scalar at the path, or a short list of scalars.
///
/// References are not followed: what stands behind one is not found.
pub(crate) fn select<'a>(
    body: &'a [u8],
    document: Range<usize>,
    path: &Path,
    limits: &Limits,
) -> Result<Option<Scalar<'a>>, InvalidBody> {
    let mut tokens = Tokens::new(body, document);
    for step in path.steps() {
        let inside = match (step, untyped(&mut tokens)?) {
            (Step::Field(name), Token::Object) => field(&tokens, name, limits)?,
            (Step::Element(place), Token::Array(count)) => element(tokens, *place, count, limits)?,
            _ => None,
        };
        match inside {
            Some(inside) => tokens = inside,
            None => return Ok(None),
        }
    }
    match untyped(&mut tokens)? {
        Token::Array(count) => list(tokens, count, limits),
        token => Ok(scalar(token, limits)),
    }
}

/// The scalar in one piece of a document, if it is one and can be read.
pub(crate) fn scalar<'a>(token: Token<'a>, limits: &Limits) -> Option<Scalar<'a>> {
    Some(match token {
        Token::Null => Scalar::Null,
        Token::Bool(bool) => Scalar::Bool(bool),
        Token::Int(number) => match i32::try_from(number) {
            Ok(number) => Scalar::Int(number),
            Err(_longer) => Scalar::Long(number),
        },
        Token::Double(number) => Scalar::Double(number),
        Token::Date(milliseconds) => Scalar::Date(milliseconds),
        Token::Text(text) => Scalar::Text(text.decode(limits.max_text).ok()?.into()),
        _ => return None,
    })
}

/// The next piece that is no type.
fn untyped<'a>(tokens: &mut Tokens<'a>) -> Result<Token<'a>, InvalidBody> {
    loop {
        match tokens.next()? {
            Token::Type(_) => {}
            token => return Ok(token),
        }
    }
}

/// The place of a field's value; of several the last, which is the one that Java keeps.
fn field<'a>(
    object: &Tokens<'a>,
    name: &str,
    limits: &Limits,
) -> Result<Option<Tokens<'a>>, InvalidBody> {
    let mut tokens = object.clone();
    let mut found = None;
    loop {
        let at = tokens.offset();
        let named = match tokens.next()? {
            Token::ObjectEnd => return Ok(found),
            Token::Text(text) => text.is(name),
            other => {
                skip_rest(&mut tokens, other, at, limits.max_depth)?;
                false
            }
        };
        if named {
            found = Some(tokens.clone());
        }
        skip(&mut tokens, limits.max_depth)?;
    }
}

fn element<'a>(
    mut tokens: Tokens<'a>,
    place: u32,
    count: u32,
    limits: &Limits,
) -> Result<Option<Tokens<'a>>, InvalidBody> {
    if place >= count {
        return Ok(None);
    }
    for _ in 0..place {
        skip(&mut tokens, limits.max_depth)?;
    }
    Ok(Some(tokens))
}

fn list<'a>(
    mut tokens: Tokens<'a>,
    count: u32,
    limits: &Limits,
) -> Result<Option<Scalar<'a>>, InvalidBody> {
    if usize::try_from(count).is_ok_and(|count| count > MAX_LIST) {
        return Ok(None);
    }
    let mut elements = Vec::new();
    for _ in 0..count {
        match untyped(&mut tokens)? {
            Token::ObjectEnd => {
                return Err(InvalidBodyKind::UnknownTag.at(tokens.offset()));
            }
            token => match scalar(token, limits) {
                Some(element) => elements.push(element),
                None => return Ok(None),
            },
        }
    }
    Ok(Some(Scalar::List(elements)))
}
