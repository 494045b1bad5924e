//! From Dubbo to HTTP/2: what stands between a Dubbo client and Envoy's connection manager.

mod call;
mod request;
mod response;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use meshlane_diagnostics::Reason;
use meshlane_dubbo::{
    HEADER_LENGTH, Header, Progress, Serialization, Status, error_response, heartbeat_request,
    heartbeat_response, readonly_event,
};
use meshlane_http2::{Connection, Event, Refused, StreamId};

use self::call::{Call, Caller, Queued};
use crate::bridge::CloseReason;
use crate::budget::Share;
use crate::chunks::Chunks;
use crate::note::{Note, RecentNames};
use crate::outbox::Outbox;
use crate::plan::Plan;
use crate::policy::{Limits, OnBrokenFrame};
use crate::windows::{Windows, http2_config};
use crate::{EVENT_ID, FRAME_LIMITS, PING, frame_length};

/// The state of one Dubbo client's connection.
#[derive(Debug)]
pub(crate) struct ToHttp {
    plan: Rc<Plan>,
    destination: String,
    http: Connection,
    windows: Windows,
    input: Chunks,
    /// How many bytes of a refused frame are still to come.
    discard: usize,
    calls: BTreeMap<StreamId, Call>,
    queue: VecDeque<Queued>,
    queued_bytes: usize,
    /// How many bytes of answers are held.
    held_answers: usize,
    /// Responses that are too long for their windows, in the order of their turn.
    long_responses: VecDeque<StreamId>,
    outbox: Outbox,
    notes: VecDeque<Note>,
    names: RecentNames,
    wake: Wake,
    serialization: Serialization,
    is_draining: bool,
    /// Whether the connection manager takes no more calls.
    is_ending: bool,
    /// The earliest deadline of a call.
    next_deadline: Option<Duration>,
    /// Whether the client sent what is no frame.
    is_broken: bool,
    /// Whether the connection manager has sent its SETTINGS.
    is_greeted: bool,
    close: Option<CloseReason>,
}

/// What was sent to make bytes pass.
///
/// A filter can write to a side only while bytes pass towards it. So when there is something
/// for the connection manager and the client is silent, the client is sent a heartbeat, whose
/// answer passes; the other way round the connection manager is sent a PING.
#[derive(Debug, Default)]
struct Wake {
    heartbeat_is_out: bool,
    ping_is_out: bool,
    /// There is output for the connection manager that must not wait for the next call.
    is_urgent: bool,
}

impl ToHttp {
    pub(crate) fn new(plan: Rc<Plan>, destination: String) -> Self {
        Self {
            http: Connection::client(http2_config(&plan.policy)),
            plan,
            destination,
            windows: Windows::new(),
            input: Chunks::default(),
            discard: 0,
            calls: BTreeMap::new(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            held_answers: 0,
            long_responses: VecDeque::new(),
            outbox: Outbox::default(),
            notes: VecDeque::new(),
            names: RecentNames::new(),
            wake: Wake::default(),
            serialization: Serialization::HESSIAN2,
            is_draining: false,
            is_ending: false,
            next_deadline: None,
            is_broken: false,
            is_greeted: false,
            close: None,
        }
    }

    pub(crate) fn handle_downstream(&mut self, data: Bytes, now: Duration, share: &mut Share) {
        if self.close.is_some() {
            return;
        }
        if !self.is_broken {
            self.input.push(data);
        }
        self.give_up_expired(now);
        self.read_frames(now, share);
        self.open_queued();
        if self.is_ending && self.calls.is_empty() {
            // The connection manager reads no more, so no answer could go back. The client sees
            // the end at once, and connects again.
            self.give_up(Reason::BridgeGoingAway, now);
            self.outbox = Outbox::default();
        }
        self.windows.follow(&mut self.http);
        self.wake.is_urgent = false;
        if self.outbox.has_output() && !self.wake.ping_is_out {
            self.wake.ping_is_out = true;
            self.http.send_ping(PING);
        }
    }

    pub(crate) fn handle_upstream(
        &mut self,
        data: Bytes,
        end: bool,
        now: Duration,
        share: &mut Share,
    ) {
        if self.close.is_some() {
            return;
        }
        self.http.handle_time(now);
        let was_greeted = self.is_greeted;
        let mut was_blocked = self.http.queued_bytes() > 0;
        let outcome = self.http.handle_bytes(data);
        while let Some(event) = self.http.poll_event() {
            self.on_event(event, now, share);
        }
        if self.is_broken {
            self.close = Some(CloseReason(Reason::BridgeBrokenFrame));
        } else if outcome.is_err() {
            self.give_up(Reason::BridgeHttp2Error, now);
        } else if end {
            self.give_up(Reason::BridgeGoingAway, now);
        } else if self.is_ending && self.calls.is_empty() {
            // Whatever the client sends from here on, the connection manager does not read.
            self.refuse_queued(Reason::BridgeGoingAway);
            self.close = Some(CloseReason(Reason::BridgeGoingAway));
        }
        was_blocked |= !self.queue.is_empty();
        self.open_queued();
        // The acknowledgement of the first SETTINGS may ride on the next call. All else may be
        // waited for: windows, bodies that had no window, the answer to a PING.
        self.wake.is_urgent |= self.http.has_output() && (was_greeted || was_blocked);
        self.wake_client();
    }

    pub(crate) fn poll_to_upstream(&mut self) -> Option<Bytes> {
        self.http.poll_output()
    }

    pub(crate) fn poll_to_downstream(&mut self) -> Option<Bytes> {
        self.outbox.poll()
    }

    pub(crate) fn poll_note(&mut self) -> Option<Note> {
        self.notes.pop_front()
    }

    pub(crate) fn close(&self) -> Option<CloseReason> {
        self.close
    }

    pub(crate) fn set_plan(&mut self, plan: Rc<Plan>) {
        self.plan = plan;
    }

    /// Takes every complete frame from the input.
    fn read_frames(&mut self, now: Duration, share: &mut Share) {
        while self.close.is_none() {
            while self.discard > 0 {
                let Some(piece) = self.input.take_piece(self.discard) else {
                    return;
                };
                self.discard -= piece.len();
            }
            let Some(header) = self.input.peek::<HEADER_LENGTH>() else {
                return;
            };
            let header = match Header::decode(&header, &FRAME_LIMITS) {
                Progress::Complete(header) => header,
                Progress::NeedMore(_) => return,
                Progress::Invalid(_) => {
                    return self.on_broken(now);
                }
            };
            let length = frame_length(&header);
            if let Some(reason) = self.refuses(length, share) {
                self.discard = length;
                self.refuse(&header, reason);
                continue;
            }
            match self.input.take(length) {
                Some(frame) => self.on_frame(&header, frame, now),
                None => return,
            }
        }
    }

    /// Why a frame of this length may not be taken, if so.
    fn refuses(&self, length: usize, share: &Share) -> Option<Reason> {
        if length > self.limits().max_frame_bytes {
            return Some(Reason::BridgeFrameTooLarge);
        }
        let held = self.held_bytes() - self.input.len() + length.max(self.input.len());
        (!share.allows(held, self.limits())).then_some(Reason::BridgeBufferFull)
    }

    fn on_frame(&mut self, header: &Header, frame: Bytes, now: Duration) {
        self.serialization = header.serialization();
        match (header.is_request(), header.is_event()) {
            (true, false) => self.on_call(header, frame, now),
            (true, true) if header.is_two_way() => {
                self.notes.push_back(Note::HeartbeatAnswered);
                let answer = heartbeat_response(header.request_id, header.serialization());
                self.outbox.send([Bytes::from(answer)]);
            }
            (false, true) => self.wake.heartbeat_is_out &= header.request_id != EVENT_ID,
            // A one-way event is for information only.
            (true, true) => {}
            (false, false) => self
                .notes
                .push_back(Note::Refused(Reason::BridgeUnexpectedFrame)),
        }
    }

    /// The bytes are no frames any more: nothing that follows can be read.
    fn on_broken(&mut self, now: Duration) {
        let reason = Reason::BridgeBrokenFrame;
        self.notes.push_back(Note::Refused(reason));
        self.is_broken = true;
        self.input = Chunks::default();
        self.give_up(reason, now);
        match self.plan.policy.on_broken_frame {
            // Closed when the answers could be written.
            OnBrokenFrame::Answer if self.outbox.has_output() => self.close = None,
            OnBrokenFrame::Answer => {}
            OnBrokenFrame::Close => self.outbox = Outbox::default(),
        }
    }

    fn on_call(&mut self, header: &Header, frame: Bytes, now: Duration) {
        let caller = Caller::of(header);
        let prepared = match request::prepare(&self.plan, &self.destination, header, &frame) {
            Ok(prepared) => prepared,
            Err(reason) => return self.refuse(header, reason),
        };
        self.notes.push_back(Note::CallStarted);
        let (interface, method) = self.names.of(&prepared.interface, &prepared.method);
        let deadline = prepared
            .patience
            .map(|patience| now.saturating_add(patience));
        self.next_deadline = self.next_deadline.into_iter().chain(deadline).min();
        let call = Call {
            caller,
            interface,
            method,
            started: now,
            deadline,
            request_bytes: frame.len(),
            answer: call::Answer::Waiting,
            http_status: None,
            exception: false,
        };
        self.queued_bytes += frame.len();
        self.queue.push_back(Queued {
            call,
            block: prepared.block,
            frame,
        });
        self.open_queued();
        if self.queue.len() > self.most_waiting() {
            self.refuse_newest(Reason::BridgeQueueFull);
        }
    }

    /// Opens a stream for each waiting call, as far as that is possible now.
    ///
    /// Where no stream can be opened ever again, the calls wait for the end of those on their way: an error now would
    /// have the client try again on this very connection.
    fn open_queued(&mut self) {
        while let Some(next) = self.queue.pop_front() {
            if self.calls.len() >= self.most_open() {
                return self.queue.push_front(next);
            }
            match self.http.open_stream(next.block.clone(), false) {
                Ok(stream) => {
                    self.queued_bytes -= next.frame.len();
                    self.http.send_data(stream, next.frame, true);
                    self.calls.insert(stream, next.call);
                }
                Err(refused) => {
                    self.queue.push_front(next);
                    return match refused {
                        Refused::MaxConcurrentStreams => {}
                        Refused::GoingAway | Refused::IdsExhausted => self.end_soon(),
                    };
                }
            }
        }
    }

    /// How many calls may be on their way.
    ///
    /// Until the connection manager has said how many streams it takes, it is a few: Envoy refuses more than it takes,
    /// and 1.36 ends the connection over them.
    fn most_open(&self) -> usize {
        let most = self.limits().max_concurrent_calls;
        if self.is_greeted {
            most
        } else {
            most.min(FIRST_CALLS)
        }
    }

    /// How many calls may wait: at first also those that will go as soon as they may.
    fn most_waiting(&self) -> usize {
        let soon = self.limits().max_concurrent_calls - self.most_open();
        self.limits().max_queued_calls + soon
    }

    fn on_event(&mut self, event: Event, now: Duration, share: &mut Share) {
        match event {
            Event::Headers { id, headers, end } => self.on_headers(id, &headers, end, now),
            Event::Data { id, data, end } => self.on_data(id, data, end, now, share),
            Event::Trailers { id, .. } => self.on_end(id, now),
            Event::Reset { id, reason, .. } => self.on_reset(id, reason, now),
            Event::GoAway { last, .. } => self.on_go_away(last),
            Event::Pong { .. } => self.wake.ping_is_out = false,
            Event::PeerSettings => self.is_greeted = true,
            _ => {}
        }
    }

    /// GOAWAY: the connection manager drains. The client is asked to leave; each call that was not
    /// taken any more comes as a reset.
    fn on_go_away(&mut self, last: u32) {
        self.is_ending |= last < ANNOUNCEMENT;
        self.drain();
    }

    /// No call is taken any more; the connection ends with the last one on its way.
    fn end_soon(&mut self) {
        self.is_ending = true;
        self.drain();
    }

    fn drain(&mut self) {
        if !self.is_draining {
            self.is_draining = true;
            self.notes.push_back(Note::Draining);
            self.outbox
                .send([Bytes::from(readonly_event(EVENT_ID, self.serialization))]);
        }
    }

    /// Ends calls whose callers do not wait any longer.
    ///
    /// Most of them have ended by the same timeout in Envoy. This is for connection managers that
    /// take the client for an external one and do not believe its timeouts.
    fn give_up_expired(&mut self, now: Duration) {
        if self.next_deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        let is_over = |call: &Call| call.deadline.is_some_and(|deadline| deadline <= now);
        let expired: Vec<_> = self
            .calls
            .iter()
            .filter(|(_, call)| is_over(call) && call.answer.may_be_given_up())
            .map(|(id, _)| *id)
            .collect();
        for id in expired {
            self.abandon(id, Reason::BridgeTimeout, now);
        }
        self.next_deadline = self
            .calls
            .values()
            .filter_map(|call| call.deadline)
            .filter(|deadline| *deadline > now)
            .min();
    }

    /// Nothing more will come from the connection manager: every call gets an answer.
    fn give_up(&mut self, reason: Reason, now: Duration) {
        if self.outbox.is_streaming() {
            // Half a frame is out; nothing can follow it.
            self.notes
                .push_back(Note::Refused(Reason::BridgeResponseCut));
            self.close = Some(CloseReason(Reason::BridgeResponseCut));
        } else {
            self.close = Some(CloseReason(reason));
        }
        for id in self.calls.keys().copied().collect::<Vec<_>>() {
            self.fail(id, reason, now);
        }
        self.calls.clear();
        self.refuse_queued(reason);
    }

    /// Answers a call that did not come as far as to have a stream.
    fn refuse(&mut self, header: &Header, reason: Reason) {
        self.notes.push_back(Note::Refused(reason));
        if header.is_request() && !header.is_event() {
            self.answer_error(
                &Caller::of(header),
                request::status_of(reason),
                reason.as_str(),
            );
        }
    }

    fn refuse_queued(&mut self, reason: Reason) {
        while !self.queue.is_empty() {
            self.refuse_newest(reason);
        }
    }

    fn refuse_newest(&mut self, reason: Reason) {
        let Some(queued) = self.queue.pop_back() else {
            return;
        };
        self.queued_bytes -= queued.frame.len();
        let status = request::status_of(reason);
        self.notes.push_back(Note::Refused(reason));
        self.answer_error(&queued.call.caller, status, reason.as_str());
        let ended = queued
            .call
            .ended(Some(status), 0, Some(reason), queued.call.started);
        self.notes.push_back(Note::CallEnded(ended));
    }

    fn answer_error(&mut self, caller: &Caller, status: Status, message: &str) {
        if caller.two_way {
            let message = format!("meshlane: {message}");
            let frame = error_response(caller.request_id, caller.serialization, status, &message);
            self.outbox.send([Bytes::from(frame)]);
        }
    }

    /// Sends the client a heartbeat when there is something for the connection manager that its
    /// answer would let pass.
    fn wake_client(&mut self) {
        let can = !self.wake.heartbeat_is_out && !self.outbox.is_streaming();
        if self.wake.is_urgent && can && self.close.is_none() {
            self.wake.heartbeat_is_out = true;
            let heartbeat = heartbeat_request(EVENT_ID, self.serialization);
            self.outbox.send([Bytes::from(heartbeat)]);
        }
    }

    fn limits(&self) -> &Limits {
        &self.plan.policy.limits
    }

    /// How many bytes this connection holds.
    pub(crate) fn held_bytes(&self) -> usize {
        self.input.len()
            + self.queued_bytes
            + self.http.queued_bytes()
            + self.outbox.waiting_bytes()
            + self.held_answers
    }
}

/// How many calls go out before the connection manager's SETTINGS have come.
const FIRST_CALLS: usize = 10;
/// A GOAWAY with this only announces the one that counts
/// ([RFC 9113 §6.8](https://www.rfc-editor.org/rfc/rfc9113#section-6.8)).
const ANNOUNCEMENT: u32 = 0x7fff_ffff;
