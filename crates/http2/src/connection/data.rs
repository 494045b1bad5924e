//! DATA (RFC 9113 §6.1): handed on as it arrives, and counted against the windows when its head arrives.

use bytes::Bytes;

use super::receive::Reading;
use super::{Connection, MAX_31, Remote, frame};
use crate::frame::{Head, flag};
use crate::{ConnectionErrorKind as Kind, Event, StreamErrorKind, StreamId};

/// The rest of a DATA frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    stream: u32,
    data: u32,
    padding: u32,
    end: bool,
}

impl Connection {
    pub(super) fn begin_data(
        &mut self,
        head: Head,
        input: &mut Bytes,
        chunk: usize,
    ) -> Result<(), Kind> {
        if head.stream == 0 {
            return Err(Kind::StreamId);
        }
        let length = i64::from(head.length);
        // "The entire DATA frame payload is included in flow control", wherever it goes (§6.1, §5.4.2).
        self.receive_window -= length;
        if self.receive_window < 0 {
            return Err(Kind::WindowExceeded);
        }
        let largest = self.window.largest();
        match self.streams.get_mut(head.stream) {
            Some(stream) => match stream.remote {
                Remote::Body => {
                    stream.received -= length;
                    // A window may be negative already; then only an empty frame is left (§6.9.2).
                    if length > 0 && largest + stream.received < 0 {
                        return Err(Kind::WindowExceeded);
                    }
                }
                Remote::Head => self.violate(head.stream, StreamErrorKind::Sequence)?,
                Remote::Closed => self.violate(head.stream, StreamErrorKind::Closed)?,
            },
            None => self.handle_gone(head.stream)?,
        }
        if !head.has(flag::PADDED) {
            return self.begin_body(head, 0, 0, input, chunk);
        }
        if head.length == 0 {
            return Err(Kind::FrameSize);
        }
        self.reading = Reading::PadLength(head);
        Ok(())
    }

    /// `overhead` is the octet that tells the length of the padding, if there is one.
    pub(super) fn begin_body(
        &mut self,
        head: Head,
        overhead: u32,
        padding: u32,
        input: &mut Bytes,
        chunk: usize,
    ) -> Result<(), Kind> {
        let data = head
            .length
            .checked_sub(overhead + padding)
            .ok_or(Kind::Padding)?;
        let body = Body {
            stream: head.stream,
            data,
            padding,
            end: head.has(flag::END_STREAM),
        };
        // Nobody holds padding, so nobody else can grant it back.
        if overhead > 0 && !body.end {
            self.grant(StreamId(body.stream), overhead + padding);
        }
        if data > 0 {
            self.count_content(body)?;
        } else if !body.end {
            self.flood.empty()?;
        }
        if data > 0 {
            self.reading = Reading::Body(body);
            return if input.is_empty() {
                Ok(())
            } else {
                self.read_body(input, chunk)
            };
        }
        if body.end {
            self.hand_on(body.stream, Bytes::new(), true)?;
        }
        self.reading = Reading::skip(padding);
        Ok(())
    }

    pub(super) fn read_body(&mut self, input: &mut Bytes, chunk: usize) -> Result<(), Kind> {
        let Reading::Body(body) = &mut self.reading else {
            return Ok(());
        };
        let piece = input.split_to(input.len().min(body.data as usize));
        body.data -= u32::try_from(piece.len()).unwrap_or(body.data);
        let Body {
            stream,
            data,
            padding,
            end,
        } = *body;
        if data == 0 {
            self.reading = Reading::skip(padding);
        }
        self.hand_on(stream, unpin(piece, chunk), end && data == 0)
    }

    fn hand_on(&mut self, id: u32, data: Bytes, end: bool) -> Result<(), Kind> {
        // Reset meanwhile: nobody waits for it.
        let Some(stream) = self
            .streams
            .get_mut(id)
            .filter(|stream| stream.remote == Remote::Body)
        else {
            return Ok(());
        };
        if end {
            if stream.content_length.is_some_and(|left| left > 0) {
                return self.violate(id, StreamErrorKind::ContentLength);
            }
            self.events.push_back(Event::Data {
                id: StreamId(id),
                data,
                end,
            });
            self.end_remote(id);
        } else {
            self.events.push_back(Event::Data {
                id: StreamId(id),
                data,
                end,
            });
        }
        Ok(())
    }

    /// "the value of content-length does not equal the sum of the DATA frame payload lengths": malformed (§8.1.1).
    fn count_content(&mut self, body: Body) -> Result<(), Kind> {
        let Some(stream) = self.streams.get_mut(body.stream) else {
            return Ok(());
        };
        self.flood.data();
        let Some(left) = &mut stream.content_length else {
            return Ok(());
        };
        match left.checked_sub(u64::from(body.data)) {
            Some(rest) => {
                *left = rest;
                Ok(())
            }
            None => self.violate(body.stream, StreamErrorKind::ContentLength),
        }
    }

    /// Whether the window of the connection is due to be replenished. It always is before it limits a peer.
    pub(super) fn owes_window(&self) -> bool {
        self.dead.is_none() && self.receive_window < i64::from(MAX_31 / 2)
    }

    pub(super) fn put_window_updates(&mut self) {
        if self.owes_window()
            && let Ok(used) = u32::try_from(i64::from(MAX_31) - self.receive_window)
        {
            self.receive_window = i64::from(MAX_31);
            frame::put_window_update(self.output.frames(), 0, used);
        }
        while let Some(id) = self.granted.pop() {
            let Some(stream) = self.streams.get_mut(id) else {
                continue;
            };
            let untold = std::mem::take(&mut stream.untold);
            if untold > 0 && stream.remote != Remote::Closed {
                frame::put_window_update(self.output.frames(), id, untold);
            }
        }
    }
}

/// A small slice of a large input is copied, so that who holds it does not hold the input: without this, a peer could
/// have a window's worth of single octets hold as many inputs.
fn unpin(piece: Bytes, chunk: usize) -> Bytes {
    if piece.len() < UNPINNED && piece.len() * 16 < chunk {
        Bytes::copy_from_slice(&piece)
    } else {
        piece
    }
}

/// Slices of at least this size are never copied.
const UNPINNED: usize = 2_048;
