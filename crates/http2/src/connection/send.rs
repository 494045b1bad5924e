//! Commands that send, and the scheduler of bodies.

use bytes::Bytes;

use super::{Connection, Item, Local, MAX_31, Refused, Remote, Role, Stream, flag, frame};
use crate::frame::{Head, kind};
use crate::{ErrorCode, HeaderBlock, StreamId};

impl Connection {
    /// Opens a stream with a request. Client only.
    ///
    /// # Errors
    /// The peer does not take another stream now, or never again.
    pub fn open_stream(&mut self, block: HeaderBlock, end: bool) -> Result<StreamId, Refused> {
        // A GOAWAY with 2^31-1 only announces the one that counts: Envoy and nghttp2 take streams until then.
        let accepts = self.goaway_received.is_none_or(|last| last >= MAX_31);
        if self.role == Role::Server || self.dead.is_some() || !accepts {
            return Err(Refused::GoingAway);
        }
        if self.streams.len() >= self.peer.max_concurrent_streams as usize {
            return Err(Refused::MaxConcurrentStreams);
        }
        let id = self.next_id;
        if id > MAX_31 {
            return Err(Refused::IdsExhausted);
        }
        self.next_id += 2;
        if let Some(stream) = self.streams.open(id, Remote::Head)
            && end
        {
            stream.local = Local::Closed;
        }
        self.put_headers(id, &block, end);
        Ok(StreamId(id))
    }

    /// Sends a response, or after the body trailers; they go out behind what is queued on the stream.
    /// As all commands, ignored for a stream that is gone or that this side has ended.
    pub fn send_headers(&mut self, id: StreamId, block: HeaderBlock, end: bool) {
        let Some(stream) = self
            .streams
            .get_mut(id.0)
            .filter(|stream| stream.local == Local::Open)
        else {
            return;
        };
        if !stream.queue.is_empty() {
            if end {
                stream.local = Local::Ending;
            }
            stream.queue.push_back(Item::Headers(block, end));
            return;
        }
        self.put_headers(id.0, &block, end);
        if end {
            self.end(id.0);
        }
    }

    /// Queues a piece of the body. It goes out as the windows allow; streams take turns frame by frame.
    pub fn send_data(&mut self, id: StreamId, data: Bytes, end: bool) {
        let Some(stream) = self
            .streams
            .get_mut(id.0)
            .filter(|stream| stream.local == Local::Open)
        else {
            return;
        };
        if end {
            stream.local = Local::Ending;
        }
        stream.queued += data.len();
        self.queued += data.len();
        match stream.queue.back_mut() {
            Some(Item::Data(_, last)) if data.is_empty() => *last = end,
            _ if data.is_empty() && !end => return,
            _ => stream.queue.push_back(Item::Data(data, end)),
        }
        schedule(&mut self.ready, id.0, stream);
    }

    /// Ends a stream in both directions and drops what is queued on it. No event follows.
    pub fn send_reset(&mut self, id: StreamId, code: ErrorCode) {
        if self.streams.get(id.0).is_some() {
            self.reset(id.0);
            frame::put_reset(self.output.frames(), id.0, code);
        }
    }

    /// Frames what can be sent, up to an amount that is worth a write.
    pub(super) fn fill_output(&mut self) {
        while !self.output.is_worth_a_write() {
            let Some(id) = self.ready.pop_front() else {
                return;
            };
            self.send_next(id);
        }
    }

    /// Sends a frame of a stream whose turn it is.
    fn send_next(&mut self, id: u32) {
        let initial = i64::from(self.peer.initial_window);
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        let window = (initial + stream.sent).min(self.send_window);
        let window = usize::try_from(window.max(0)).unwrap_or(usize::MAX);
        let ended = match stream.queue.front() {
            None => {
                stream.scheduled = false;
                return;
            }
            Some(Item::Headers(..)) => {
                let Some(Item::Headers(block, end)) = stream.queue.pop_front() else {
                    return;
                };
                self.put_headers(id, &block, end);
                end
            }
            Some(Item::Data(data, _)) if window == 0 && !data.is_empty() => {
                if initial + stream.sent > 0 {
                    self.waiting.push_back(id);
                } else {
                    // Until SETTINGS or WINDOW_UPDATE let it go on.
                    stream.scheduled = false;
                }
                return;
            }
            Some(Item::Data(..)) => {
                self.put_data(id, window.min(self.peer.max_frame_size as usize))
            }
        };
        if ended {
            self.end(id);
        } else if let Some(stream) = self.streams.get_mut(id) {
            stream.scheduled = !stream.queue.is_empty();
            if stream.scheduled {
                self.ready.push_back(id);
            }
        }
    }

    /// One DATA frame of at most `limit` bytes, of as many pieces of the queue as fit. Returns whether it ended the body.
    fn put_data(&mut self, id: u32, limit: usize) -> bool {
        let Some(stream) = self.streams.get_mut(id) else {
            return false;
        };
        let (length, end) = fitting(stream, limit);
        let head = Head {
            length: u32::try_from(length).unwrap_or(u32::MAX),
            kind: kind::DATA,
            flags: if end { flag::END_STREAM } else { 0 },
            stream: id,
        };
        head.encode(self.output.frames());
        let mut left = length;
        while let Some(Item::Data(data, _)) = stream.queue.front_mut() {
            if data.len() > left {
                if left > 0 {
                    self.output.payload(data.split_to(left));
                }
                break;
            }
            left -= data.len();
            self.output.payload(std::mem::take(data));
            stream.queue.pop_front();
            if left == 0 {
                break;
            }
        }
        stream.queued -= length;
        stream.sent -= i64::from(head.length);
        self.send_window -= i64::from(head.length);
        self.flood.sent();
        end
    }

    fn put_headers(&mut self, id: u32, block: &HeaderBlock, end: bool) {
        // The encoder uses no table. Saying so in the first block, by a size update to 0, satisfies every
        // SETTINGS_HEADER_TABLE_SIZE that the peer sends before or after (RFC 7541 §4.2; nghttp2 insists on the update).
        let prefix: &[u8] = if std::mem::replace(&mut self.encoded, true) {
            &[]
        } else {
            &[0x20]
        };
        let max_frame = self.peer.max_frame_size as usize;
        frame::put_headers(
            self.output.frames(),
            id,
            prefix,
            block.as_bytes(),
            end,
            max_frame,
        );
        self.flood.sent();
    }

    /// This side has ended the stream.
    fn end(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        stream.local = Local::Closed;
        stream.scheduled = false;
        if stream.remote == Remote::Closed {
            self.complete(id);
        }
    }
}

/// Puts a stream into the list of those that have a turn.
pub(super) fn schedule(ready: &mut std::collections::VecDeque<u32>, id: u32, stream: &mut Stream) {
    if !stream.scheduled && !stream.queue.is_empty() {
        stream.scheduled = true;
        ready.push_back(id);
    }
}

/// How many bytes at the front of the queue make one frame, and whether they are the end of the body.
fn fitting(stream: &Stream, limit: usize) -> (usize, bool) {
    let mut length = 0;
    for item in &stream.queue {
        let Item::Data(data, end) = item else { break };
        if data.len() > limit - length {
            return (limit, false);
        }
        length += data.len();
        if *end {
            return (length, true);
        }
        if length == limit {
            break;
        }
    }
    (length, false)
}
