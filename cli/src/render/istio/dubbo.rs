//! Services that speak Dubbo2.

mod access;
mod captured;
mod consumer;
mod needs;
mod provider;
mod versions;

use std::collections::BTreeMap;

use meshlane_documents::{Consumers, DubboService};
use serde_json::{Value, json};

use super::resource::{Owner, Resource};
use super::{Place, Renderer, namespace};
use crate::check::Needs;
use crate::diagnostic::Diagnostic;
use crate::render::hosts::Host;

impl Renderer<'_> {
    pub(super) fn dubbo(&mut self, services: &[(DubboService, Place)]) {
        self.check_interfaces(services);
        let mut namespaces: BTreeMap<Option<&str>, Vec<&DubboService>> = BTreeMap::new();
        for (service, _) in services {
            let namespace = service.namespace.as_deref();
            namespaces.entry(namespace).or_default().push(service);
        }
        let needs: BTreeMap<_, _> = namespaces
            .keys()
            .map(|namespace| (*namespace, self.needs(*namespace)))
            .collect();
        let needs = |namespace| needs.get(&namespace).cloned().unwrap_or_default();
        for (service, place) in services {
            self.document = Some(place.clone());
            self.check_port(service, place);
            self.provider(service, &needs(service.namespace.as_deref()));
            self.access(service);
            self.versions(service);
        }
        for (namespace, services) in namespaces {
            self.consumers(namespace, &services, &needs(namespace));
        }
    }

    /// A consumer's bridge knows by the interface which service is called.
    fn check_interfaces(&mut self, services: &[(DubboService, Place)]) {
        let mut known: BTreeMap<(Option<&str>, &Consumers, &str), &str> = BTreeMap::new();
        for (service, place) in services {
            for consumers in &service.consumers {
                for interface in &service.interfaces {
                    let namespace = service.namespace.as_deref();
                    let name = service.name.as_str();
                    let other = *known
                        .entry((namespace, consumers, interface))
                        .or_insert(name);
                    if other != name {
                        let message = format!("`{interface}` is an interface of {other}, too");
                        let diagnostic = Diagnostic::error("two-services", 0..0, message)
                            .expected("one service of an interface for the same consumers");
                        self.report(place, diagnostic);
                    }
                }
            }
        }
    }

    /// Consumers call several services, so what they need is made of all of a namespace.
    fn consumers(&mut self, namespace: Option<&str>, services: &[&DubboService], needs: &Needs) {
        let mut consumers: BTreeMap<&Consumers, Vec<&DubboService>> = BTreeMap::new();
        for service in services {
            for one in &service.consumers {
                consumers.entry(one).or_default().push(service);
            }
        }
        if consumers.is_empty() {
            return;
        }
        let called: Vec<_> = services
            .iter()
            .copied()
            .filter(|service| !service.consumers.is_empty())
            .collect();
        self.instances(namespace, &called);
        for (consumers, services) in consumers {
            self.consumer(namespace, consumers, &services, needs);
        }
    }

    /// A call that must reach the very pod that the consumer chose goes to this host.
    fn instances(&mut self, written: Option<&str>, services: &[&DubboService]) {
        let host = instances_host(written);
        let ports = by_port(services).into_keys().map(|port| {
            json!({"number": port, "name": format!("http2-dubbo-{port}"), "protocol": "HTTP2"})
        });
        let body = json!({"spec": {
            "hosts": [host], "location": "MESH_INTERNAL", "resolution": "NONE",
            "ports": ports.collect::<Value>(),
        }});
        let identity = (written, "dubbo-instances");
        let api = ("networking.istio.io/v1", "ServiceEntry");
        self.push(Resource::new(api, identity, &consumers_owner(), body).comment(
            "Calls that must reach the very pod that the consumer chose: Dubbo 3 asks each instance for its metadata, and \
             interfaces that no service is known for go where the registry said.",
        ));
        let body = json!({"spec": {
            "host": host,
            "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}},
        }});
        let api = ("networking.istio.io/v1", "DestinationRule");
        self.push(
            Resource::new(api, identity, &consumers_owner(), body).comment(
                "Of a host without endpoints Istio cannot know by itself that they speak mTLS.",
            ),
        );
    }

    /// The port must be HTTP/2 to Istio.
    fn check_port(&mut self, service: &DubboService, place: &Place) {
        let own = namespace(service.namespace.as_deref());
        let host = Host::in_namespace(&service.name, own);
        let Some(known) = self.existing.services.get(&host) else {
            return;
        };
        let at = known.place.clone();
        let text = |port: &Value, key: &str| {
            let text = port.get(key).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let Some(port) = known.port(service.port) else {
            let message = format!("the Service has no port {}", service.port);
            let diagnostic = Diagnostic::error("no-port", 0..0, message).expected(format!(
                "`port: {}`, as {} says",
                service.port, place.resource
            ));
            return self.report(&at, diagnostic);
        };
        let protocol = match text(&port, "appProtocol") {
            protocol if protocol.is_empty() => text(&port, "name"),
            protocol => protocol,
        };
        let is_http2 = |protocol: &str| {
            let protocol = protocol.split('-').next().unwrap_or_default();
            matches!(protocol, "http2" | "grpc") || protocol == "kubernetes.io/h2c"
        };
        if !is_http2(&protocol) {
            let message = format!("port {} is `{protocol}` to Istio", service.port);
            let diagnostic = Diagnostic::error("not-http2", 0..0, message)
                .found(protocol)
                .expected("a name that begins with `http2-`, as `http2-dubbo`")
                .note("inside the mesh a Dubbo call is an HTTP/2 request");
            self.report(&at, diagnostic);
        }
        let target = port.get("targetPort").and_then(Value::as_u64);
        let target = target.and_then(|target| u16::try_from(target).ok());
        if target.is_some_and(|target| target != service.port) {
            let message = "the Service's port and the pods' port differ";
            let diagnostic = Diagnostic::error("target-port", 0..0, message)
                .expected(format!("`targetPort: {}`", service.port))
                .note("consumers that take addresses of pods from a registry call that port, too");
            self.report(&at, diagnostic);
        }
    }
}

/// The host of a service, as Istio knows it.
fn host(service: &DubboService) -> String {
    let namespace = namespace(service.namespace.as_deref());
    Host::in_namespace(&service.name, namespace).full()
}

/// The host of calls to one exact pod.
fn instances_host(written: Option<&str>) -> String {
    Host::in_namespace("dubbo-instances", namespace(written)).full()
}

/// Services by their ports.
fn by_port<'s>(services: &[&'s DubboService]) -> BTreeMap<u16, Vec<&'s DubboService>> {
    let mut ports: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for service in services {
        ports.entry(service.port).or_default().push(*service);
    }
    ports
}

fn owner(service: &DubboService) -> Owner {
    Owner {
        kind: DubboService::KIND,
        name: Some(service.name.clone()),
    }
}

/// What consumers need is of all services that they call.
fn consumers_owner() -> Owner {
    Owner {
        kind: DubboService::KIND,
        name: None,
    }
}
