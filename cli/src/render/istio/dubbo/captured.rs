//! Consumers whose calls are captured by iptables.
//!
//! Istio puts what is not HTTP into a filter chain of its own, without plugins. So that chain gets the bridge and a connection
//! manager with Istio's own routes of the port, and in it the filters that would run there as plugins.

use std::collections::BTreeMap;

use meshlane_documents::DubboService;
use serde_json::{Value, json};

use super::consumer::{name, to_http};
use super::consumers_owner;
use super::provider::discovered;
use crate::check::Needs;
use crate::render::istio::plugin::Plugin;
use crate::render::istio::resource::Resource;
use crate::render::istio::{PRIORITY, Renderer};

impl Renderer<'_> {
    pub(super) fn captured(
        &mut self,
        namespace: Option<&str>,
        selector: &BTreeMap<String, String>,
        ports: &BTreeMap<u16, Vec<&DubboService>>,
        needs: &Needs,
    ) {
        let mut patches = Vec::new();
        let mut filters = self.filters_of(namespace, selector);
        filters.sort_by_cached_key(|plugin| (plugin.phase().order(), plugin.name.clone()));
        for plugin in &filters {
            let identity = (&*extension_name(plugin), plugin.instance.as_str());
            let policy = plugin.fail_strategy;
            let extension = self.extension(identity, plugin.kind, policy, &plugin.config);
            patches.push(added(extension));
        }
        for (&port, services) in ports {
            let bridge = format!("meshlane.dubbo-to-http-{port}");
            let config = to_http(namespace, services, port, needs);
            patches.push(added(self.bridge(&bridge, "consumer", &config)));
            let here = filters
                .iter()
                .filter(|plugin| plugin.ports.is_empty() || plugin.ports.contains(&port));
            let here = here.map(|plugin| discovered(&extension_name(plugin), "http"));
            patches.push(patched(
                port,
                "INSERT_BEFORE",
                discovered(&bridge, "network"),
            ));
            patches.push(patched(
                port,
                "REPLACE",
                connection_manager(port, here.collect()),
            ));
        }
        let body = json!({"spec": {"workloadSelector": {"labels": selector}, "configPatches": patches, "priority": PRIORITY}});
        let name = name(selector);
        let api = ("networking.istio.io/v1alpha3", "EnvoyFilter");
        let resource = Resource::new(api, (namespace, &name), &consumers_owner(), body);
        self.push(resource.comment(
            "Consumers whose traffic iptables capture. Istio puts what is not HTTP into a filter chain without plugins, so that \
             chain gets the bridge, and a connection manager with Istio's own routes of the port and the filters that would be \
             plugins. It takes calls to the addresses of Services and of pods alike.",
        ));
    }

    /// The filters that run for what the consumers send, as far as the documents tell: those for all pods of the namespace or the
    /// mesh, and those for fewer labels than the consumers have.
    fn filters_of(
        &self,
        namespace: Option<&str>,
        selector: &BTreeMap<String, String>,
    ) -> Vec<Plugin> {
        let covers = |plugin: &&Plugin| {
            let outgoing = plugin.target.outgoing();
            let is_theirs = |(name, value)| selector.get(name) == Some(value);
            plugin.kind.decides()
                && plugin.is_near(namespace)
                && outgoing.is_some_and(|labels| labels.iter().all(is_theirs))
        };
        self.plugins.iter().filter(covers).cloned().collect()
    }
}

fn extension_name(plugin: &Plugin) -> String {
    format!("meshlane.{}", plugin.name)
}

/// A resource of its own that chains refer to.
fn added(extension: Value) -> Value {
    json!({
        "applyTo": "EXTENSION_CONFIG",
        "match": {"context": "SIDECAR_OUTBOUND"},
        "patch": {"operation": "ADD", "value": extension},
    })
}

/// A change of the chain that takes what is not HTTP.
fn patched(port: u16, operation: &str, value: Value) -> Value {
    json!({
        "applyTo": "NETWORK_FILTER",
        "match": {
            "context": "SIDECAR_OUTBOUND",
            "listener": {"portNumber": port, "filterChain": {
                "name": "PassthroughFilterChain",
                "filter": {"name": "envoy.filters.network.tcp_proxy"},
            }},
        },
        "patch": {"operation": operation, "value": value},
    })
}

fn connection_manager(port: u16, filters: Vec<Value>) -> Value {
    let class = "type.googleapis.com/envoy.extensions.filters";
    let fault = json!({
        "name": "envoy.filters.http.fault",
        "typed_config": {"@type": format!("{class}.http.fault.v3.HTTPFault")},
    });
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": format!("{class}.http.router.v3.Router")},
    });
    let filters: Vec<_> = filters.into_iter().chain([fault, router]).collect();
    let any = [("0.0.0.0", 0), ("::", 0)];
    let any = any.map(|(address, length)| json!({"address_prefix": address, "prefix_len": length}));
    json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": format!("{class}.network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": format!("outbound_dubbo_{port}"),
            "codec_type": "AUTO",
            // A call ends by the timeout of its route or of its consumer, not because it is silent.
            "stream_idle_timeout": "0s",
            // The consumer's timeout comes from the bridge, which nobody can talk to but the application of this pod.
            "use_remote_address": true,
            "skip_xff_append": true,
            "internal_address_config": {"cidr_ranges": any},
            "http2_protocol_options": {
                "initial_stream_window_size": 262_144, "initial_connection_window_size": 8_388_608,
            },
            "rds": {
                "config_source": {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"},
                "route_config_name": port.to_string(),
            },
            "access_log": [{
                "name": "envoy.access_loggers.file",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                    "path": "/dev/stdout",
                    "log_format": {"json_format": super::super::log_format()},
                },
            }],
            "http_filters": filters,
        },
    })
}
