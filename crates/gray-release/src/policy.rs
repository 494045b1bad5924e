//! A validated configuration.

use meshlane_attributes::{AttributeTable, RequestSettings};
use meshlane_diagnostics::{Violations, parse_json};
use meshlane_tags::Carrier;
use std::time::Duration;

use crate::config::{Direction, GrayReleaseConfig};
use crate::identifier::Identifier;
use crate::lanes::Lanes;

/// A validated configuration: decides which tags requests carry on, and which requests a workload takes.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    pub(crate) table: AttributeTable,
    pub(crate) direction: Option<Direction>,
    pub(crate) identifiers: Vec<Identifier>,
    pub(crate) capacity: usize,
    pub(crate) lifetime: Duration,
    pub(crate) tags: Vec<Tag>,
}

/// A tag of a [`Policy`].
#[derive(Debug, Clone)]
pub struct Tag {
    pub(crate) name: String,
    pub(crate) carriers: Vec<Carrier>,
    pub(crate) own_label: Option<String>,
    pub(crate) response_header: Option<String>,
    pub(crate) lanes: Option<Lanes>,
}

impl Policy {
    /// The most tags in a document.
    pub const MAX_TAGS: usize = 8;
    /// The most identifiers.
    pub const MAX_IDENTIFIERS: usize = 16;
    /// The most lanes of a tag.
    pub const MAX_LANES: usize = 1_000;

    /// Reads and validates a document.
    ///
    /// # Errors
    /// The first structural error, or every semantic one.
    pub fn parse(document: &[u8]) -> Result<Self, Violations> {
        let config: GrayReleaseConfig = parse_json(document)?;
        Self::new(&config)
    }

    /// The tags, in the order of the document.
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// Which way requests go, when the document says it.
    pub fn direction(&self) -> Option<Direction> {
        self.direction
    }

    /// How many identifiers are remembered.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How long an identifier is remembered.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// The headers that identify requests, in lower case.
    pub fn identifiers(&self) -> impl Iterator<Item = &str> {
        self.identifiers.iter().map(Identifier::header)
    }

    /// The attachments that tags are written to, in lower case.
    pub fn attachment_carriers(&self) -> impl Iterator<Item = &str> {
        let carriers = self.tags.iter().flat_map(|tag| &tag.carriers);
        carriers.filter_map(Carrier::attachment)
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

impl Tag {
    /// The tag's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What carries it, in the order in which it is read.
    pub fn carriers(&self) -> &[Carrier] {
        &self.carriers
    }

    /// Whether a lane has this name.
    pub fn has_lane(&self, name: &str) -> bool {
        let lanes = self.lanes.as_ref();
        lanes.is_some_and(|lanes| lanes.lanes.contains_key(name))
    }

    /// The names of its lanes.
    pub fn lanes(&self) -> impl Iterator<Item = &str> {
        self.lanes.iter().flat_map(Lanes::names)
    }
}
