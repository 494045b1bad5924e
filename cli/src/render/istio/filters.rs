//! Documents that are the configuration of a filter.

use meshlane_attributes::ProxyKind;
use meshlane_documents::{FilterDocument, FilterKind};
use serde_json::Value;

use super::plugin::{Plugin, Target};
use super::resource::Owner;
use super::routes::{Routed, RoutingPlan, with_services};
use super::{Place, Renderer, Routing, namespace};
use crate::diagnostic::Diagnostic;
use crate::render::hosts::Host;

impl Renderer<'_> {
    pub(super) fn filters(&mut self, documents: &[(FilterDocument, Value, Place)]) {
        for (document, config, place) in documents {
            self.document = Some(place.clone());
            self.filter(document, config.clone(), place);
        }
    }

    fn filter(&mut self, document: &FilterDocument, mut config: Value, place: &Place) {
        let owner = Owner {
            kind: document.kind.as_str(),
            name: Some(document.name.clone()),
        };
        if document.kind == FilterKind::RouterChain {
            self.complete(document, &mut config, place);
        }
        let kind: crate::documents::Kind = document.kind.into();
        let mut plugin = Plugin {
            kind,
            owner: owner.clone(),
            namespace: document.namespace.clone(),
            name: format!("{}-{}", kind.as_str(), document.name),
            instance: document.name.clone(),
            target: Target::Proxies(document.proxies.clone()),
            ports: document.ports.clone(),
            // Without the module nobody is tagged or limited, and nobody refused.
            fail_strategy: "FAIL_OPEN",
            comment: comment(document),
            config,
        };
        let routes = document.routes.as_ref().map(|routes| RoutingPlan {
            place: place.clone(),
            owner,
            namespace: document.namespace.clone(),
            gateways: routes.gateways.clone(),
            retries: routes.retries.clone(),
            has_mesh: document.proxies.kind() != ProxyKind::Gateway,
            services: Routed::of(&plugin.config, |_| routes.otherwise.clone()),
        });
        if routes.is_some() && self.options.routing == Routing::GatewayApi {
            with_services(&mut plugin.config);
        }
        self.plugin(plugin);
        if let Some(plan) = routes {
            self.routes(&plan);
        }
    }

    /// Subsets of existing DestinationRules are destinations of hosts that the document names.
    fn complete(&mut self, document: &FilterDocument, config: &mut Value, place: &Place) {
        let Some(members) = config.as_object_mut() else {
            return;
        };
        let services = members
            .entry("services")
            .or_insert_with(|| Value::Array(Vec::new()));
        let Value::Array(services) = services else {
            return;
        };
        let hosts = document.hosts.iter();
        let hosts = hosts.map(|host| Host::resolve(host, namespace(document.namespace.as_deref())));
        if services.is_empty() && document.hosts.is_empty() {
            let message = "the chain has no services";
            let diagnostic = Diagnostic::error("config-empty", 0..0, message)
                .expected("`hosts`, or `services` in `config`");
            return self.report(place, diagnostic);
        }
        for host in hosts {
            match self.existing.inventory(&host) {
                Ok(found) => services.extend(found),
                Err(diagnostic) => self.report(place, *diagnostic),
            }
        }
    }
}

fn comment(document: &FilterDocument) -> String {
    let what = match document.kind {
        FilterKind::TrafficLabel => "Gives requests their tags",
        FilterKind::RouterChain => {
            "Chooses a destination for each call, and says which by a header"
        }
        FilterKind::RateLimit => "Refuses requests that are one too many",
    };
    let who = match document.proxies.kind() {
        ProxyKind::Gateway => "at the gateway",
        ProxyKind::Waypoint => "at the waypoint",
        ProxyKind::Sidecar | ProxyKind::Bare => match document.kind {
            FilterKind::RouterChain => "in the sidecars of those who call",
            _ => "in sidecars",
        },
    };
    let why = match document.kind {
        FilterKind::TrafficLabel => {
            "AUTHN: before everything that goes by tags. With rules on `jwt.*` AUTHZ: behind the verification of tokens."
        }
        FilterKind::RouterChain => {
            "Behind the other phases: each filter of meshlane removes the header that this one writes."
        }
        FilterKind::RateLimit => "Behind access rules and lanes: what these refuse does not count.",
    };
    format!("{what}, {who}. {why}")
}
