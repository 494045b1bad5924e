use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use meshlane_diagnostics::Reason;
use meshlane_dubbo::{Header, Serialization, Status};
use meshlane_http2::{HeaderBlock, Headers};

use crate::chunks::Chunks;
use crate::frame_length;
use crate::note::CallEnded;

/// A call on its way, from its request frame to the end of its HTTP/2 stream.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) caller: Caller,
    pub(super) interface: Rc<str>,
    pub(super) method: Rc<str>,
    pub(super) started: Duration,
    /// When the caller waits no longer.
    pub(super) deadline: Option<Duration>,
    pub(super) request_bytes: usize,
    pub(super) answer: Answer,
    pub(super) http_status: Option<u16>,
    pub(super) exception: bool,
}

/// Where an answer goes to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub(super) request_id: u64,
    pub(super) serialization: Serialization,
    pub(super) two_way: bool,
}

impl Caller {
    pub(super) fn of(header: &Header) -> Self {
        Self {
            request_id: header.request_id,
            serialization: header.serialization(),
            two_way: header.is_two_way(),
        }
    }
}

/// How far the answer to a call has come.
#[derive(Debug)]
pub(super) enum Answer {
    /// No response headers yet.
    Waiting,
    /// A Dubbo response, of which this much is held.
    Frame(Frame),
    /// The frame is on its way to the client; this many bytes are to come.
    Streaming {
        remaining: usize,
        length: usize,
        status: u8,
    },
    /// An HTTP answer that is no Dubbo response, with the beginning of its text.
    Foreign { text: Vec<u8>, reason: Vec<u8> },
    /// The client has its answer; only the stream has not ended yet.
    Done,
}

/// A response frame, as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) held: Chunks,
    pub(super) header: Option<Header>,
    /// Whether it waits for its turn to be streamed.
    pub(super) is_queued: bool,
}

impl Call {
    pub(super) fn ended(
        &self,
        status: Option<Status>,
        response_bytes: usize,
        reason: Option<Reason>,
        now: Duration,
    ) -> CallEnded {
        CallEnded {
            interface: Rc::clone(&self.interface),
            method: Rc::clone(&self.method),
            dubbo_status: status.map(Status::number),
            http_status: self.http_status,
            exception: self.exception,
            request_bytes: self.request_bytes,
            response_bytes,
            latency: now.saturating_sub(self.started),
            reason,
        }
    }
}

impl Frame {
    /// The length of the whole frame, once its header is there.
    pub(super) fn length(&self) -> Option<usize> {
        Some(frame_length(self.header.as_ref()?))
    }
}

impl Answer {
    /// What the response headers say will follow.
    pub(super) fn from_headers(headers: &Headers) -> Self {
        let is_dubbo = headers
            .get(b"content-type")
            .is_some_and(|kind| kind == meshlane_attributes::dubbo::CONTENT_TYPE.as_bytes());
        if is_dubbo {
            return Self::Frame(Frame::default());
        }
        let reason = headers.get(b"x-meshlane-reason").unwrap_or_default();
        Self::Foreign {
            text: Vec::new(),
            reason: reason.to_vec(),
        }
    }

    /// Whether an error can still take the place of the answer.
    pub(super) fn may_be_given_up(&self) -> bool {
        !matches!(self, Self::Streaming { .. } | Self::Done)
    }

    /// How many bytes of a frame are held for it. A foreign answer is short.
    pub(super) fn held_bytes(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.held.len(),
            _ => 0,
        }
    }
}

/// A call that waits for a free stream.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) call: Call,
    pub(super) block: HeaderBlock,
    pub(super) frame: Bytes,
}
