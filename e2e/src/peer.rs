//! Dubbo peers for load and for accidents: any number of calls at once, bodies of any length, answers that wait for a
//! [`Gate`] or break off in the middle, a client that hardly reads, an HTTP/2 client that keeps no rule.
//!
//! The bytes of frames come from [`crate::wire`], so none of this shares code with the bridge.

pub use self::{
    answer::{Answer, Gate, echo_of, sized_response},
    client::{Client, difference},
    provider::{Arrived, Provider},
    slow::SlowClient,
};
use crate::{
    dubbo::frame::Frame,
    wire::{INTERFACE, ONE_WAY, REQUEST, text},
};

mod answer;
mod client;
pub mod http2;
pub mod memory;
mod provider;
mod slow;

/// The length of a frame's header.
pub const HEADER: usize = 16;

/// A two-way call whose frame is exactly so many bytes long: its argument is filled up.
///
/// The bytes follow from the id, so that what was mixed up or shifted is no longer the same.
pub fn sized_call(id: u64, method: &str, length: usize) -> Frame {
    Frame::new(REQUEST, 0, id, &sized_body(id, method, length))
}

/// The same, of which nobody expects an answer.
pub fn sized_one_way(id: u64, method: &str, length: usize) -> Frame {
    Frame::new(ONE_WAY, 0, id, &sized_body(id, method, length))
}

fn sized_body(id: u64, method: &str, length: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(length);
    for head in ["2.0.2", INTERFACE, "0.0.0", method, "[B"] {
        text(&mut body, head);
    }
    let mut end = vec![b'H'];
    text(&mut end, "path");
    text(&mut end, INTERFACE);
    end.push(b'Z');
    let taken = HEADER + body.len() + end.len();
    fill(&mut body, id, length.saturating_sub(taken));
    body.extend(end);
    body
}

/// Appends a value that takes exactly so many bytes, at least three: a binary in chunks.
fn fill(to: &mut Vec<u8>, seed: u64, length: usize) {
    const CHUNK: usize = 0x8000;
    const MOST: usize = 0xffff;
    let bytes = pattern(seed, length);
    let mut rest = length.saturating_sub(3);
    while rest > MOST {
        to.extend([b'A', 0x80, 0x00]);
        to.extend(bytes.iter().skip(rest - CHUNK).take(CHUNK));
        rest -= CHUNK + 3;
    }
    to.push(b'B');
    to.extend(u16::try_from(rest).unwrap_or_default().to_be_bytes());
    to.extend(bytes.iter().take(rest));
}

/// Bytes without a short period.
fn pattern(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_as_long_as_asked_for() {
        for length in [200, 16_384, 65_535, 65_536, 65_700, 98_400, 1 << 20] {
            let frame = sized_call(7, "echo", length);
            assert_eq!(frame.bytes().len(), length);
            assert_ne!(frame, sized_call(8, "echo", length).with_id(7));
        }
    }
}
