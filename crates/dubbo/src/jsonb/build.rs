//! Builds whole values, for tools.

use std::ops::Range;
use std::sync::Arc;

use meshlane_hessian2::{Node, Text, ValueBuilder};

use super::text::RawText;
use super::{Token, Tokens};
use crate::{InvalidBody, InvalidBodyKind, Limits};

/// Builds the value that is the whole document.
///
/// Objects become maps with their class as type; a reference becomes its path as a text.
pub(crate) fn build<'a>(
    body: &'a [u8],
    document: Range<usize>,
    limits: &Limits,
    builder: &mut ValueBuilder<'a>,
) -> Result<(), InvalidBody> {
    let mut tokens = Tokens::new(body, document);
    let mut type_name = None;
    // How many elements are to come in each open array; none for objects, which have an end.
    let mut open: Vec<Option<u32>> = Vec::new();
    loop {
        let at = tokens.offset();
        let token = tokens.next()?;
        let type_of_this = type_name.take();
        match token {
            Token::Type(name) => {
                type_name = Some(Arc::new(lossy(name, limits)));
                continue;
            }
            Token::Array(count) => {
                builder.push(Node::List {
                    type_name: type_of_this,
                    fixed: true,
                });
                open.push(Some(count));
            }
            Token::Object => {
                builder.push(Node::Map {
                    type_name: type_of_this,
                });
                open.push(None);
            }
            Token::ObjectEnd => match open.pop() {
                Some(None) => {
                    builder.end();
                    close(&mut open, builder);
                }
                _ => return Err(InvalidBodyKind::UnknownTag.at(at)),
            },
            scalar => {
                builder.push(node(scalar, limits));
                close(&mut open, builder);
            }
        }
        // An array without elements is complete at once.
        if matches!(token, Token::Array(0)) {
            open.pop();
            builder.end();
            close(&mut open, builder);
        }
        if open.len() > limits.max_depth {
            return Err(InvalidBodyKind::TooDeep.at(at));
        }
        if open.is_empty() {
            break;
        }
    }
    if tokens.is_at_end() {
        Ok(())
    } else {
        Err(InvalidBodyKind::Length.at(tokens.offset()))
    }
}

/// A value is complete: ends every array that it completes.
fn close(open: &mut Vec<Option<u32>>, builder: &mut ValueBuilder<'_>) {
    while let Some(Some(left)) = open.last_mut() {
        *left = left.saturating_sub(1);
        if *left > 0 {
            return;
        }
        open.pop();
        builder.end();
    }
}

fn node<'a>(token: Token<'a>, limits: &Limits) -> Node<'a> {
    match token {
        Token::Bool(bool) => Node::Bool(bool),
        Token::Int(number) => match i32::try_from(number) {
            Ok(number) => Node::Int(number),
            Err(_longer) => Node::Long(number),
        },
        Token::Double(number) => Node::Double(number),
        Token::Date(milliseconds) => Node::Date(milliseconds),
        Token::Text(text) | Token::Reference(text) => Node::Text(lossy(text, limits)),
        Token::Binary(bytes) => Node::Binary(bytes.into()),
        Token::Other(bytes) => Node::Text(super::print::print(bytes).into()),
        _ => Node::Null,
    }
}

fn lossy<'a>(text: RawText<'a>, limits: &Limits) -> Text<'a> {
    match text.decode(limits.max_text.max(text.bytes.len())) {
        Ok(text) => text.into(),
        Err(_other_encoding) => String::from_utf8_lossy(text.bytes).into(),
    }
}
