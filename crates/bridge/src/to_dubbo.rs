//! From HTTP/2 to Dubbo: what stands between Envoy's `tcp_proxy` and a Dubbo provider.

mod answer;
mod forward;
mod incoming;
mod provider;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use meshlane_diagnostics::Reason;
use meshlane_dubbo::{Header, Serialization, heartbeat_request};
use meshlane_http2::{Connection, Event, StreamId};

use self::answer::Blocks;
use self::incoming::Incoming;
use self::provider::Reading;
use crate::bridge::CloseReason;
use crate::budget::Share;
use crate::chunks::Chunks;
use crate::note::{CallEnded, Note, RecentNames};
use crate::plan::Plan;
use crate::policy::Limits;
use crate::windows::{self, Windows};
use crate::{EVENT_ID, PING};

/// The state of one connection between an HTTP/2 peer and a provider.
#[derive(Debug)]
pub(crate) struct ToDubbo {
    plan: Rc<Plan>,
    http: Connection,
    windows: Windows,
    blocks: Blocks,
    /// Requests of which not everything is here.
    incoming: BTreeMap<StreamId, Incoming>,
    incoming_bytes: usize,
    /// Requests that are too long for their windows, in the order of their turn.
    long_requests: VecDeque<StreamId>,
    /// The one among them that was given a window for all of it.
    admitted: Option<StreamId>,
    /// Calls that the provider has. Their stream's number is their request id there.
    calls: BTreeMap<u64, Call>,
    to_provider: VecDeque<Bytes>,
    input: Chunks,
    reading: Reading,
    notes: VecDeque<Note>,
    names: RecentNames,
    wake: Wake,
    close: Option<CloseReason>,
}

/// A call that the provider has.
#[derive(Debug)]
struct Call {
    stream: StreamId,
    /// The id that the client knows the call by.
    request_id: u64,
    interface: Rc<str>,
    method: Rc<str>,
    started: Duration,
    request_bytes: usize,
    /// Of a response that is streamed: its header, and whether it is an exception.
    streamed: Option<(Header, bool)>,
}

/// What was sent to make bytes pass: a filter can write to a side only while bytes pass towards it.
#[derive(Debug, Default)]
struct Wake {
    heartbeat_is_out: bool,
    ping_is_out: bool,
}

impl ToDubbo {
    pub(crate) fn new(plan: Rc<Plan>) -> Self {
        let http = Connection::server(windows::http2_config(&plan.policy));
        Self {
            plan,
            http,
            windows: Windows::new(),
            blocks: Blocks::new(),
            incoming: BTreeMap::new(),
            incoming_bytes: 0,
            long_requests: VecDeque::new(),
            admitted: None,
            calls: BTreeMap::new(),
            to_provider: VecDeque::new(),
            input: Chunks::default(),
            reading: Reading::default(),
            notes: VecDeque::new(),
            names: RecentNames::new(),
            wake: Wake::default(),
            close: None,
        }
    }

    pub(crate) fn handle_downstream(&mut self, data: Bytes, now: Duration, share: &mut Share) {
        if self.close.is_some() {
            return;
        }
        self.http.handle_time(now);
        // Before any call: the answer is the first chance to send our SETTINGS and windows.
        self.wake_provider();
        let outcome = self.http.handle_bytes(data);
        while let Some(event) = self.http.poll_event() {
            self.on_event(event, now, share);
        }
        if outcome.is_err() {
            self.notes
                .push_back(Note::Refused(Reason::BridgeHttp2Error));
            self.close = Some(CloseReason(Reason::BridgeHttp2Error));
        }
        self.windows.follow(&mut self.http);
        self.wake_provider();
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
        self.input.push(data);
        self.read_provider(now, share);
        if end {
            self.lose_provider(Reason::BridgeProviderClosed, now);
        }
        if !self.to_provider.is_empty() && !self.wake.ping_is_out {
            self.wake.ping_is_out = true;
            self.http.send_ping(PING);
        }
    }

    pub(crate) fn poll_to_upstream(&mut self) -> Option<Bytes> {
        self.to_provider.pop_front()
    }

    pub(crate) fn poll_to_downstream(&mut self) -> Option<Bytes> {
        self.http.poll_output()
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

    fn on_event(&mut self, event: Event, now: Duration, share: &mut Share) {
        match event {
            Event::Headers { id, headers, end } => self.on_headers(id, headers, end, now),
            Event::Data { id, data, end } => self.on_data(id, data, end, now, share),
            Event::Trailers { id, .. } => self.on_end(id, now, share),
            Event::Reset { id, .. } => self.on_reset(id, now, share),
            Event::Pong { .. } => self.wake.ping_is_out = false,
            _ => {}
        }
    }

    /// The peer gave a call up. The provider cannot be told; its answer will find no call.
    fn on_reset(&mut self, id: StreamId, now: Duration, share: &mut Share) {
        self.forget_incoming(id);
        self.admit_long_requests(now, share);
        if let Some(call) = self.take_call(id) {
            self.note_end(call, None, None, 0, Some(Reason::BridgeStreamReset), now);
        }
    }

    fn note_end(
        &mut self,
        call: Call,
        dubbo_status: Option<u8>,
        http_status: Option<u16>,
        response_bytes: usize,
        reason: Option<Reason>,
        now: Duration,
    ) {
        self.notes.push_back(Note::CallEnded(CallEnded {
            interface: call.interface,
            method: call.method,
            dubbo_status,
            http_status,
            exception: false,
            request_bytes: call.request_bytes,
            response_bytes,
            latency: now.saturating_sub(call.started),
            reason,
        }));
    }

    /// Sends the provider a heartbeat when there is something for the peer: its answer lets it pass.
    fn wake_provider(&mut self) {
        if self.http.has_output() && !self.wake.heartbeat_is_out {
            self.wake.heartbeat_is_out = true;
            let heartbeat = heartbeat_request(EVENT_ID, Serialization::HESSIAN2);
            self.to_provider.push_back(Bytes::from(heartbeat));
        }
    }

    fn limits(&self) -> &Limits {
        &self.plan.policy.limits
    }

    /// How many bytes this connection holds.
    pub(crate) fn held_bytes(&self) -> usize {
        self.input.len() + self.incoming_bytes + self.http.queued_bytes()
    }
}
