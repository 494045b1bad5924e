//! Documents of lane groups.

use meshlane_lane_group::LaneGroup;

use super::resource::Identity;
use crate::source::Node;

/// A document of a lane group. It is no configuration of a filter: those follow from it.
#[derive(Debug, Clone)]
pub struct LaneGroupDocument {
    /// The document in words: `LaneGroup shop/web`.
    pub resource: String,
    /// The document.
    pub node: Node,
}

impl LaneGroupDocument {
    pub(super) fn new(document: &Node) -> Self {
        let identity = Identity::of(document);
        Self {
            resource: format!("{} {}", LaneGroup::KIND, identity.written()),
            node: document.clone(),
        }
    }
}

/// Whether a document is meant to be a lane group: there is nothing else in its API group, so that a misspelt version or kind is
/// not passed over.
pub(super) fn is_lane_group(api_version: &str, kind: Option<&str>) -> bool {
    let [own, found] = [LaneGroup::API_VERSION, api_version].map(|text| text.split('/').next());
    found == own || (api_version.is_empty() && kind == Some(LaneGroup::KIND))
}
