//! Chains of routers.

use meshlane_attributes::AttributeId;
use meshlane_conditions::{Condition, Sticky};

use crate::config::{Hierarchy, Then};
use crate::inventory::LabelId;
use crate::policy::StickyBy;

/// A chain of a [`Policy`](crate::Policy).
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub(crate) name: String,
    pub(crate) routers: Vec<Router>,
}

/// A router of a [`Chain`].
#[derive(Debug, Clone)]
pub(crate) struct Router {
    pub(crate) name: String,
    pub(crate) enabled: bool,
    pub(crate) force: bool,
    pub(crate) kind: Kind,
    pub(crate) fallback: Fallback,
}

/// What a router goes by.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Locality(Vec<(LabelId, String)>),
    Unit(Unit),
    Tag(Tag),
    Condition(Rules),
    Weight(Weight),
}

/// What happens when a router would leave nothing.
#[derive(Debug, Clone)]
pub(crate) struct Fallback {
    pub(crate) label: Option<LabelId>,
    pub(crate) values: Vec<String>,
    pub(crate) then: Then,
}

#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub(crate) keys: Vec<AttributeId>,
    pub(crate) label: LabelId,
    pub(crate) place: Place,
    pub(crate) ranges: Vec<Range>,
    pub(crate) default: Option<String>,
}

/// Where a key falls.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Hash(Sticky),
    Remainder(i128),
}

#[derive(Debug, Clone)]
pub(crate) struct Range {
    pub(crate) from: f64,
    pub(crate) below: f64,
    pub(crate) unit: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Tag {
    pub(crate) keys: Vec<AttributeId>,
    pub(crate) label: LabelId,
    pub(crate) separator: String,
    pub(crate) hierarchy: Hierarchy,
    pub(crate) force_key: Option<AttributeId>,
    /// Whether `force` is about labels too, not only about groups.
    pub(crate) force_labels: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) rules: Vec<Rule>,
    pub(crate) by: Option<StickyBy>,
}

#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) enabled: bool,
    pub(crate) from: Option<Condition>,
    pub(crate) to: Vec<To>,
}

#[derive(Debug, Clone)]
pub(crate) struct To {
    pub(crate) labels: Vec<(LabelId, Vec<String>)>,
    pub(crate) not_labels: Vec<(LabelId, Vec<String>)>,
    pub(crate) same: Vec<(LabelId, AttributeId)>,
    pub(crate) weight: f64,
}

#[derive(Debug, Clone)]
pub(crate) struct Weight {
    pub(crate) label: LabelId,
    pub(crate) values: Vec<(String, f64)>,
    pub(crate) by: Option<StickyBy>,
}

impl Kind {
    /// The label of `fallback.values`.
    pub(crate) fn label(&self) -> Option<LabelId> {
        match self {
            Self::Locality(levels) => levels.first().map(|(label, _)| *label),
            Self::Unit(unit) => Some(unit.label),
            Self::Tag(tag) => Some(tag.label),
            Self::Condition(_) => None,
            Self::Weight(weight) => Some(weight.label),
        }
    }
}

/// The shares of several things, one after the other on a line.
pub(crate) fn choose(weights: impl Iterator<Item = f64> + Clone, fraction: f64) -> Option<usize> {
    let sum: f64 = weights.clone().sum();
    let place = fraction * sum;
    let mut end = 0.0;
    let mut last = None;
    for (position, weight) in weights.enumerate() {
        if weight > 0.0 {
            last = Some(position);
        }
        end += weight;
        if place < end {
            return last;
        }
    }
    // Where rounding leaves a place at the very end.
    last
}
