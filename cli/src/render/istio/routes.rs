//! Routes by the header that `tag-route` writes.

mod gateway_api;
mod virtual_service;

use std::collections::{BTreeMap, BTreeSet};

use meshlane_documents::Retries;
use serde_json::{Value, json};

use super::resource::{Owner, Resource, set};
use super::{Place, Renderer, Routing, namespace};
use crate::diagnostic::Diagnostic;
use crate::render::hosts::Host;
pub(super) use virtual_service::written as written_retries;

/// The services whose requests are routed, for a document.
pub(super) struct RoutingPlan {
    /// Where the document is.
    pub(super) place: Place,
    pub(super) owner: Owner,
    pub(super) namespace: Option<String>,
    /// Gateways whose requests are routed too.
    pub(super) gateways: Vec<String>,
    /// What is tried again; as Istio does when nothing is said.
    pub(super) retries: Option<Retries>,
    /// Whether requests inside of the mesh are routed.
    pub(super) has_mesh: bool,
    pub(super) services: Vec<Routed>,
}

/// A service with its destinations.
#[derive(Debug)]
pub(super) struct Routed {
    pub(super) host: Host,
    pub(super) port: u16,
    /// What its requests call it elsewhere.
    pub(super) hosts: Vec<String>,
    /// The header that says the destination, and whether it says its cluster.
    pub(super) header: String,
    pub(super) is_cluster: bool,
    pub(super) destinations: Vec<Destination>,
    /// The name of the destination for requests without the header.
    pub(super) otherwise: String,
}

/// A destination: a subset of the endpoints of a host.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) name: String,
    pub(super) subset: String,
    pub(super) labels: BTreeMap<String, String>,
}

impl Routed {
    /// The services of a configuration of `tag-route` whose clusters are Istio's; `otherwise` says by a service's name where
    /// requests without the header go.
    pub(super) fn of(config: &Value, otherwise: impl Fn(&str) -> String) -> Vec<Self> {
        let text = |value: &Value, key: &str| {
            let text = value.get(key).and_then(Value::as_str);
            text.map(str::to_owned)
        };
        let output = config.get("output").unwrap_or(&Value::Null);
        let header = text(output, "header");
        let header = header.unwrap_or_else(|| "x-meshlane-route".to_owned());
        let is_cluster = text(output, "value").as_deref() == Some("cluster");
        let mut routed = Vec::new();
        for service in items(config.get("services")) {
            let mut found: BTreeMap<(Host, u16), Vec<Destination>> = BTreeMap::new();
            for destination in items(service.get("destinations")) {
                let Some((host, port, subset)) =
                    text(destination, "cluster").as_deref().and_then(cluster)
                else {
                    continue;
                };
                let labels = destination.get("labels").and_then(Value::as_object);
                let labels = labels.into_iter().flatten();
                let labels = labels
                    .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
                found.entry((host, port)).or_default().push(Destination {
                    name: text(destination, "name").unwrap_or_default(),
                    subset,
                    labels: labels.collect(),
                });
            }
            let hosts = items(service.get("hosts"));
            let hosts: Vec<_> = hosts.filter_map(Value::as_str).map(str::to_owned).collect();
            let name = text(service, "name").unwrap_or_default();
            for ((host, port), destinations) in found {
                routed.push(Self {
                    host,
                    port,
                    hosts: hosts.clone(),
                    header: header.clone(),
                    is_cluster,
                    destinations,
                    otherwise: otherwise(&name),
                });
            }
        }
        routed
    }

    /// The hosts that only gateways know: those of clients.
    fn outer_hosts(&self) -> Vec<&str> {
        let inner = self.host.long();
        let hosts = self.hosts.iter().map(String::as_str);
        let hosts: BTreeSet<_> = hosts
            .map(|host| host.split(':').next().unwrap_or(host))
            .filter(|host| host.contains('.') && !inner.iter().any(|inner| inner == host))
            .filter(|host| !host.ends_with(".svc.cluster.local"))
            .collect();
        hosts.into_iter().collect()
    }
}

impl Renderer<'_> {
    pub(super) fn routes(&mut self, plan: &RoutingPlan) {
        // Ports of one host share their resources.
        let mut hosts: BTreeMap<&Host, Vec<&Routed>> = BTreeMap::new();
        for service in &plan.services {
            hosts.entry(&service.host).or_default().push(service);
        }
        for (host, services) in hosts {
            if let Some(place) = self.existing.routed.get(host).cloned() {
                self.routed_already(host, &services, &place);
                continue;
            }
            match self.options.routing {
                Routing::Istio => {
                    self.destination_rule(plan, host, &services);
                    let resources = virtual_service::render(plan, host, &services);
                    resources.into_iter().for_each(|one| self.push(one));
                }
                Routing::GatewayApi => self.gateway_api(plan, host, &services),
            }
        }
    }

    /// The subsets, unless a DestinationRule of somebody else has them. Istio merges none of a host.
    fn destination_rule(&mut self, plan: &RoutingPlan, host: &Host, services: &[&Routed]) {
        let mut subsets: BTreeMap<&str, &BTreeMap<String, String>> = BTreeMap::new();
        for destination in services.iter().flat_map(|service| &service.destinations) {
            subsets.insert(&destination.subset, &destination.labels);
        }
        if let Some(place) = self.existing.foreign_rule(host).cloned() {
            let known = self.existing.subsets.get(host);
            let known = known.map(Vec::as_slice).unwrap_or_default();
            let has = |name: &str| known.iter().any(|subset| subset.name == name);
            let missing: Vec<_> = subsets.keys().filter(|name| !has(name)).collect();
            if !missing.is_empty() {
                let names: Vec<_> = missing.iter().map(|name| format!("`{name}`")).collect();
                let message = format!("{} has no subset {}", host.name(), names.join(", "));
                let wanted = subsets.iter().filter(|(name, _)| !has(name));
                let wanted = wanted.map(|(name, labels)| subset(name, labels));
                let wanted: Vec<_> = wanted.map(|subset| subset.to_string()).collect();
                let diagnostic = Diagnostic::error("missing-subset", place.span.clone(), message)
                    .expected(wanted.join(", "));
                self.report(&place, diagnostic);
            }
            return;
        }
        let subsets = subsets.iter().map(|(name, labels)| subset(name, labels));
        let body = json!({"spec": {
            "host": host.full(),
            "trafficPolicy": {"outlierDetection": {
                "consecutiveGatewayErrors": 5, "consecutive5xxErrors": 0,
                "interval": "5s", "baseEjectionTime": "30s", "maxEjectionPercent": 100,
            }},
            "subsets": subsets.collect::<Value>(),
        }});
        let identity = (plan.namespace.as_deref(), &*plan.name_of(host));
        let api = ("networking.istio.io/v1", "DestinationRule");
        let comment = "The destinations, by the labels of their pods. Endpoints that answer 502, 503 and 504, or nothing, are \
                       taken out; when all of one destination are, calls go to another one.";
        self.push(Resource::new(api, identity, &plan.owner, body).comment(comment));
    }

    /// Istio knows one VirtualService for a host: what is to be added to that of somebody else.
    fn routed_already(&mut self, host: &Host, services: &[&Routed], place: &Place) {
        let mut wanted: Vec<String> = Vec::new();
        for service in services {
            let others = service.destinations.iter();
            let others = others.filter(|destination| destination.name != service.otherwise);
            wanted.extend(
                others.map(|destination| format!("`{}: {}`", service.header, destination.name)),
            );
        }
        let message = format!("requests for {} are routed by this already", host.name());
        let diagnostic = Diagnostic::warning("routed-already", place.span.clone(), message)
            .expected(format!("routes for {}", wanted.join(", ")))
            .note("no routes are rendered for the host: Istio takes one such resource of a host alone");
        self.report(place, diagnostic);
    }
}

impl RoutingPlan {
    /// What resources for a host are called: as the host in its own namespace, with its namespace elsewhere.
    fn name_of(&self, host: &Host) -> String {
        let own = namespace(self.namespace.as_deref());
        match (host.short(), host.namespace()) {
            (Some(name), Some(namespace)) if namespace == own => name.to_owned(),
            _ => host.name().replace(['.', '*'], "-"),
        }
    }
}

/// With the Gateway API a destination is a Service of its own, and so is its cluster.
pub(super) fn with_services(config: &mut Value) {
    let services = config.get_mut("services").and_then(Value::as_array_mut);
    for service in services.into_iter().flatten() {
        let destinations = service
            .get_mut("destinations")
            .and_then(Value::as_array_mut);
        for destination in destinations.into_iter().flatten() {
            let name = destination.get("cluster").and_then(Value::as_str);
            let Some((host, port, subset)) = name.and_then(cluster) else {
                continue;
            };
            if let (Some(name), Some(namespace)) = (host.short(), host.namespace()) {
                let host = Host::in_namespace(&gateway_api::backend(name, &subset), namespace);
                let cluster = json!(format!("outbound|{port}||{}", host.full()));
                set(destination, "cluster", cluster);
            }
        }
    }
}

fn subset(name: &str, labels: &BTreeMap<String, String>) -> Value {
    json!({"name": name, "labels": labels})
}

fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// Host, port and subset of a cluster of Istio's: `outbound|8080|gray|orders.shop.svc.cluster.local`.
fn cluster(name: &str) -> Option<(Host, u16, String)> {
    let mut parts = name.strip_prefix("outbound|")?.splitn(3, '|');
    let (port, subset, host) = (parts.next()?, parts.next()?, parts.next()?);
    let is_named = !subset.is_empty() && !host.is_empty();
    is_named.then_some(())?;
    Some((
        Host::resolve(host, ""),
        port.parse().ok()?,
        subset.to_owned(),
    ))
}
