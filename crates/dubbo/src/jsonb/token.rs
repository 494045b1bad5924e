//! The next piece of a JSONB document.

use std::collections::BTreeMap;
use std::ops::Range;

use super::text::{Encoding, RawText};
use crate::reader::Reader;
use crate::{InvalidBody, InvalidBodyKind};

/// A piece of a document: a scalar, or the beginning or the end of a container.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Token<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(RawText<'a>),
    /// So many values follow.
    Array(u32),
    /// Names and values follow, until the end.
    Object,
    ObjectEnd,
    /// The name of a type; the value follows.
    Type(RawText<'a>),
    /// The path of a value that stands elsewhere in the document: `$.user`.
    Reference(RawText<'a>),
    /// Bytes.
    Binary(&'a [u8]),
    /// A point in time, in milliseconds since 1970.
    Date(i64),
    /// Any other scalar, with its tag: chars, local times, large numbers.
    Other(&'a [u8]),
}

/// The pieces of one document.
#[derive(Debug, Clone)]
pub(crate) struct Tokens<'a> {
    reader: Reader<'a>,
    /// Names that were given a number.
    symbols: BTreeMap<i64, RawText<'a>>,
}

impl<'a> Tokens<'a> {
    /// The document at this place in the body.
    pub(crate) fn new(body: &'a [u8], range: Range<usize>) -> Self {
        let document = body.get(..range.end).unwrap_or(body);
        Self {
            reader: Reader::at(document, range.start),
            symbols: BTreeMap::new(),
        }
    }

    /// Where the next piece begins in the body.
    pub(crate) const fn offset(&self) -> usize {
        self.reader.offset()
    }

    /// Whether the document ends here.
    pub(crate) const fn is_at_end(&self) -> bool {
        self.reader.is_at_end()
    }

    /// The next piece.
    pub(crate) fn next(&mut self) -> Result<Token<'a>, InvalidBody> {
        let at = self.offset();
        let begin = self.reader.clone();
        let tag = self.reader.u8()?;
        Ok(match tag {
            0x00..=0x48 | 0xbc..=0xff => Token::Int(self.integer(tag, at)?),
            0x49..=0x7e => Token::Text(self.text(tag, at)?),
            0x7f => Token::Text(self.symbol(at)?),
            // A char: its UTF-16 unit as a number.
            0x90 => {
                self.next_integer()?;
                self.other(begin)?
            }
            0x91 => {
                let length = self.length()?;
                Token::Binary(self.reader.take(length)?)
            }
            0x92 => Token::Type(self.type_name()?),
            0x93 => {
                let (tag, at) = (self.reader.u8()?, self.offset());
                Token::Reference(self.text(tag, at)?)
            }
            0x94..=0xa3 => Token::Array(u32::from(tag - 0x94)),
            0xa4 => {
                let count = self.next_integer()?;
                let count = u32::try_from(count).map_err(|_| InvalidBodyKind::Length.at(at))?;
                Token::Array(count)
            }
            0xa5 => Token::ObjectEnd,
            0xa6 => Token::Object,
            // Hour, minute, second; before them in a date and time: year, month, day.
            0xa7 => {
                self.reader.array::<3>()?;
                self.next_integer()?;
                self.other(begin)?
            }
            0xa8 => {
                self.reader.array::<7>()?;
                self.next_integer()?;
                self.other(begin)?
            }
            0xa9 => {
                self.reader.array::<4>()?;
                self.other(begin)?
            }
            0xaa => {
                self.reader.array::<7>()?;
                self.next_integer()?;
                let (tag, at) = (self.reader.u8()?, self.offset());
                self.text(tag, at)?;
                self.other(begin)?
            }
            0xab => Token::Date(i64::from_be_bytes(self.reader.array()?)),
            0xac => Token::Date(self.int32()? * 1_000),
            0xad => Token::Date(self.int32()? * 60_000),
            0xae => {
                self.next_integer()?;
                self.next_integer()?;
                self.other(begin)?
            }
            0xaf => Token::Null,
            0xb0 => Token::Bool(false),
            0xb1 => Token::Bool(true),
            0xb2 => Token::Double(0.0),
            0xb3 => Token::Double(1.0),
            // A number without a fraction, of type double (b4) or float (b6).
            0xb4 | 0xb6 => Token::Double(self.next_integer()? as f64),
            0xb5 => Token::Double(f64::from_be_bytes(self.reader.array()?)),
            0xb7 => Token::Double(f64::from(f32::from_be_bytes(self.reader.array()?))),
            // Java's BigDecimal and BigInteger, where they fit into a long.
            0xb8 | 0xba => Token::Int(self.next_integer()?),
            0xb9 => {
                self.next_integer()?;
                let at = self.offset();
                match self.reader.u8()? {
                    0xbb => self.big_integer()?,
                    0xba => {
                        self.next_integer()?;
                    }
                    tag => {
                        self.integer(tag, at)?;
                    }
                }
                self.other(begin)?
            }
            0xbb => {
                self.big_integer()?;
                self.other(begin)?
            }
            0x80..=0x8f => return Err(InvalidBodyKind::UnknownTag.at(at)),
        })
    }

    /// All that was read since `begin`.
    fn other(&self, mut begin: Reader<'a>) -> Result<Token<'a>, InvalidBody> {
        begin.take(self.offset() - begin.offset()).map(Token::Other)
    }

    fn big_integer(&mut self) -> Result<(), InvalidBody> {
        let length = self.length()?;
        self.reader.take(length)?;
        Ok(())
    }

    fn int32(&mut self) -> Result<i64, InvalidBody> {
        self.reader.array().map(i32::from_be_bytes).map(i64::from)
    }

    pub(super) fn next_integer(&mut self) -> Result<i64, InvalidBody> {
        let at = self.offset();
        let tag = self.reader.u8()?;
        self.integer(tag, at)
    }

    /// The number that begins with this tag.
    fn integer(&mut self, tag: u8, at: usize) -> Result<i64, InvalidBody> {
        let high = |zero: u8| i64::from(tag) - i64::from(zero);
        Ok(match tag {
            0x00..=0x2f => i64::from(tag),
            0xf0..=0xff => i64::from(tag) - 0x100,
            0xd8..=0xef => high(0xe0),
            0x30..=0x3f => (high(0x38) << 8) + i64::from(self.reader.u8()?),
            0xc8..=0xd7 => (high(0xd0) << 8) + i64::from(self.reader.u8()?),
            0x40..=0x47 => (high(0x44) << 16) + self.int16()?,
            0xc0..=0xc7 => (high(0xc4) << 16) + self.int16()?,
            INT | 0xbf => self.int32()?,
            0xbe => i64::from_be_bytes(self.reader.array()?),
            0xbd => i64::from(i8::from_be_bytes(self.reader.array()?)),
            0xbc => i64::from(i16::from_be_bytes(self.reader.array()?)),
            _ => return Err(InvalidBodyKind::UnknownTag.at(at)),
        })
    }

    /// The low half of a number in three bytes; it has no sign.
    fn int16(&mut self) -> Result<i64, InvalidBody> {
        self.reader.array().map(u16::from_be_bytes).map(i64::from)
    }

    fn length(&mut self) -> Result<usize, InvalidBody> {
        let at = self.offset();
        let length = self.next_integer()?;
        usize::try_from(length).map_err(|_| InvalidBodyKind::Length.at(at))
    }

    fn text(&mut self, tag: u8, at: usize) -> Result<RawText<'a>, InvalidBody> {
        let encoding = match tag {
            FIXED_TEXT..=0x79 => Encoding::Latin1,
            UTF8_TEXT => Encoding::Utf8,
            0x7b => Encoding::Utf16,
            0x7c => Encoding::Utf16Le,
            0x7d => Encoding::Utf16Be,
            0x7e => Encoding::Gb18030,
            _ => return Err(InvalidBodyKind::NotText.at(at)),
        };
        let length = match tag {
            FIXED_TEXT..LATIN1_TEXT => usize::from(tag - FIXED_TEXT),
            _ => self.length()?,
        };
        let offset = self.offset();
        Ok(RawText {
            bytes: self.reader.take(length)?,
            encoding,
            offset,
        })
    }

    /// After 0x7f: the number of a text, or a text that gets a number.
    fn symbol(&mut self, at: usize) -> Result<RawText<'a>, InvalidBody> {
        let tag = self.reader.u8()?;
        if is_int32(tag) {
            return self.known_symbol(tag, at);
        }
        let text = self.text(tag, at)?;
        self.name_symbol(text)
    }

    /// After 0x92: the number of a type, or a name that gets a number.
    fn type_name(&mut self) -> Result<RawText<'a>, InvalidBody> {
        let at = self.offset();
        match self.reader.u8()? {
            0x7f => self.symbol(at),
            tag if is_int32(tag) => self.known_symbol(tag, at),
            tag => {
                let text = self.text(tag, at)?;
                self.name_symbol(text)
            }
        }
    }

    fn known_symbol(&mut self, tag: u8, at: usize) -> Result<RawText<'a>, InvalidBody> {
        let number = self.integer(tag, at)?;
        let known = self.symbols.get(&number).copied();
        known.ok_or(InvalidBodyKind::BadReference.at(at))
    }

    fn name_symbol(&mut self, text: RawText<'a>) -> Result<RawText<'a>, InvalidBody> {
        let number = self.next_integer()?;
        self.symbols.insert(number, text);
        Ok(text)
    }
}

const fn is_int32(tag: u8) -> bool {
    matches!(tag, 0x00..=INT | 0xf0..=0xff)
}

/// An integer in four bytes.
pub(super) const INT: u8 = 0x48;
/// An ASCII text of length 0.
pub(super) const FIXED_TEXT: u8 = 0x49;
/// The longest text whose length is in its tag.
pub(super) const FIXED_TEXT_MAX: u8 = 47;
/// A Latin-1 text behind its length.
pub(super) const LATIN1_TEXT: u8 = 0x79;
/// A UTF-8 text behind its length.
pub(super) const UTF8_TEXT: u8 = 0x7a;
