//! The pods that provide a service.

use meshlane_documents::{DubboService, ProviderListener, Proxies};
use meshlane_gray_release::config::Direction;
use serde_json::{Map, Value, json};

use super::needs::complete;
use super::owner;
use crate::documents::Kind;
use crate::render::istio::plugin::{Plugin, Target};
use crate::render::istio::resource::{Resource, set};
use crate::render::istio::{PRIORITY, Renderer};

impl Renderer<'_> {
    pub(super) fn provider(&mut self, service: &DubboService) {
        let identity = (service.namespace.as_deref(), service.name.as_str());
        let owner = owner(service);
        let is_sidecar = service.listener == ProviderListener::Sidecar;
        let own = json!({
            "port": {"number": service.port, "protocol": "HTTP2", "name": "http2-dubbo"},
            // Shorter than the three minutes after which Dubbo gives up a silent connection.
            "connectionPool": {"http": {"idleTimeout": "90s"}},
            "defaultEndpoint": format!("127.0.0.1:{}", service.loopback_port),
        });
        let back = json!({
            "port": {"number": service.loopback_port, "protocol": "TCP", "name": "tcp-dubbo-back"},
            "bind": "127.0.0.1",
            "captureMode": "NONE",
            "defaultEndpoint": format!("127.0.0.1:{}", service.port),
        });
        let ingress: Vec<_> = [own]
            .into_iter()
            .chain(is_sidecar.then_some(back))
            .collect();
        let body = json!({"spec": {
            "workloadSelector": {"labels": service.selector},
            "ingress": ingress,
            "egress": [{"hosts": ["./*", "istio-system/*"]}],
        }});
        let api = ("networking.istio.io/v1", "Sidecar");
        self.push(Resource::new(api, identity, &owner, body).comment(
            "Providers take HTTP/2 on the port and hand it to a port of loopback, where it becomes Dubbo again. The pods see the \
             hosts of their own namespace; add to `egress` what else they call.",
        ));
        match is_sidecar {
            true => self.bridge_to_dubbo(service),
            false => {
                let listener = listener(
                    service,
                    self.bridge(
                        &to_dubbo_name(service),
                        "to-dubbo",
                        &self.to_dubbo_config(service),
                    ),
                );
                let name = format!("{}-to-dubbo", service.name);
                let identity = (service.namespace.as_deref(), &*name);
                let api = ("networking.istio.io/v1alpha3", "EnvoyFilter");
                self.push(Resource::new(api, identity, &owner, listener).comment(
                    "The listener of loopback: a second ingress port of the Sidecar resource would be one of another team's.",
                ));
            }
        }
        self.bridge_to_http(service);
        self.peer_authentication(service);
    }

    fn bridge_to_dubbo(&mut self, service: &DubboService) {
        self.plugin(Plugin {
            kind: Kind::Dubbo,
            owner: owner(service),
            namespace: service.namespace.clone(),
            name: format!("{}-to-dubbo", service.name),
            instance: "to-dubbo".to_owned(),
            target: inbound(service),
            ports: vec![service.loopback_port],
            fail_strategy: "FAIL_RELOAD",
            config: self.to_dubbo_config(service),
            comment: "HTTP/2 becomes Dubbo, next to the application.".to_owned(),
        });
    }

    fn bridge_to_http(&mut self, service: &DubboService) {
        let mut config = json!({"mode": "toHttp"});
        if let Some(expose) = exposed(service) {
            set(&mut config, "expose", expose);
        }
        complete(&mut config, &self.needs(service.namespace.as_deref()));
        self.plugin(Plugin {
            kind: Kind::Dubbo,
            owner: owner(service),
            namespace: service.namespace.clone(),
            name: format!("{}-to-http", service.name),
            instance: "to-http".to_owned(),
            target: inbound(service),
            ports: vec![service.port],
            fail_strategy: "FAIL_RELOAD",
            config,
            comment: "Consumers that have no bridge speak Dubbo to the port. It becomes HTTP/2 here, so that the same policies judge \
                      it; HTTP/2 passes untouched."
                .to_owned(),
        });
    }

    fn to_dubbo_config(&self, service: &DubboService) -> Value {
        let mut config = json!({"mode": "toDubbo"});
        complete(&mut config, &self.needs(service.namespace.as_deref()));
        config
    }

    fn peer_authentication(&mut self, service: &DubboService) {
        let identity = (service.namespace.as_deref(), service.name.as_str());
        let loopback = service.loopback_port.to_string();
        let mut spec = json!({
            "selector": {"matchLabels": service.selector},
            "portLevelMtls": {loopback: {"mode": "DISABLE"}},
        });
        // Otherwise as the namespace or the mesh says.
        if service.is_strict {
            set(&mut spec, "mtls", json!({"mode": "STRICT"}));
        }
        let body = json!({"spec": spec});
        let api = ("security.istio.io/v1", "PeerAuthentication");
        self.push(Resource::new(api, identity, &owner(service), body).comment(
            "STRICT would make the sidecar ask itself for a certificate on the port of loopback.",
        ));
    }

    /// The bridge as a resource of its own, for filter chains that Istio puts no plugins into.
    pub(super) fn bridge(&self, name: &str, instance: &str, config: &Value) -> Value {
        self.extension((name, instance), Kind::Dubbo, "FAIL_RELOAD", config)
    }

    /// A filter as a resource of its own.
    pub(super) fn extension(
        &self,
        (name, instance): (&str, &str),
        kind: Kind,
        failure_policy: &str,
        config: &Value,
    ) -> Value {
        let layer = if kind.is_network() { "network" } else { "http" };
        let class = "type.googleapis.com/envoy.extensions.filters";
        let mut remote = json!({
            "http_uri": {"uri": self.options.url(kind), "cluster": "_", "timeout": "30s"},
        });
        if let Some(digest) = self.options.digest(kind) {
            set(&mut remote, "sha256", json!(digest));
        }
        json!({
            "name": name,
            "typed_config": {
                "@type": format!("{class}.{layer}.wasm.v3.Wasm"),
                "config": {
                    "name": name,
                    "root_id": format!("{}/{instance}", kind.as_str()),
                    "failure_policy": failure_policy,
                    "configuration": {
                        "@type": "type.googleapis.com/google.protobuf.StringValue",
                        "value": format!("{config:#}\n"),
                    },
                    "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"remote": remote}},
                },
            },
        })
    }
}

/// A filter that is a resource of its own, in a chain; until the agent has fetched its module, the listener waits.
pub(super) fn discovered(name: &str, layer: &str) -> Value {
    let class = format!("type.googleapis.com/envoy.extensions.filters.{layer}");
    json!({
        "name": name,
        "config_discovery": {
            "config_source": {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"},
            // The second is what istio-agent puts in the place of a module that it could not fetch.
            "type_urls": [format!("{class}.wasm.v3.Wasm"), format!("{class}.rbac.v3.RBAC")],
        },
    })
}

fn listener(service: &DubboService, bridge: Value) -> Value {
    let name = to_dubbo_name(service);
    let application = format!("meshlane.{}-application", service.name);
    let address =
        |port: u16| json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    let endpoint = json!({"endpoint": {"address": address(service.port)}});
    let tcp_proxy = json!({
        "name": "envoy.filters.network.tcp_proxy",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": application,
            "cluster": application,
        },
    });
    let add = |apply_to: &str, value: Value| {
        json!({
            "applyTo": apply_to,
            "match": {"context": "SIDECAR_INBOUND"},
            "patch": {"operation": "ADD", "value": value},
        })
    };
    json!({"spec": {
        "workloadSelector": {"labels": service.selector},
        "priority": PRIORITY,
        "configPatches": [
            add("EXTENSION_CONFIG", bridge),
            add("CLUSTER", json!({
                "name": application, "type": "STATIC", "connect_timeout": "1s",
                "load_assignment": {"cluster_name": application, "endpoints": [{"lb_endpoints": [endpoint]}]},
            })),
            add("LISTENER", json!({
                "name": name,
                "address": address(service.loopback_port),
                "traffic_direction": "INBOUND",
                "filter_chains": [{"filters": [discovered(&name, "network"), tcp_proxy]}],
            })),
        ],
    }})
}

fn inbound(service: &DubboService) -> Target {
    Target::Proxies(Proxies::Sidecars {
        labels: service.selector.clone(),
        direction: Direction::Inbound,
    })
}

fn to_dubbo_name(service: &DubboService) -> String {
    format!("meshlane.{}-to-dubbo", service.name)
}

/// What of calls is shown, where anything is.
pub(super) fn exposed(service: &DubboService) -> Option<Value> {
    let expose = &service.expose;
    let mut shown = Map::new();
    for (key, list) in [
        ("arguments", &expose.arguments),
        ("attachments", &expose.attachments),
    ] {
        if let Some(list) = list.as_ref().filter(|list| !list.is_empty()) {
            shown.insert(key.to_owned(), json!(list));
        }
    }
    (!shown.is_empty()).then_some(Value::Object(shown))
}
