//! Dubbo2 to HTTP/2 and back, as two state machines without IO.

mod bridge;
mod budget;
mod chunks;
/// The configuration as it is written.
pub mod config;
mod label;
mod note;
mod outbox;
mod plan;
mod policy;
mod status;
mod to_dubbo;
mod to_http;
mod verify;
mod windows;

pub use bridge::{Bridge, CloseReason, ConnectionFacts, Verdict};
pub use budget::Budget;
pub use note::{CallEnded, Note};
pub use policy::{
    Authority, AuthoritySource, Carrier, InterfacePattern, Limits, Mode, Names, OnBrokenFrame,
    OnUnreadableHead, Policy, TimeoutSource,
};

use meshlane_dubbo::{FrameLimits, HEADER_LENGTH, Header};

/// The id of our own events. Ids of the two directions are independent.
const EVENT_ID: u64 = 0x6d65_7368_6c61_6e65;

/// What our own PING frames say.
const PING: [u8; 8] = *b"meshlane";

/// A length that Java could not have written means that these are no frames; one that is only
/// too long for the configuration is refused and skipped.
const FRAME_LIMITS: FrameLimits = FrameLimits {
    max_body: i32::MAX as u32,
};

/// The length of a whole frame.
fn frame_length(header: &Header) -> usize {
    HEADER_LENGTH.saturating_add(header.body_length as usize)
}

#[cfg(test)]
mod tests;
