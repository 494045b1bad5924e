//! Resources for Istio, made of the documents of a mesh.
//!
//! Every resource says why it is there. The same documents give the same resources, whatever order the files are in.

mod dubbo;
mod filters;
mod lanes;
mod mesh_config;
mod plugin;
mod resource;
mod routes;

use std::collections::{BTreeMap, BTreeSet};

use meshlane_documents::{DubboService, FilterDocument};
use meshlane_lane_group::LaneGroup;
use serde_json::Value;

pub use super::resources::Place;
use super::resources::Resources;
use crate::check::Message;
use crate::diagnostic::Diagnostic;
use crate::documents::Kind;
use mesh_config::log_format;
pub use mesh_config::mesh_config;
use plugin::Plugin;
pub(super) use resource::MANAGED_BY;
pub use resource::Resource;

/// How resources are rendered.
#[derive(Debug, Clone)]
pub struct Options {
    /// How Istio is told of filters.
    pub api: Api,
    /// How it is told of routes.
    pub routing: Routing,
    /// Where the modules are: `oci://registry.example.com/meshlane`.
    pub registry: String,
    /// The tag of their images.
    pub tag: String,
    /// The digests of the images, by the names of the modules.
    pub digests: BTreeMap<String, String>,
    /// The Secret with the credentials of the registry.
    pub pull_secret: Option<String>,
}

/// How Istio is told of filters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Api {
    /// WasmPlugin: every version of Istio
    #[default]
    WasmPlugin,
    /// TrafficExtension, which takes its place from Istio 1.30 on
    TrafficExtension,
}

/// How Istio is told of routes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Routing {
    /// VirtualService and DestinationRule
    #[default]
    Istio,
    /// HTTPRoute of the Gateway API, and a Service for each version
    GatewayApi,
}

/// The documents of a mesh.
#[derive(Debug, Default)]
pub struct Documents {
    /// Configurations of filters, with what is around them.
    pub filters: Vec<(FilterDocument, Value, Place)>,
    /// Services that speak Dubbo2.
    pub services: Vec<(DubboService, Place)>,
    /// Lane groups.
    pub groups: Vec<(LaneGroup, Place)>,
}

impl Documents {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty() && self.services.is_empty() && self.groups.is_empty()
    }
}

/// What follows from documents.
#[derive(Debug, Default)]
pub struct Rendering {
    /// The resources.
    pub resources: Vec<Resource>,
    /// What is to say about documents and resources, each with the number of the file that it is about.
    pub messages: Vec<(usize, Message)>,
}

impl Rendering {
    /// What follows from documents, beside resources that exist already.
    pub fn new(mut documents: Documents, existing: &Resources, options: &Options) -> Self {
        let filter = |document: &FilterDocument| {
            let namespace = document.namespace.clone();
            (document.kind, namespace, document.name.clone())
        };
        documents
            .filters
            .sort_by_key(|(document, _, _)| filter(document));
        let named = |(service, _): &(DubboService, Place)| {
            (service.namespace.clone(), service.name.clone())
        };
        documents.services.sort_by_key(named);
        let named = |(group, _): &(LaneGroup, Place)| {
            let namespace = group.namespace().map(str::to_owned);
            (namespace, group.name().to_owned())
        };
        documents.groups.sort_by_key(named);
        let mut renderer = Renderer {
            existing,
            options,
            plugins: Vec::new(),
            identities: BTreeSet::new(),
            document: None,
            rendering: Self::default(),
        };
        renderer.filters(&documents.filters);
        renderer.lanes(&documents.groups);
        renderer.dubbo(&documents.services);
        renderer.rendering
    }
}

/// Resources while they are made.
struct Renderer<'r> {
    existing: &'r Resources,
    options: &'r Options,
    /// The filters so far: those of consumers whose Dubbo calls are captured have to be placed by hand.
    plugins: Vec<Plugin>,
    /// The resources so far, each by what it is called.
    identities: BTreeSet<String>,
    /// The document that resources are made of at the moment.
    document: Option<Place>,
    rendering: Rendering,
}

impl Renderer<'_> {
    /// Adds a resource. Two of one name would undo each other: two documents of one name, or of one host.
    fn push(&mut self, resource: Resource) {
        let identity = resource.identity();
        let is_there = !self.identities.insert(identity.clone());
        if let Some(place) = self.document.clone().filter(|_| is_there) {
            let message = format!("{identity} follows from another document, too");
            let diagnostic = Diagnostic::error("rendered-twice", 0..0, message)
                .expected("one document of a name, and one that routes a host");
            return self.report(&place, diagnostic);
        }
        self.rendering.resources.push(resource);
    }

    fn plugin(&mut self, plugin: Plugin) {
        let resource = plugin.render(self.options);
        self.push(resource);
        self.plugins.push(plugin);
    }

    /// Says something about a document or a resource.
    fn report(&mut self, place: &Place, mut diagnostic: Diagnostic) {
        diagnostic.span = place.span.clone();
        let message = Message {
            diagnostic: diagnostic.at(place.path.clone()),
            plugin: Some(place.resource.clone()),
        };
        self.rendering.messages.push((place.file, message));
    }
}

impl Options {
    /// Where the module of a filter is.
    fn url(&self, kind: Kind) -> String {
        let registry = self.registry.trim_end_matches('/');
        format!("{registry}/{}:{}", module(kind), self.tag)
    }

    fn digest(&self, kind: Kind) -> Option<&str> {
        self.digests.get(module(kind)).map(String::as_str)
    }
}

/// One module has all HTTP filters in it, so that a proxy pays for one VM a worker.
fn module(kind: Kind) -> &'static str {
    if kind.is_network() { "dubbo" } else { "suite" }
}

/// The namespace that hosts are completed with.
fn namespace(written: Option<&str>) -> &str {
    written.unwrap_or("default")
}

/// Of EnvoyFilters, behind those of others that say none: `istioctl analyze` wants patches of one filter by another to be in
/// an order that somebody chose.
const PRIORITY: u32 = 10;
