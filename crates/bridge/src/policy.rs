//! A validated configuration.

mod authority;
mod carrier;
mod interfaces;
mod names;
mod validate;

use meshlane_attributes::{ArgumentPath, ProxyKind};
use meshlane_diagnostics::{Violations, parse_json};

pub use authority::{Authority, AuthoritySource};
pub use carrier::Carrier;
pub use interfaces::InterfacePattern;
pub use names::Names;

use crate::config::DubboConfig;
pub use crate::config::{Mode, OnBrokenFrame, OnUnreadableHead, TimeoutSource};

/// A validated configuration: how a connection is bridged.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Policy {
    /// Whether connections are bridged at all.
    pub enabled: bool,
    /// On which side of HTTP/2 the bridge stands.
    pub mode: Mode,
    /// What `:authority` is.
    pub authority: Authority,
    /// The interfaces that are called on one exact instance.
    pub original_destination: Vec<InterfacePattern>,
    /// The arguments, and values inside them, that HTTP filters see.
    pub exposed_arguments: Vec<ArgumentPath>,
    /// The attachments that HTTP filters see.
    pub exposed_attachments: Vec<Box<str>>,
    /// The attachments that go under their own name and back.
    pub carriers: Vec<Carrier>,
    /// Which timeout counts.
    pub timeout: TimeoutSource,
    /// What happens to a call whose head cannot be read.
    pub on_unreadable_head: OnUnreadableHead,
    /// What happens when the bytes stop being frames.
    pub on_broken_frame: OnBrokenFrame,
    /// How much a connection may ask for.
    pub limits: Limits,
    /// How many methods are counted on their own.
    pub max_metric_names: usize,
}

/// How much a connection may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest frame, header included.
    pub max_frame_bytes: usize,
    /// How many bytes a connection may hold.
    pub max_buffered_bytes: usize,
    /// How many bytes all connections of a VM may hold.
    pub max_buffered_bytes_per_vm: usize,
    /// How many calls may be on their way.
    pub max_concurrent_calls: usize,
    /// How many calls may wait for their turn.
    pub max_queued_calls: usize,
    /// How many bytes the headers of a call may come to.
    pub max_header_bytes: usize,
    /// How deep values may lie in each other.
    pub max_depth: usize,
}

impl Policy {
    /// The most interfaces in `authority.hosts` and in `originalDestination`.
    pub const MAX_INTERFACES: usize = 1_000;
    /// The most exposed arguments, and the most exposed attachments.
    pub const MAX_EXPOSED: usize = 24;
    /// The most carriers that a document may name.
    pub const MAX_CARRIERS: usize = 24;

    /// The defaults of a mode.
    pub fn with_defaults(mode: Mode) -> Self {
        Self {
            enabled: true,
            mode,
            authority: Authority::default(),
            original_destination: vec![InterfacePattern::metadata_services()],
            exposed_arguments: Vec::new(),
            exposed_attachments: Vec::new(),
            carriers: Carrier::defaults(),
            timeout: TimeoutSource::Shorter,
            on_unreadable_head: OnUnreadableHead::Pass,
            on_broken_frame: OnBrokenFrame::Answer,
            limits: Limits::default(),
            max_metric_names: 200,
        }
    }

    /// Reads and validates a document. The kind of proxy makes no difference.
    ///
    /// # Errors
    /// The first structural error, or every semantic one.
    pub fn parse(document: &[u8], _: ProxyKind) -> Result<Self, Violations> {
        let config: DubboConfig = parse_json(document)?;
        Self::new(&config)
    }

    /// What is left of a document that is not good: the defaults of its `mode`, when that can
    /// be read.
    pub fn salvage(document: &[u8]) -> Option<Self> {
        let document: serde_json::Value = serde_json::from_slice(document).ok()?;
        let mode = match document.get("mode")?.as_str()?.trim() {
            mode if mode.eq_ignore_ascii_case("toHttp") => Mode::ToHttp,
            mode if mode.eq_ignore_ascii_case("toDubbo") => Mode::ToDubbo,
            _ => return None,
        };
        Some(Self::with_defaults(mode))
    }

    /// Whether calls of an interface are bound to the instance that the client connected to.
    pub fn is_bound_to_instance(&self, interface: &str) -> bool {
        let patterns = &mut self.original_destination.iter();
        patterns.any(|pattern| pattern.matches(interface))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_frame_bytes: 17 * 1024 * 1024,
            max_buffered_bytes: 32 * 1024 * 1024,
            max_buffered_bytes_per_vm: 256 * 1024 * 1024,
            max_concurrent_calls: 1024,
            max_queued_calls: 1024,
            max_header_bytes: 48 * 1024,
            max_depth: 512,
        }
    }
}

#[cfg(test)]
mod tests;
