//! Cuts the input into frames. Only frames other than DATA are ever held, and only when they lie in several inputs.

use bytes::{Buf, Bytes};

use super::data::Body;
use super::{Connection, PREFACE};
use crate::ConnectionErrorKind as Kind;
use crate::frame::{HEAD, Head, flag, kind};

/// Where in the input this side is.
#[derive(Debug)]
pub(super) enum Reading {
    /// In the preface, at this octet.
    Preface(usize),
    /// In the head of a frame, of which as many octets are there.
    Head([u8; HEAD], usize),
    /// In the payload of a frame.
    Payload(Head, Vec<u8>),
    /// At the octet of a DATA frame that tells the length of its padding.
    PadLength(Head),
    /// In the data of a DATA frame.
    Body(Body),
    /// In padding or a frame of unknown type, with as many octets to go.
    Skip(u32),
}

impl Reading {
    pub(super) fn new(preface: bool) -> Self {
        if preface {
            Self::Preface(0)
        } else {
            Self::HEAD
        }
    }

    pub(super) fn skip(length: u32) -> Self {
        if length == 0 {
            Self::HEAD
        } else {
            Self::Skip(length)
        }
    }

    pub(super) const HEAD: Self = Self::Head([0; HEAD], 0);
}

impl Connection {
    /// Takes at least one octet of `input`, which is not empty and was `chunk` octets at first.
    pub(super) fn read(&mut self, input: &mut Bytes, chunk: usize) -> Result<(), Kind> {
        match &mut self.reading {
            Reading::Head(held, have) => {
                let head = if *have == 0
                    && let Some(head) = input.first_chunk::<HEAD>()
                {
                    let head = *head;
                    input.advance(HEAD);
                    head
                } else {
                    let missing = held.get_mut(*have..).unwrap_or_default();
                    *have += take(input, missing);
                    if *have < HEAD {
                        return Ok(());
                    }
                    *held
                };
                self.reading = Reading::HEAD;
                self.begin_frame(Head::decode(head), input, chunk)
            }
            Reading::Body(_) => self.read_body(input, chunk),
            Reading::Payload(head, held) => {
                let missing = (head.length as usize)
                    .saturating_sub(held.len())
                    .min(input.len());
                held.extend_from_slice(&input.split_to(missing));
                if held.len() < head.length as usize {
                    return Ok(());
                }
                let (head, payload) = (*head, std::mem::take(held));
                self.reading = Reading::HEAD;
                self.handle_frame(head, &payload)
            }
            Reading::PadLength(head) => {
                let (head, padding) = (*head, input.get_u8());
                self.begin_body(head, 1, u32::from(padding), input, chunk)
            }
            Reading::Skip(left) => {
                let skipped = (*left as usize).min(input.len());
                input.advance(skipped);
                let left = left.saturating_sub(u32::try_from(skipped).unwrap_or(u32::MAX));
                self.reading = Reading::skip(left);
                Ok(())
            }
            Reading::Preface(at) => {
                let expected = PREFACE.get(*at..).unwrap_or_default();
                let length = expected.len().min(input.len());
                if !expected.starts_with(&input.split_to(length)) {
                    return Err(Kind::Preface);
                }
                *at += length;
                if *at == PREFACE.len() {
                    self.reading = Reading::HEAD;
                }
                Ok(())
            }
        }
    }

    /// Looks at a head, whose payload comes next.
    fn begin_frame(&mut self, head: Head, input: &mut Bytes, chunk: usize) -> Result<(), Kind> {
        if !self.greeted && (head.kind != kind::SETTINGS || head.has(flag::ACK)) {
            return Err(Kind::MissingSettings);
        }
        if head.length > self.config.max_frame_size {
            return Err(Kind::FrameSize);
        }
        match &self.block {
            Some(block) if head.kind != kind::CONTINUATION || head.stream != block.stream => {
                return Err(Kind::ContinuationExpected);
            }
            None if head.kind == kind::CONTINUATION => return Err(Kind::ContinuationUnexpected),
            _ => {}
        }
        if head.kind == kind::DATA {
            return self.begin_data(head, input, chunk);
        }
        if head.kind > kind::CONTINUATION {
            // "Implementations MUST ignore and discard frames of unknown types" (§5.5).
            self.flood.control()?;
            self.reading = Reading::skip(head.length);
            return Ok(());
        }
        check_head(head)?;
        if input.len() >= head.length as usize {
            let payload = input.split_to(head.length as usize);
            return self.handle_frame(head, &payload);
        }
        self.reading = Reading::Payload(head, Vec::new());
        Ok(())
    }

    fn handle_frame(&mut self, head: Head, payload: &[u8]) -> Result<(), Kind> {
        match head.kind {
            kind::HEADERS => self.handle_headers(head, payload),
            kind::CONTINUATION => self.handle_continuation(head, payload),
            kind::PRIORITY => self.flood.control(),
            kind::RST_STREAM => self.handle_reset(head.stream, payload),
            kind::SETTINGS => self.handle_settings(head, payload),
            kind::PING => self.handle_ping(head, payload),
            kind::GOAWAY => self.handle_goaway(payload),
            _ => self.handle_window_update(head.stream, payload),
        }
    }
}

/// What can be said of a frame before its payload is there (§6.2 to §6.10).
fn check_head(head: Head) -> Result<(), Kind> {
    let of_connection = matches!(head.kind, kind::SETTINGS | kind::PING | kind::GOAWAY);
    if head.kind == kind::PUSH_PROMISE {
        return Err(Kind::PushPromise);
    }
    if head.kind != kind::WINDOW_UPDATE && of_connection != (head.stream == 0) {
        return Err(Kind::StreamId);
    }
    let fits = match head.kind {
        kind::PRIORITY => head.length == 5,
        kind::RST_STREAM | kind::WINDOW_UPDATE => head.length == 4,
        kind::SETTINGS if head.has(flag::ACK) => head.length == 0,
        kind::SETTINGS => head.length.is_multiple_of(6),
        kind::PING => head.length == 8,
        kind::GOAWAY => head.length >= 8,
        _ => true,
    };
    if fits { Ok(()) } else { Err(Kind::FrameSize) }
}

/// Fills the beginning of `to`. Returns how many octets there were.
fn take(input: &mut Bytes, to: &mut [u8]) -> usize {
    let length = to.len().min(input.len());
    let taken = input.split_to(length);
    for (to, from) in to.iter_mut().zip(taken) {
        *to = from;
    }
    length
}
