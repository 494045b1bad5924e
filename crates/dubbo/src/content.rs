//! Everything that a body says, for tools and tests; a proxy wants less: see [`Call`](crate::Call).

mod fastjson2;
mod hessian2;
mod java;
mod other;

use std::borrow::Cow;

use meshlane_hessian2::{Node, Value};

use crate::java::Dialect;
use crate::{
    CallHead, Header, InvalidBody, InvalidBodyKind, Limits, ResultKind, Serialization, Status,
};

/// What a body says.
#[derive(Debug, Clone, PartialEq)]
pub struct Content<'a> {
    /// What it is.
    pub message: Message<'a>,
    /// How many lists, maps and objects a Hessian2 body has: its reference table at the end.
    pub references: Option<usize>,
    /// How many bytes were read, of a body that was read to its end.
    pub read: Option<usize>,
}

/// What a body is.
#[derive(Debug, Clone, PartialEq)]
pub enum Message<'a> {
    /// A call.
    Call {
        /// What stands before the arguments.
        head: CallHead<'a>,
        /// The arguments; none where the serialization hides them.
        arguments: Option<Vec<Value<'a>>>,
        /// The attachments.
        attachments: Option<Attachments<'a>>,
    },
    /// How a call ended.
    Result {
        /// The kind.
        kind: ResultKind,
        /// The class of an exception.
        exception_class: Option<Cow<'a, str>>,
        /// The value or the exception; none where the serialization hides it.
        value: Option<Value<'a>>,
        /// The attachments, where the kind has them.
        attachments: Option<Attachments<'a>>,
    },
    /// Why there is no result.
    Error(Option<Cow<'a, str>>),
    /// An event of the connection.
    Event(Event<'a>),
    /// In a serialization that is opaque here.
    Opaque,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// A value: null is a heartbeat, `R` says that the provider is about to leave.
    Value(Value<'a>),
    /// The same of a serialization whose values are hidden.
    Known(crate::Event),
}

/// The attachments of a call or a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Attachments<'a> {
    /// Where they begin in the body.
    pub offset: usize,
    /// A map or null.
    pub map: Value<'a>,
}

impl<'a> Attachments<'a> {
    fn new(offset: usize, map: Value<'a>) -> Result<Self, InvalidBody> {
        match map.root().node() {
            Node::Null | Node::Map { .. } => Ok(Self { offset, map }),
            _ => Err(InvalidBodyKind::Attachments.at(offset)),
        }
    }
}

impl<'a> Content<'a> {
    /// Reads the whole body of a frame. What cannot be read at all is [`Message::Opaque`].
    pub fn read(header: &Header, body: &'a [u8], limits: &Limits) -> Result<Self, InvalidBody> {
        let kind = Kind::of(header);
        match header.serialization() {
            Serialization::HESSIAN2 => hessian2::read(kind, body, limits),
            Serialization::FASTJSON2 => fastjson2::read(kind, body, limits),
            serialization @ (Serialization::JAVA | Serialization::NATIVE_JAVA)
                if matches!(kind, Kind::Call | Kind::Result) =>
            {
                let dialect = Dialect::of(serialization).unwrap_or(Dialect::Dubbo);
                java::read(kind, dialect, body, limits)
            }
            serialization => {
                let message = other::read(kind, serialization, body, limits)?;
                Ok(Self {
                    message,
                    references: None,
                    read: None,
                })
            }
        }
    }
}

/// What a header says about its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Event,
    Call,
    Result,
    Error,
}

impl Kind {
    fn of(header: &Header) -> Self {
        match (header.is_event(), header.is_request(), header.status) {
            (false, true, _) => Self::Call,
            (true, true, _) | (true, false, Status::OK) => Self::Event,
            (false, false, Status::OK) => Self::Result,
            (_, false, _) => Self::Error,
        }
    }
}

#[cfg(test)]
mod tests;
