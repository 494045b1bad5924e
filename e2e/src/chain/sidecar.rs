//! The Envoys of a chain: a gateway, and beside each service a sidecar.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::Result;
use serde_json::{Value, json};

use super::{LANE_LABEL, Protocol, Service};
use crate::{
    access_log::AccessLog,
    bootstrap::{Bootstrap, Direction, EndpointFile, Listener, Node, WasmFilter, parts},
    envoy::Envoy,
    scene::Scene,
};

/// The Envoy of one member of a service; dropping it ends the process.
#[derive(Debug)]
pub struct Sidecar {
    /// The process.
    pub envoy: Envoy,
    /// What it logs of requests for the application.
    pub inbound: AccessLog,
    /// What it logs of those of the application.
    pub outbound: AccessLog,
}

/// What a sidecar is made of.
#[derive(Debug)]
pub(super) struct Plan<'p> {
    /// Of the workload.
    pub(super) lane: &'p str,
    /// The application and what it is called by.
    pub(super) application: Option<(Protocol, SocketAddr)>,
    /// The next service with the address of each lane's member.
    pub(super) next: Option<(&'p Service, &'p BTreeMap<String, SocketAddr>)>,
    /// The filter before those of routing, of both listeners; none to see what happens without it.
    pub(super) carries: Option<&'p Value>,
    /// Whether the lane may be left.
    pub(super) strict: bool,
    /// The filter in front of the others.
    pub(super) tags: Option<&'p Value>,
    /// How many workers.
    pub(super) workers: u32,
}

impl Plan<'_> {
    pub(super) async fn start(&self, scene: &Scene) -> Result<Sidecar> {
        let (to, from) = (AccessLog::new(scene)?, AccessLog::new(scene)?);
        let admin = EndpointFile::new(scene, ADMIN, &[])?;
        let pipe = scene.fresh("provider.sock")?;
        let mut node = Node::new("sidecar");
        node.labels
            .push((LANE_LABEL.to_owned(), self.lane.to_owned()));
        let mut bootstrap = Bootstrap::new(node).raw_cluster(admin.to_cluster());
        if let Some((protocol, address)) = self.application {
            let inbound = Listener::new(INBOUND)
                .direction(Direction::Inbound)
                .access_log(to.file());
            bootstrap = bootstrap.listener(self.carrying(inbound)?);
            let endpoint = match protocol {
                Protocol::Dubbo => {
                    let to_dubbo = WasmFilter::new("dubbo", r#"{"mode": "toDubbo"}"#)?;
                    bootstrap = bootstrap
                        .raw_listener(json!({
                            "name": "provider",
                            "address": {"pipe": {"path": pipe}},
                            "traffic_direction": "INBOUND",
                            "filter_chains": [{"filters": [
                                to_dubbo.named("provider").to_network_filter(),
                                parts::tcp_proxy("provider", "provider"),
                            ]}],
                        }))
                        .raw_cluster(cluster("provider", Protocol::Http, &socket(address)));
                    json!({"pipe": {"path": pipe}})
                }
                Protocol::Http | Protocol::Grpc => socket(address),
            };
            bootstrap = bootstrap.raw_cluster(cluster("v1", protocol, &endpoint));
        }
        if let Some((service, members)) = self.next {
            let mut outbound = Listener::new(OUTBOUND)
                .direction(Direction::Outbound)
                .access_log(from.file());
            if service.protocol == Protocol::Dubbo && self.application.is_some() {
                let to_http = WasmFilter::new("dubbo", r#"{"mode": "toHttp"}"#)?;
                outbound = outbound.bridge(&to_http.named("consumer"));
            }
            if let Some(tags) = self.tags {
                outbound = outbound.filter(&WasmFilter::traffic_tag(tags)?.of_module("suite")?);
            }
            let route = WasmFilter::tag_route(&self.routes(service, members))?;
            let outbound = self
                .carrying(outbound)?
                .filter(&route.of_module("suite")?)
                .route(json!({
                    "match": {"prefix": "/", "headers": [{"name": "x-meshlane-route", "present_match": true}]},
                    "route": {
                        "cluster_header": "x-meshlane-route",
                        "timeout": "60s",
                        // What never reached the application but for our own doing.
                        "retry_policy": {"retry_on": "retriable-status-codes", "retriable_status_codes": [503], "num_retries": 2},
                    },
                }));
            bootstrap = bootstrap.listener(outbound);
            for (lane, address) in members {
                let mut cluster =
                    cluster(&service.member(lane), service.protocol, &socket(*address));
                if let (true, Some(members)) = (service.is_checked, cluster.as_object_mut()) {
                    // The request of the check has no tag, and is let in by its path.
                    let checks = parts::http_health_checks(super::HEALTH);
                    members.insert("health_checks".to_owned(), checks);
                }
                bootstrap = bootstrap.raw_cluster(cluster);
            }
            if self.application.is_none() {
                // Where requests go that no route matches.
                bootstrap = bootstrap.raw_cluster(json!({"name": "v1", "type": "STATIC"}));
            }
        }
        let workers = self.workers.to_string();
        let envoy = Envoy::start_with(scene, &bootstrap, &["--concurrency", &workers]).await?;
        admin.publish(&[(envoy.admin().address(), "HEALTHY")])?;
        Ok(Sidecar {
            envoy,
            inbound: to,
            outbound: from,
        })
    }

    fn carrying(&self, listener: Listener) -> Result<Listener> {
        let Some(document) = self.carries else {
            return Ok(listener);
        };
        let filter = WasmFilter::gray_release(document)?.of_module("suite")?;
        Ok(listener.filter(&filter))
    }

    /// The member of the request's lane; the baseline for whoever has none, and, unless the lane is strict, where it has no
    /// member.
    fn routes(&self, service: &Service, members: &BTreeMap<String, SocketAddr>) -> Value {
        let destinations = members.keys().map(|lane| {
            let name = service.member(lane);
            json!({"name": name, "cluster": name, "labels": {LANE_LABEL: lane}})
        });
        json!({
            "output": {"value": "cluster"},
            "health": {"cluster": ADMIN, "interval": 0.2},
            "chains": {"default": [{"name": "lane", "force": self.strict, "tag": {
                "keys": ["header.x-mse-tag"], "label": LANE_LABEL, "untagged": [BASELINE],
            }}]},
            "services": [{
                "name": service.name,
                "hosts": ["*"],
                "destinations": destinations.collect::<Vec<_>>(),
            }],
        })
    }
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

fn cluster(name: &str, protocol: Protocol, address: &Value) -> Value {
    let options = match protocol {
        Protocol::Http => json!({"explicit_http_config": {"http_protocol_options": {}}}),
        Protocol::Grpc | Protocol::Dubbo => {
            json!({"explicit_http_config": {"http2_protocol_options": {}}})
        }
    };
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "typed_extension_protocol_options": parts::http_upstream(options),
        // As Istio has it: as many as come.
        "circuit_breakers": {"thresholds": [{
            "max_connections": LIMIT, "max_pending_requests": LIMIT, "max_requests": LIMIT, "max_retries": LIMIT,
        }]},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]},
    })
}

/// The value of the label of what is in no lane.
pub(super) const BASELINE: &str = "base";

/// Where a sidecar takes requests for its application.
pub(super) const INBOUND: &str = "inbound";

/// Where a sidecar takes requests of its application, and the gateway those of clients.
pub(super) const OUTBOUND: &str = "outbound";

const ADMIN: &str = "admin";

const LIMIT: u32 = 1_000_000;
