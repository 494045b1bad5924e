//! What has a schema.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use meshlane_documents::FilterKind;

use crate::documents::{Kind, OwnKind};

/// What has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The configuration of a filter.
    Filter(Kind),
    /// A lane group.
    LaneGroup,
    /// A document of another kind of ours.
    Document(OwnKind),
}

impl Subject {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Filter(Kind::Dubbo),
        Self::Filter(Kind::GrayRelease),
        Self::LaneGroup,
        Self::Filter(Kind::RateLimit),
        Self::Filter(Kind::TagRoute),
        Self::Filter(Kind::TrafficTag),
        Self::Document(OwnKind::DubboService),
        Self::Document(OwnKind::Filter(FilterKind::RateLimit)),
        Self::Document(OwnKind::Filter(FilterKind::RouterChain)),
        Self::Document(OwnKind::Filter(FilterKind::TrafficLabel)),
    ];

    /// What it is called on the command line and in the names of files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Filter(kind) => kind.as_str(),
            Self::LaneGroup => "lane-group",
            Self::Document(OwnKind::DubboService) => "dubbo-service",
            Self::Document(OwnKind::Filter(kind)) => match kind {
                FilterKind::TrafficLabel => "traffic-label",
                FilterKind::RouterChain => "router-chain",
                // Not the filter of that name.
                FilterKind::RateLimit => "rate-limit-document",
            },
        }
    }

    /// The filter that is configured, where it is one.
    pub fn filter(self) -> Option<Kind> {
        match self {
            Self::Filter(kind) => Some(kind),
            Self::LaneGroup | Self::Document(_) => None,
        }
    }
}

impl From<Kind> for Subject {
    fn from(kind: Kind) -> Self {
        Self::Filter(kind)
    }
}

impl ValueEnum for Subject {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Filter(kind) => kind.to_possible_value(),
            Self::LaneGroup => {
                let help = "One document from which the configurations of the others follow";
                Some(PossibleValue::new(self.as_str()).help(help))
            }
            Self::Document(kind) => {
                let help = format!("A document of the kind {}", kind.as_str());
                Some(PossibleValue::new(self.as_str()).help(help))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_has_a_schema() {
        let filters: Vec<_> = Subject::ALL.iter().filter_map(|s| s.filter()).collect();
        assert_eq!(filters, Kind::ALL);
    }
}
