//! What Istio's and Kubernetes' resources say of hosts, their ports and their subsets.

use std::collections::{BTreeMap, BTreeSet};

use meshlane_diagnostics::{JsonPath, Segment, is_label};

use super::hosts::Host;
use super::istio::MANAGED_BY;
use crate::check::Message;
use crate::diagnostic::Diagnostic;
use crate::source::{Entry, Node, Span, Value};

/// What some files say.
#[derive(Debug, Default)]
pub struct Resources {
    /// The ports of each host that a Service or a ServiceEntry describes.
    pub(super) ports: BTreeMap<Host, Vec<u16>>,
    /// The subsets of each host that a DestinationRule describes.
    pub(super) subsets: BTreeMap<Host, Vec<Subset>>,
    /// Where each host is first described by a DestinationRule: the file and the place.
    pub(super) rules: BTreeMap<Host, Place>,
    /// Those of them that were rendered before.
    pub(super) rendered: BTreeSet<Host>,
    /// The Services of Kubernetes.
    pub(super) services: BTreeMap<Host, KubernetesService>,
    /// Where each host's requests are routed by a VirtualService, or an HTTPRoute for the Service, that was not rendered.
    pub(super) routed: BTreeMap<Host, Place>,
}

/// A Service of Kubernetes.
#[derive(Debug, Clone)]
pub(super) struct KubernetesService {
    /// The labels of its pods.
    pub(super) selector: BTreeMap<String, String>,
    /// Its ports, as written.
    pub(super) ports: Vec<Node>,
    pub(super) place: Place,
}

/// A subset of the endpoints of a host.
#[derive(Debug, Clone)]
pub(super) struct Subset {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
}

/// A place in one of the files, and the resource there in words.
#[derive(Debug, Clone)]
pub struct Place {
    /// The number of the file.
    pub file: usize,
    /// The place in its text.
    pub span: Span,
    /// The place in the resource.
    pub path: JsonPath,
    /// The resource in words: `Service shop/orders`.
    pub resource: String,
}

impl Resources {
    /// Takes over what the documents of a file say; returns what is wrong in them.
    pub fn read(&mut self, file: usize, documents: &[Node]) -> Vec<Message> {
        let mut reader = Reader {
            resources: self,
            file,
            messages: Vec::new(),
        };
        for document in documents {
            reader.document(document);
        }
        reader.messages
    }

    /// Where a host is described by a DestinationRule of somebody else.
    pub(super) fn foreign_rule(&self, host: &Host) -> Option<&Place> {
        let rule = self.rules.get(host);
        rule.filter(|_| !self.rendered.contains(host))
    }
}

impl KubernetesService {
    /// One of its ports, as written.
    pub(super) fn port(&self, number: u16) -> Option<serde_json::Value> {
        let mut ports = self.ports.iter().map(Node::to_json);
        let number_of = |port: &serde_json::Value| port.get("port")?.as_u64();
        ports.find(|port| number_of(port) == Some(number.into()))
    }
}

struct Reader<'r> {
    resources: &'r mut Resources,
    file: usize,
    messages: Vec<Message>,
}

impl Reader<'_> {
    fn document(&mut self, document: &Node) {
        let text = |key| document.get(key).and_then(Node::text).unwrap_or_default();
        match (text("apiVersion"), text("kind")) {
            (_, kind) if kind.ends_with("List") => {
                let items = document.get("items").map(Node::items);
                items
                    .unwrap_or_default()
                    .iter()
                    .for_each(|item| self.document(item));
            }
            ("v1", "Service") => self.service(document),
            (api, "ServiceEntry") if is_networking(api) => self.service_entry(document),
            (api, "DestinationRule") if is_networking(api) => self.destination_rule(document),
            (api, "VirtualService") if is_networking(api) => self.virtual_service(document),
            (api, "HTTPRoute" | "GRPCRoute") if is_gateway_api(api) => self.route(document),
            _ => {}
        }
    }

    fn service(&mut self, service: &Node) {
        let (name, namespace) = identity(service);
        let host = Host::in_namespace(name, namespace);
        let ports = service.descend(&["spec", "ports"]);
        self.ports(host.clone(), ports, "port");
        if is_rendered(service) {
            return;
        }
        let selector = service.descend(&["spec", "selector"]).map(Node::entries);
        let path = path(["spec", "ports"]);
        let service = KubernetesService {
            selector: texts(selector.unwrap_or_default()),
            ports: ports.map(Node::items).unwrap_or_default().to_vec(),
            place: self.place(service, path, format!("Service {namespace}/{name}")),
        };
        self.resources.services.insert(host, service);
    }

    /// Routes for requests inside the mesh. Istio takes the oldest VirtualService of a host alone.
    fn virtual_service(&mut self, routes: &Node) {
        let (name, namespace) = identity(routes);
        let gateways = routes.descend(&["spec", "gateways"]).map(Node::items);
        let is_mesh = gateways.is_none_or(|gateways| {
            let mut gateways = gateways.iter();
            gateways.any(|gateway| gateway.text() == Some("mesh"))
        });
        if !is_mesh || is_rendered(routes) {
            return;
        }
        let path = path(["spec", "hosts"]);
        let hosts = routes.find(&path).map(Node::items).unwrap_or_default();
        let place = self.place(routes, path, format!("VirtualService {namespace}/{name}"));
        for host in hosts.iter().filter_map(Node::text) {
            self.routed(Host::resolve(host, namespace), &place);
        }
    }

    /// Routes of the Gateway API for Services.
    fn route(&mut self, routes: &Node) {
        let (name, namespace) = identity(routes);
        if is_rendered(routes) {
            return;
        }
        let path = path(["spec", "parentRefs"]);
        let parents = routes.find(&path).map(Node::items).unwrap_or_default();
        let place = self.place(routes, path, format!("HTTPRoute {namespace}/{name}"));
        for parent in parents {
            let text = |key| parent.get(key).and_then(Node::text);
            if text("kind") == Some("Service") {
                let namespace = text("namespace").unwrap_or(namespace);
                let host = Host::in_namespace(text("name").unwrap_or_default(), namespace);
                self.routed(host, &place);
            }
        }
    }

    /// Notes where a host is routed; the first place counts.
    fn routed(&mut self, host: Host, place: &Place) {
        let known = self.resources.routed.entry(host);
        known.or_insert_with(|| place.clone());
    }

    /// A place in a resource of this file.
    fn place(&self, node: &Node, path: JsonPath, resource: String) -> Place {
        Place {
            file: self.file,
            span: node.locate_value(&path),
            path,
            resource,
        }
    }

    fn service_entry(&mut self, entry: &Node) {
        let (_, namespace) = identity(entry);
        let hosts = entry.descend(&["spec", "hosts"]).map(Node::items);
        let ports = entry.descend(&["spec", "ports"]);
        for host in hosts.unwrap_or_default().iter().filter_map(Node::text) {
            self.ports(Host::resolve(host, namespace), ports, "number");
        }
    }

    fn ports(&mut self, host: Host, ports: Option<&Node>, key: &str) {
        let ports = ports.map(Node::items).unwrap_or_default().iter();
        let known = self.resources.ports.entry(host).or_default();
        for port in ports.filter(|port| speaks_http(port)) {
            let number = match port.get(key).map(|node| &node.value) {
                Some(Value::Number(number)) => number.as_u64(),
                _ => None,
            };
            let number = number.and_then(|number| u16::try_from(number).ok());
            known.extend(number.filter(|number| !known.contains(number)));
        }
    }

    fn destination_rule(&mut self, rule: &Node) {
        let (name, namespace) = identity(rule);
        let resource = format!("DestinationRule {namespace}/{name}");
        let path = path(["spec", "host"]);
        let Some(written) = rule.descend(&["spec", "host"]).and_then(Node::text) else {
            let place = rule.get("spec").unwrap_or(rule).place();
            let message = "the rule names no `host`";
            let diagnostic = Diagnostic::error("missing-key", place, message).at(path);
            return self.report(&resource, diagnostic);
        };
        let subsets = rule.descend(&["spec", "subsets"]).map(Node::items);
        let subsets = subsets.unwrap_or_default();
        if subsets.is_empty() {
            return;
        }
        if written.starts_with('*') {
            let span = rule.locate_value(&path);
            let message = format!("`{written}` is many hosts, and each has clusters of its own");
            let diagnostic = Diagnostic::warning("many-hosts", span, message);
            let diagnostic = diagnostic.note("its subsets are left out").at(path);
            return self.report(&resource, diagnostic);
        }
        let host = Host::resolve(written, namespace);
        let place = self.place(rule, path, resource.clone());
        self.resources.rules.entry(host.clone()).or_insert(place);
        if is_rendered(rule) {
            self.resources.rendered.insert(host.clone());
        }
        for (index, subset) in subsets.iter().enumerate() {
            self.subset(&host, index, subset, &resource);
        }
    }

    fn subset(&mut self, host: &Host, index: usize, subset: &Node, resource: &str) {
        let path = path(["spec", "subsets"]).join(Segment::Index(index));
        let Some(name) = subset.get("name").and_then(Node::text) else {
            let message = "the subset has no `name`";
            let diagnostic = Diagnostic::error("missing-key", subset.place(), message);
            return self.report(resource, diagnostic.at(path));
        };
        let subsets = self.resources.subsets.entry(host.clone()).or_default();
        let is_known = subsets.iter().any(|known| known.name == name);
        let labels = subset.get("labels").map(Node::entries).unwrap_or_default();
        subsets.push(Subset {
            name: name.to_owned(),
            labels: texts(labels),
        });
        if is_known {
            let span = subset.get("name").unwrap_or(subset).place();
            let message = format!("`{}` has a subset `{name}` already", host.name());
            self.report(
                resource,
                Diagnostic::error("duplicate", span, message).at(path),
            );
        } else {
            self.check(name, subset, labels, &path, resource);
        }
    }

    /// What Kubernetes and Istio accept, and a configuration would not.
    fn check(
        &mut self,
        name: &str,
        subset: &Node,
        labels: &[Entry],
        path: &JsonPath,
        resource: &str,
    ) {
        let key = |path: &JsonPath, key: &str| path.clone().join(Segment::Key(key.to_owned()));
        if !is_name(name) {
            let span = subset.get("name").unwrap_or(subset).place();
            let message = format!("`{name}` cannot be the name of a destination");
            let diagnostic = Diagnostic::error("invalid-value", span, message)
                .found(name)
                .expected("a name of 1 to 128 letters, digits and `-_/.`")
                .at(key(path, "name"));
            self.report(resource, diagnostic);
        }
        for entry in labels {
            let path = key(&key(path, "labels"), &entry.key);
            let value = entry.value.text();
            if value.is_some_and(is_label) && is_label(&entry.key) {
                continue;
            }
            let found = entry.value.to_json().to_string();
            let message = format!("`{}: {found}` cannot be a label here", entry.key);
            let diagnostic = Diagnostic::error("invalid-value", entry.value.place(), message)
                .found(found)
                .expected("name and value of 1 to 128 visible ASCII characters, the value a string")
                .at(path);
            self.report(resource, diagnostic);
        }
    }

    fn report(&mut self, resource: &str, diagnostic: Diagnostic) {
        self.messages.push(Message {
            diagnostic,
            plugin: Some(resource.to_owned()),
        });
    }
}

/// Those of some entries whose values are texts.
fn texts(entries: &[Entry]) -> BTreeMap<String, String> {
    let text = |entry: &Entry| Some((entry.key.clone(), entry.value.text()?.to_owned()));
    entries.iter().filter_map(text).collect()
}

/// Name and namespace of a resource; kubectl puts what names none into `default`.
fn identity(resource: &Node) -> (&str, &str) {
    let field = |name| resource.descend(&["metadata", name]).and_then(Node::text);
    (
        field("name").unwrap_or("unnamed"),
        field("namespace").unwrap_or("default"),
    )
}

/// Whether a resource was rendered before: what follows from the documents now takes its place.
fn is_rendered(resource: &Node) -> bool {
    let label = ["metadata", "labels", "app.kubernetes.io/managed-by"];
    resource.descend(&label).and_then(Node::text) == Some(MANAGED_BY)
}

fn is_gateway_api(api_version: &str) -> bool {
    api_version.starts_with("gateway.networking.k8s.io/")
}

fn is_networking(api_version: &str) -> bool {
    api_version.starts_with("networking.istio.io/")
}

/// Whether Istio would run HTTP filters for a port, by its protocol, `appProtocol` and name
/// ([protocol selection](https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/)).
fn speaks_http(port: &Node) -> bool {
    let text = |key| port.get(key).and_then(Node::text).unwrap_or_default();
    let named = match text("appProtocol") {
        "" => text("name").split('-').next().unwrap_or_default(),
        protocol => protocol,
    };
    let others = ["tcp", "tls", "https", "udp", "mongo", "mysql", "redis"];
    let is_other = |protocol: &str| others.iter().any(|o| o.eq_ignore_ascii_case(protocol));
    // A ServiceEntry says the protocol that is spoken, a Service that of the transport.
    let protocol = text("protocol");
    let is_other_transport = is_other(protocol) && protocol != "TCP" || protocol == "SCTP";
    !is_other_transport && !is_other(named)
}

fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/' | b'.');
    (1..=128).contains(&name.len()) && name.bytes().all(allowed)
}

fn path<const N: usize>(keys: [&str; N]) -> JsonPath {
    keys.into_iter()
        .map(|key| Segment::Key(key.to_owned()))
        .collect()
}
