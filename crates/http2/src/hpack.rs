//! Header compression (RFC 7541): a decoder with bounds, and an encoder without state.

mod decoder;
mod encoder;
mod huffman;
mod integer;
mod table;

pub(crate) use decoder::Decoder;
pub(crate) use encoder::encode_field;
pub(crate) use table::OVERHEAD;

/// Why a block cannot be decoded; always a connection error COMPRESSION_ERROR, as the tables are out of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// The block ends inside of a field.
    Truncated,
    /// An integer is longer than any in use.
    Integer,
    /// No entry has this index.
    Index,
    /// Padding of eight or more bits or not of ones, or the EOS symbol.
    Huffman,
    /// A table size update behind a field, or above what was advertised.
    TableSize,
}

/// Where a decoder puts the fields of a block.
pub(crate) trait Fields {
    /// A field of the list. `name` and `value` are only valid for this call.
    fn push(&mut self, name: &[u8], value: &[u8]);
}

#[cfg(test)]
mod tests;
