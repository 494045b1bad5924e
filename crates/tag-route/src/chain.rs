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

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn shares_lie_one_after_the_other() {
        let at = |weights: &[f64], fraction| choose(weights.iter().copied(), fraction);
        let last = 1.0 - f64::EPSILON;
        let weights = [0.0, 1.0, 0.0, 3.0, 0.0];
        assert_eq!(at(&weights, 0.0), Some(1));
        assert_eq!(at(&weights, 0.249), Some(1));
        assert_eq!(at(&weights, 0.25), Some(3));
        assert_eq!(at(&weights, last), Some(3));
        // Whatever rounding does at the end, it is one that has a share.
        assert_eq!(at(&weights, 1.0), Some(3));
        assert_eq!(at(&[0.1; 10], last), Some(9));
        assert_eq!(at(&[0.0, 0.0], 0.5), None);
        assert_eq!(at(&[], 0.0), None);
    }
}
