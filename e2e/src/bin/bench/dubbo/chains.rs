//! The chains of filters that are compared, each in an Envoy of its own.

use std::net::SocketAddr;

use anyhow::Result;
use meshlane_e2e::{
    bootstrap::{Bootstrap, WasmFilter, parts},
    envoy::Envoy,
    scene::Scene,
};
use serde_json::{Value, json};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Chain {
    /// Bytes pass.
    Tcp,
    /// Bytes pass through a Wasm filter that does nothing.
    Noop,
    /// Bytes pass through a Wasm filter that takes them and gives them back.
    Copy,
    /// Envoy's own filter for Dubbo.
    DubboProxy,
    /// HTTP/2 through the connection manager.
    Http2,
    /// HTTP/2 through a Wasm filter that takes the bytes and gives them back, then the connection manager.
    CopyHttp2,
    /// The bridge on the consumer's side.
    Consumer,
    /// The bridge on the provider's side.
    Provider,
}

impl Chain {
    pub(crate) const ALL: [Self; 8] = [
        Self::Tcp,
        Self::Noop,
        Self::Copy,
        Self::DubboProxy,
        Self::Http2,
        Self::CopyHttp2,
        Self::Consumer,
        Self::Provider,
    ];

    /// What the report calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp_proxy",
            Self::Noop => "do-nothing Wasm + tcp_proxy",
            Self::Copy => "copying Wasm + tcp_proxy",
            Self::DubboProxy => "dubbo_proxy",
            Self::Http2 => "plain HTTP/2, connection manager",
            Self::CopyHttp2 => "copying Wasm + HTTP/2",
            Self::Consumer => "bridge, consumer side",
            Self::Provider => "bridge, provider side",
        }
    }

    /// Whether what is behind it speaks HTTP/2.
    pub(crate) fn leads_to_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::CopyHttp2 | Self::Consumer)
    }

    /// Starts an Envoy with one worker.
    pub(crate) async fn start(self, scene: &Scene, upstream: SocketAddr) -> Result<Envoy> {
        let listener = json!({
            "name": LISTENER,
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
            "filter_chains": [{"filters": self.filters()?}],
        });
        let bootstrap = Bootstrap::sidecar()
            .raw_listener(listener)
            .raw_cluster(cluster(upstream, self.leads_to_http2()));
        Envoy::start(scene, &bootstrap).await
    }

    fn filters(self) -> Result<Vec<Value>> {
        Ok(match self {
            Self::Tcp => vec![tcp_proxy()],
            Self::Noop => vec![wasm("noop-network", "")?, tcp_proxy()],
            Self::Copy => vec![wasm("noop-network", "copy")?, tcp_proxy()],
            Self::DubboProxy => vec![dubbo_proxy()],
            Self::Http2 => vec![connection_manager()],
            Self::CopyHttp2 => vec![wasm("noop-network", "copy")?, connection_manager()],
            Self::Consumer => vec![bridge("toHttp")?, connection_manager()],
            Self::Provider => vec![bridge("toDubbo")?, tcp_proxy()],
        })
    }
}

/// The name of the only listener.
pub(crate) const LISTENER: &str = "bench";

fn bridge(mode: &str) -> Result<Value> {
    wasm("dubbo", &json!({"mode": mode}).to_string())
}

fn wasm(module: &str, configuration: &str) -> Result<Value> {
    Ok(WasmFilter::new(module, configuration)?.to_network_filter())
}

fn tcp_proxy() -> Value {
    parts::tcp_proxy("bench", CLUSTER)
}

fn dubbo_proxy() -> Value {
    let any_method = json!({"method": {"name": {"safe_regex": {"regex": ".*"}}}});
    json!({"name": "envoy.filters.network.dubbo_proxy", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.dubbo_proxy.v3.DubboProxy",
        "stat_prefix": "bench",
        "protocol_type": "Dubbo",
        "serialization_type": "Hessian2",
        "route_config": [{
            "name": "all",
            "interface": "*",
            "routes": [{"match": any_method, "route": {"cluster": CLUSTER}}],
        }],
    }})
}

fn connection_manager() -> Value {
    json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "codec_type": "HTTP2",
        "generate_request_id": false,
        "http_filters": [parts::router()],
        "route_config": {"name": "all", "virtual_hosts": [{
            "name": "all",
            "domains": ["*"],
            "routes": [{"match": {"prefix": "/"}, "route": {"cluster": CLUSTER, "timeout": "15s"}}],
        }]},
    }})
}

fn cluster(upstream: SocketAddr, http2: bool) -> Value {
    let address = json!({"address": upstream.ip().to_string(), "port_value": upstream.port()});
    let mut cluster = json!({
        "name": CLUSTER,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": CLUSTER, "endpoints": [{"lb_endpoints": [
            {"endpoint": {"address": {"socket_address": address}}},
        ]}]},
    });
    if let (true, Some(members)) = (http2, cluster.as_object_mut()) {
        let options = parts::http2_upstream(json!({}));
        members.insert("typed_extension_protocol_options".to_owned(), options);
    }
    cluster
}

const CLUSTER: &str = "upstream";
