//! The connection at hand, in network filters.

use crate::abi::{self, DOWNSTREAM, DOWNSTREAM_DATA, UPSTREAM_DATA};
use crate::property;

/// One direction of the connection at hand, in the callback for its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What the downstream sent, on its way to the next filter.
    FromDownstream,
    /// What goes to the downstream.
    ToDownstream,
}

impl Direction {
    /// The `size` bytes that are there, in one copy.
    pub fn read(self, size: usize) -> Option<Vec<u8>> {
        match size {
            0 => Some(Vec::new()),
            _ => abi::buffer(self.buffer(), size),
        }
    }

    /// Puts pieces in the place of the `size` bytes that are there; returns how many.
    ///
    /// Each host call costs, and so does each copy: small pieces are brought together, large
    /// ones go to the host from where they lie.
    pub fn replace<P: AsRef<[u8]>>(
        self,
        size: usize,
        pieces: &mut dyn Iterator<Item = P>,
    ) -> usize {
        let mut writer = Writer {
            buffer: self.buffer(),
            size: Some(size),
            written: 0,
        };
        let mut small = Vec::new();
        for piece in pieces {
            let piece = piece.as_ref();
            if piece.len() >= LARGE {
                writer.write(&small);
                small.clear();
                writer.write(piece);
            } else {
                small.extend_from_slice(piece);
            }
        }
        writer.write(&small);
        writer.clear();
        writer.written
    }

    fn buffer(self) -> u32 {
        match self {
            Self::FromDownstream => DOWNSTREAM_DATA,
            Self::ToDownstream => UPSTREAM_DATA,
        }
    }
}

/// The address that the downstream connected to: `10.0.0.1:20880`.
pub fn destination_address() -> Option<String> {
    property::text(&["destination", "address"])
}

/// Closes the connection at hand once all that was written to it is sent. What is written in
/// the same callback is not: Envoy closes before it takes that over.
pub fn close() {
    if !abi::close(DOWNSTREAM) {
        log::error!("the host would not close the connection");
    }
}

/// Closes the connection of a context, out of a callback of another one.
pub fn close_context(context: u32) {
    if abi::set_effective_context(context) {
        abi::close(DOWNSTREAM);
    }
}

struct Writer {
    buffer: u32,
    /// How many bytes are to be replaced; nothing when that is done.
    size: Option<usize>,
    written: usize,
}

impl Writer {
    fn write(&mut self, piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        self.written += piece.len();
        let done = match self.size.take() {
            Some(size) => abi::set_buffer(self.buffer, 0, size, piece),
            None => abi::set_buffer(self.buffer, usize::MAX, 0, piece),
        };
        if !done {
            log::error!("the host would not write to the connection");
        }
    }

    /// Removes what was to be replaced, if nothing did.
    fn clear(&mut self) {
        if let Some(size @ 1..) = self.size.take() {
            abi::set_buffer(self.buffer, 0, size, &[]);
        }
    }
}

/// From here on a host call costs less than a copy.
const LARGE: usize = 8 * 1024;
