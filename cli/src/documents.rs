//! Finds the filters' configurations in the documents that people keep them in.

mod envoy;
mod istio;
mod module;
mod own;
mod phase;
mod resource;

use meshlane_attributes::{Locality, ProxyKind};
use meshlane_diagnostics::{JsonPath, Segment};
use meshlane_gray_release::config::Direction;

pub(crate) use module::module_name;
pub use own::{LaneGroupDocument, OwnDocument, OwnKind};
pub use phase::Phase;
pub(crate) use resource::Identity;

use crate::diagnostic::Diagnostic;
use crate::source::{Node, Source, Span, Value};

/// The kinds of filter that have a configuration of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Makes Dubbo HTTP/2 and back.
    Dubbo,
    /// Carries tags from a request to the calls that it causes, and keeps lanes apart.
    GrayRelease,
    /// Refuses requests that are one too many, or has them wait.
    RateLimit,
    /// Chooses a destination among those that a chain of routers leaves.
    TagRoute,
    /// Computes tags from a request and writes them to their carriers.
    TrafficTag,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Dubbo,
        Self::GrayRelease,
        Self::RateLimit,
        Self::TagRoute,
        Self::TrafficTag,
    ];

    /// The name of the kind, as in `pluginName`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dubbo => "dubbo",
            Self::GrayRelease => "gray-release",
            Self::RateLimit => "rate-limit",
            Self::TagRoute => "tag-route",
            Self::TrafficTag => "traffic-tag",
        }
    }

    /// Whether the filter is a network filter, not an HTTP filter.
    pub fn is_network(self) -> bool {
        match self {
            Self::Dubbo => true,
            Self::GrayRelease | Self::RateLimit | Self::TagRoute | Self::TrafficTag => false,
        }
    }

    /// What the filter is, in a word with its article.
    pub fn species(self) -> &'static str {
        if self.is_network() {
            "a network filter"
        } else {
            "an HTTP filter"
        }
    }

    /// Whether the filter decides about requests. The bridge translates.
    pub fn decides(self) -> bool {
        !self.is_network()
    }

    /// The kind and the name that a `pluginName` or root id stands for: `kind` or `kind/name`.
    pub fn of_plugin_name(plugin_name: &str) -> Option<(Self, Option<&str>)> {
        let (kind, name) = match plugin_name.split_once('/') {
            Some((kind, name)) => (kind, Some(name)),
            None => (plugin_name, None),
        };
        let kind = Self::ALL.iter().find(|known| known.as_str() == kind)?;
        Some((*kind, name))
    }
}

/// What a configuration was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Istio's `WasmPlugin`.
    WasmPlugin,
    /// Istio's `TrafficExtension`.
    TrafficExtension,
    /// Istio's `EnvoyFilter`.
    EnvoyFilter,
    /// Envoy's own configuration.
    Envoy,
    /// A document of meshlane's own, which Istio's resources are rendered from.
    Document,
    /// The configuration alone.
    Bare,
}

/// A filter's configuration and its surroundings.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// The filter.
    pub kind: Kind,
    /// What it was found in.
    pub origin: Origin,
    /// The document in words: `WasmPlugin demo/tag`.
    pub resource: String,
    /// The name to choose the plugin by.
    pub name: String,
    /// The configuration; nothing when the plugin has none.
    pub config: Option<Node>,
    /// Where the configuration is, or would be.
    pub place: Span,
    /// What the document tells about the proxy that the plugin will run in.
    pub proxy: Surroundings,
    /// Where in Istio's order of filters the plugin stands.
    pub phase: Option<Phase>,
}

/// What a document tells about the proxy that a plugin will run in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The kind of proxy.
    pub kind: Option<ProxyKind>,
    /// The namespace of the workload.
    pub namespace: Option<String>,
    /// Labels that the workload has.
    pub labels: Vec<(String, String)>,
    /// Where the proxy runs.
    pub locality: Locality,
    /// Which of the proxy's listeners: plugins that name the same one see the same requests.
    pub listener: Option<String>,
    /// Which way requests go there.
    pub traffic: Traffic,
}

/// Which way the requests go that a plugin sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Traffic {
    /// The document does not tell, or they go both ways.
    #[default]
    Unknown,
    /// The document shows the listener, and the listener does not say it.
    Unsaid,
    /// One way.
    Of(Direction),
}

impl Traffic {
    /// The direction, when it is known.
    pub fn direction(self) -> Option<Direction> {
        match self {
            Self::Unknown | Self::Unsaid => None,
            Self::Of(direction) => Some(direction),
        }
    }

    /// Whether requests of a direction may be among them.
    pub fn may_go(self, direction: Direction) -> bool {
        self.direction().is_none_or(|known| known == direction)
    }
}

impl Surroundings {
    /// Whether plugins are in the same proxy, as far as documents tell; not whether they see the same requests.
    pub fn is_same_proxy(&self, other: &Self) -> bool {
        let proxy = |surroundings: &Self| Self {
            listener: None,
            traffic: Traffic::Unknown,
            ..surroundings.clone()
        };
        proxy(self) == proxy(other)
    }
}

/// What a document holds.
#[derive(Debug, Default)]
pub struct Findings {
    /// The configurations, in order.
    pub plugins: Vec<Plugin>,
    /// The lane groups, in order.
    pub lane_groups: Vec<LaneGroupDocument>,
    /// The documents of meshlane's other kinds, in order. The configurations in them are among the plugins.
    pub documents: Vec<OwnDocument>,
    /// What is wrong with the documents around them.
    pub diagnostics: Vec<Diagnostic>,
    /// How many documents are none of ours.
    pub passed_over: usize,
}

/// Finds the configurations in a document. One that is neither a Kubernetes resource nor
/// a configuration of Envoy is taken for the configuration of a `bare` filter itself.
pub fn find(source: &Source, document: &Node, bare: Kind, findings: &mut Findings) {
    if matches!(document.value, Value::Null) {
        return;
    }
    let api_version = document.get("apiVersion").and_then(Node::text);
    let kind = document.get("kind").and_then(Node::text);
    match (api_version.unwrap_or_default(), kind) {
        (_, Some(kind)) if kind.ends_with("List") && document.get("items").is_some() => {
            for item in document.get("items").map(Node::items).unwrap_or_default() {
                find(source, item, bare, findings);
            }
        }
        (api, Some("WasmPlugin")) if api.starts_with("extensions.istio.io/") => {
            istio::wasm_plugin(document, findings);
        }
        (api, Some("TrafficExtension")) if api.starts_with("extensions.istio.io/") => {
            istio::traffic_extension(document, findings);
        }
        (api, Some("EnvoyFilter")) if api.starts_with("networking.istio.io/") => {
            envoy::envoy_filter(source, document, findings);
        }
        (api, kind) if own::is_own(api, kind) => own::take(document, kind, findings),
        ("", None) if envoy::is_envoy(document) => {
            envoy::envoy_configuration(source, document, findings);
        }
        ("", None) => {
            collect_oddities(document, findings);
            findings.plugins.push(Plugin {
                kind: bare,
                origin: Origin::Bare,
                resource: format!("{} configuration", bare.as_str()),
                name: document
                    .get("name")
                    .and_then(Node::text)
                    .unwrap_or(bare.as_str())
                    .to_owned(),
                place: document.place(),
                config: Some(document.clone()),
                proxy: Surroundings::default(),
                phase: None,
            });
        }
        _ => findings.passed_over += 1,
    }
}

/// Takes over what reading a value brought up.
fn collect_oddities(node: &Node, findings: &mut Findings) {
    node.walk(&JsonPath::default(), &mut |path, node| {
        let oddities = node.oddities.iter().cloned();
        findings
            .diagnostics
            .extend(oddities.map(|oddity| oddity.at(path.clone())));
    });
}

/// A path of keys.
fn keys(keys: &[&str]) -> JsonPath {
    keys.iter()
        .map(|key| Segment::Key((*key).to_owned()))
        .collect()
}
