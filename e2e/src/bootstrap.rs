//! Envoy's bootstrap, as far as the scenarios need it.

use std::path::PathBuf;

use serde_json::{Value, json};

pub use self::{
    endpoint_file::{Endpoint, EndpointFile},
    filter::{ConfigFile, FailurePolicy, WasmFilter, jwt_authn},
    listener::{Direction, Listener, Tls},
    listener_file::ListenerFile,
};
use crate::upstream::Upstream;

mod endpoint_file;
mod filter;
mod listener;
mod listener_file;
pub mod parts;
mod xds_file;

/// Everything that one Envoy is started with.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    node: Node,
    listeners: Vec<Value>,
    listener_file: Option<(PathBuf, Vec<String>)>,
    clusters: Vec<Value>,
}

/// Who the proxy is.
#[derive(Clone, Debug)]
pub struct Node {
    /// The node id; Istio's begin with `router~`, `sidecar~` or `waypoint~`.
    pub id: String,
    /// The labels of the workload.
    pub labels: Vec<(String, String)>,
    /// The namespace of the workload.
    pub namespace: Option<String>,
    /// Where the proxy runs: region, zone, part of the zone.
    pub locality: Option<[String; 3]>,
}

impl Bootstrap {
    /// A proxy with this identity.
    pub fn new(node: Node) -> Self {
        Self {
            node,
            listeners: Vec::new(),
            listener_file: None,
            clusters: Vec::new(),
        }
    }

    /// A gateway of Istio's kind.
    pub fn gateway() -> Self {
        Self::new(Node::of_kind("router"))
    }

    /// A sidecar of Istio's kind.
    pub fn sidecar() -> Self {
        Self::new(Node::of_kind("sidecar"))
    }

    /// An Envoy that knows nothing of Istio.
    pub fn bare() -> Self {
        Self::new(Node {
            id: "envoy-1".to_owned(),
            labels: Vec::new(),
            namespace: None,
            locality: None,
        })
    }

    /// Adds a listener.
    pub fn listener(self, listener: Listener) -> Self {
        self.raw_listener(listener.to_json())
    }

    /// Adds a listener as Envoy reads it.
    pub fn raw_listener(mut self, listener: Value) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Takes more listeners from a file, and again when the file changes.
    pub fn listener_file(mut self, file: &ListenerFile) -> Self {
        self.listener_file = Some((file.path().to_owned(), file.names()));
        self
    }

    /// Adds a cluster as Envoy reads it.
    pub fn raw_cluster(mut self, cluster: Value) -> Self {
        self.clusters.push(cluster);
        self
    }

    /// Adds a cluster for each upstream, by the upstream's name.
    pub fn upstreams(mut self, upstreams: &[&Upstream]) -> Self {
        self.clusters
            .extend(upstreams.iter().map(|upstream| cluster(upstream)));
        self
    }

    /// The names of the listeners that have a port.
    pub fn listener_names(&self) -> impl Iterator<Item = &str> {
        let discovered = self.listener_file.iter().flat_map(|(_, names)| names);
        self.listeners
            .iter()
            // Not those on a pipe.
            .filter(|listener| listener.pointer("/address/socket_address").is_some())
            .filter_map(|listener| listener.get("name")?.as_str())
            .chain(discovered.map(String::as_str))
    }

    /// The bootstrap as Envoy reads it.
    pub fn to_json(&self) -> Value {
        let mut bootstrap = json!({
            "node": self.node.to_json(),
            "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
            "stats_config": {"stats_tags": stats_tags()},
            "static_resources": {"listeners": self.listeners, "clusters": self.clusters},
        });
        if let (Some((path, _)), Some(members)) = (&self.listener_file, bootstrap.as_object_mut()) {
            let source = xds_file::source(path);
            members.insert(
                "dynamic_resources".to_owned(),
                json!({"lds_config": source}),
            );
        }
        bootstrap
    }
}

impl Node {
    /// A node as Istio names them.
    fn of_kind(kind: &str) -> Self {
        let mut node = Self::new(kind);
        let labels = [("app", "shop"), ("version", "v1")];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
        node.labels = labels.into();
        node
    }

    /// A node as Istio names them, without labels.
    pub fn new(kind: &str) -> Self {
        Self {
            id: format!("{kind}~127.0.0.1~shop.demo~demo.svc.cluster.local"),
            labels: Vec::new(),
            namespace: Some("demo".to_owned()),
            locality: None,
        }
    }

    fn to_json(&self) -> Value {
        let labels: serde_json::Map<String, Value> = self
            .labels
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        let mut metadata = json!({"LABELS": labels});
        if let (Some(members), Some(namespace)) = (metadata.as_object_mut(), &self.namespace) {
            members.insert("NAMESPACE".to_owned(), json!(namespace));
        }
        let mut node = json!({"id": self.id, "cluster": "meshlane-e2e", "metadata": metadata});
        if let (Some(members), Some([region, zone, sub_zone])) =
            (node.as_object_mut(), &self.locality)
        {
            let locality = json!({"region": region, "zone": zone, "sub_zone": sub_zone});
            members.insert("locality".to_owned(), locality);
        }
        node
    }
}

/// The settings that turn the parts of a statistic's name into labels in Prometheus.
fn stats_tags() -> Vec<Value> {
    let names = [
        "filter",
        "plugin",
        "tag",
        "rule",
        "reason",
        "service",
        "router",
        "limit",
        "lane",
        "direction",
        "interface",
        "method",
        "status",
        "outcome",
    ];
    names
        .into_iter()
        .map(|name| json!({"tag_name": name, "regex": format!("^wasmcustom\\.meshlane_.*?(\\.{name}=([^.]*))")}))
        .collect()
}

/// Speaks to the upstream what the client spoke to Envoy.
pub(crate) fn cluster(upstream: &Upstream) -> Value {
    let address = upstream.address();
    let socket_address = json!({"address": address.ip().to_string(), "port_value": address.port()});
    json!({
        "name": upstream.name(),
        "type": "STATIC",
        "connect_timeout": "5s",
        "typed_extension_protocol_options": parts::http_upstream(json!({
            "use_downstream_protocol_config": {"http2_protocol_options": {}},
            // The echo repeats what may be large.
            "common_http_protocol_options": {"max_headers_count": 10_000},
        })),
        "load_assignment": {"cluster_name": upstream.name(), "endpoints": [{"lb_endpoints": [
            {"endpoint": {"address": {"socket_address": socket_address}}},
        ]}]},
    })
}
