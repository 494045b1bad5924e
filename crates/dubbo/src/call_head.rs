//! What stands before the arguments of a call.

use std::borrow::Cow;

use meshlane_hessian2::{Decoder, Kind};

use crate::reader::Reader;
use crate::{InvalidBody, InvalidBodyKind, Limits, Serialization, Unreadable, java, jsonb};

/// The head of a call: five texts, in every serialization in this order.
///
/// What the provider runs may differ from it: see [`Service`](crate::Service).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallHead<'a> {
    /// The version of the protocol, `2.0.2` from all clients of today.
    pub dubbo_version: Option<Cow<'a, str>>,
    /// The name of the service: its interface, or its path where it has one of its own.
    pub path: Cow<'a, str>,
    /// The version of the service. Unset it is `0.0.0`, empty or null, by client.
    pub version: Option<Cow<'a, str>>,
    /// The method; `$invoke` or `$invokeAsync` in generic calls.
    pub method: Cow<'a, str>,
    /// The descriptor of the parameter types: `Ljava/lang/String;I`.
    pub param_types: Cow<'a, str>,
}

impl<'a> CallHead<'a> {
    /// Reads the head at the beginning of a body.
    ///
    /// The first bytes of the body are enough if the head is in them;
    /// [`InvalidBodyKind::Truncated`] and its kin say that it is not.
    pub fn read(
        serialization: Serialization,
        body: &'a [u8],
        limits: &Limits,
    ) -> Result<Self, Unreadable> {
        let head = match serialization {
            Serialization::HESSIAN2 => {
                let mut decoder = Decoder::new(body, &limits.values);
                Self::read_hessian2(&mut decoder, limits)
            }
            Serialization::FASTJSON2 => Self::read_jsonb(body, &mut Reader::new(body), limits),
            _ => match java::Dialect::of(serialization) {
                Some(dialect) => {
                    let mut blocks = java::Blocks::new(body, dialect)?;
                    Self::read_java(&mut blocks, limits)
                }
                None => return Err(Unreadable::Serialization(serialization)),
            },
        };
        Ok(head?)
    }

    pub(crate) fn read_hessian2(
        decoder: &mut Decoder<'a>,
        limits: &Limits,
    ) -> Result<Self, InvalidBody> {
        Self::read_texts(|| {
            let at = decoder.offset();
            Ok((hessian2_text(decoder, limits.max_text)?, at))
        })
    }

    pub(crate) fn read_jsonb(
        body: &'a [u8],
        reader: &mut Reader<'a>,
        limits: &Limits,
    ) -> Result<Self, InvalidBody> {
        Self::read_texts(|| {
            let at = reader.offset();
            Ok((jsonb::framed_text(body, reader, limits.max_text)?, at))
        })
    }

    pub(crate) fn read_java(
        blocks: &mut java::Blocks<'a>,
        limits: &Limits,
    ) -> Result<Self, InvalidBody> {
        Self::read_texts(|| {
            let at = blocks.offset();
            Ok((blocks.text(limits.max_text)?, at))
        })
    }

    /// Makes the head of texts and their places.
    fn read_texts(mut next: impl FnMut() -> NextText<'a>) -> Result<Self, InvalidBody> {
        let (dubbo_version, _) = next()?;
        let path = present(next()?)?;
        let (version, _) = next()?;
        let method = present(next()?)?;
        let param_types = present(next()?)?;
        Ok(Self {
            dubbo_version,
            path,
            version,
            method,
            param_types,
        })
    }
}

/// Whether values of this kind leave the tables of a body alone.
pub(crate) const fn is_plain(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::List | Kind::Map | Kind::Object | Kind::Reference
    )
}

/// A text or null.
pub(crate) fn hessian2_text<'a>(
    decoder: &mut Decoder<'a>,
    max_text: usize,
) -> Result<Option<Cow<'a, str>>, InvalidBody> {
    let at = decoder.offset();
    let Some(text) = decoder.read_optional_text()? else {
        return Ok(None);
    };
    let text = text.into_str().ok_or(InvalidBodyKind::Encoding.at(at))?;
    if text.len() > max_text {
        return Err(InvalidBodyKind::TextTooLong.at(at));
    }
    Ok(Some(text))
}

/// A text or null, and where it stands.
type NextText<'a> = Result<(Option<Cow<'a, str>>, usize), InvalidBody>;

fn present<'a>((text, at): (Option<Cow<'a, str>>, usize)) -> Result<Cow<'a, str>, InvalidBody> {
    text.ok_or(InvalidBodyKind::Null.at(at))
}
