//! The pods that call services.

use std::collections::BTreeMap;

use meshlane_documents::{Capture, Consumers, DubboService, Proxies};
use meshlane_gray_release::config::Direction;
use serde_json::{Value, json};

use super::needs::{self, TO_HTTP};
use super::{by_port, consumers_owner, host, instances_host};
use crate::check::Needs;
use crate::documents::Kind;
use crate::render::istio::Renderer;
use crate::render::istio::plugin::{Plugin, Target};
use crate::render::istio::resource::{Resource, set};

impl Renderer<'_> {
    pub(super) fn consumer(
        &mut self,
        namespace: Option<&str>,
        consumers: &Consumers,
        services: &[&DubboService],
        needs: &Needs,
    ) {
        let ports = by_port(services);
        match consumers.capture {
            Capture::Iptables => self.captured(namespace, &consumers.selector, &ports, needs),
            Capture::Listener => self.listening(namespace, &consumers.selector, &ports, needs),
        }
    }

    /// The application connects to a listener of its sidecar.
    fn listening(
        &mut self,
        namespace: Option<&str>,
        selector: &BTreeMap<String, String>,
        ports: &BTreeMap<u16, Vec<&DubboService>>,
        needs: &Needs,
    ) {
        let name = name(selector);
        let egress = ports.keys().map(|port| {
            json!({
                "port": {"number": port, "protocol": "HTTP2", "name": "http2-dubbo"},
                "bind": "127.0.0.1",
                "captureMode": "NONE",
                "hosts": ["./*"],
            })
        });
        let egress: Vec<_> = egress
            .chain([json!({"hosts": ["./*", "istio-system/*"]})])
            .collect();
        let body = json!({"spec": {"workloadSelector": {"labels": selector}, "egress": egress}});
        let api = ("networking.istio.io/v1", "Sidecar");
        let resource = Resource::new(api, (namespace, &name), &consumers_owner(), body);
        self.push(resource.comment(
            "Consumers that connect to a listener of their own, at 127.0.0.1, instead of being captured.",
        ));
        for (port, services) in ports {
            self.plugin(Plugin {
                kind: Kind::Dubbo,
                owner: consumers_owner(),
                namespace: namespace.map(str::to_owned),
                name: format!("{name}-to-http-{port}"),
                instance: "consumer".to_owned(),
                target: Target::Proxies(Proxies::Sidecars {
                    labels: selector.clone(),
                    direction: Direction::Outbound,
                }),
                ports: vec![*port],
                fail_strategy: "FAIL_RELOAD",
                config: to_http(namespace, services, *port, needs),
                comment: "Each Dubbo call of the consumers becomes an HTTP/2 request.".to_owned(),
            });
        }
    }
}

/// The configuration of the bridge at consumers: which interface is of which service.
pub(super) fn to_http(
    namespace: Option<&str>,
    services: &[&DubboService],
    port: u16,
    needs: &Needs,
) -> Value {
    let instances = format!("{}:{port}", instances_host(namespace));
    let hosts: BTreeMap<_, _> = services
        .iter()
        .flat_map(|service| {
            let host = format!("{}:{port}", host(service));
            let interfaces = service.interfaces.iter();
            interfaces.map(move |interface| (interface.clone(), host.clone()))
        })
        .collect();
    let mut config = needs::bridge(TO_HTTP, services, needs);
    let authority = json!({"hosts": hosts, "host": instances, "originalDestination": instances});
    set(&mut config, "authority", authority);
    config
}

/// What resources for consumers are called.
pub(super) fn name(selector: &BTreeMap<String, String>) -> String {
    let parts = selector.iter().map(|(label, value)| {
        let label = label.rsplit('/').next().unwrap_or(label);
        format!("{label}-{value}")
    });
    let name = parts.collect::<Vec<_>>().join("-");
    format!(
        "dubbo-consumers-{}",
        name.to_lowercase().replace(['.', '_'], "-")
    )
}
