//! Bodies in Hessian 2.0.

use meshlane_hessian2::{Decoder, Item, Node, Text, Value};

use super::{Attachments, Content, Event, Kind, Message};
use crate::call_head::hessian2_text;
use crate::{CallHead, InvalidBody, InvalidBodyKind, Limits, ResultKind, descriptor};

pub(super) fn read<'a>(
    kind: Kind,
    body: &'a [u8],
    limits: &Limits,
) -> Result<Content<'a>, InvalidBody> {
    let mut values = Values {
        decoder: Decoder::new(body, &limits.values),
        references: 0,
    };
    let message = match kind {
        Kind::Call => call(&mut values, limits)?,
        Kind::Result => result(&mut values)?,
        Kind::Error => Message::Error(hessian2_text(&mut values.decoder, limits.max_text)?),
        Kind::Event if body.is_empty() => Message::Event(Event::Known(crate::Event::Heartbeat)),
        Kind::Event => Message::Event(Event::Value(values.next()?)),
    };
    Ok(Content {
        message,
        references: Some(values.references),
        read: Some(values.decoder.offset()),
    })
}

/// The values of one body, and how many of them others may refer to.
struct Values<'a> {
    decoder: Decoder<'a>,
    references: usize,
}

impl<'a> Values<'a> {
    fn next(&mut self) -> Result<Value<'a>, InvalidBody> {
        let value = self.decoder.read_value()?;
        self.references += references(value.root());
        Ok(value)
    }

    fn attachments(&mut self) -> Result<Attachments<'a>, InvalidBody> {
        let offset = self.decoder.offset();
        let map = self.next()?;
        Attachments::new(offset, map)
    }
}

fn call<'a>(values: &mut Values<'a>, limits: &Limits) -> Result<Message<'a>, InvalidBody> {
    let head = CallHead::read_hessian2(&mut values.decoder, limits)?;
    let at = values.decoder.offset();
    let parameters = descriptor::parameters(&head.param_types, at, limits.max_parameters)?;
    let arguments: Result<_, _> = (0..parameters).map(|_| values.next()).collect();
    Ok(Message::Call {
        head,
        arguments: Some(arguments?),
        attachments: Some(values.attachments()?),
    })
}

fn result<'a>(values: &mut Values<'a>) -> Result<Message<'a>, InvalidBody> {
    let number = values.decoder.read_int()?;
    let kind = u8::try_from(number).ok().and_then(ResultKind::from_number);
    let kind = kind.ok_or(InvalidBodyKind::ResultKind.at(0))?;
    let mut exception_class = None;
    if kind.is_exception() {
        exception_class = values.decoder.next_type_name()?.map(Text::into_str_lossy);
    }
    let value = if kind.is_exception() || kind.has_value() {
        Some(values.next()?)
    } else {
        None
    };
    let attachments = if kind.has_attachments() {
        Some(values.attachments()?)
    } else {
        None
    };
    Ok(Message::Result {
        kind,
        exception_class,
        value,
        attachments,
    })
}

/// How many lists, maps and objects there are in a value, itself included.
fn references(root: Item<'_, '_>) -> usize {
    let mut count = 0;
    let mut stack = vec![root];
    while let Some(item) = stack.pop() {
        match item.node() {
            Node::List { .. } | Node::Map { .. } | Node::Object { .. } => {
                count += 1;
                stack.extend(item.children());
            }
            _ => {}
        }
    }
    count
}
