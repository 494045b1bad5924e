//! Texts and binaries, which may come in several chunks.

use std::borrow::Cow;

use super::Decoder;
use super::scan::scan;
use crate::{Invalid, InvalidKind, Text};

impl<'a> Decoder<'a> {
    /// Reads a text whose tag has been read: `[x00-x1f]`, `[x30-x33] b0` and `S b1 b0` are the last chunk, `x52 b1
    /// b0` ("R") is another one. The length is in UTF-16 units.
    pub(super) fn text(&mut self, at: usize, tag: u8) -> Result<Text<'a>, Invalid> {
        let mut content = Content::default();
        let surrogates = self.text_chunks(at, tag, |chunk| content.add(chunk))?;
        Ok(Text::from_wire(content.0, surrogates))
    }

    /// Passes over a text whose tag has been read.
    pub(super) fn skip_text(&mut self, at: usize, tag: u8) -> Result<(), Invalid> {
        self.text_chunks(at, tag, |_| ()).map(|_| ())
    }

    /// Reads a text that is no value of its own: a type, the name of a class or field.
    pub(super) fn plain_text(&mut self) -> Result<Text<'a>, Invalid> {
        let at = self.reader.offset();
        let tag = self.reader.byte()?;
        self.text(at, tag)
    }

    /// Passes over a text that is no value of its own.
    pub(super) fn skip_plain_text(&mut self) -> Result<(), Invalid> {
        let at = self.reader.offset();
        let tag = self.reader.byte()?;
        self.skip_text(at, tag)
    }

    /// Reads a binary whose tag has been read: `[x20-x2f]`, `[x34-x37] b0` and `B b1 b0` are the last chunk, `x41
    /// b1 b0` ("A") is another one.
    pub(super) fn binary(&mut self, at: usize, tag: u8) -> Result<Cow<'a, [u8]>, Invalid> {
        let mut content = Content::default();
        self.binary_chunks(at, tag, |chunk| content.add(chunk))?;
        Ok(content.0)
    }

    /// Passes over a binary whose tag has been read.
    pub(super) fn skip_binary(&mut self, at: usize, tag: u8) -> Result<(), Invalid> {
        self.binary_chunks(at, tag, |_| ())
    }

    /// Whether there were surrogates in the text.
    fn text_chunks(
        &mut self,
        at: usize,
        mut tag: u8,
        mut each: impl FnMut(&'a [u8]),
    ) -> Result<bool, Invalid> {
        let mut total = 0;
        let mut surrogates = false;
        let mut tag_at = at;
        loop {
            let (units, last) = match tag {
                0x00..=0x1f => (u16::from(tag), true),
                0x30..=0x33 => (self.short(tag & 3)?, true),
                b'S' => (u16::from_be_bytes(self.reader.array()?), true),
                b'R' => (u16::from_be_bytes(self.reader.array()?), false),
                _ => return Err(Invalid::new(tag_at, InvalidKind::UnexpectedTag)),
            };
            let units = usize::from(units);
            // Every unit takes a byte at least.
            if units > self.reader.remaining() {
                return Err(self.reader.truncated());
            }
            let extent = scan(self.reader.rest(), units)
                .map_err(|(offset, kind)| Invalid::new(self.reader.offset() + offset, kind))?;
            surrogates |= extent.surrogates;
            let chunk = self.reader.take(extent.bytes)?;
            self.pass_chunk(at, &mut total, chunk.len(), last)?;
            each(chunk);
            if last {
                return Ok(surrogates);
            }
            tag_at = self.reader.offset();
            tag = self.reader.byte()?;
        }
    }

    fn binary_chunks(
        &mut self,
        at: usize,
        mut tag: u8,
        mut each: impl FnMut(&'a [u8]),
    ) -> Result<(), Invalid> {
        let mut total = 0;
        let mut tag_at = at;
        loop {
            let (length, last) = match tag {
                0x20..=0x2f => (u16::from(tag & 0x0f), true),
                0x34..=0x37 => (self.short(tag & 3)?, true),
                b'B' => (u16::from_be_bytes(self.reader.array()?), true),
                b'A' => (u16::from_be_bytes(self.reader.array()?), false),
                _ => return Err(Invalid::new(tag_at, InvalidKind::UnexpectedTag)),
            };
            let chunk = self.reader.take(usize::from(length))?;
            self.pass_chunk(at, &mut total, chunk.len(), last)?;
            each(chunk);
            if last {
                return Ok(());
            }
            tag_at = self.reader.offset();
            tag = self.reader.byte()?;
        }
    }

    /// A length of ten bits, the upper two from the tag.
    fn short(&mut self, high: u8) -> Result<u16, Invalid> {
        Ok(u16::from_be_bytes([high, self.reader.byte()?]))
    }

    fn pass_chunk(
        &mut self,
        at: usize,
        total: &mut usize,
        length: usize,
        last: bool,
    ) -> Result<(), Invalid> {
        *total += length;
        if u32::try_from(*total).map_or(true, |total| total > self.limits.length) {
            return Err(Invalid::new(at, InvalidKind::TooLong));
        }
        // A usize fits a u64 wherever this runs. A chunk that is not the last has a head of three bytes.
        let bytes = u64::try_from(length).unwrap_or(u64::MAX);
        self.spend(bytes / 32 + u64::from(!last))
    }
}

/// The bytes of one chunk as they are, those of several together in a copy.
#[derive(Default)]
struct Content<'a>(Cow<'a, [u8]>);

impl<'a> Content<'a> {
    fn add(&mut self, chunk: &'a [u8]) {
        if self.0.is_empty() {
            self.0 = Cow::Borrowed(chunk);
        } else {
            self.0.to_mut().extend_from_slice(chunk);
        }
    }
}
