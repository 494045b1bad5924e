use std::rc::Rc;
use std::time::Duration;

use meshlane_diagnostics::Reason;

/// Something to count or to log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A call began.
    CallStarted,
    /// A call came to its end.
    CallEnded(CallEnded),
    /// Something was refused or dropped.
    Refused(Reason),
    /// An event of the Dubbo connection: a heartbeat was answered for the peer behind.
    HeartbeatAnswered,
    /// The READONLY event was given on (as GOAWAY or from one).
    Draining,
    /// A tag or trace context that was changed on the way could not be written back into the
    /// attachments, because the serialization is not one that can be spliced.
    CarrierNotWritten,
}

/// The names of the call before: most connections call few methods, many times.
#[derive(Debug)]
pub(crate) struct RecentNames {
    interface: Rc<str>,
    method: Rc<str>,
}

impl RecentNames {
    pub(crate) fn new() -> Self {
        Self {
            interface: Rc::from(UNREADABLE),
            method: Rc::from(UNREADABLE),
        }
    }

    /// An interface and a method, to be kept.
    pub(crate) fn of(&mut self, interface: &str, method: &str) -> (Rc<str>, Rc<str>) {
        if *self.interface != *interface {
            self.interface = Rc::from(interface);
        }
        if *self.method != *method {
            self.method = Rc::from(method);
        }
        (Rc::clone(&self.interface), Rc::clone(&self.method))
    }
}

/// What a call is called of which nothing could be read.
pub(crate) const UNREADABLE: &str = "_";

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallEnded {
    /// The interface, or `_` when the call could not be read.
    pub interface: Rc<str>,
    /// The method, or `_` when the call could not be read.
    pub method: Rc<str>,
    /// The Dubbo status that the client was given; nothing for a one-way call or one that the
    /// client gave up.
    pub dubbo_status: Option<u8>,
    /// The HTTP status of the answer, where there was one.
    pub http_status: Option<u16>,
    /// Whether the provider answered with an exception of the application.
    pub exception: bool,
    /// The length of the request frame.
    pub request_bytes: usize,
    /// The length of the response frame.
    pub response_bytes: usize,
    /// From the complete request to the complete response.
    pub latency: Duration,
    /// Why, when the bridge itself made the answer.
    pub reason: Option<Reason>,
}
