//! Answers to the HTTP/2 peer.

use std::time::Duration;

use bytes::Bytes;
use meshlane_attributes::dubbo::{CONTENT_TYPE, EXCEPTION, STATUS, encode_text};
use meshlane_diagnostics::Reason;
use meshlane_dubbo::{HEADER_LENGTH, Header, ResultHead, Status};
use meshlane_http2::{HeaderBlock, HeaderBlockBuilder, StreamId};

use super::{Call, ToDubbo};
use crate::frame_length;
use crate::note::Note;
use crate::status::http_status;

/// Header blocks that are the same for every call.
#[derive(Debug)]
pub(super) struct Blocks {
    /// Of an answer with status 20 and no exception.
    ok: HeaderBlock,
    /// Of an answer to a one-way call.
    accepted: HeaderBlock,
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self {
            ok: answer_block(Status::OK, None),
            accepted: HeaderBlockBuilder::new().field(":status", "200").finish(),
        }
    }
}

impl ToDubbo {
    /// Answers a call by a response frame that is all there.
    pub(super) fn answer_whole(
        &mut self,
        id: StreamId,
        header: Header,
        frame: Bytes,
        now: Duration,
    ) {
        let Some(call) = self.take_call(id) else {
            return;
        };
        let body = frame.get(HEADER_LENGTH..).unwrap_or_default();
        let (block, exception) = self.block_for(&header, body);
        self.http.send_headers(id, block, false);
        if call.request_id == header.request_id {
            self.http.send_data(id, frame, true);
        } else {
            let length = frame.len();
            let beginning = restored(header, call.request_id);
            if length > HEADER_LENGTH {
                self.http.send_data(id, beginning, false);
                self.http.send_data(id, frame.slice(HEADER_LENGTH..), true);
            } else {
                self.http.send_data(id, beginning, true);
            }
        }
        self.note_answer(call, &header, exception, None, now);
    }

    /// Answers a call by a response frame of which only the beginning is there.
    pub(super) fn begin_answer(&mut self, id: StreamId, header: Header, beginning: &[u8]) {
        let body = beginning.get(HEADER_LENGTH..).unwrap_or_default();
        let (block, exception) = self.block_for(&header, body);
        let Some(call) = self.calls.get_mut(&u64::from(id.value())) else {
            return;
        };
        call.streamed = Some((header, exception));
        let beginning = restored(header, call.request_id);
        self.http.send_headers(id, block, false);
        self.http.send_data(id, beginning, false);
    }

    /// The response frame that was streamed is complete, or will never be.
    pub(super) fn end_streamed(&mut self, id: StreamId, reason: Option<Reason>, now: Duration) {
        let Some(call) = self.take_call(id) else {
            return;
        };
        if let Some((header, exception)) = call.streamed {
            self.note_answer(call, &header, exception, reason, now);
        }
    }

    /// Answers a one-way call, which the provider never does.
    pub(super) fn answer_one_way(&mut self, id: StreamId) {
        self.http
            .send_headers(id, self.blocks.accepted.clone(), true);
    }

    /// Answers by an HTTP status of the bridge's own.
    pub(super) fn refuse(&mut self, id: StreamId, http_status: u16, reason: Reason, now: Duration) {
        self.forget_incoming(id);
        let block = HeaderBlockBuilder::new()
            .field(":status", http_status.to_string())
            .field("content-type", "text/plain; charset=utf-8")
            .field("x-meshlane-reason", reason.as_str())
            .finish();
        self.http.send_headers(id, block, false);
        let text = Bytes::from_static(reason.description().as_bytes());
        self.http.send_data(id, text, true);
        self.notes.push_back(Note::Refused(reason));
        if let Some(call) = self.take_call(id) {
            self.note_end(call, None, Some(http_status), 0, Some(reason), now);
        }
    }

    pub(super) fn take_call(&mut self, id: StreamId) -> Option<Call> {
        self.calls.remove(&u64::from(id.value()))
    }

    /// The headers of an answer, and whether it is an exception of the application.
    fn block_for(&self, header: &Header, body: &[u8]) -> (HeaderBlock, bool) {
        if header.status != Status::OK {
            return (answer_block(header.status, None), false);
        }
        match ResultHead::read(header.serialization(), body, &self.plan.reading) {
            Ok(result) if result.kind.is_exception() => {
                let class = result.exception.as_deref().and_then(encode_text);
                let class = class.as_deref().unwrap_or("unknown");
                (answer_block(header.status, Some(class)), true)
            }
            _ => (self.blocks.ok.clone(), false),
        }
    }

    fn note_answer(
        &mut self,
        call: Call,
        header: &Header,
        exception: bool,
        reason: Option<Reason>,
        now: Duration,
    ) {
        let length = frame_length(header);
        let status = Some(header.status.number());
        let http = Some(http_status(header.status));
        self.note_end(call, status, http, length, reason, now);
        if exception && let Some(Note::CallEnded(ended)) = self.notes.back_mut() {
            ended.exception = true;
        }
    }
}

fn answer_block(status: Status, exception: Option<&str>) -> HeaderBlock {
    let mut fields = HeaderBlockBuilder::new()
        .field(":status", http_status(status).to_string())
        .field("content-type", CONTENT_TYPE)
        .field(STATUS, status.number().to_string());
    if let Some(class) = exception {
        fields = fields.field(EXCEPTION, class);
    }
    fields.finish()
}

/// The header of a frame with the id that the client knows its call by.
fn restored(mut header: Header, request_id: u64) -> Bytes {
    header.request_id = request_id;
    Bytes::copy_from_slice(&header.encode())
}
