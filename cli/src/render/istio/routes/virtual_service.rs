//! Routes as VirtualServices.

use std::collections::BTreeSet;

use meshlane_documents::Retries;
use serde_json::{Map, Value, json};

use super::{Routed, RoutingPlan};
use crate::render::hosts::Host;
use crate::render::istio::PRIORITY;
use crate::render::istio::resource::{Resource, set};

/// The VirtualServices of a host, for requests inside the mesh and for those that enter it, and what makes their routes go by
/// clusters where that is asked.
pub(super) fn render(plan: &RoutingPlan, host: &Host, services: &[&Routed]) -> Vec<Resource> {
    let has_ports = services.len() > 1;
    let routes = services.iter();
    let routes: Value = routes
        .flat_map(|service| routes_of(plan, host, service, has_ports))
        .collect();
    let resource = |name: &str, spec: Value, comment: &str| {
        let identity = (plan.namespace.as_deref(), name);
        let api = ("networking.istio.io/v1", "VirtualService");
        Resource::new(api, identity, &plan.owner, json!({"spec": spec})).comment(comment)
    };
    let name = plan.name_of(host);
    let mut resources = Vec::new();
    if plan.has_mesh {
        let spec = json!({"hosts": [host.full()], "http": routes});
        resources.push(resource(
            &name,
            spec,
            "A route for each destination that the filter may say. The last one is also for proxies without the filter.",
        ));
    }
    let outer: BTreeSet<_> = services
        .iter()
        .flat_map(|service| service.outer_hosts())
        .collect();
    if !plan.gateways.is_empty() && !outer.is_empty() {
        let spec = json!({"hosts": outer, "gateways": plan.gateways, "http": routes});
        resources.push(resource(
            &format!("{name}-entry"),
            spec,
            "The same for requests that enter the mesh here.",
        ));
    }
    resources.extend(cluster_header(plan, host, services));
    resources
}

fn routes_of(plan: &RoutingPlan, host: &Host, service: &Routed, has_ports: bool) -> Vec<Value> {
    let port = json!({"number": service.port});
    let route = |name: &str, matched: Map<String, Value>, subset: &str| {
        let mut route = json!({
            "name": name,
            "route": [{"destination": {"host": host.full(), "port": port, "subset": subset}}],
        });
        if !matched.is_empty() {
            set(&mut route, "match", json!([matched]));
        }
        if let Some(retries) = &plan.retries {
            set(&mut route, "retries", written(retries));
        }
        route
    };
    let matched = |header: Option<Value>| {
        let mut matched = Map::new();
        if let Some(value) = header {
            matched.insert("headers".to_owned(), json!({&*service.header: value}));
        }
        if has_ports {
            matched.insert("port".to_owned(), json!(service.port));
        }
        matched
    };
    let suffix = has_ports.then(|| format!("-{}", service.port));
    let named = |name: &str| format!("{name}{}", suffix.as_deref().unwrap_or_default());
    let mut routes = Vec::new();
    let last = service.destinations.iter();
    let mut last = last.filter(|destination| destination.name == service.otherwise);
    let last = last.next().map(|destination| destination.subset.as_str());
    if service.is_cluster {
        // Its destination is replaced by the header.
        let any = matched(Some(json!({"regex": ".+"})));
        routes.push(route(&named(BY_CLUSTER), any, last.unwrap_or_default()));
    } else {
        let others = service.destinations.iter();
        let others = others.filter(|destination| destination.name != service.otherwise);
        routes.extend(others.map(|destination| {
            let exact = matched(Some(json!({"exact": destination.name})));
            route(&named(&destination.name), exact, &destination.subset)
        }));
    }
    routes.extend(last.map(|subset| route(&named(&service.otherwise), matched(None), subset)));
    routes
}

/// Where the header says the cluster itself, the route takes it from there.
fn cluster_header(plan: &RoutingPlan, host: &Host, services: &[&Routed]) -> Option<Resource> {
    let by_cluster = services.iter().filter(|service| service.is_cluster);
    let has_ports = services.len() > 1;
    let patches: Vec<_> = by_cluster
        .map(|service| {
            let port = service.port;
            let name = match has_ports {
                true => format!("{BY_CLUSTER}-{port}"),
                false => BY_CLUSTER.to_owned(),
            };
            json!({
                "applyTo": "HTTP_ROUTE",
                "match": {"context": "ANY", "routeConfiguration": {"vhost": {
                    "name": format!("{}:{port}", host.full()), "route": {"name": name},
                }}},
                "patch": {"operation": "MERGE", "value": {"route": {"cluster_header": service.header}}},
            })
        })
        .collect();
    if patches.is_empty() {
        return None;
    }
    let name = format!("{}-by-cluster", plan.name_of(host));
    let identity = (plan.namespace.as_deref(), &*name);
    let api = ("networking.istio.io/v1alpha3", "EnvoyFilter");
    let body = json!({"spec": {"configPatches": patches, "priority": PRIORITY}});
    let comment = "The header says the cluster itself, which no VirtualService can go by.";
    Some(Resource::new(api, identity, &plan.owner, body).comment(comment))
}

/// What is tried again, in Istio's words.
pub(in crate::render::istio) fn written(retries: &Retries) -> Value {
    match retries.attempts {
        0 => json!({"attempts": 0}),
        attempts => json!({"attempts": attempts, "retryOn": retries.on}),
    }
}

const BY_CLUSTER: &str = "by-cluster";
