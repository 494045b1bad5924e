//! Texts, decoded only when somebody looks at them.

use std::borrow::Cow;

use crate::{InvalidBody, InvalidBodyKind};

/// A text as it stands in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawText<'a> {
    /// The bytes after the length.
    pub(crate) bytes: &'a [u8],
    /// How they are to be read.
    pub(crate) encoding: Encoding,
    /// Where they begin in the body.
    pub(crate) offset: usize,
}

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// "ASCII" in the specification; Java reads and writes Latin-1.
    Latin1,
    Utf8,
    /// With or without a byte order mark, big endian without.
    Utf16,
    Utf16Le,
    Utf16Be,
    /// Not read by us.
    Gb18030,
}

impl<'a> RawText<'a> {
    /// Whether this is that ASCII text.
    pub(crate) fn is(&self, ascii: &str) -> bool {
        match self.encoding {
            Encoding::Latin1 | Encoding::Utf8 => self.bytes == ascii.as_bytes(),
            _ => self.decode(usize::MAX).is_ok_and(|text| text == ascii),
        }
    }

    /// The text.
    pub(crate) fn decode(&self, max_text: usize) -> Result<Cow<'a, str>, InvalidBody> {
        if self.bytes.len() > max_text {
            return Err(InvalidBodyKind::TextTooLong.at(self.offset));
        }
        let broken = InvalidBodyKind::Encoding.at(self.offset);
        match self.encoding {
            Encoding::Latin1 if self.bytes.is_ascii() => str::from_utf8(self.bytes)
                .map(Cow::Borrowed)
                .map_err(|_| broken),
            Encoding::Latin1 => Ok(self.bytes.iter().copied().map(char::from).collect()),
            Encoding::Utf8 => str::from_utf8(self.bytes)
                .map(Cow::Borrowed)
                .map_err(|_| broken),
            Encoding::Utf16 => match self.bytes.split_first_chunk::<2>() {
                Some(([0xff, 0xfe], rest)) => utf16(rest, u16::from_le_bytes).ok_or(broken),
                Some(([0xfe, 0xff], rest)) => utf16(rest, u16::from_be_bytes).ok_or(broken),
                _ => utf16(self.bytes, u16::from_be_bytes).ok_or(broken),
            },
            Encoding::Utf16Le => utf16(self.bytes, u16::from_le_bytes).ok_or(broken),
            Encoding::Utf16Be => utf16(self.bytes, u16::from_be_bytes).ok_or(broken),
            Encoding::Gb18030 => Err(broken),
        }
    }
}

/// Lone surrogates become U+FFFD: Rust's strings cannot hold them.
fn utf16<'a>(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<Cow<'a, str>> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(units.iter().map(|bytes| unit(*bytes)))
        .map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    rest.is_empty().then_some(Cow::Owned(text))
}
