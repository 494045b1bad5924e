use std::collections::VecDeque;

use bytes::Bytes;

/// Bytes that arrived in pieces, kept as they came.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    pieces: VecDeque<Bytes>,
    length: usize,
}

impl Chunks {
    pub(crate) fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.length += piece.len();
            self.pieces.push_back(piece);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The first `n` bytes, when there are as many.
    pub(crate) fn peek<const N: usize>(&self) -> Option<[u8; N]> {
        let mut bytes = self.pieces.iter().flatten();
        let mut peeked = [0; N];
        for byte in &mut peeked {
            *byte = *bytes.next()?;
        }
        Some(peeked)
    }

    /// Takes up to `n` bytes, as they lie in the first piece.
    pub(crate) fn take_piece(&mut self, n: usize) -> Option<Bytes> {
        let first = self.pieces.front_mut()?;
        let piece = if first.len() > n {
            first.split_to(n)
        } else {
            self.pieces.pop_front()?
        };
        self.length -= piece.len();
        Some(piece)
    }

    /// Takes exactly `n` bytes as one; they are only copied when they lie in several pieces.
    pub(crate) fn take(&mut self, n: usize) -> Option<Bytes> {
        if n > self.length {
            return None;
        }
        match self.pieces.front() {
            Some(first) if first.len() >= n => self.take_piece(n),
            None => Some(Bytes::new()),
            Some(_) => {
                let mut whole = Vec::with_capacity(n);
                while whole.len() < n {
                    whole.extend_from_slice(&self.take_piece(n - whole.len())?);
                }
                Some(whole.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn takes_across_pieces_and_slices_inside_one() {
        let mut chunks = Chunks::default();
        chunks.push(Bytes::from_static(b"abc"));
        chunks.push(Bytes::from_static(b"defg"));
        assert_eq!(chunks.peek::<4>(), Some(*b"abcd"));
        assert_eq!(chunks.peek::<8>(), None);
        assert_eq!(chunks.take(2).unwrap(), "ab");
        assert_eq!(chunks.take(3).unwrap(), "cde");
        assert_eq!(chunks.len(), 2);
        assert_eq!(chunks.take(3), None);
        assert_eq!(chunks.take_piece(9).unwrap(), "fg");
        assert_eq!(chunks.take(0).unwrap(), "");
        assert_eq!(chunks.take_piece(1), None);
    }
}
