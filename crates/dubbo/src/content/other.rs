//! Bodies whose values are hidden: only their beginning is read.

use super::{Event, Kind, Message};
use crate::{CallHead, InvalidBody, Limits, ResultHead, Serialization, Unreadable, error_message};

pub(super) fn read<'a>(
    kind: Kind,
    serialization: Serialization,
    body: &'a [u8],
    limits: &Limits,
) -> Result<Message<'a>, InvalidBody> {
    let message = match kind {
        Kind::Event => Ok(Message::Event(Event::Known(crate::Event::read(
            serialization,
            body,
        )))),
        Kind::Call => CallHead::read(serialization, body, limits).map(|head| Message::Call {
            head,
            arguments: None,
            attachments: None,
        }),
        Kind::Result => ResultHead::read(serialization, body, limits).map(|head| Message::Result {
            kind: head.kind,
            exception_class: head.exception,
            value: None,
            attachments: None,
        }),
        Kind::Error => error_message(serialization, body).map(Message::Error),
    };
    match message {
        Ok(message) => Ok(message),
        Err(Unreadable::Serialization(_)) => Ok(Message::Opaque),
        Err(Unreadable::Invalid(invalid)) => Err(invalid),
    }
}
