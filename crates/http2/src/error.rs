use std::fmt;

/// Why a connection or stream ended, as it stands in RST_STREAM and GOAWAY (RFC 9113 §7).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub u32);

impl ErrorCode {
    /// Not an error: a graceful shutdown, or a request that needs no more of its body.
    pub const NO_ERROR: Self = Self(0x0);
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(0x1);
    /// Something on this side failed.
    pub const INTERNAL_ERROR: Self = Self(0x2);
    /// The peer sent more than its window, or made a window too large.
    pub const FLOW_CONTROL_ERROR: Self = Self(0x3);
    /// SETTINGS were not acknowledged in time.
    pub const SETTINGS_TIMEOUT: Self = Self(0x4);
    /// A frame arrived on a stream that was already closed.
    pub const STREAM_CLOSED: Self = Self(0x5);
    /// A frame has a wrong length.
    pub const FRAME_SIZE_ERROR: Self = Self(0x6);
    /// The stream was not processed at all; the request may be sent again.
    pub const REFUSED_STREAM: Self = Self(0x7);
    /// The stream is no longer needed.
    pub const CANCEL: Self = Self(0x8);
    /// A header block cannot be decoded.
    pub const COMPRESSION_ERROR: Self = Self(0x9);
    /// The connection behind a CONNECT request failed.
    pub const CONNECT_ERROR: Self = Self(0xa);
    /// The peer costs more than it is worth.
    pub const ENHANCE_YOUR_CALM: Self = Self(0xb);
    /// The transport is not secure enough.
    pub const INADEQUATE_SECURITY: Self = Self(0xc);
    /// The request must be made over HTTP/1.1.
    pub const HTTP_1_1_REQUIRED: Self = Self(0xd);

    /// The name of the code in RFC 9113, lower case, or `None` for a code that it does not name.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        const NAMES: [&str; 14] = [
            "no-error",
            "protocol-error",
            "internal-error",
            "flow-control-error",
            "settings-timeout",
            "stream-closed",
            "frame-size-error",
            "refused-stream",
            "cancel",
            "compression-error",
            "connect-error",
            "enhance-your-calm",
            "inadequate-security",
            "http-1-1-required",
        ];
        NAMES.get(usize::try_from(self.0).ok()?).copied()
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#x}", self.0),
        }
    }
}

/// The peer broke the protocol or a limit: a GOAWAY with `code` is queued, and the connection is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {code}", kind.code())]
pub struct ConnectionError {
    /// What GOAWAY says.
    pub code: ErrorCode,
    /// What was wrong.
    pub kind: ConnectionErrorKind,
}

/// What a peer did that ends the connection. Sections are of RFC 9113.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionErrorKind {
    /// The connection does not start with the preface (RFC 9113 §3.4).
    Preface,
    /// The first frame is not SETTINGS (§3.4).
    MissingSettings,
    /// A frame is longer than advertised, or has not the length of its type (§4.2).
    FrameSize,
    /// A frame is on a stream that its type or sender cannot use: zero, not zero, even (§5.1.1, §6).
    StreamId,
    /// A frame other than HEADERS or PRIORITY is on a stream that was never opened (§5.1).
    IdleStream,
    /// Padding is longer than its frame (§6.1).
    Padding,
    /// Another frame stands where a header block has to go on (§6.10).
    ContinuationExpected,
    /// CONTINUATION without a header block to go on with (§6.10).
    ContinuationUnexpected,
    /// PUSH_PROMISE, which is disabled here (§6.6).
    PushPromise,
    /// A setting has a value that it cannot have (§6.5.2).
    SettingsValue,
    /// SETTINGS_INITIAL_WINDOW_SIZE is above 2^31-1, or makes the window of a stream so (§6.5.2, §6.9.2).
    SettingsWindow,
    /// An acknowledgement of SETTINGS that were not sent.
    SettingsAck,
    /// The window of the connection is to grow by nothing (§6.9).
    WindowIncrement,
    /// The window of the connection grew above 2^31-1 (§6.9.1).
    WindowOverflow,
    /// More DATA than the window of the stream or of the connection allows (§6.9).
    WindowExceeded,
    /// A header block cannot be decoded (§4.3).
    Compression,
    /// A header block is far longer than the limit of a header list.
    HeaderBlockTooLong,
    /// Too many CONTINUATION frames in one header block.
    ContinuationFlood,
    /// Too many streams were reset or refused.
    ResetFlood,
    /// Too many PING frames.
    PingFlood,
    /// Too many SETTINGS frames.
    SettingsFlood,
    /// Too many frames that carry nothing.
    EmptyFrameFlood,
    /// Too many other frames that do nothing useful.
    ControlFlood,
    /// Too many answers wait to be sent: the peer asks and does not read.
    ReplyFlood,
}

impl ConnectionErrorKind {
    /// A stable name for counters and logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Preface => "preface",
            Self::MissingSettings => "missing-settings",
            Self::FrameSize => "frame-size",
            Self::StreamId => "stream-id",
            Self::IdleStream => "idle-stream",
            Self::Padding => "padding",
            Self::ContinuationExpected => "continuation-expected",
            Self::ContinuationUnexpected => "continuation-unexpected",
            Self::PushPromise => "push-promise",
            Self::SettingsValue => "settings-value",
            Self::SettingsWindow => "settings-window",
            Self::SettingsAck => "settings-ack",
            Self::WindowIncrement => "window-increment",
            Self::WindowOverflow => "window-overflow",
            Self::WindowExceeded => "window-exceeded",
            Self::Compression => "compression",
            Self::HeaderBlockTooLong => "header-block-too-long",
            Self::ContinuationFlood => "continuation-flood",
            Self::ResetFlood => "reset-flood",
            Self::PingFlood => "ping-flood",
            Self::SettingsFlood => "settings-flood",
            Self::EmptyFrameFlood => "empty-frame-flood",
            Self::ControlFlood => "control-flood",
            Self::ReplyFlood => "reply-flood",
        }
    }

    /// What the peer is told in GOAWAY.
    #[must_use]
    pub fn error_code(self) -> ErrorCode {
        match self {
            Self::Preface
            | Self::MissingSettings
            | Self::StreamId
            | Self::IdleStream
            | Self::Padding
            | Self::ContinuationExpected
            | Self::ContinuationUnexpected
            | Self::PushPromise
            | Self::SettingsValue
            | Self::SettingsAck
            | Self::WindowIncrement => ErrorCode::PROTOCOL_ERROR,
            Self::FrameSize => ErrorCode::FRAME_SIZE_ERROR,
            Self::SettingsWindow | Self::WindowOverflow | Self::WindowExceeded => {
                ErrorCode::FLOW_CONTROL_ERROR
            }
            Self::Compression => ErrorCode::COMPRESSION_ERROR,
            Self::HeaderBlockTooLong
            | Self::ContinuationFlood
            | Self::ResetFlood
            | Self::PingFlood
            | Self::SettingsFlood
            | Self::EmptyFrameFlood
            | Self::ControlFlood
            | Self::ReplyFlood => ErrorCode::ENHANCE_YOUR_CALM,
        }
    }
}

impl From<ConnectionErrorKind> for ConnectionError {
    fn from(kind: ConnectionErrorKind) -> Self {
        Self {
            code: kind.error_code(),
            kind,
        }
    }
}

/// What a peer did that ends one stream: it is reset, and [`Event::Reset`](crate::Event::Reset) tells why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamErrorKind {
    /// The decoded header list is longer than the limit.
    HeaderListTooLong,
    /// A field name is empty or has upper case or other bytes that it must not have (§8.2.1).
    FieldName,
    /// A field value has NUL, CR or LF, or white space at an end (§8.2.1).
    FieldValue,
    /// A field that is only for HTTP/1.1 connections (§8.2.2).
    ConnectionHeader,
    /// A pseudo header field is missing, unknown, repeated, misplaced or has no sensible value (§8.3).
    PseudoHeader,
    /// `content-length` is no number, contradicts itself or the length of the body (§8.1.1).
    ContentLength,
    /// DATA before HEADERS, trailers that do not end the stream, or an informational response that does (§8.1).
    Sequence,
    /// A frame behind the end of the stream (§5.1).
    Closed,
    /// The window of the stream is to grow by nothing (§6.9).
    WindowIncrement,
    /// The window of the stream grew above 2^31-1 (§6.9.1).
    WindowOverflow,
    /// More streams than are allowed at once (§5.1.2).
    Refused,
}

impl StreamErrorKind {
    /// A stable name for counters and logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::HeaderListTooLong => "header-list-too-long",
            Self::FieldName => "field-name",
            Self::FieldValue => "field-value",
            Self::ConnectionHeader => "connection-header",
            Self::PseudoHeader => "pseudo-header",
            Self::ContentLength => "content-length",
            Self::Sequence => "sequence",
            Self::Closed => "closed",
            Self::WindowIncrement => "window-increment",
            Self::WindowOverflow => "window-overflow",
            Self::Refused => "refused",
        }
    }

    /// What the peer is told in RST_STREAM.
    #[must_use]
    pub fn error_code(self) -> ErrorCode {
        match self {
            Self::HeaderListTooLong => ErrorCode::ENHANCE_YOUR_CALM,
            Self::FieldName
            | Self::FieldValue
            | Self::ConnectionHeader
            | Self::PseudoHeader
            | Self::ContentLength
            | Self::Sequence
            | Self::WindowIncrement => ErrorCode::PROTOCOL_ERROR,
            Self::Closed => ErrorCode::STREAM_CLOSED,
            Self::WindowOverflow => ErrorCode::FLOW_CONTROL_ERROR,
            Self::Refused => ErrorCode::REFUSED_STREAM,
        }
    }
}
