//! A port of the outbound Envoy: the bridge, HTTP filters, routes.

use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::{Wire, network_filter};
use crate::bootstrap::{WasmFilter, parts};

/// A listener that consumers connect to.
#[derive(Clone, Debug)]
pub struct Port {
    name: String,
    cluster: String,
    to_http: Option<Value>,
    filters: Vec<Value>,
    routes: Vec<Value>,
    default_route: Map<String, Value>,
    manager: Map<String, Value>,
}

impl Port {
    /// A port that sends everything to the cluster `v1`.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            cluster: "v1".to_owned(),
            to_http: Some(json!({"mode": "toHttp"})),
            filters: Vec::new(),
            routes: Vec::new(),
            default_route: Map::new(),
            manager: Map::new(),
        }
    }

    /// The port `dubbo`.
    pub fn dubbo() -> Self {
        Self::new("dubbo")
    }

    /// The cluster that everything goes to.
    pub fn to(mut self, cluster: &str) -> Self {
        cluster.clone_into(&mut self.cluster);
        self
    }

    /// What the bridge shows to HTTP filters.
    pub fn expose(self, arguments: &[&str], attachments: &[&str]) -> Self {
        self.to_http(json!({
            "mode": "toHttp",
            "expose": {"arguments": arguments, "attachments": attachments},
        }))
    }

    /// The document for `mode: toHttp`.
    pub fn to_http(mut self, document: Value) -> Self {
        self.to_http = Some(document);
        self
    }

    /// Takes HTTP/2 as it comes, without a bridge.
    pub fn http2(mut self) -> Self {
        self.to_http = None;
        self
    }

    /// Adds a Wasm filter among the HTTP filters.
    pub fn filter(self, filter: &WasmFilter) -> Self {
        self.http_filter(filter.to_http_filter())
    }

    /// Adds any HTTP filter.
    pub fn http_filter(mut self, filter: Value) -> Self {
        self.filters.push(filter);
        self
    }

    /// Sends calls with this header to another cluster.
    pub fn route_by_header(self, header: &str, value: &str, cluster: &str) -> Self {
        self.route(parts::route_by_header(header, value, cluster))
    }

    /// Adds a route before the last one.
    pub fn route(mut self, route: Value) -> Self {
        self.routes.push(route);
        self
    }

    /// Sets a field of the action of the last route, `retry_policy` for example.
    pub fn setting(mut self, name: &str, value: Value) -> Self {
        self.default_route.insert(name.to_owned(), value);
        self
    }

    /// Tries a call that was not answered on another endpoint, when Istio would, and on `reset`: an Envoy whose provider is
    /// gone takes the connection and closes it.
    pub fn retries(self) -> Self {
        self.retry_elsewhere(json!({
            "retry_on": "connect-failure,refused-stream,unavailable,cancelled,reset,retriable-status-codes",
            "retriable_status_codes": [503],
            "num_retries": 2,
        }))
    }

    /// Sets the retry policy; each attempt goes to another endpoint, as Istio has it.
    pub fn retry_elsewhere(self, mut policy: Value) -> Self {
        if let Some(members) = policy.as_object_mut() {
            let previous_hosts = json!([{
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
                },
            }]);
            members.insert("retry_host_predicate".to_owned(), previous_hosts);
            members.insert("host_selection_retry_max_attempts".to_owned(), json!(5));
        }
        self.setting("retry_policy", policy)
    }

    /// Sets a field of the connection manager.
    pub fn manager(mut self, name: &str, value: Value) -> Self {
        self.manager.insert(name.to_owned(), value);
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn to_json(&self, wire: Wire, log: &Path) -> Result<Value> {
        let filters = match wire {
            Wire::Http2 => {
                let bridge = self.to_http.as_ref();
                let bridge = bridge.map(|document| network_filter(&self.name, document));
                let mut filters: Vec<Value> = bridge.transpose()?.into_iter().collect();
                filters.push(self.connection_manager(log));
                filters
            }
            Wire::Dubbo => vec![parts::tcp_proxy(&self.cluster, &self.cluster)],
        };
        Ok(json!({
            "name": self.name,
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
            "traffic_direction": "OUTBOUND",
            "filter_chains": [{"filters": filters}],
        }))
    }

    fn connection_manager(&self, log: &Path) -> Value {
        let mut filters = self.filters.clone();
        filters.push(parts::router());
        let mut action = json!({"cluster": self.cluster, "timeout": "15s"});
        if let Some(members) = action.as_object_mut() {
            members.extend(self.default_route.clone());
        }
        let mut routes = self.routes.clone();
        routes.push(json!({"match": {"prefix": "/"}, "route": action}));
        let mut manager = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": self.name,
            "codec_type": "AUTO",
            "generate_request_id": false,
            "drain_timeout": "1s",
            "http_filters": filters,
            "route_config": {
                "name": self.name,
                "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}],
            },
            "access_log": [super::log::access_log(log)],
        });
        if let Some(members) = manager.as_object_mut() {
            members.extend(self.manager.clone());
        }
        json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": manager})
    }
}
