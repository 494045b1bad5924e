//! Frames that arrive from the provider.

use std::time::Duration;

use bytes::Bytes;
use meshlane_diagnostics::Reason;
use meshlane_dubbo::{
    Event, HEADER_LENGTH, Header, Progress, Status, error_response, heartbeat_response,
};
use meshlane_http2::{ErrorCode, StreamId};

use super::ToDubbo;
use crate::bridge::CloseReason;
use crate::budget::Share;
use crate::note::Note;
use crate::{EVENT_ID, FRAME_LIMITS, frame_length};

/// Responses up to this length are taken whole before they go on.
const WHOLE: usize = 64 * 1024;
/// Events are a few bytes long; more of one is not looked at.
const MAX_EVENT: usize = 1024;

/// What is being read from the provider.
#[derive(Debug, Default)]
pub(super) enum Reading {
    /// The header of the next frame.
    #[default]
    Header,
    /// The rest of a response that is streamed; of one that nobody wants, when there is no stream.
    Body {
        stream: Option<StreamId>,
        remaining: usize,
    },
}

impl ToDubbo {
    pub(super) fn read_provider(&mut self, now: Duration, share: &mut Share) {
        while self.close.is_none() && self.read_one(now, share).is_some() {}
    }

    /// Takes one step; nothing when more bytes are needed.
    fn read_one(&mut self, now: Duration, share: &mut Share) -> Option<()> {
        if let Reading::Body { stream, remaining } = self.reading {
            return self.read_body(stream, remaining, now, share);
        }
        let bytes = self.input.peek::<HEADER_LENGTH>()?;
        let Progress::Complete(header) = Header::decode(&bytes, &FRAME_LIMITS) else {
            self.notes
                .push_back(Note::Refused(Reason::BridgeBrokenFrame));
            self.lose_provider(Reason::BridgeBrokenFrame, now);
            self.close = Some(CloseReason(Reason::BridgeBrokenFrame));
            return None;
        };
        let length = frame_length(&header);
        if header.is_event() {
            if length > MAX_EVENT {
                self.refuse_frame(length, Reason::BridgeUnexpectedFrame);
            } else {
                let frame = self.input.take(length)?;
                self.on_event_frame(&header, &frame);
            }
        } else if header.is_request() {
            self.refuse_callback(&header, length);
        } else {
            self.on_response(header, length, now, share)?;
        }
        Some(())
    }

    fn on_response(
        &mut self,
        header: Header,
        length: usize,
        now: Duration,
        share: &Share,
    ) -> Option<()> {
        let Some(id) = self.call_of(header.request_id) else {
            self.refuse_frame(length, Reason::BridgeUnknownResponse);
            return Some(());
        };
        let would_hold = self.held_bytes() - self.input.len().min(length) + length;
        // What is not queued goes right on; only a peer that does not keep up makes it wait.
        // Not up to the last byte, so that one that has begun is not the victim of what comes next.
        let reserve = self.limits().max_buffered_bytes / 8;
        let is_too_much = self.http.queued_bytes() > 0
            && !share.allows(would_hold.saturating_add(reserve), self.limits());
        if length > self.limits().max_frame_bytes || is_too_much {
            let reason = if is_too_much {
                Reason::BridgeBufferFull
            } else {
                Reason::BridgeFrameTooLarge
            };
            self.refuse(id, 503, reason, now);
            self.reading = Reading::Body {
                stream: None,
                remaining: length,
            };
            return Some(());
        }
        if length <= WHOLE {
            let frame = self.input.take(length)?;
            self.answer_whole(id, header, frame, now);
        } else {
            // Enough of the body to see what kind of result it is.
            let beginning = self.input.peek::<{ HEADER_LENGTH + 1 }>()?;
            self.input.take(HEADER_LENGTH)?;
            self.begin_answer(id, header, &beginning);
            self.reading = Reading::Body {
                stream: Some(id),
                remaining: length - HEADER_LENGTH,
            };
        }
        Some(())
    }

    fn read_body(
        &mut self,
        stream: Option<StreamId>,
        remaining: usize,
        now: Duration,
        share: &Share,
    ) -> Option<()> {
        let piece = self.input.take_piece(remaining)?;
        let remaining = remaining - piece.len();
        self.reading = match remaining {
            0 => Reading::Header,
            remaining => Reading::Body { stream, remaining },
        };
        let Some(id) = stream else { return Some(()) };
        self.http.send_data(id, piece, remaining == 0);
        let allowed = share.allows(self.held_bytes(), self.limits());
        if !allowed && self.http.queued_bytes_of(id) > 0 {
            self.http.send_reset(id, ErrorCode::ENHANCE_YOUR_CALM);
            self.notes
                .push_back(Note::Refused(Reason::BridgeBufferFull));
            self.end_streamed(id, Some(Reason::BridgeBufferFull), now);
            if remaining > 0 {
                self.reading = Reading::Body {
                    stream: None,
                    remaining,
                };
            }
        } else if remaining == 0 {
            self.end_streamed(id, None, now);
        }
        Some(())
    }

    fn on_event_frame(&mut self, header: &Header, frame: &[u8]) {
        if !header.is_request() {
            self.wake.heartbeat_is_out &= header.request_id != EVENT_ID;
        } else if header.is_two_way() {
            self.notes.push_back(Note::HeartbeatAnswered);
            let answer = heartbeat_response(header.request_id, header.serialization());
            self.to_provider.push_back(Bytes::from(answer));
        } else if is_readonly(header, frame) {
            // The provider is about to stop: the peer opens its next streams elsewhere, and
            // those that are on their way already still reach it.
            self.notes.push_back(Note::Draining);
            self.http
                .send_goaway(Some(MAX_STREAM), ErrorCode::NO_ERROR, b"READONLY");
        }
    }

    /// A request of the provider's: a callback. Nothing here can deliver it.
    fn refuse_callback(&mut self, header: &Header, length: usize) {
        if header.is_two_way() {
            let message = format!("meshlane: {}", Reason::BridgeCallbackArgument);
            let answer = error_response(
                header.request_id,
                header.serialization(),
                Status::SERVICE_ERROR,
                &message,
            );
            self.to_provider.push_back(Bytes::from(answer));
        }
        self.refuse_frame(length, Reason::BridgeCallbackArgument);
    }

    /// Throws a frame away.
    fn refuse_frame(&mut self, length: usize, reason: Reason) {
        self.notes.push_back(Note::Refused(reason));
        self.reading = Reading::Body {
            stream: None,
            remaining: length,
        };
    }

    /// Nothing more will come from the provider: each call is answered, so that it may be tried
    /// again elsewhere.
    pub(super) fn lose_provider(&mut self, reason: Reason, now: Duration) {
        if let Reading::Body {
            stream: Some(id), ..
        } = self.reading
        {
            self.http.send_reset(id, ErrorCode::INTERNAL_ERROR);
            self.end_streamed(id, Some(reason), now);
        }
        let calls = self.calls.values().map(|call| call.stream);
        let waiting: Vec<_> = calls.chain(self.incoming.keys().copied()).collect();
        for id in waiting {
            self.refuse(id, 503, reason, now);
        }
        self.http
            .send_goaway(None, ErrorCode::NO_ERROR, reason.as_str().as_bytes());
    }

    /// The call that a provider's request id stands for.
    fn call_of(&self, request_id: u64) -> Option<StreamId> {
        Some(self.calls.get(&request_id)?.stream)
    }
}

/// Whether an event says that the provider is about to stop.
fn is_readonly(header: &Header, frame: &[u8]) -> bool {
    let body = frame.get(HEADER_LENGTH..).unwrap_or_default();
    matches!(Event::read(header.serialization(), body), Event::ReadOnly)
}

/// GOAWAY with this says that no stream is refused yet
/// ([RFC 9113 §6.8](https://www.rfc-editor.org/rfc/rfc9113#section-6.8)).
const MAX_STREAM: u32 = 0x7fff_ffff;
