//! Reads bytes in order and never past their end.

use crate::{InvalidBody, InvalidBodyKind};

/// A place in a body.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// At the beginning of the bytes.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// In the midst of the bytes.
    pub(crate) const fn at(bytes: &'a [u8], offset: usize) -> Self {
        Self { bytes, offset }
    }

    /// How many bytes were read.
    pub(crate) const fn offset(&self) -> usize {
        self.offset
    }

    /// Whether all bytes were read.
    pub(crate) const fn is_at_end(&self) -> bool {
        self.offset >= self.bytes.len()
    }

    /// The next bytes.
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], InvalidBody> {
        let end = self.offset.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.offset..end));
        let taken = taken.ok_or(InvalidBodyKind::Truncated.at(self.bytes.len()))?;
        self.offset += length;
        Ok(taken)
    }

    /// The next bytes, of a number known in advance.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], InvalidBody> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let array = rest.first_chunk::<N>();
        let array = array.ok_or(InvalidBodyKind::Truncated.at(self.bytes.len()))?;
        self.offset += N;
        Ok(*array)
    }

    /// The next byte.
    pub(crate) fn u8(&mut self) -> Result<u8, InvalidBody> {
        self.array().map(u8::from_be_bytes)
    }
}
