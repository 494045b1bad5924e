use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use meshlane_diagnostics::Reason;

use crate::budget::{Budget, Share};
use crate::note::Note;
use crate::plan::Plan;
use crate::policy::{Mode, Policy};
use crate::to_dubbo::ToDubbo;
use crate::to_http::ToHttp;

/// One connection through the bridge.
///
/// It is driven by what Envoy reads and writes on the connection: bytes of the downstream go in
/// by [`handle_downstream`](Self::handle_downstream), what shall be in their place comes out by
/// [`poll_to_upstream`](Self::poll_to_upstream); the same the other way round. What one
/// direction causes in the other waits until bytes pass there; the bridge sees to it that they
/// do, by a PING or a heartbeat.
#[derive(Debug)]
pub struct Bridge {
    policy: Rc<Policy>,
    connection: ConnectionFacts,
    share: Share,
    state: State,
}

/// What the bridge has to know about a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionFacts {
    /// The address that the client connected to: `10.0.0.1:20880`.
    pub destination: String,
}

/// What is to be done with the bytes that were handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The connection is none of the bridge's: its bytes stay as they are.
    Untouched,
    /// Too few bytes to know: leave them where they are and come again with more.
    Wait,
    /// The bytes are taken; what stands in their place is to be polled for.
    Replaced,
}

/// Why the bridge wants the connection closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseReason(pub Reason);

#[derive(Debug)]
enum State {
    Undecided,
    Untouched,
    ToHttp(Box<ToHttp>),
    ToDubbo(Box<ToDubbo>),
}

impl Bridge {
    /// A connection of which nothing was seen yet.
    pub fn new(policy: Rc<Policy>, connection: ConnectionFacts, budget: Budget) -> Self {
        Self {
            policy,
            connection,
            share: Share::new(budget),
            state: State::Undecided,
        }
    }

    /// Takes bytes that the downstream sent; `end` when it will send no more.
    pub fn handle_downstream(&mut self, data: Bytes, end: bool, now: Duration) -> Verdict {
        if let State::Undecided = self.state {
            match sniff(self.policy.mode, &data) {
                Sniffed::Ours => self.begin(),
                Sniffed::TooShort if !end => return Verdict::Wait,
                Sniffed::TooShort | Sniffed::Foreign => self.state = State::Untouched,
            }
        }
        match &mut self.state {
            State::ToHttp(bridge) => bridge.handle_downstream(data, now, &mut self.share),
            State::ToDubbo(bridge) => bridge.handle_downstream(data, now, &mut self.share),
            State::Undecided | State::Untouched => return Verdict::Untouched,
        }
        Verdict::Replaced
    }

    /// Takes bytes that the upstream sent; `end` when it will send no more.
    pub fn handle_upstream(&mut self, data: Bytes, end: bool, now: Duration) -> Verdict {
        match &mut self.state {
            State::ToHttp(bridge) => bridge.handle_upstream(data, end, now, &mut self.share),
            State::ToDubbo(bridge) => bridge.handle_upstream(data, end, now, &mut self.share),
            State::Undecided | State::Untouched => return Verdict::Untouched,
        }
        Verdict::Replaced
    }

    /// The next piece for the upstream: for the connection manager, or for the provider.
    pub fn poll_to_upstream(&mut self) -> Option<Bytes> {
        let piece = match &mut self.state {
            State::ToHttp(bridge) => bridge.poll_to_upstream(),
            State::ToDubbo(bridge) => bridge.poll_to_upstream(),
            State::Undecided | State::Untouched => None,
        };
        if piece.is_none() {
            self.report();
        }
        piece
    }

    /// The next piece for the downstream: for the Dubbo client, or for the HTTP/2 peer.
    pub fn poll_to_downstream(&mut self) -> Option<Bytes> {
        let piece = match &mut self.state {
            State::ToHttp(bridge) => bridge.poll_to_downstream(),
            State::ToDubbo(bridge) => bridge.poll_to_downstream(),
            State::Undecided | State::Untouched => None,
        };
        if piece.is_none() {
            self.report();
        }
        piece
    }

    /// The next thing to count or to log.
    pub fn poll_note(&mut self) -> Option<Note> {
        match &mut self.state {
            State::ToHttp(bridge) => bridge.poll_note(),
            State::ToDubbo(bridge) => bridge.poll_note(),
            State::Undecided | State::Untouched => None,
        }
    }

    /// Whether, once all output is written, the connection is to be closed.
    pub fn close(&self) -> Option<CloseReason> {
        match &self.state {
            State::ToHttp(bridge) => bridge.close(),
            State::ToDubbo(bridge) => bridge.close(),
            State::Undecided | State::Untouched => None,
        }
    }

    /// Whether the connection's bytes are translated.
    pub fn is_bridging(&self) -> bool {
        matches!(self.state, State::ToHttp(_) | State::ToDubbo(_))
    }

    /// Takes another policy, for what comes from now on. The mode of a connection stays.
    pub fn set_policy(&mut self, policy: Rc<Policy>) {
        match &mut self.state {
            State::ToHttp(bridge) => bridge.set_plan(Rc::new(Plan::new(Rc::clone(&policy)))),
            State::ToDubbo(bridge) => bridge.set_plan(Rc::new(Plan::new(Rc::clone(&policy)))),
            State::Undecided | State::Untouched => {}
        }
        self.policy = policy;
    }

    /// What was written is held no longer.
    fn report(&mut self) {
        match &self.state {
            State::ToHttp(bridge) => self.share.report(bridge.held_bytes()),
            State::ToDubbo(bridge) => self.share.report(bridge.held_bytes()),
            State::Undecided | State::Untouched => {}
        }
    }

    fn begin(&mut self) {
        let plan = Rc::new(Plan::new(Rc::clone(&self.policy)));
        self.state = match self.policy.mode {
            Mode::ToHttp => State::ToHttp(Box::new(ToHttp::new(
                plan,
                self.connection.destination.clone(),
            ))),
            Mode::ToDubbo => State::ToDubbo(Box::new(ToDubbo::new(plan))),
        };
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

enum Sniffed {
    Ours,
    Foreign,
    TooShort,
}

/// Whether a connection begins as those do that this mode translates.
fn sniff(mode: Mode, data: &[u8]) -> Sniffed {
    let beginning: &[u8] = match mode {
        Mode::ToHttp => &DUBBO_MAGIC,
        Mode::ToDubbo => HTTP2_PREFACE,
    };
    if data.starts_with(beginning) {
        Sniffed::Ours
    } else if beginning.starts_with(data) {
        Sniffed::TooShort
    } else {
        Sniffed::Foreign
    }
}

const DUBBO_MAGIC: [u8; 2] = [0xda, 0xbb];
/// [RFC 9113 §3.4](https://www.rfc-editor.org/rfc/rfc9113#section-3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
