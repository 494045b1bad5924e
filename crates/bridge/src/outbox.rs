use std::collections::VecDeque;

use bytes::Bytes;

/// What goes to the Dubbo client: whole frames, and one at a time in pieces.
///
/// A Dubbo connection carries one frame after the other. While one is streamed, all others wait.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    out: VecDeque<Bytes>,
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
    streaming: bool,
}

impl Outbox {
    /// Sends a whole frame, in pieces that follow each other.
    pub(crate) fn send<I: IntoIterator<Item = Bytes>>(&mut self, frame: I) {
        if self.streaming {
            for piece in frame {
                self.waiting_bytes += piece.len();
                self.waiting.push_back(piece);
            }
        } else {
            self.out.extend(frame);
        }
    }

    /// Begins a frame whose pieces come as they arrive. There must be none on its way.
    pub(crate) fn begin_streaming(&mut self) {
        self.streaming = true;
    }

    /// The next piece of the frame on its way.
    pub(crate) fn stream(&mut self, piece: Bytes) {
        self.out.push_back(piece);
    }

    /// The frame on its way is complete.
    pub(crate) fn end_streaming(&mut self) {
        self.streaming = false;
        self.waiting_bytes = 0;
        self.out.append(&mut self.waiting);
    }

    pub(crate) fn is_streaming(&self) -> bool {
        self.streaming
    }

    /// How many bytes wait for the frame on its way.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    pub(crate) fn has_output(&self) -> bool {
        !self.out.is_empty()
    }

    pub(crate) fn poll(&mut self) -> Option<Bytes> {
        self.out.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn nothing_gets_into_a_frame_on_its_way() {
        let mut outbox = Outbox::default();
        outbox.begin_streaming();
        outbox.stream(Bytes::from_static(b"a1"));
        outbox.send([Bytes::from_static(b"b")]);
        outbox.stream(Bytes::from_static(b"a2"));
        assert_eq!(outbox.waiting_bytes(), 1);
        outbox.end_streaming();
        outbox.send([Bytes::from_static(b"c")]);
        let order: Vec<_> = std::iter::from_fn(|| outbox.poll()).collect();
        assert_eq!(order, ["a1", "a2", "b", "c"]);
        assert_eq!(outbox.waiting_bytes(), 0);
    }
}
