//! The pods that provide a service.

use meshlane_documents::{DubboService, ProviderListener, Proxies};
use meshlane_gray_release::config::Direction;
use serde_json::{Value, json};

use super::needs::{self, TO_DUBBO, TO_HTTP};
use super::owner;
use crate::check::Needs;
use crate::documents::Kind;
use crate::render::istio::plugin::{Plugin, Target};
use crate::render::istio::resource::{Resource, set};
use crate::render::istio::{PRIORITY, Renderer};

impl Renderer<'_> {
    pub(super) fn provider(&mut self, service: &DubboService, needs: &Needs) {
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
        let to_dubbo = needs::bridge(TO_DUBBO, &[service], needs);
        match is_sidecar {
            true => self.provider_bridge(
                service,
                ("to-dubbo", service.loopback_port, to_dubbo),
                "HTTP/2 becomes Dubbo, next to the application.",
            ),
            false => {
                let bridge = self.bridge(&to_dubbo_name(service), "to-dubbo", &to_dubbo);
                let listener = listener(service, bridge);
                let name = format!("{}-to-dubbo", service.name);
                let identity = (service.namespace.as_deref(), &*name);
                let api = ("networking.istio.io/v1alpha3", "EnvoyFilter");
                self.push(Resource::new(api, identity, &owner, listener).comment(
                    "The listener of loopback: a second ingress port of the Sidecar resource would be one of another team's.",
                ));
            }
        }
        let to_http = needs::bridge(TO_HTTP, &[service], needs);
        self.provider_bridge(
            service,
            ("to-http", service.port, to_http),
            "Consumers that have no bridge speak Dubbo to the port. It becomes HTTP/2 here, so that the same policies judge \
             it; HTTP/2 passes untouched.",
        );
        self.peer_authentication(service);
    }

    fn provider_bridge(
        &mut self,
        service: &DubboService,
        (instance, port, config): (&str, u16, Value),
        comment: &str,
    ) {
        self.plugin(Plugin {
            kind: Kind::Dubbo,
            owner: owner(service),
            namespace: service.namespace.clone(),
            name: format!("{}-{instance}", service.name),
            instance: instance.to_owned(),
            target: Target::Proxies(Proxies::Sidecars {
                labels: service.selector.clone(),
                direction: Direction::Inbound,
            }),
            ports: vec![port],
            fail_strategy: "FAIL_RELOAD",
            config,
            comment: comment.to_owned(),
        });
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

fn to_dubbo_name(service: &DubboService) -> String {
    format!("meshlane.{}-to-dubbo", service.name)
}
