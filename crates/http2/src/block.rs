use bytes::{Bytes, BytesMut};

use crate::hpack::encode_field;

/// An encoded header list. It depends on no connection: it may be kept, and sent many times on many connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderBlock(Bytes);

impl HeaderBlock {
    /// The encoded bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Encodes header lists without state: references to the static table and literals that are not indexed.
///
/// Names must be in lower case, and values free of NUL, CR and LF and of white space at their ends; pseudo header fields
/// come first. Nothing is checked: a peer takes a list that breaks this as malformed and resets the stream.
#[derive(Clone, Debug, Default)]
pub struct HeaderBlockBuilder {
    buffer: BytesMut,
}

impl HeaderBlockBuilder {
    /// Begins an empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a field.
    #[must_use]
    pub fn field(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.push(name.as_ref(), value.as_ref());
        self
    }

    /// Appends all fields of another block, for a kept beginning.
    #[must_use]
    pub fn block(mut self, block: &HeaderBlock) -> Self {
        self.buffer.extend_from_slice(&block.0);
        self
    }

    /// Appends a field to a builder that is not moved.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        encode_field(name, value, &mut self.buffer);
    }

    /// The block.
    #[must_use]
    pub fn finish(self) -> HeaderBlock {
        HeaderBlock(self.buffer.freeze())
    }
}
