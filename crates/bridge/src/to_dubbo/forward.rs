//! From an HTTP/2 request to the request frame that the provider gets.

use std::time::Duration;

use bytes::Bytes;
use meshlane_diagnostics::Reason;
use meshlane_dubbo::{Edit, HEADER_LENGTH, Header, spliced_length};
use meshlane_http2::StreamId;

use super::incoming::Incoming;
use super::{Call, ToDubbo};
use crate::frame_length;
use crate::note::Note;
use crate::verify::{Verified, verify};

impl ToDubbo {
    /// Gives the provider a request that is complete, if it is what its headers say.
    pub(super) fn forward(&mut self, id: StreamId, mut incoming: Incoming, now: Duration) {
        let Some(header) = incoming.header else {
            return self.refuse(id, 400, Reason::BridgeBrokenFrame, now);
        };
        let length = frame_length(&header);
        let request_bytes = incoming.body.len();
        let frame = match incoming.body.take(length) {
            Some(frame) if frame.len() == request_bytes => frame,
            _ => return self.refuse(id, 400, Reason::BridgeBrokenFrame, now),
        };
        let body = frame.slice(HEADER_LENGTH..);
        let verified = match verify(&self.plan, &incoming.headers, &header, &body) {
            Ok(verified) => verified,
            Err(reason) => return self.refuse(id, 400, reason, now),
        };
        let Verified {
            interface,
            method,
            edits,
            is_unwritten,
        } = verified;
        if is_unwritten {
            self.notes.push_back(Note::CarrierNotWritten);
        }
        self.notes.push_back(Note::CallStarted);
        let (interface, method) = self.names.of(&interface, &method);
        self.send_frame(id, header, &body, edits);
        let call = Call {
            stream: id,
            request_id: header.request_id,
            interface,
            method,
            started: now,
            request_bytes,
            streamed: None,
        };
        if header.is_two_way() {
            self.calls.insert(u64::from(id.value()), call);
        } else {
            self.answer_one_way(id);
            self.note_end(call, None, Some(200), 0, None, now);
        }
    }

    /// Sends a frame under its stream's number, with the edits made. Nothing of the rest is copied.
    fn send_frame(&mut self, id: StreamId, mut header: Header, body: &Bytes, edits: Vec<Edit>) {
        header.request_id = u64::from(id.value());
        let length = spliced_length(body.len(), &edits);
        header.body_length = u32::try_from(length).unwrap_or(header.body_length);
        self.to_provider
            .push_back(Bytes::copy_from_slice(&header.encode()));
        let mut at = 0;
        for edit in edits {
            self.send_piece(body, at, edit.range.start);
            self.to_provider.push_back(Bytes::from(edit.replacement));
            at = edit.range.end;
        }
        self.send_piece(body, at, body.len());
    }

    fn send_piece(&mut self, body: &Bytes, from: usize, to: usize) {
        if from < to && to <= body.len() {
            self.to_provider.push_back(body.slice(from..to));
        }
    }
}
