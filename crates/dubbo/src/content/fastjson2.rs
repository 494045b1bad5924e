//! Bodies in JSONB.

use std::ops::Range;

use meshlane_hessian2::{Value, ValueBuilder};

use super::{Attachments, Content, Event, Kind, Message};
use crate::jsonb;
use crate::reader::Reader;
use crate::{CallHead, InvalidBody, InvalidBodyKind, Limits, ResultHead, descriptor};

pub(super) fn read<'a>(
    kind: Kind,
    body: &'a [u8],
    limits: &Limits,
) -> Result<Content<'a>, InvalidBody> {
    let mut values = Values {
        body,
        reader: Reader::new(body),
        limits,
    };
    let message = match kind {
        Kind::Call => values.call()?,
        Kind::Result => values.result()?,
        Kind::Error => Message::Error(jsonb::framed_text(
            body,
            &mut values.reader,
            limits.max_text,
        )?),
        Kind::Event if body.is_empty() => Message::Event(Event::Known(crate::Event::Heartbeat)),
        Kind::Event => Message::Event(Event::Value(values.next()?)),
    };
    Ok(Content {
        message,
        references: None,
        read: Some(values.reader.offset()),
    })
}

struct Values<'a, 'l> {
    body: &'a [u8],
    reader: Reader<'a>,
    limits: &'l Limits,
}

impl<'a> Values<'a, '_> {
    fn next(&mut self) -> Result<Value<'a>, InvalidBody> {
        let document = jsonb::framed(&mut self.reader)?;
        self.value(document)
    }

    fn value(&self, document: Range<usize>) -> Result<Value<'a>, InvalidBody> {
        let at = document.start;
        let mut builder = ValueBuilder::new();
        jsonb::build(self.body, document, self.limits, &mut builder)?;
        builder.finish().ok_or(InvalidBodyKind::UnknownTag.at(at))
    }

    fn attachments(&mut self) -> Result<Attachments<'a>, InvalidBody> {
        let document = jsonb::framed(&mut self.reader)?;
        let offset = document.start;
        let map = self.value(document)?;
        Attachments::new(offset, map)
    }

    fn call(&mut self) -> Result<Message<'a>, InvalidBody> {
        let head = CallHead::read_jsonb(self.body, &mut self.reader, self.limits)?;
        let at = self.reader.offset();
        let parameters = descriptor::parameters(&head.param_types, at, self.limits.max_parameters)?;
        let arguments: Result<_, _> = (0..parameters).map(|_| self.next()).collect();
        Ok(Message::Call {
            head,
            arguments: Some(arguments?),
            attachments: Some(self.attachments()?),
        })
    }

    fn result(&mut self) -> Result<Message<'a>, InvalidBody> {
        let ResultHead { kind, exception } = ResultHead::read_jsonb(self.body, self.limits)?;
        jsonb::framed(&mut self.reader)?;
        let value = if kind.is_exception() || kind.has_value() {
            Some(self.next()?)
        } else {
            None
        };
        let attachments = if kind.has_attachments() {
            Some(self.attachments()?)
        } else {
            None
        };
        Ok(Message::Result {
            kind,
            exception_class: exception,
            value,
            attachments,
        })
    }
}
