//! A validated configuration.

use meshlane_attributes::{AttributeId, AttributeTable, ProxyKind, RequestSettings};
use meshlane_conditions::Condition;
use meshlane_diagnostics::{Reason, Violations, parse_json};
use meshlane_tags::{Carrier, TagValue};

use crate::config::{OnIncoming, TrafficTagConfig};
use crate::split::Split;

/// A validated configuration: decides the tags of requests.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    pub(crate) table: AttributeTable,
    pub(crate) tags: Vec<Tag>,
}

/// A tag of a [`Policy`].
#[derive(Debug, Clone)]
pub struct Tag {
    pub(crate) name: String,
    pub(crate) attribute: AttributeId,
    pub(crate) on_incoming: OnIncoming,
    pub(crate) carriers: Vec<Carrier>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) default: Option<TagValue<'static>>,
}

/// A rule of a [`Tag`].
#[derive(Debug, Clone)]
pub struct Rule {
    pub(crate) name: String,
    pub(crate) enabled: bool,
    pub(crate) when: Option<Condition>,
    pub(crate) source: ValueSource,
}

/// Where a rule's value comes from.
#[derive(Debug, Clone)]
pub(crate) enum ValueSource {
    Literal(TagValue<'static>),
    Attribute(AttributeId),
    Split(Split),
}

impl Policy {
    /// The most tags in a document.
    pub const MAX_TAGS: usize = 32;
    /// The most values of a split.
    pub const MAX_VALUES: usize = 100;
    /// The most rules of a tag.
    pub const MAX_RULES: usize = 1_000;

    /// Reads and validates a document for a kind of proxy, which decides the default of `onIncoming`.
    ///
    /// # Errors
    /// The first structural error, or every semantic one.
    pub fn parse(document: &[u8], proxy: ProxyKind) -> Result<Self, Violations> {
        let config: TrafficTagConfig = parse_json(document)?;
        Self::new(&config, proxy)
    }

    /// The tags, in the order in which they are decided.
    pub fn tags(&self) -> &[Tag] {
        &self.tags
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

    /// What is done with a value that a request came with.
    pub fn on_incoming(&self) -> OnIncoming {
        self.on_incoming
    }

    /// The rules, in the order in which they are tried.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

impl Rule {
    /// The rule's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The code of a decision by this rule.
    pub fn reason(&self) -> Reason {
        match self.source {
            ValueSource::Literal(_) | ValueSource::Attribute(_) => Reason::TagRuleMatched,
            ValueSource::Split(_) => Reason::TagSplitChosen,
        }
    }
}
