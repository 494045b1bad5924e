use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// What is to be written: a buffer for frames and small payloads, and slices of large payloads between its parts.
#[derive(Debug)]
pub(super) struct Output {
    /// Pieces in front of the buffer, each with the number of body bytes in it.
    pieces: VecDeque<(Bytes, usize)>,
    buffer: BytesMut,
    /// Body bytes in the buffer.
    payload: usize,
    /// Answers to frames of the peer in the buffer and the pieces.
    replies: u32,
}

impl Output {
    pub(super) fn new() -> Self {
        Self {
            pieces: VecDeque::new(),
            buffer: BytesMut::with_capacity(BUFFER),
            payload: 0,
            replies: 0,
        }
    }

    /// For frames without body.
    pub(super) fn frames(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// For an answer to a frame; returns how many wait.
    pub(super) fn reply(&mut self) -> (&mut BytesMut, u32) {
        self.replies += 1;
        (&mut self.buffer, self.replies)
    }

    pub(super) fn payload(&mut self, data: Bytes) {
        if data.len() < COPIED {
            self.payload += data.len();
            self.buffer.extend_from_slice(&data);
        } else {
            self.cut();
            let length = data.len();
            self.pieces.push_back((data, length));
        }
    }

    /// Whether there is enough for now: a piece is complete, or the buffer is worth a write.
    pub(super) fn is_worth_a_write(&self) -> bool {
        !self.pieces.is_empty() || self.buffer.len() >= FULL
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.buffer.is_empty()
    }

    /// The next piece, and how many body bytes are in it.
    pub(super) fn next(&mut self) -> Option<(Bytes, usize)> {
        if self.pieces.is_empty() {
            self.cut();
        }
        let next = self.pieces.pop_front();
        if self.is_empty() {
            self.replies = 0;
        }
        next
    }

    /// Body bytes in all of it.
    pub(super) fn payload_bytes(&self) -> usize {
        self.payload
            + self
                .pieces
                .iter()
                .map(|(_, payload)| payload)
                .sum::<usize>()
    }

    fn cut(&mut self) {
        if !self.buffer.is_empty() {
            let piece = self.buffer.split().freeze();
            self.pieces
                .push_back((piece, std::mem::take(&mut self.payload)));
        }
    }
}

/// Payloads below this size are copied: a piece of its own costs a write.
const COPIED: usize = 1_024;

/// The first capacity of the buffer.
const BUFFER: usize = 1_024;

/// As many bytes are worth a write.
const FULL: usize = 16_384;
