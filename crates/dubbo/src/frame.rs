//! Frames in a stream of bytes.

use std::fmt;

use crate::{FrameLimits, HEADER_LENGTH, Header};

/// What came of reading bytes that arrive bit by bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<T> {
    /// It is all there.
    Complete(T),
    /// At least so many more bytes are needed.
    NeedMore(usize),
    /// No further byte can make it right.
    Invalid(InvalidFrame),
}

/// Bytes that are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct InvalidFrame {
    /// Where, from the beginning of the frame.
    pub offset: usize,
    /// What is wrong.
    pub kind: InvalidFrameKind,
}

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvalidFrameKind {
    /// It does not begin with `dabb`.
    Magic,
    /// The body is longer than [`FrameLimits::max_body`].
    BodyTooLong,
    /// The length of the body is negative, as Java reads it.
    NegativeLength,
}

impl InvalidFrameKind {
    /// A stable code for counters.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Magic => "bad-magic",
            Self::BodyTooLong => "body-too-long",
            Self::NegativeLength => "negative-length",
        }
    }
}

impl fmt::Display for InvalidFrameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A whole frame in one piece of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The header.
    pub header: Header,
    /// The body, as long as the header says.
    pub body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads the frame at the beginning of the bytes. It takes [`length`](Self::length) of them.
    #[inline]
    pub fn decode(bytes: &'a [u8], limits: &FrameLimits) -> Progress<Self> {
        let header = match Header::decode(bytes, limits) {
            Progress::Complete(header) => header,
            Progress::NeedMore(needed) => return Progress::NeedMore(needed),
            Progress::Invalid(invalid) => return Progress::Invalid(invalid),
        };
        let body_length = header.body_length as usize;
        let rest = bytes.get(HEADER_LENGTH..).unwrap_or_default();
        match rest.get(..body_length) {
            Some(body) => Progress::Complete(Self { header, body }),
            None => Progress::NeedMore(body_length - rest.len()),
        }
    }

    /// The length of the whole frame in bytes.
    pub const fn length(&self) -> usize {
        HEADER_LENGTH + self.body.len()
    }
}

/// A whole frame of these parts.
pub(crate) fn write_frame(
    flags: crate::Flags,
    status: crate::Status,
    request_id: u64,
    body: &[u8],
) -> Vec<u8> {
    let header = Header {
        flags,
        status,
        request_id,
        // What this crate writes itself is a few kilobytes long.
        body_length: u32::try_from(body.len()).unwrap_or(u32::MAX),
    };
    [&header.encode()[..], body].concat()
}
