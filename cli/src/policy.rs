//! What the filters that decide about requests decide by.

use std::rc::Rc;

use meshlane_attributes::{Attribute, ProxyKind, RequestSettings};
use meshlane_diagnostics::Violations;
use meshlane_tags::Carrier;

use crate::documents::Kind;

/// A validated configuration of a filter that decides about requests.
#[derive(Debug, Clone)]
pub enum Policy {
    /// Of `gray-release`.
    GrayRelease(Box<meshlane_gray_release::Policy>),
    /// Of `rate-limit`. Whoever waits for a turn goes by it until then.
    RateLimit(Rc<meshlane_rate_limit::Policy>),
    /// Of `tag-route`.
    TagRoute(Box<meshlane_tag_route::Policy>),
    /// Of `traffic-tag`.
    TrafficTag(meshlane_traffic_tag::Policy),
}

impl Policy {
    /// Reads and validates a document with the code of the filter; nothing for one that decides
    /// nothing about requests.
    ///
    /// # Errors
    /// The first structural error, or every semantic one.
    pub fn parse(
        kind: Kind,
        document: &[u8],
        proxy: ProxyKind,
    ) -> Result<Option<Self>, Violations> {
        match kind {
            Kind::Dubbo => meshlane_bridge::Policy::parse(document, proxy).map(|_| None),
            Kind::GrayRelease => {
                meshlane_gray_release::Policy::parse(document).map(|policy| Some(policy.into()))
            }
            Kind::RateLimit => {
                meshlane_rate_limit::Policy::parse(document).map(|policy| Some(policy.into()))
            }
            Kind::TagRoute => {
                meshlane_tag_route::Policy::parse(document, proxy).map(|policy| Some(policy.into()))
            }
            Kind::TrafficTag => meshlane_traffic_tag::Policy::parse(document, proxy)
                .map(|policy| Some(policy.into())),
        }
    }

    /// The kind of its filter.
    pub fn kind(&self) -> Kind {
        match self {
            Self::GrayRelease(_) => Kind::GrayRelease,
            Self::RateLimit(_) => Kind::RateLimit,
            Self::TagRoute(_) => Kind::TagRoute,
            Self::TrafficTag(_) => Kind::TrafficTag,
        }
    }

    /// How attributes are read that can be read in several ways.
    pub fn settings(&self) -> &RequestSettings {
        match self {
            Self::GrayRelease(policy) => policy.settings(),
            Self::RateLimit(policy) => policy.settings(),
            Self::TagRoute(policy) => policy.settings(),
            Self::TrafficTag(policy) => policy.settings(),
        }
    }

    /// The attributes that it asks for.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        let table = match self {
            Self::GrayRelease(policy) => policy.attributes(),
            Self::RateLimit(policy) => policy.attributes(),
            Self::TagRoute(policy) => policy.attributes(),
            Self::TrafficTag(policy) => policy.attributes(),
        };
        table.iter()
    }

    /// The attachments that it writes, in lower case.
    pub fn attachment_carriers(&self) -> impl Iterator<Item = &str> {
        let (carrying, writing) = match self {
            Self::GrayRelease(policy) => (Some(policy.attachment_carriers()), None),
            Self::RateLimit(_) | Self::TagRoute(_) => (None, None),
            Self::TrafficTag(policy) => (None, Some(policy.attachment_carriers())),
        };
        let carrying = carrying.into_iter().flatten();
        carrying.chain(writing.into_iter().flatten())
    }

    /// The attachments that it recognises calls by, in lower case.
    pub fn attachment_identifiers(&self) -> impl Iterator<Item = &str> {
        let policy = match self {
            Self::GrayRelease(policy) => Some(policy),
            Self::RateLimit(_) | Self::TagRoute(_) | Self::TrafficTag(_) => None,
        };
        policy.into_iter().flat_map(|policy| policy.identifiers())
    }

    /// The tags that it decides about, with what carries them.
    pub fn tags(&self) -> Vec<(&str, &[Carrier])> {
        match self {
            Self::GrayRelease(policy) => {
                let tags = policy.tags().iter();
                tags.map(|tag| (tag.name(), tag.carriers())).collect()
            }
            Self::RateLimit(_) | Self::TagRoute(_) => Vec::new(),
            Self::TrafficTag(policy) => {
                let tags = policy.tags().iter();
                tags.map(|tag| (tag.name(), tag.carriers())).collect()
            }
        }
    }
}

impl From<meshlane_gray_release::Policy> for Policy {
    fn from(policy: meshlane_gray_release::Policy) -> Self {
        Self::GrayRelease(Box::new(policy))
    }
}

impl From<meshlane_rate_limit::Policy> for Policy {
    fn from(policy: meshlane_rate_limit::Policy) -> Self {
        Self::RateLimit(Rc::new(policy))
    }
}

impl From<meshlane_tag_route::Policy> for Policy {
    fn from(policy: meshlane_tag_route::Policy) -> Self {
        Self::TagRoute(Box::new(policy))
    }
}

impl From<meshlane_traffic_tag::Policy> for Policy {
    fn from(policy: meshlane_traffic_tag::Policy) -> Self {
        Self::TrafficTag(policy)
    }
}
