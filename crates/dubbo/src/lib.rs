//! The Dubbo2 protocol: frames, calls, results, events.
//!
//! ```text
//! frame = header (16 bytes) + body          Header, Frame, Framer
//! request body  = head of the call │ arguments │ attachments        CallHead, Call, splice
//! response body = kind of the result │ value or exception │ attachments        ResultHead
//!               = a message, when the status is not 20        error_response, error_message
//! event body    = null (heartbeat) or a letter        Event, heartbeat_request, readonly_event
//! ```
//!
//! Frames of every [`Serialization`] can be cut out of a stream, answered and passed on. What is
//! read of their bodies:
//!
//! | serialization | head of a call | arguments | attachments | kind of result, exception |
//! |---|---|---|---|---|
//! | hessian2 (2) | yes | selected scalars | selected, can be changed | yes |
//! | fastjson2 (23) | yes | selected scalars | selected, can be changed | yes |
//! | java (3), nativejava (7) | yes | texts | texts | yes |
//! | compactedjava (4) | yes | no | no | yes |
//! | fastjson (6) | no | no | no | kind |
//! | others | no | no | no | no |
//!
//! # Example
//! ```
//! use meshlane_dubbo::{Call, Change, Frame, FrameLimits, Limits, Progress, Wanted, apply};
//!
//! # fn tagged(bytes: &[u8]) -> Option<Vec<u8>> {
//! let Progress::Complete(frame) = Frame::decode(bytes, &FrameLimits::default()) else {
//!     return None; // not all there yet, or no frame
//! };
//! let wanted = Wanted::new(vec!["dubbo.tag".to_owned()], Vec::new());
//! let limits = Limits::default();
//! let call = Call::read(frame.header.serialization(), frame.body, &wanted, &limits).ok()?;
//! println!("{} {} {:?}", call.service.interface, call.method(), call.attachments);
//! let tag = Change { name: "dubbo.tag", value: Some("gray") };
//! let edits = call.splice(frame.body, &[tag], &limits).ok()?;
//! let body = apply(frame.body, &edits);
//! # Some(body)
//! # }
//! ```
//!
//! # Limits
//! [`FrameLimits`] bound a frame, [`Limits`] the work that its body may make. Nothing recurses on
//! the native stack, and nothing panics: a body that cannot be read is [`Unreadable`] with a
//! stable code.

mod call;
mod call_head;
/// Everything that a body says, for tools and tests.
pub mod content;
mod descriptor;
mod error_response;
mod event;
mod fault;
mod frame;
mod framer;
mod header;
mod java;
mod jsonb;
mod limits;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod properties;
mod reader;
mod result;
mod serialization;
mod service;
mod splice;
mod status;
#[cfg(test)]
mod testing;
mod wanted;

pub use call::{Call, Generic, describes_call};
pub use call_head::CallHead;
pub use descriptor::{Parameters, java_type};
pub use error_response::{MAX_MESSAGE, error_message, error_response};
pub use event::{Event, heartbeat_request, heartbeat_response, readonly_event};
pub use fault::{InvalidBody, InvalidBodyKind, Unreadable};
pub use frame::{Frame, InvalidFrame, InvalidFrameKind, Progress};
pub use framer::{Framer, Step};
pub use header::{Flags, FrameLimits, HEADER_LENGTH, Header, MAGIC};
pub use limits::Limits;
pub use result::{ResultHead, ResultKind};
pub use serialization::Serialization;
pub use service::Service;
pub use splice::{Change, Edit, apply, splice, spliced_length};
pub use status::Status;
pub use wanted::{ArgumentSelector, Wanted};
