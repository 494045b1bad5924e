//! Documents of meshlane's own API group.

use meshlane_attributes::ProxyKind;
use meshlane_diagnostics::nearest;
use meshlane_documents::{DubboService, FilterDocument, FilterKind, GatewayReference, Proxies};
use meshlane_gray_release::config::Direction;
use meshlane_lane_group::LaneGroup;

use super::resource::Identity;
use super::{Findings, Kind, Origin, Phase, Plugin, Surroundings, Traffic};
use crate::source::Node;

/// A document of a lane group. It is no configuration of a filter: those follow from it.
#[derive(Debug, Clone)]
pub struct LaneGroupDocument {
    /// The document in words: `LaneGroup shop/web`.
    pub resource: String,
    /// The document.
    pub node: Node,
}

/// A document of one of the other kinds.
#[derive(Debug, Clone)]
pub struct OwnDocument {
    /// What it is.
    pub kind: OwnKind,
    /// The document in words: `RateLimit shop/web`.
    pub resource: String,
    /// The document.
    pub node: Node,
}

/// The kinds of documents besides lane groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnKind {
    /// The configuration of a filter, and the proxies that it is for.
    Filter(FilterKind),
    /// A service that speaks Dubbo2.
    DubboService,
}

impl OwnKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::Filter(FilterKind::TrafficLabel),
        Self::Filter(FilterKind::RouterChain),
        Self::Filter(FilterKind::RateLimit),
        Self::DubboService,
    ];

    /// The `kind` of documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Filter(kind) => kind.as_str(),
            Self::DubboService => DubboService::KIND,
        }
    }

    /// The kind that a document is meant to be; nothing for lane groups, and for what is like nothing.
    fn meant(kind: Option<&str>) -> Option<Self> {
        let known = Self::ALL.map(Self::as_str);
        let names = known.into_iter().chain([LaneGroup::KIND]);
        let kind = nearest(kind?, names)?;
        Self::ALL.into_iter().find(|known| known.as_str() == kind)
    }
}

impl From<FilterKind> for Kind {
    fn from(kind: FilterKind) -> Self {
        match kind {
            FilterKind::TrafficLabel => Self::TrafficTag,
            FilterKind::RouterChain => Self::TagRoute,
            FilterKind::RateLimit => Self::RateLimit,
        }
    }
}

/// Whether a document is one of ours. There is nothing else in the API group, so that a misspelt version or kind is not passed
/// over.
pub(super) fn is_own(api_version: &str, kind: Option<&str>) -> bool {
    let [own, found] = [LaneGroup::API_VERSION, api_version].map(|text| text.split('/').next());
    let is_named = |kind: &str| {
        let mut known = OwnKind::ALL.into_iter();
        kind == LaneGroup::KIND || known.any(|known| known.as_str() == kind)
    };
    found == own || (api_version.is_empty() && kind.is_some_and(is_named))
}

/// Takes a document in; what is not known to be something else is a lane group.
pub(super) fn take(document: &Node, kind: Option<&str>, findings: &mut Findings) {
    let identity = Identity::of(document);
    let node = document.clone();
    let Some(kind) = OwnKind::meant(kind) else {
        let resource = format!("{} {}", LaneGroup::KIND, identity.written());
        findings
            .lane_groups
            .push(LaneGroupDocument { resource, node });
        return;
    };
    let resource = format!("{} {}", kind.as_str(), identity.written());
    if let OwnKind::Filter(kind) = kind {
        findings
            .plugins
            .extend(plugin(kind, document, &identity, &resource));
    }
    findings.documents.push(OwnDocument {
        kind,
        resource,
        node,
    });
}

/// The plugin that runs with the configuration in a document; nothing when there is no configuration.
fn plugin(
    kind: FilterKind,
    document: &Node,
    identity: &Identity,
    resource: &str,
) -> Option<Plugin> {
    let entry = document.get("spec")?.entry("config")?;
    let bytes = crate::check::document_bytes(Some(document));
    let proxies = FilterDocument::parse(kind, &bytes).ok();
    let proxies = proxies.map(|document| document.proxies);
    let config = crate::check::document_bytes(Some(&entry.value));
    let phase = Phase::of(kind.into(), &config, entry.value.place());
    Some(Plugin {
        kind: kind.into(),
        origin: Origin::Document,
        resource: resource.to_owned(),
        name: identity.name.clone(),
        config: Some(entry.value.clone()),
        place: entry.key_span.clone(),
        proxy: surroundings(proxies.as_ref(), identity),
        phase: Some(phase),
    })
}

fn surroundings(proxies: Option<&Proxies>, identity: &Identity) -> Surroundings {
    let written = |labels: &std::collections::BTreeMap<String, String>| {
        let labels = labels.iter();
        let labels = labels.map(|(name, value)| (name.clone(), value.clone()));
        labels.collect()
    };
    let mut surroundings = Surroundings {
        kind: proxies.map(Proxies::kind),
        namespace: identity.workload_namespace(),
        ..Surroundings::default()
    };
    match proxies {
        Some(Proxies::Sidecars { labels, direction }) => {
            surroundings.labels = written(labels);
            surroundings.traffic = Traffic::Of(*direction);
            surroundings.listener = Some(direction.as_str().to_owned());
        }
        Some(Proxies::Gateways(GatewayReference::Labels(labels))) => {
            surroundings.labels = written(labels);
            surroundings.traffic = Traffic::Of(Direction::Outbound);
        }
        Some(Proxies::Gateways(GatewayReference::Name(name))) => {
            surroundings.labels = vec![(GATEWAY_NAME.to_owned(), name.clone())];
            surroundings.traffic = Traffic::Of(Direction::Outbound);
        }
        Some(Proxies::Waypoint(_) | Proxies::WaypointService(_)) | None => {}
    }
    debug_assert!(surroundings.kind != Some(ProxyKind::Bare));
    surroundings
}

/// The label that pods of a Gateway of the Gateway API have.
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";
