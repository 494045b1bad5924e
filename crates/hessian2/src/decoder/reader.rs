//! Bytes of a body, front to back.

use crate::{Invalid, InvalidKind};

/// The rest of a body. Nothing else looks at its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    body: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self { body, offset: 0 }
    }

    /// The same body up to where this reader is, read from another offset on.
    pub(crate) fn before(&self, offset: usize) -> Self {
        let body = self.body.get(..self.offset).unwrap_or(self.body);
        Self { body, offset }
    }

    /// The same body, read from another offset on.
    pub(crate) fn at(&self, offset: usize) -> Self {
        Self { offset, ..*self }
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    pub(crate) fn remaining(&self) -> usize {
        self.body.len().saturating_sub(self.offset)
    }

    /// All bytes that are left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.body.get(self.offset..).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Result<u8, Invalid> {
        self.body
            .get(self.offset)
            .copied()
            .ok_or_else(|| self.truncated())
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Invalid> {
        let byte = self.peek()?;
        self.offset += 1;
        Ok(byte)
    }

    /// Reads the byte if it is the next one. At the end of the body this is an error: something must follow.
    pub(crate) fn eat(&mut self, byte: u8) -> Result<bool, Invalid> {
        let found = self.peek()? == byte;
        self.offset += usize::from(found);
        Ok(found)
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Invalid> {
        let bytes = self.rest().get(..length).ok_or_else(|| self.truncated())?;
        self.offset += length;
        Ok(bytes)
    }

    /// A number in network order.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Invalid> {
        let bytes = self.rest().first_chunk().ok_or_else(|| self.truncated())?;
        self.offset += N;
        Ok(*bytes)
    }

    pub(crate) fn truncated(&self) -> Invalid {
        Invalid::new(self.offset, InvalidKind::Truncated)
    }
}
