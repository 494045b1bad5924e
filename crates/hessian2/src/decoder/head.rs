//! The begin of a value: its tag, and what stands between the tag and the parts.

use super::{Decoder, Kind};
use crate::{Invalid, InvalidKind, Text};

/// A value up to where its content begins. Numbers have been read; of a text and a binary the tag is given, with
/// which the content is to be read next.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Head {
    Null,
    Bool(bool),
    Int(i32),
    Long(i64),
    Double(f64),
    Date(i64),
    Text(u8),
    Binary(u8),
    List {
        type_name: Option<u32>,
        /// The number of elements, unless the end is marked.
        length: Option<u32>,
    },
    Map {
        type_name: Option<u32>,
    },
    Object {
        class: u32,
        fields: u32,
    },
    Reference(u32),
}

/// The kind of value that a tag begins, after the specification's chapter "Bytecode map".
pub(crate) fn kind(tag: u8) -> Option<Kind> {
    Some(match tag {
        0x00..=0x1f | 0x30..=0x33 | b'R' | b'S' => Kind::Text,
        0x20..=0x2f | 0x34..=0x37 | b'A' | b'B' => Kind::Binary,
        0x38..=0x3f | b'L' | b'Y' | 0xd8..=0xff => Kind::Long,
        b'C' | b'O' | 0x60..=0x6f => Kind::Object,
        b'D' | 0x5b..=0x5f => Kind::Double,
        b'F' | b'T' => Kind::Bool,
        b'H' | b'M' => Kind::Map,
        b'I' | 0x80..=0xd7 => Kind::Int,
        b'J' | b'K' => Kind::Date,
        b'N' => Kind::Null,
        b'Q' => Kind::Reference,
        b'U' | b'V' | b'W' | b'X' | 0x70..=0x7f => Kind::List,
        0x40 | 0x45 | 0x47 | 0x50 | 0x5a => return None,
    })
}

impl<'a> Decoder<'a> {
    /// Reads class definitions, which may stand before any value, and the begin of a value. The offset is that of
    /// the value's own tag.
    pub(super) fn head(&mut self) -> Result<(usize, Head), Invalid> {
        loop {
            let at = self.reader.offset();
            self.spend(1)?;
            let tag = self.reader.byte()?;
            let head = match tag {
                b'C' => {
                    self.class_definition()?;
                    continue;
                }
                0x00..=0x1f | 0x30..=0x33 | b'R' | b'S' => Head::Text(tag),
                0x20..=0x2f | 0x34..=0x37 | b'A' | b'B' => Head::Binary(tag),
                0x80..=0xd7 | b'I' => Head::Int(self.int_after(at, tag)?),
                0x38..=0x3f | b'L' | b'Y' | 0xd8..=0xff => Head::Long(self.long_after(tag)?),
                b'D' | 0x5b..=0x5f => Head::Double(self.double_after(tag)?),
                b'J' => Head::Date(i64::from_be_bytes(self.reader.array()?)),
                b'K' => Head::Date(i64::from(i32::from_be_bytes(self.reader.array()?)) * 60_000),
                b'F' => Head::Bool(false),
                b'T' => Head::Bool(true),
                b'N' => Head::Null,
                b'Q' => Head::Reference(self.back_reference(at)?),
                b'O' => {
                    let class = self.count()?;
                    self.object(at, class)?
                }
                0x60..=0x6f => self.object(at, u32::from(tag & 0x0f))?,
                b'H' | b'M' => self.map(tag)?,
                b'U' | b'V' | b'W' | b'X' | 0x70..=0x7f => self.list(at, tag)?,
                0x40 | 0x45 | 0x47 | 0x50 | 0x5a => {
                    return Err(Invalid::new(at, InvalidKind::UnknownTag));
                }
            };
            return Ok((at, head));
        }
    }

    /// The class or type of the list, map or object that comes next.
    pub(super) fn type_name(mut self) -> Result<Option<Text<'a>>, Invalid> {
        match self.head()?.1 {
            Head::List { type_name, .. } | Head::Map { type_name } => {
                type_name.map(|number| self.type_text(number)).transpose()
            }
            Head::Object { class, .. } => self.class_name(class).map(Some),
            _ => Ok(None),
        }
    }

    /// Reads an int that is no value of its own: a length, a count, a number in a table.
    pub(super) fn int(&mut self) -> Result<i32, Invalid> {
        let at = self.reader.offset();
        let tag = self.reader.byte()?;
        self.int_after(at, tag)
    }

    /// Reads an int that must not be negative.
    pub(super) fn count(&mut self) -> Result<u32, Invalid> {
        let at = self.reader.offset();
        let count = self.int()?;
        u32::try_from(count).map_err(|_| Invalid::new(at, InvalidKind::NegativeLength))
    }

    fn int_after(&mut self, at: usize, tag: u8) -> Result<i32, Invalid> {
        let above = |zero: u8| i32::from(tag) - i32::from(zero);
        Ok(match tag {
            0x80..=0xbf => above(0x90),
            0xc0..=0xcf => above(0xc8) << 8 | i32::from(self.reader.byte()?),
            0xd0..=0xd7 => above(0xd4) << 16 | i32::from(u16::from_be_bytes(self.reader.array()?)),
            b'I' => i32::from_be_bytes(self.reader.array()?),
            _ => return Err(Invalid::new(at, InvalidKind::UnexpectedTag)),
        })
    }

    fn long_after(&mut self, tag: u8) -> Result<i64, Invalid> {
        let above = |zero: u8| i64::from(tag) - i64::from(zero);
        Ok(match tag {
            0x38..=0x3f => above(0x3c) << 16 | i64::from(u16::from_be_bytes(self.reader.array()?)),
            b'Y' => i64::from(i32::from_be_bytes(self.reader.array()?)),
            0xd8..=0xef => above(0xe0),
            0xf0..=0xff => above(0xf8) << 8 | i64::from(self.reader.byte()?),
            _ => i64::from_be_bytes(self.reader.array()?),
        })
    }

    fn double_after(&mut self, tag: u8) -> Result<f64, Invalid> {
        Ok(match tag {
            0x5b => 0.0,
            0x5c => 1.0,
            0x5d => f64::from(i8::from_be_bytes(self.reader.array()?)),
            0x5e => f64::from(i16::from_be_bytes(self.reader.array()?)),
            // The specification says "32-bit float"; Java, Go and JavaScript peers write thousandths.
            0x5f => 0.001 * f64::from(i32::from_be_bytes(self.reader.array()?)),
            _ => f64::from_be_bytes(self.reader.array()?),
        })
    }

    fn back_reference(&mut self, at: usize) -> Result<u32, Invalid> {
        let number = self.int()?;
        u32::try_from(number)
            .ok()
            .filter(|number| *number < self.references)
            .ok_or(Invalid::new(at, InvalidKind::BadReference))
    }

    fn object(&mut self, at: usize, class: u32) -> Result<Head, Invalid> {
        let fields = self
            .tables
            .class(class)
            .ok_or(Invalid::new(at, InvalidKind::BadClass))?
            .fields;
        // Every value takes a byte at least.
        self.must_fit(at, fields)?;
        self.begin_container();
        Ok(Head::Object { class, fields })
    }

    fn map(&mut self, tag: u8) -> Result<Head, Invalid> {
        let type_name = if tag == b'M' {
            Some(self.type_number()?)
        } else {
            None
        };
        self.begin_container();
        Ok(Head::Map { type_name })
    }

    fn list(&mut self, at: usize, tag: u8) -> Result<Head, Invalid> {
        let type_name = if matches!(tag, b'U' | b'V' | 0x70..=0x77) {
            Some(self.type_number()?)
        } else {
            None
        };
        let length = match tag {
            b'V' | b'X' => Some(self.count()?),
            0x70..=0x7f => Some(u32::from(tag & 7)),
            _ => None,
        };
        self.must_fit(at, length.unwrap_or(0))?;
        self.begin_container();
        Ok(Head::List { type_name, length })
    }

    fn begin_container(&mut self) {
        if !self.replaying {
            self.references = self.references.saturating_add(1);
        }
    }

    /// Refuses what claims more values than there are bytes left.
    pub(super) fn must_fit(&self, at: usize, values: u32) -> Result<(), Invalid> {
        let fits = usize::try_from(values).is_ok_and(|values| values <= self.reader.remaining());
        fits.then_some(())
            .ok_or(Invalid::new(at, InvalidKind::Truncated))
    }
}
