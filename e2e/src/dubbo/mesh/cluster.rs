//! Providers of one kind, each behind a listener of the inbound Envoy.

use std::net::SocketAddr;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::Wire;
use crate::bootstrap::parts;

/// A cluster of the outbound Envoy.
#[derive(Clone, Debug)]
pub struct Cluster {
    name: String,
    providers: Vec<SocketAddr>,
    settings: Map<String, Value>,
}

impl Cluster {
    /// Providers at these addresses.
    pub fn new(name: &str, providers: &[SocketAddr]) -> Self {
        Self {
            name: name.to_owned(),
            providers: providers.to_vec(),
            settings: Map::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Sets a field of Envoy's cluster, `outlier_detection` for example.
    pub fn setting(mut self, name: &str, value: Value) -> Self {
        self.settings.insert(name.to_owned(), value);
        self
    }

    /// For each provider a listener with these filters before `tcp_proxy`, and the cluster it leads to.
    pub(super) fn inbound(&self, filters: &[Value]) -> Vec<(Value, Value)> {
        let endpoints = self.providers.iter().enumerate();
        endpoints
            .map(|(number, provider)| {
                let name = endpoint_name(&self.name, number);
                let mut filters = filters.to_vec();
                filters.push(parts::tcp_proxy(&name, &name));
                let listener = json!({
                    "name": name,
                    "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
                    "traffic_direction": "INBOUND",
                    "filter_chains": [{"filters": filters}],
                });
                (listener, to_json(&name, &[*provider], false, &Map::new()))
            })
            .collect()
    }

    /// The cluster that leads to those listeners.
    pub(super) fn outbound(
        &self,
        wire: Wire,
        listener: impl Fn(&str) -> Result<SocketAddr>,
    ) -> Result<Value> {
        let endpoints: Vec<SocketAddr> = (0..self.providers.len())
            .map(|number| listener(&endpoint_name(&self.name, number)))
            .collect::<Result<_>>()?;
        Ok(to_json(
            &self.name,
            &endpoints,
            wire == Wire::Http2,
            &self.settings,
        ))
    }
}

pub(super) fn endpoint_name(cluster: &str, number: usize) -> String {
    format!("{cluster}-{number}")
}

fn to_json(
    name: &str,
    endpoints: &[SocketAddr],
    http2: bool,
    settings: &Map<String, Value>,
) -> Value {
    let endpoints = endpoints.iter().map(|address| {
        let socket_address =
            json!({"address": address.ip().to_string(), "port_value": address.port()});
        json!({"endpoint": {"address": {"socket_address": socket_address}}})
    });
    let mut cluster = json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        // As Istio has it: Envoy's own limit is three retries at a time.
        "circuit_breakers": {"thresholds": [{"max_retries": 1_000_000}]},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": endpoints.collect::<Vec<_>>()}],
        },
    });
    if let Some(members) = cluster.as_object_mut() {
        if http2 {
            members.insert(
                "typed_extension_protocol_options".to_owned(),
                parts::http2_upstream(json!({})),
            );
        }
        members.extend(settings.clone());
    }
    cluster
}
