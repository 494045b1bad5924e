//! Requests that arrive from the HTTP/2 peer.

use std::time::Duration;

use bytes::Bytes;
use meshlane_attributes::dubbo::CONTENT_TYPE;
use meshlane_diagnostics::Reason;
use meshlane_dubbo::{HEADER_LENGTH, Header, Progress};
use meshlane_http2::{Headers, StreamId};

use super::ToDubbo;
use crate::budget::Share;
use crate::chunks::Chunks;
use crate::{FRAME_LIMITS, frame_length};

/// A request, as far as it has come.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) headers: Headers,
    pub(super) body: Chunks,
    pub(super) header: Option<Header>,
}

impl ToDubbo {
    pub(super) fn on_headers(&mut self, id: StreamId, headers: Headers, end: bool, now: Duration) {
        let is_call = headers.method() == Some(b"POST")
            && headers.get(b"content-type") == Some(CONTENT_TYPE.as_bytes());
        if !is_call || end {
            return self.refuse(id, 415, Reason::BridgeNotDubbo, now);
        }
        let incoming = Incoming {
            headers,
            body: Chunks::default(),
            header: None,
        };
        self.incoming.insert(id, incoming);
    }

    pub(super) fn on_data(
        &mut self,
        id: StreamId,
        data: Bytes,
        end: bool,
        now: Duration,
        share: &mut Share,
    ) {
        let Some(incoming) = self.incoming.get_mut(&id) else {
            return;
        };
        self.incoming_bytes += data.len();
        incoming.body.push(data);
        if incoming.header.is_none()
            && let Some(bytes) = incoming.body.peek::<HEADER_LENGTH>()
        {
            match Header::decode(&bytes, &FRAME_LIMITS) {
                Progress::Complete(header) if header.is_request() && !header.is_event() => {
                    incoming.header = Some(header);
                }
                _ => return self.refuse(id, 400, Reason::BridgeBrokenFrame, now),
            }
        }
        if let Some(header) = &incoming.header {
            let length = frame_length(header);
            let received = incoming.body.len();
            if length > self.limits().max_frame_bytes {
                return self.refuse(id, 413, Reason::BridgeFrameTooLarge, now);
            }
            if received > length || (end && received < length) {
                return self.refuse(id, 400, Reason::BridgeBrokenFrame, now);
            }
            if received < length {
                self.want_window(id, length - received, now, share);
            }
        }
        if end {
            self.on_end(id, now, share);
        }
    }

    pub(super) fn on_end(&mut self, id: StreamId, now: Duration, share: &mut Share) {
        if let Some(incoming) = self.forget_incoming(id) {
            self.forward(id, incoming, now);
            self.admit_long_requests(now, share);
        }
    }

    /// Removes a request that has been dealt with.
    pub(super) fn forget_incoming(&mut self, id: StreamId) -> Option<Incoming> {
        let incoming = self.incoming.remove(&id)?;
        self.incoming_bytes -= incoming.body.len();
        if self.admitted == Some(id) {
            self.admitted = None;
        }
        Some(incoming)
    }

    /// Sees to it that a request that is longer than its window gets a larger one in its turn.
    fn want_window(&mut self, id: StreamId, to_come: usize, now: Duration, share: &mut Share) {
        let to_come = i64::try_from(to_come).unwrap_or(i64::MAX);
        let is_known = self.admitted == Some(id) || self.long_requests.contains(&id);
        if !is_known && self.http.stream_window(id) < to_come {
            self.long_requests.push_back(id);
            self.admit_long_requests(now, share);
        }
    }

    /// Gives the next long request a window for all of it, when none has one and there is room.
    pub(super) fn admit_long_requests(&mut self, now: Duration, share: &mut Share) {
        while self.admitted.is_none()
            && let Some(id) = self.long_requests.front().copied()
        {
            let length = self.incoming.get(&id).and_then(|incoming| {
                Some(frame_length(incoming.header.as_ref()?) - incoming.body.len())
            });
            let Some(to_come) = length else {
                self.long_requests.pop_front();
                continue;
            };
            let allowed = share.allows(self.held_bytes().saturating_add(to_come), self.limits());
            if !allowed && self.held_bytes() > self.incoming_bytes {
                // Something else is in the way that will go; this one waits in its window.
                return;
            }
            self.long_requests.pop_front();
            if !allowed {
                self.refuse(id, 503, Reason::BridgeBufferFull, now);
                continue;
            }
            let window = self.http.stream_window(id);
            let to_come = i64::try_from(to_come).unwrap_or(i64::MAX);
            if let Ok(missing) = u32::try_from(to_come.saturating_sub(window)) {
                self.http.grant(id, missing);
            }
            self.admitted = Some(id);
        }
    }
}
