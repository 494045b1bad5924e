//! The nine octets in front of every frame, and the frames this side writes (RFC 9113 §4.1 and §6).

use bytes::{BufMut, BytesMut};

use crate::ErrorCode;

/// What a client sends before its SETTINGS (RFC 9113 §3.4).
pub(crate) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The length of a frame's head.
pub(crate) const HEAD: usize = 9;

/// The largest window, stream number and increment.
pub(crate) const MAX_31: u32 = 0x7fff_ffff;

/// Frames of up to this length must always be taken (RFC 9113 §6.5.2).
pub(crate) const DEFAULT_FRAME_SIZE: u32 = 16_384;

/// The window of a connection, and of a stream before SETTINGS say otherwise.
pub(crate) const DEFAULT_WINDOW: u32 = 65_535;

pub(crate) mod kind {
    pub(crate) const DATA: u8 = 0x0;
    pub(crate) const HEADERS: u8 = 0x1;
    pub(crate) const PRIORITY: u8 = 0x2;
    pub(crate) const RST_STREAM: u8 = 0x3;
    pub(crate) const SETTINGS: u8 = 0x4;
    pub(crate) const PUSH_PROMISE: u8 = 0x5;
    pub(crate) const PING: u8 = 0x6;
    pub(crate) const GOAWAY: u8 = 0x7;
    pub(crate) const WINDOW_UPDATE: u8 = 0x8;
    pub(crate) const CONTINUATION: u8 = 0x9;
}

pub(crate) mod flag {
    pub(crate) const ACK: u8 = 0x1;
    pub(crate) const END_STREAM: u8 = 0x1;
    pub(crate) const END_HEADERS: u8 = 0x4;
    pub(crate) const PADDED: u8 = 0x8;
    pub(crate) const PRIORITY: u8 = 0x20;
}

pub(crate) mod setting {
    pub(crate) const ENABLE_PUSH: u16 = 0x2;
    pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 0x3;
    pub(crate) const INITIAL_WINDOW_SIZE: u16 = 0x4;
    pub(crate) const MAX_FRAME_SIZE: u16 = 0x5;
    pub(crate) const MAX_HEADER_LIST_SIZE: u16 = 0x6;
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) length: u32,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
}

impl Head {
    pub(crate) fn decode(bytes: [u8; HEAD]) -> Self {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = bytes;
        Self {
            length: u32::from_be_bytes([0, l0, l1, l2]),
            kind,
            flags,
            // The reserved bit has no meaning and is ignored.
            stream: u32::from_be_bytes([s0, s1, s2, s3]) & MAX_31,
        }
    }

    pub(crate) fn encode(self, to: &mut BytesMut) {
        let [_, l0, l1, l2] = self.length.to_be_bytes();
        let [s0, s1, s2, s3] = self.stream.to_be_bytes();
        to.put_slice(&[l0, l1, l2, self.kind, self.flags, s0, s1, s2, s3]);
    }

    pub(crate) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

pub(crate) fn put_settings(to: &mut BytesMut, values: &[(u16, u32)]) {
    head(to, values.len() * 6, kind::SETTINGS, 0, 0);
    for &(id, value) in values {
        to.put_u16(id);
        to.put_u32(value);
    }
}

pub(crate) fn put_settings_ack(to: &mut BytesMut) {
    head(to, 0, kind::SETTINGS, flag::ACK, 0);
}

pub(crate) fn put_ping(to: &mut BytesMut, flags: u8, payload: [u8; 8]) {
    head(to, 8, kind::PING, flags, 0);
    to.put_slice(&payload);
}

pub(crate) fn put_reset(to: &mut BytesMut, stream: u32, code: ErrorCode) {
    head(to, 4, kind::RST_STREAM, 0, stream);
    to.put_u32(code.0);
}

pub(crate) fn put_window_update(to: &mut BytesMut, stream: u32, increment: u32) {
    head(to, 4, kind::WINDOW_UPDATE, 0, stream);
    to.put_u32(increment);
}

pub(crate) fn put_goaway(to: &mut BytesMut, last: u32, code: ErrorCode, debug: &[u8]) {
    head(to, 8 + debug.len(), kind::GOAWAY, 0, 0);
    to.put_u32(last);
    to.put_u32(code.0);
    to.put_slice(debug);
}

/// HEADERS and as many CONTINUATION frames as the peer's frame size demands. `prefix` goes in front of the block.
pub(crate) fn put_headers(
    to: &mut BytesMut,
    stream: u32,
    prefix: &[u8],
    block: &[u8],
    end: bool,
    max_frame: usize,
) {
    to.reserve(HEAD + prefix.len() + block.len());
    let room = max_frame.saturating_sub(prefix.len());
    let (first, mut rest) = block.split_at(block.len().min(room));
    let mut flags = if end { flag::END_STREAM } else { 0 };
    if rest.is_empty() {
        flags |= flag::END_HEADERS;
    }
    head(to, prefix.len() + first.len(), kind::HEADERS, flags, stream);
    to.put_slice(prefix);
    to.put_slice(first);
    while !rest.is_empty() {
        let (next, after) = rest.split_at(rest.len().min(max_frame));
        rest = after;
        let flags = if rest.is_empty() {
            flag::END_HEADERS
        } else {
            0
        };
        head(to, next.len(), kind::CONTINUATION, flags, stream);
        to.put_slice(next);
    }
}

fn head(to: &mut BytesMut, length: usize, kind: u8, flags: u8, stream: u32) {
    // Lengths are bounded by a frame size of at most 2^24-1.
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    Head {
        length,
        kind,
        flags,
        stream,
    }
    .encode(to);
}
