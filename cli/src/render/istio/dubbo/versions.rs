//! The versions of a service.

use std::collections::BTreeMap;

use meshlane_documents::DubboService;
use serde_json::{Value, json};

use super::{host, namespace, owner};
use crate::diagnostic::Diagnostic;
use crate::render::hosts::Host;
use crate::render::istio::Renderer;
use crate::render::istio::resource::Resource;
use crate::render::istio::routes::written_retries;

impl Renderer<'_> {
    pub(super) fn versions(&mut self, service: &DubboService) {
        let Some(versions) = &service.versions else {
            return;
        };
        let known = Host::in_namespace(&service.name, namespace(service.namespace.as_deref()));
        let rule = self.existing.foreign_rule(&known);
        let there = rule.or(self.existing.routed.get(&known)).cloned();
        if let Some(place) = there {
            let name = known.name();
            let message = format!("{name} has this already, beside `versions` of the document");
            let diagnostic = Diagnostic::error("routed-already", 0..0, message)
                .expected("either of the two: Istio takes one such resource of a host alone");
            return self.report(&place, diagnostic);
        }
        let host = host(service);
        let all = versions.tagged.iter().chain([&versions.otherwise]);
        let mut names: Vec<_> = all.collect();
        names.sort();
        names.dedup();
        let subsets = names.iter().map(|version| {
            let labels = BTreeMap::from([(&versions.label, version)]);
            json!({"name": version, "labels": labels})
        });
        let body = json!({"spec": {
            "host": host,
            "trafficPolicy": {
                "connectionPool": {"http": {"idleTimeout": "90s", "maxRetries": 100}},
                "outlierDetection": {
                    "consecutiveGatewayErrors": 5, "consecutive5xxErrors": 0,
                    "interval": "5s", "baseEjectionTime": "30s", "maxEjectionPercent": 50,
                },
            },
            "subsets": subsets.collect::<Value>(),
        }});
        let identity = (service.namespace.as_deref(), service.name.as_str());
        let owner = owner(service);
        let api = ("networking.istio.io/v1", "DestinationRule");
        self.push(Resource::new(api, identity, &owner, body).comment(
            "The versions, with what a Dubbo service should have, as Istio's own defaults are made for HTTP: connections end before \
             Dubbo gives them up after three minutes, Envoy would allow three retries at a time, and a method's exception says \
             nothing about its pod.",
        ));
        let retries = written_retries(&versions.retries);
        let route = |version: &str| json!([{"destination": {"host": host, "subset": version}}]);
        let tagged = versions
            .tagged
            .iter()
            .filter(|version| **version != versions.otherwise);
        let mut http: Vec<_> = tagged
            .map(|version| {
                let header = BTreeMap::from([(&versions.header, json!({"exact": version}))]);
                json!({
                    "name": version, "match": [{"headers": header}],
                    "route": route(version), "retries": retries,
                })
            })
            .collect();
        http.push(json!({
            "name": versions.otherwise, "route": route(&versions.otherwise), "retries": retries,
        }));
        let body = json!({"spec": {"hosts": [host], "http": http}});
        let api = ("networking.istio.io/v1", "VirtualService");
        self.push(Resource::new(api, identity, &owner, body).comment(
            "Calls go to the version of their tag. What is tried again reached no provider: Dubbo's consumer itself tries three times.",
        ));
    }
}
