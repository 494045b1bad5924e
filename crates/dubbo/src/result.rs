//! What stands at the beginning of a result.

use std::borrow::Cow;

use meshlane_hessian2::Decoder;

use crate::jsonb::{self, Token, Tokens};
use crate::reader::Reader;
use crate::{InvalidBody, InvalidBodyKind, Limits, Serialization, Unreadable, java};

/// The kind of a result, and the class of an exception.
///
/// Only responses with [`Status::OK`](crate::Status::OK) that are no events have a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultHead<'a> {
    /// The kind.
    pub kind: ResultKind,
    /// The class of the exception, where it can be read from the first bytes.
    pub exception: Option<Cow<'a, str>>,
}

impl<'a> ResultHead<'a> {
    /// Reads the beginning of a result. The first few hundred bytes of the body are enough.
    pub fn read(
        serialization: Serialization,
        body: &'a [u8],
        limits: &Limits,
    ) -> Result<Self, Unreadable> {
        let head = match serialization {
            Serialization::HESSIAN2 => read_hessian2(body, limits),
            Serialization::FASTJSON2 => Self::read_jsonb(body, limits),
            Serialization::FASTJSON => read_json(body),
            _ => match java::Dialect::of(serialization) {
                Some(dialect) => {
                    let compacted = serialization == Serialization::COMPACTED_JAVA;
                    Self::read_java(body, dialect, compacted, limits)
                }
                None => return Err(Unreadable::Serialization(serialization)),
            },
        };
        Ok(head?)
    }

    pub(crate) fn read_jsonb(body: &'a [u8], limits: &Limits) -> Result<Self, InvalidBody> {
        let mut reader = Reader::new(body);
        let document = jsonb::framed(&mut reader)?;
        let at = document.start;
        let kind = match Tokens::new(body, document).next()? {
            Token::Int(number) => kind(number, at)?,
            _ => return Err(InvalidBodyKind::ResultKind.at(at)),
        };
        Ok(Self::new(kind, || {
            // The length of the exception; perhaps only its beginning is here.
            reader.array::<4>()?;
            match Tokens::new(body, reader.offset()..body.len()).next()? {
                Token::Type(name) => name.decode(limits.max_text).map(Some),
                _ => Ok(None),
            }
        }))
    }

    pub(crate) fn read_java(
        body: &'a [u8],
        dialect: java::Dialect,
        compacted: bool,
        limits: &Limits,
    ) -> Result<Self, InvalidBody> {
        let mut blocks = java::Blocks::new(body, dialect)?;
        let at = blocks.offset();
        let kind = kind(i64::from(blocks.u8()?), at)?;
        Ok(Self::new(kind, || match blocks.objects()? {
            Some(reader) => java::class_of_object(reader, compacted, limits.max_text),
            None => Ok(None),
        }))
    }

    /// The name of a class that cannot be read (yet) is no reason to fail.
    fn new(
        kind: ResultKind,
        exception: impl FnOnce() -> Result<Option<Cow<'a, str>>, InvalidBody>,
    ) -> Self {
        Self {
            kind,
            exception: if kind.is_exception() {
                exception().ok().flatten()
            } else {
                None
            },
        }
    }
}

/// What a result is. Source: `DubboCodec.RESPONSE_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResultKind {
    /// 0: an exception of the method
    Exception,
    /// 1: a value
    Value,
    /// 2: null, or nothing
    Null,
    /// 3: an exception, then attachments
    ExceptionWithAttachments,
    /// 4: a value, then attachments
    ValueWithAttachments,
    /// 5: null, then attachments
    NullWithAttachments,
}

impl ResultKind {
    /// The kind with this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Exception,
            1 => Self::Value,
            2 => Self::Null,
            3 => Self::ExceptionWithAttachments,
            4 => Self::ValueWithAttachments,
            5 => Self::NullWithAttachments,
            _ => return None,
        })
    }

    /// The number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Exception => 0,
            Self::Value => 1,
            Self::Null => 2,
            Self::ExceptionWithAttachments => 3,
            Self::ValueWithAttachments => 4,
            Self::NullWithAttachments => 5,
        }
    }

    /// Whether the method threw.
    pub const fn is_exception(self) -> bool {
        matches!(self, Self::Exception | Self::ExceptionWithAttachments)
    }

    /// Whether a value follows.
    pub const fn has_value(self) -> bool {
        matches!(self, Self::Value | Self::ValueWithAttachments)
    }

    /// Whether attachments follow.
    pub const fn has_attachments(self) -> bool {
        matches!(
            self,
            Self::ExceptionWithAttachments | Self::ValueWithAttachments | Self::NullWithAttachments
        )
    }
}

fn kind(number: i64, at: usize) -> Result<ResultKind, InvalidBody> {
    let number = u8::try_from(number).ok();
    let kind = number.and_then(ResultKind::from_number);
    kind.ok_or(InvalidBodyKind::ResultKind.at(at))
}

fn read_hessian2<'a>(body: &'a [u8], limits: &Limits) -> Result<ResultHead<'a>, InvalidBody> {
    let mut decoder = Decoder::new(body, &limits.values);
    let kind = kind(i64::from(decoder.read_int()?), 0)?;
    Ok(ResultHead::new(kind, || {
        let class = decoder.next_type_name()?;
        Ok(class.map(meshlane_hessian2::Text::into_str_lossy))
    }))
}

fn read_json(body: &[u8]) -> Result<ResultHead<'_>, InvalidBody> {
    match body {
        [digit @ b'0'..=b'9', b'\n' | b'\r', ..] => {
            let kind = kind(i64::from(digit - b'0'), 0)?;
            Ok(ResultHead::new(kind, || Ok(None)))
        }
        [] | [_] => Err(InvalidBodyKind::Truncated.at(body.len())),
        _ => Err(InvalidBodyKind::ResultKind.at(0)),
    }
}

#[cfg(test)]
mod tests;
