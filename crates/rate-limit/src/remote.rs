//! A limit that a rate limit service counts.

use std::time::Duration;

use meshlane_attributes::{AttributeId, Request};
use meshlane_proto::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
use meshlane_proto::envoy::extensions::common::ratelimit::v3::rate_limit_descriptor::{
    Entry, RateLimitOverride,
};

use crate::config::FailureMode;

/// Where a limit is counted, and by what.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    pub(crate) service: String,
    pub(crate) domain: String,
    pub(crate) descriptors: Vec<Descriptor>,
    pub(crate) hits: u32,
    pub(crate) hits_from: Option<AttributeId>,
    pub(crate) timeout: Duration,
    pub(crate) failure_mode: FailureMode,
}

#[derive(Debug, Clone)]
pub(crate) struct Descriptor {
    pub(crate) entries: Vec<(String, Source)>,
    pub(crate) limit: Option<RateLimitOverride>,
}

/// Where the value of an entry comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Literal(String),
    Attribute(AttributeId),
}

impl Remote {
    /// The descriptors of a request. One is left out that lacks an attribute.
    pub(crate) fn descriptors(&self, request: &Request<'_>) -> Vec<RateLimitDescriptor> {
        let descriptors = self.descriptors.iter().filter_map(|descriptor| {
            let entries = descriptor.entries.iter().map(|(key, source)| {
                let value = match source {
                    Source::Literal(value) => value.clone(),
                    Source::Attribute(id) => request.value(*id)?.as_text()?.into_owned(),
                };
                // The service takes no empty values.
                let key = key.clone();
                (!value.is_empty()).then_some(Entry { key, value })
            });
            Some(RateLimitDescriptor {
                entries: entries.collect::<Option<_>>()?,
                limit: descriptor.limit,
                hits_addend: None,
            })
        });
        descriptors.collect()
    }

    /// How much a request counts.
    pub(crate) fn hits(&self, request: &Request<'_>) -> u32 {
        let value = self.hits_from.and_then(|id| request.value(id)?.as_number());
        let is_count = |hits: &f64| (1.0..=Self::MAX_HITS).contains(hits) && hits.fract() == 0.0;
        value.filter(is_count).map_or(self.hits, |hits| hits as u32)
    }

    /// What one request may count at most: a service may take larger numbers for negative ones.
    pub(crate) const MAX_HITS: f64 = 1e6;
}
