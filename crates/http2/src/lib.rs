//! HTTP/2 (RFC 9113) as a state machine without IO: bytes in, events out; commands in, bytes out.
//!
//! ```text
//!            handle_bytes ─▶ ┌────────────┐ ─▶ poll_event
//!   the peer                 │ Connection │               whoever owns it
//!             poll_output ◀─ └────────────┘ ◀─ open_stream, send_*, grant …
//! ```
//!
//! Both roles, with what a peer may do to one: padding, priorities and CONTINUATION, SETTINGS that change on the way,
//! flow control in both directions, GOAWAY and RST_STREAM. No push, no extended CONNECT.
//!
//! ```
//! use bytes::Bytes;
//! use meshlane_http2::{Config, Connection, Event, HeaderBlockBuilder};
//!
//! let mut client = Connection::client(Config::default());
//! let mut server = Connection::server(Config::default());
//! let request = HeaderBlockBuilder::new().field(":method", "POST").field(":scheme", "http").field(":path", "/").finish();
//! let id = client.open_stream(request, false)?;
//! client.send_data(id, Bytes::from_static(b"hello"), true);
//! while let Some(bytes) = client.poll_output() {
//!     server.handle_bytes(bytes)?;
//! }
//! while let Some(event) = server.poll_event() {
//!     if let Event::Data { id, data, end } = event {
//!         assert!(data == "hello" && end);
//!         server.send_headers(id, HeaderBlockBuilder::new().field(":status", "200").finish(), true);
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Memory
//! - Bodies are never collected. Incoming DATA is handed on in pieces as it arrives, as slices of the input; only a small
//!   piece of a large input is copied, so that it does not hold the input. Outgoing payloads of 1 kB and more are slices
//!   of what was given.
//! - What a peer may send is granted by the caller, stream by stream ([`Connection::grant`]); who sends more loses the
//!   connection. The window of the connection is kept open and limits nobody.
//! - [`Connection::queued_bytes`] is what was accepted and waits for the windows of the peer. Its limit is the caller's.
//! - One frame other than DATA, or one header block ([`Config::max_header_list_size`]), is held while it arrives.
//!
//! # Hostile peers
//! Each violation ends the stream or the connection with the code of the RFC; what costs more than it is worth is
//! counted by [`FloodLimits`]. [`ConnectionErrorKind`] and [`StreamErrorKind`] have a stable code for each.

mod block;
mod config;
mod connection;
mod error;
mod event;
mod frame;
mod headers;
mod hpack;
mod validate;

pub use block::{HeaderBlock, HeaderBlockBuilder};
pub use config::{Config, FloodLimits};
pub use connection::{Connection, Refused};
pub use error::{ConnectionError, ConnectionErrorKind, ErrorCode, StreamErrorKind};
pub use event::{Event, ResetReason, StreamId};
pub use headers::Headers;
