//! A validated configuration.

use meshlane_attributes::{AttributeTable, RequestSettings};
use meshlane_diagnostics::{Violations, parse_json};

use crate::config::RateLimitConfig;
use crate::limit::Limit;

/// A validated configuration: says which requests are one too many.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    pub(crate) table: AttributeTable,
    pub(crate) limits: Vec<Limit>,
}

impl Policy {
    /// The most limits in a document.
    pub const MAX_LIMITS: usize = 100;
    /// The most attributes of a key.
    pub const MAX_KEY: usize = 8;
    /// The most exceptions of a limit.
    pub const MAX_EXCEPTIONS: usize = 1_000;
    /// The most windows of a limit.
    pub const MAX_WINDOWS: usize = 5;
    /// The most classes of a queue.
    pub const MAX_CLASSES: usize = 8;

    /// Reads and validates a document.
    ///
    /// # Errors
    /// The first structural error, or every semantic one.
    pub fn parse(document: &[u8]) -> Result<Self, Violations> {
        let config: RateLimitConfig = parse_json(document)?;
        Self::new(&config)
    }

    /// The limits, in the order in which they are asked.
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// How attributes are read that can be read in several ways.
    pub fn settings(&self) -> &RequestSettings {
        &self.table.settings
    }

    /// The attributes that the policy asks for.
    pub fn attributes(&self) -> &AttributeTable {
        &self.table
    }
}
