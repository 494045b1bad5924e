//! HEADERS and CONTINUATION (RFC 9113 §6.2, §6.10, §8.1).

use super::{Connection, Local, Remote, Role};
use crate::frame::{Head, flag};
use crate::headers::Collector;
use crate::validate::{Checked, Purpose, check};
use crate::{ConnectionErrorKind as Kind, Event, Headers, StreamErrorKind, StreamId};

/// A header block of which CONTINUATION frames are still to come.
#[derive(Debug)]
pub(super) struct PartialBlock {
    pub(super) stream: u32,
    end: bool,
    bytes: Vec<u8>,
    continuations: u32,
}

impl Connection {
    pub(super) fn handle_headers(&mut self, head: Head, payload: &[u8]) -> Result<(), Kind> {
        let fragment = fragment(head, payload)?;
        let end = head.has(flag::END_STREAM);
        if head.has(flag::END_HEADERS) {
            return self.handle_block(head.stream, fragment, end);
        }
        self.block = Some(PartialBlock {
            stream: head.stream,
            end,
            bytes: fragment.to_vec(),
            continuations: 0,
        });
        Ok(())
    }

    pub(super) fn handle_continuation(&mut self, head: Head, payload: &[u8]) -> Result<(), Kind> {
        let Some(mut block) = self.block.take() else {
            return Err(Kind::ContinuationUnexpected);
        };
        block.continuations += 1;
        if block.continuations > self.flood.limits().continuations {
            return Err(Kind::ContinuationFlood);
        }
        if payload.is_empty() {
            self.flood.empty()?;
        }
        let longest = (self.config.max_header_list_size as usize).saturating_mul(2);
        if block.bytes.len() + payload.len() > longest.max(self.config.max_frame_size as usize) {
            return Err(Kind::HeaderBlockTooLong);
        }
        block.bytes.extend_from_slice(payload);
        if head.has(flag::END_HEADERS) {
            return self.handle_block(block.stream, &block.bytes, block.end);
        }
        self.block = Some(block);
        Ok(())
    }

    fn handle_block(&mut self, id: u32, block: &[u8], end: bool) -> Result<(), Kind> {
        // Whatever becomes of the list, the table must follow (§4.3).
        let mut list = Collector::new(self.config.max_header_list_size as usize, block.len());
        self.decoder
            .decode(block, &mut list)
            .map_err(|_| Kind::Compression)?;
        let list = list.finish();
        match self.streams.get(id).map(|stream| stream.remote) {
            Some(Remote::Closed) => self.violate(id, StreamErrorKind::Closed),
            Some(Remote::Body) => self.handle_list(id, list, end, Purpose::Trailers),
            Some(Remote::Head) => self.handle_list(id, list, end, Purpose::Response),
            None if self.role == Role::Client || id <= self.last_seen => self.handle_gone(id),
            None => self.handle_request(id, list, end),
        }
    }

    fn handle_request(&mut self, id: u32, list: Option<Headers>, end: bool) -> Result<(), Kind> {
        if id.is_multiple_of(2) {
            return Err(Kind::StreamId);
        }
        self.last_seen = id;
        if self.goaway_sent.is_some_and(|last| id > last) {
            return self.flood.control();
        }
        self.last_accepted = id;
        let full = self.streams.len() >= self.config.max_concurrent_streams as usize;
        if self.streams.open(id, Remote::Body).is_none() || full {
            return self.violate(id, StreamErrorKind::Refused);
        }
        self.handle_list(id, list, end, Purpose::Request)
    }

    fn handle_list(
        &mut self,
        id: u32,
        list: Option<Headers>,
        end: bool,
        purpose: Purpose,
    ) -> Result<(), Kind> {
        let Some(headers) = list else {
            return self.violate(id, StreamErrorKind::HeaderListTooLong);
        };
        let Checked {
            status,
            content_length,
        } = match check(&headers, purpose) {
            Ok(checked) => checked,
            Err(kind) => return self.violate(id, kind),
        };
        self.flood.headers();
        if headers.is_empty() {
            self.flood.empty()?;
        }
        let Some(stream) = self.streams.get_mut(id) else {
            return Ok(());
        };
        let stream_id = StreamId(id);
        match purpose {
            // "A HEADERS frame with the END_STREAM flag set that carries an informational status code is malformed";
            // 101 does not exist (§8.1, §8.6).
            Purpose::Response if status < 200 => {
                if end || status == 101 {
                    return self.violate(id, StreamErrorKind::Sequence);
                }
                return self.flood.empty();
            }
            Purpose::Trailers => {
                if !end {
                    return self.violate(id, StreamErrorKind::Sequence);
                }
                if stream.content_length.is_some_and(|left| left > 0) {
                    return self.violate(id, StreamErrorKind::ContentLength);
                }
                self.events.push_back(Event::Trailers {
                    id: stream_id,
                    headers,
                });
            }
            Purpose::Request | Purpose::Response => {
                stream.remote = Remote::Body;
                // Responses to HEAD, and 304, tell the length of what they do not have.
                if purpose == Purpose::Request
                    && end
                    && content_length.is_some_and(|length| length > 0)
                {
                    return self.violate(id, StreamErrorKind::ContentLength);
                }
                stream.content_length = content_length;
                self.events.push_back(Event::Headers {
                    id: stream_id,
                    headers,
                    end,
                });
            }
        }
        if end {
            self.end_remote(id);
        }
        Ok(())
    }

    /// The peer has ended the stream.
    pub(super) fn end_remote(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        stream.remote = Remote::Closed;
        if stream.local == Local::Closed {
            self.complete(id);
        }
    }
}

/// What is between pad length and priority on one side and the padding on the other.
fn fragment(head: Head, mut payload: &[u8]) -> Result<&[u8], Kind> {
    let mut padding = 0;
    if head.has(flag::PADDED) {
        let (&length, rest) = payload.split_first().ok_or(Kind::FrameSize)?;
        padding = usize::from(length);
        payload = rest;
    }
    if head.has(flag::PRIORITY) {
        // Deprecated, and ignored (§5.3.2).
        (_, payload) = payload.split_at_checked(5).ok_or(Kind::FrameSize)?;
    }
    let length = payload.len().checked_sub(padding).ok_or(Kind::Padding)?;
    payload.get(..length).ok_or(Kind::Padding)
}
