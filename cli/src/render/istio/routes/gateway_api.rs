//! Routes as HTTPRoutes of the Gateway API, which knows no subsets: each destination is a Service of its own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Routed, RoutingPlan};
use crate::diagnostic::Diagnostic;
use crate::render::hosts::Host;
use crate::render::istio::Renderer;
use crate::render::istio::resource::{Resource, set};

impl Renderer<'_> {
    pub(super) fn gateway_api(&mut self, plan: &RoutingPlan, host: &Host, services: &[&Routed]) {
        let Some(name) = host.short() else {
            return self.nobody(plan, host, "it is no Service of Kubernetes");
        };
        let Some(service) = self.existing.services.get(host).cloned() else {
            return self.nobody(plan, host, "the files have no such Service");
        };
        let mut made: BTreeMap<String, (&BTreeMap<String, String>, Vec<Value>)> = BTreeMap::new();
        let mut rules = Vec::new();
        for routed in services {
            let Some(port) = service.port(routed.port) else {
                let message = format!("the Service has no port {}", routed.port);
                let place = service.place.clone();
                let diagnostic = Diagnostic::error("no-port", place.span.clone(), message);
                self.report(&place, diagnostic);
                continue;
            };
            for destination in &routed.destinations {
                let backend = backend(name, &destination.subset);
                let entry = made
                    .entry(backend)
                    .or_insert((&destination.labels, Vec::new()));
                entry.1.push(port.clone());
            }
            rules.extend(rules_of(name, routed));
        }
        let namespace = host.namespace();
        for (backend, (labels, ports)) in made {
            let mut selector = service.selector.clone();
            selector.extend(
                labels
                    .iter()
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
            let body = json!({"spec": {"selector": selector, "ports": ports}});
            let comment = "The pods of one destination: the Gateway API knows no subsets.";
            let resource =
                Resource::new(("v1", "Service"), (namespace, &backend), &plan.owner, body);
            self.push(resource.comment(comment));
        }
        let mut parents = Vec::new();
        if plan.has_mesh {
            parents.push(json!({"group": "", "kind": "Service", "name": name}));
        }
        parents.extend(plan.gateways.iter().map(|gateway| match gateway.split_once('/') {
            Some((namespace, name)) => json!({"kind": "Gateway", "group": GROUP, "name": name, "namespace": namespace}),
            None => json!({"kind": "Gateway", "group": GROUP, "name": gateway}),
        }));
        let mut spec = json!({"parentRefs": parents, "rules": rules});
        let outer = services.iter().flat_map(|service| service.outer_hosts());
        let outer: Vec<_> = outer.collect();
        if !plan.has_mesh && !outer.is_empty() {
            set(&mut spec, "hostnames", json!(outer));
        }
        let api = ("gateway.networking.k8s.io/v1", "HTTPRoute");
        let comment = "A rule for each destination that the filter may say. The last one is also for proxies without the filter.";
        let resource = Resource::new(api, (namespace, name), &plan.owner, json!({"spec": spec}));
        self.push(resource.comment(comment));
    }

    /// Says why there is nothing to render for a host.
    fn nobody(&mut self, plan: &RoutingPlan, host: &Host, why: &str) {
        let message = format!("no HTTPRoute for {}: {why}", host.name());
        let span = plan.place.span.clone();
        let diagnostic = Diagnostic::error("no-service", span, message)
            .expected("the Service among the files, as its selector and ports are needed");
        self.report(&plan.place, diagnostic);
    }
}

fn rules_of(name: &str, routed: &Routed) -> Vec<Value> {
    let rule = |subset: &str, header: Option<&str>| {
        let backend = backend(name, subset);
        let mut rule = json!({"backendRefs": [{"name": backend, "port": routed.port}]});
        if let Some(value) = header {
            let header = json!({"name": routed.header, "value": value});
            set(&mut rule, "matches", json!([{"headers": [header]}]));
        }
        rule
    };
    let is_last = |name: &str| name == routed.otherwise;
    let (last, others): (Vec<_>, Vec<_>) = routed
        .destinations
        .iter()
        .partition(|destination| is_last(&destination.name));
    let others = others
        .into_iter()
        .map(|destination| rule(&destination.subset, Some(&destination.name)));
    let last = last
        .into_iter()
        .map(|destination| rule(&destination.subset, None));
    others.chain(last).collect()
}

/// What the Service of a destination is called.
pub(super) fn backend(name: &str, subset: &str) -> String {
    format!("{name}-{}", subset.to_lowercase().replace(['.', '_'], "-"))
}

const GROUP: &str = "gateway.networking.k8s.io";
