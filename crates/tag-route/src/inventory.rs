//! Services and their destinations.

use std::collections::BTreeMap;

use crate::config::LastResort;
use crate::health::Threshold;
use crate::set::Set;

/// A service of a [`Policy`](crate::Policy).
#[derive(Debug, Clone)]
pub struct Service {
    pub(crate) name: String,
    pub(crate) hosts: Vec<String>,
    pub(crate) chain: usize,
    pub(crate) last_resort: LastResort,
    pub(crate) baseline: Set,
    pub(crate) destinations: Vec<Destination>,
    /// By [`LabelId`].
    pub(crate) index: Vec<LabelIndex>,
    /// By the position of the router in the chain: what a `tag` router takes for untagged, and its groups.
    pub(crate) tagged: Vec<Option<TagIndex>>,
}

/// Where requests can go.
#[derive(Debug, Clone)]
pub struct Destination {
    pub(crate) name: String,
    pub(crate) cluster: Option<String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) min_healthy: Threshold,
    pub(crate) weight: f64,
}

/// A label that a router of some chain goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LabelId(pub(crate) usize);

/// Who has which value of a label.
#[derive(Debug, Clone)]
pub(crate) struct LabelIndex {
    values: BTreeMap<String, Set>,
    without: Set,
}

/// What a `tag` router has to know of a service.
#[derive(Debug, Clone)]
pub(crate) struct TagIndex {
    /// By tag.
    pub(crate) groups: BTreeMap<String, Set>,
    /// What is in no group and has no tag by its label.
    pub(crate) untagged: Set,
}

impl Service {
    /// The service's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hosts of its requests.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// What happens when its chain leaves nothing.
    pub fn last_resort(&self) -> LastResort {
        self.last_resort
    }

    /// Where its requests can go, in the order of the document.
    pub fn destinations(&self) -> &[Destination] {
        &self.destinations
    }

    /// Who has a value of a label.
    pub(crate) fn having(&self, label: LabelId, value: &str) -> Option<&Set> {
        self.index.get(label.0)?.values.get(value)
    }

    /// Who has one of some values of a label.
    pub(crate) fn having_one(&self, label: LabelId, values: &[String]) -> Set {
        let mut set = Set::none(self.destinations.len());
        for having in values.iter().filter_map(|value| self.having(label, value)) {
            set.add(having);
        }
        set
    }

    /// Who has no such label.
    pub(crate) fn without(&self, label: LabelId) -> Option<&Set> {
        Some(&self.index.get(label.0)?.without)
    }
}

impl Destination {
    /// The destination's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its cluster.
    pub fn cluster(&self) -> Option<&str> {
        self.cluster.as_deref()
    }

    /// Its labels.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }
}

impl LabelIndex {
    pub(crate) fn new(label: &str, destinations: &[Destination]) -> Self {
        let mut index = Self {
            values: BTreeMap::new(),
            without: Set::none(destinations.len()),
        };
        for (position, destination) in destinations.iter().enumerate() {
            match destination.labels.get(label) {
                Some(value) => index
                    .values
                    .entry(value.clone())
                    .or_insert_with(|| Set::none(destinations.len()))
                    .insert(position),
                None => index.without.insert(position),
            }
        }
        index
    }
}
