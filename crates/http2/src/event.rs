use std::fmt;

use bytes::Bytes;

use crate::{ErrorCode, Headers, StreamErrorKind};

/// The number of a stream: odd, as only clients open streams here, and at most 2^31-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub(crate) u32);

impl StreamId {
    /// The number as it stands on the wire.
    #[must_use]
    pub fn value(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the peer did. Events of one stream come in the order of its frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request began (server), or the final response (client; 1xx responses are skipped).
    Headers {
        /// The stream.
        id: StreamId,
        /// Pseudo header fields and header fields, checked as RFC 9113 §8.2 and §8.3 demand.
        headers: Headers,
        /// The peer sends nothing more on this stream.
        end: bool,
    },
    /// A piece of the body: a slice of the input, at most one frame, maybe a part of one. Empty only to say `end`.
    Data {
        /// The stream.
        id: StreamId,
        /// The piece. It counts against the stream's window until it is granted back.
        data: Bytes,
        /// The peer sends nothing more on this stream.
        end: bool,
    },
    /// Trailers; they always end the stream.
    Trailers {
        /// The stream.
        id: StreamId,
        /// The fields.
        headers: Headers,
    },
    /// The stream is gone in both directions; what was queued on it is dropped.
    Reset {
        /// The stream.
        id: StreamId,
        /// What RST_STREAM said, or says.
        code: ErrorCode,
        /// Who ended it.
        reason: ResetReason,
    },
    /// The peer opens no more streams (client: accepts no more). Streams above `last` are reported as reset right after.
    GoAway {
        /// The last of our streams that the peer may have acted on, as a raw number: 0 if none, 2^31-1 for "soon".
        last: u32,
        /// Why.
        code: ErrorCode,
        /// Text of the peer for people.
        debug: Bytes,
    },
    /// The answer to [`Connection::send_ping`](crate::Connection::send_ping).
    Pong {
        /// The payload of the ping.
        payload: [u8; 8],
    },
    /// The peer's SETTINGS changed: windows and the number of streams it allows may differ now.
    PeerSettings,
    /// The peer has acknowledged our last SETTINGS, that is, the last
    /// [`set_initial_window`](crate::Connection::set_initial_window).
    SettingsAcknowledged,
}

/// Who ended a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetReason {
    /// The peer sent RST_STREAM.
    Peer,
    /// The peer sent GOAWAY, and the stream is above the last that it acts on: it may be sent again elsewhere.
    GoAway,
    /// The peer broke a rule; this side has sent RST_STREAM.
    Violation(StreamErrorKind),
}
