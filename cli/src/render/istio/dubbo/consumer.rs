//! The pods that call services.

use std::collections::{BTreeMap, BTreeSet};

use meshlane_documents::{Capture, Consumers, DubboService, Proxies};
use meshlane_gray_release::config::Direction;
use serde_json::{Map, Value, json};

use super::needs::complete;
use super::{consumers_owner, host, instances_host, ports};
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
    ) {
        match consumers.capture {
            Capture::Iptables => self.captured(namespace, &consumers.selector, services),
            Capture::Listener => self.listening(namespace, &consumers.selector, services),
        }
    }

    /// The application connects to a listener of its sidecar.
    fn listening(
        &mut self,
        namespace: Option<&str>,
        selector: &BTreeMap<String, String>,
        services: &[&DubboService],
    ) {
        let name = name(selector);
        let egress = ports(services).into_iter().map(|port| {
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
        for port in ports(services) {
            let of_port: Vec<_> = services
                .iter()
                .copied()
                .filter(|service| service.port == port)
                .collect();
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
                ports: vec![port],
                fail_strategy: "FAIL_RELOAD",
                config: self.to_http_config(namespace, &of_port, port),
                comment: "Each Dubbo call of the consumers becomes an HTTP/2 request.".to_owned(),
            });
        }
    }
}

impl Renderer<'_> {
    /// The configuration of the bridge at consumers.
    pub(super) fn to_http_config(
        &self,
        namespace: Option<&str>,
        services: &[&DubboService],
        port: u16,
    ) -> Value {
        let mut config = to_http(namespace, services, port);
        complete(&mut config, &self.needs(namespace));
        config
    }
}

/// The configuration of the bridge at consumers, as services say it: which interface is of which service.
fn to_http(namespace: Option<&str>, services: &[&DubboService], port: u16) -> Value {
    let instances = format!("{}:{port}", instances_host(namespace));
    let hosts: BTreeMap<_, _> = services
        .iter()
        .flat_map(|service| {
            let host = format!("{}:{port}", host(service));
            let interfaces = service.interfaces.iter();
            interfaces.map(move |interface| (interface.clone(), host.clone()))
        })
        .collect();
    let mut config = json!({
        "mode": "toHttp",
        "authority": {"hosts": hosts, "host": instances, "originalDestination": instances},
    });
    let list = |of: &dyn Fn(&DubboService) -> Option<Vec<String>>| {
        let all = services.iter().filter_map(|service| of(service)).flatten();
        let all: BTreeSet<_> = all.collect();
        (!all.is_empty()).then_some(all)
    };
    let shown = [
        (
            "arguments",
            list(&|service| service.expose.arguments.clone()),
        ),
        (
            "attachments",
            list(&|service| service.expose.attachments.clone()),
        ),
    ];
    let shown = shown.into_iter();
    let shown: Map<_, _> = shown
        .filter_map(|(key, list)| Some((key.to_owned(), json!(list?))))
        .collect();
    if !shown.is_empty() {
        set(&mut config, "expose", Value::Object(shown));
    }
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
