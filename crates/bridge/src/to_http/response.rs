//! From the answer on an HTTP/2 stream to the response frame of its call.

use std::time::Duration;

use bytes::Bytes;
use meshlane_attributes::dubbo::EXCEPTION;
use meshlane_diagnostics::Reason;
use meshlane_dubbo::{HEADER_LENGTH, Header, Progress, Status};
use meshlane_http2::{ErrorCode, Headers, ResetReason, StreamId};

use super::call::{Answer, Frame};
use super::{ToHttp, request};
use crate::budget::Share;
use crate::note::Note;
use crate::status::dubbo_status;
use crate::{FRAME_LIMITS, frame_length};

/// How much of an HTTP answer's text is given on in the message of a Dubbo error.
const MAX_TEXT: usize = 512;

impl ToHttp {
    pub(super) fn on_headers(&mut self, id: StreamId, headers: &Headers, end: bool, now: Duration) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.http_status = headers.status();
        call.exception = headers.get(EXCEPTION.as_bytes()).is_some();
        if let Answer::Waiting = call.answer {
            call.answer = Answer::from_headers(headers);
        }
        if end {
            self.on_end(id, now);
        }
    }

    pub(super) fn on_data(
        &mut self,
        id: StreamId,
        data: Bytes,
        end: bool,
        now: Duration,
        share: &mut Share,
    ) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        match &mut call.answer {
            Answer::Frame(frame) => {
                self.held_answers += data.len();
                frame.held.push(data);
                self.on_frame_data(id, now, share);
            }
            Answer::Streaming { .. } => self.stream(id, data, now),
            Answer::Foreign { text, .. } => {
                let room = MAX_TEXT.saturating_sub(text.len());
                text.extend(data.iter().take(room));
                if text.len() >= MAX_TEXT && !end {
                    // The rest would only be thrown away.
                    self.http.send_reset(id, ErrorCode::CANCEL);
                    return self.on_end(id, now);
                }
            }
            Answer::Waiting | Answer::Done => {}
        }
        if end {
            self.on_end(id, now);
        }
    }

    /// More of a response frame was received: looks whether it can go.
    fn on_frame_data(&mut self, id: StreamId, now: Duration, share: &mut Share) {
        let max_frame = self.limits().max_frame_bytes;
        let may_hold = share.allows(self.held_bytes(), self.limits());
        let Some(frame) = self.frame(id) else { return };
        if frame.header.is_none() {
            let Some(bytes) = frame.held.peek::<HEADER_LENGTH>() else {
                return;
            };
            match response_header(&bytes) {
                Some(header) if frame_length(&header) <= max_frame => frame.header = Some(header),
                Some(_) => return self.abandon(id, Reason::BridgeFrameTooLarge, now),
                None => return self.abandon(id, Reason::BridgeNotDubboAnswer, now),
            }
        }
        let Some(length) = frame.length() else { return };
        if frame.held.len() >= length {
            return self.deliver(id, now);
        }
        if !may_hold {
            return self.abandon(id, Reason::BridgeBufferFull, now);
        }
        let to_come = i64::try_from(length - frame.held.len()).unwrap_or(i64::MAX);
        if !frame.is_queued && self.http.stream_window(id) < to_come {
            if let Some(frame) = self.frame(id) {
                frame.is_queued = true;
            }
            self.long_responses.push_back(id);
            self.begin_long_response(now);
        }
    }

    /// Gives the client a response that is complete.
    fn deliver(&mut self, id: StreamId, now: Duration) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Answer::Frame(frame) = std::mem::replace(&mut call.answer, Answer::Done) else {
            return;
        };
        let Frame {
            mut held, header, ..
        } = frame;
        self.held_answers -= held.len();
        let Some(mut header) = header else { return };
        let length = frame_length(&header);
        let caller = call.caller;
        if caller.two_way {
            let mut rest = length;
            if header.request_id != caller.request_id {
                header.request_id = caller.request_id;
                held.take(HEADER_LENGTH);
                rest -= HEADER_LENGTH;
                let beginning = Bytes::copy_from_slice(&header.encode());
                self.outbox.send([beginning]);
            }
            self.outbox.send(std::iter::from_fn(|| {
                let piece = held.take_piece(rest).filter(|piece| !piece.is_empty())?;
                rest -= piece.len();
                Some(piece)
            }));
        }
        self.finish(id, header.status, length, now);
    }

    /// Starts to stream the next response that is longer than its window, if none is on its way.
    fn begin_long_response(&mut self, now: Duration) {
        while !self.outbox.is_streaming() {
            let Some(id) = self.long_responses.pop_front() else {
                return;
            };
            let Some(call) = self.calls.get_mut(&id) else {
                continue;
            };
            let caller = call.caller;
            let Answer::Frame(frame) = &mut call.answer else {
                continue;
            };
            let Some(mut header) = frame.header.take() else {
                continue;
            };
            let length = frame_length(&header);
            let mut held = std::mem::take(&mut frame.held);
            self.held_answers -= held.len();
            call.answer = Answer::Streaming {
                remaining: length,
                length,
                status: header.status.number(),
            };
            let to_come = i64::try_from(length - held.len()).unwrap_or(i64::MAX);
            let missing = to_come.saturating_sub(self.http.stream_window(id));
            if let Ok(missing) = u32::try_from(missing)
                && missing > 0
            {
                self.http.grant(id, missing);
                self.wake.is_urgent = true;
                // Nothing can be sent between here and the end of the frame.
                self.wake_client();
            }
            if caller.two_way {
                self.outbox.begin_streaming();
            }
            header.request_id = caller.request_id;
            held.take(HEADER_LENGTH);
            self.stream(id, Bytes::copy_from_slice(&header.encode()), now);
            while let Some(piece) = held.take_piece(usize::MAX) {
                self.stream(id, piece, now);
            }
        }
    }

    /// Gives the client the next piece of the response on its way.
    fn stream(&mut self, id: StreamId, mut data: Bytes, now: Duration) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Answer::Streaming {
            remaining,
            length,
            status,
        } = &mut call.answer
        else {
            return;
        };
        data.truncate(*remaining);
        *remaining -= data.len();
        let (is_complete, length, status) = (*remaining == 0, *length, Status(*status));
        if call.caller.two_way {
            self.outbox.stream(data);
        }
        if is_complete {
            call.answer = Answer::Done;
            self.outbox.end_streaming();
            self.finish(id, status, length, now);
            self.begin_long_response(now);
        }
    }

    /// The stream ended from the other side.
    pub(super) fn on_end(&mut self, id: StreamId, now: Duration) {
        let reason = match self.calls.get(&id).map(|call| &call.answer) {
            None => return,
            Some(Answer::Foreign { .. }) => None,
            Some(Answer::Waiting | Answer::Frame(_)) => Some(Reason::BridgeNotDubboAnswer),
            Some(Answer::Streaming { .. }) => {
                return self.cut();
            }
            Some(Answer::Done) => {
                self.calls.remove(&id);
                return;
            }
        };
        match reason {
            None => self.answer_foreign(id, now),
            Some(reason) => self.fail(id, reason, now),
        }
        self.calls.remove(&id);
    }

    pub(super) fn on_reset(&mut self, id: StreamId, by: ResetReason, now: Duration) {
        let reason = match by {
            ResetReason::GoAway => Reason::BridgeGoingAway,
            _ => Reason::BridgeStreamReset,
        };
        match self.calls.get(&id).map(|call| &call.answer) {
            None => return,
            Some(Answer::Streaming { .. }) => return self.cut(),
            Some(Answer::Done) => {}
            Some(_) => self.fail(id, reason, now),
        }
        self.calls.remove(&id);
    }

    /// Half a response is out and the rest will not come. What follows could not be told from
    /// the missing rest, so the connection has to end.
    fn cut(&mut self) {
        self.notes
            .push_back(Note::Refused(Reason::BridgeResponseCut));
        self.close = Some(crate::bridge::CloseReason(Reason::BridgeResponseCut));
    }

    /// Ends a call whose answer the bridge does not want to have.
    pub(super) fn abandon(&mut self, id: StreamId, reason: Reason, now: Duration) {
        self.http.send_reset(id, ErrorCode::CANCEL);
        self.fail(id, reason, now);
        self.calls.remove(&id);
    }

    /// Answers a call by an error of the bridge's own.
    pub(super) fn fail(&mut self, id: StreamId, reason: Reason, now: Duration) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if let Answer::Done = call.answer {
            return;
        }
        self.held_answers -= call.answer.held_bytes();
        call.answer = Answer::Done;
        let caller = call.caller;
        let message = format!("{reason} ({}/{})", call.interface, call.method);
        let status = request::status_of(reason);
        self.notes.push_back(Note::Refused(reason));
        self.answer_error(&caller, status, &message);
        self.note_end(id, Some(status), 0, Some(reason), now);
    }

    /// Answers a call by what HTTP said: the status, the reason, and the beginning of the text.
    fn answer_foreign(&mut self, id: StreamId, now: Duration) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Answer::Foreign { text, reason } = std::mem::replace(&mut call.answer, Answer::Done)
        else {
            return;
        };
        let http_status = call.http_status.unwrap_or_default();
        let caller = call.caller;
        if !caller.two_way && (200..300).contains(&http_status) {
            return self.note_end(id, None, 0, None, now);
        }
        let mut message = format!("HTTP {http_status}");
        if !reason.is_empty() {
            message.push_str(&format!(" ({})", String::from_utf8_lossy(&reason)));
        }
        message.push_str(&format!(" for {}/{}", call.interface, call.method));
        let text = String::from_utf8_lossy(&text);
        if !text.trim().is_empty() {
            message.push_str(&format!(": {}", text.trim()));
        }
        let status = dubbo_status(http_status);
        self.answer_error(&caller, status, &message);
        self.note_end(id, Some(status), 0, None, now);
    }

    fn finish(&mut self, id: StreamId, status: Status, length: usize, now: Duration) {
        self.note_end(id, Some(status), length, None, now);
    }

    fn note_end(
        &mut self,
        id: StreamId,
        status: Option<Status>,
        length: usize,
        reason: Option<Reason>,
        now: Duration,
    ) {
        if let Some(call) = self.calls.get(&id) {
            let note = call.ended(status, length, reason, now);
            self.notes.push_back(Note::CallEnded(note));
        }
    }

    fn frame(&mut self, id: StreamId) -> Option<&mut Frame> {
        match &mut self.calls.get_mut(&id)?.answer {
            Answer::Frame(frame) => Some(frame),
            _ => None,
        }
    }
}

/// The header of a response frame; nothing when it is not one.
fn response_header(bytes: &[u8]) -> Option<Header> {
    match Header::decode(bytes, &FRAME_LIMITS) {
        Progress::Complete(header) if !header.is_request() && !header.is_event() => Some(header),
        _ => None,
    }
}
