//! A listener: connection manager, HTTP filters, routes, access log.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{
    filter::{ConfigFile, WasmFilter},
    parts,
};
use crate::pki::{Authority, ServerCertificate};

/// Which side of the workload a listener is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Not said.
    #[default]
    Unspecified,
    /// Towards the workload.
    Inbound,
    /// Away from it.
    Outbound,
}

/// What a listener needs to accept TLS beside plain text; a client may show a certificate of the authority.
#[derive(Clone, Debug)]
pub struct Tls {
    certificate: ServerCertificate,
    authority: String,
}

impl Tls {
    /// A server certificate of this authority, which client certificates are checked against too.
    pub fn new(authority: &Authority) -> anyhow::Result<Self> {
        Ok(Self {
            certificate: authority.server()?,
            authority: authority.pem(),
        })
    }
}

/// One listener on a free port of 127.0.0.1.
#[derive(Clone, Debug)]
pub struct Listener {
    name: String,
    direction: Direction,
    tls: Option<Tls>,
    bridge: Option<Value>,
    filters: Vec<Value>,
    routes: Vec<Value>,
    access_log: Option<PathBuf>,
    use_remote_address: bool,
    max_request_headers_kb: Option<u32>,
    max_headers_count: Option<u32>,
}

impl Listener {
    /// A listener that sends everything to the cluster `v1`.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            direction: Direction::default(),
            tls: None,
            bridge: None,
            filters: Vec::new(),
            routes: Vec::new(),
            access_log: None,
            use_remote_address: false,
            max_request_headers_kb: None,
            max_headers_count: None,
        }
    }

    /// Says which side of the workload this is.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Accepts TLS beside plain text.
    pub fn tls(mut self, tls: &Tls) -> Self {
        self.tls = Some(tls.clone());
        self
    }

    /// Puts a network filter before the connection manager: the Dubbo bridge.
    pub fn bridge(mut self, filter: &WasmFilter) -> Self {
        self.bridge = Some(filter.to_network_filter());
        self
    }

    /// Adds a Wasm filter whose configuration is part of the listener.
    pub fn filter(self, filter: &WasmFilter) -> Self {
        self.http_filter(filter.to_http_filter())
    }

    /// Adds a Wasm filter whose configuration is read from a file, and again when the file changes.
    pub fn discovered_filter(self, file: &ConfigFile) -> Self {
        self.http_filter(file.to_filter())
    }

    /// Adds any HTTP filter.
    pub fn http_filter(mut self, filter: Value) -> Self {
        self.filters.push(filter);
        self
    }

    /// Sends requests with this header to another cluster than `v1`.
    pub fn route_by_header(self, header: &str, value: &str, cluster: &str) -> Self {
        self.route(parts::route_by_header(header, value, cluster))
    }

    /// Adds a route before the last one.
    pub fn route(mut self, route: Value) -> Self {
        self.routes.push(route);
        self
    }

    /// Writes each request to a file; see [`crate::access_log`].
    pub fn access_log(mut self, file: &Path) -> Self {
        self.access_log = Some(file.to_owned());
        self
    }

    /// Makes Envoy add the client's address to `X-Forwarded-For`, as at an edge.
    pub fn use_remote_address(mut self) -> Self {
        self.use_remote_address = true;
        self
    }

    /// Accepts heads of up to this size (Envoy's default: 60 KiB) with up to this many headers (default: 100).
    pub fn accept_large_heads(mut self, kilobytes: u32, headers: u32) -> Self {
        self.max_request_headers_kb = Some(kilobytes);
        self.max_headers_count = Some(headers);
        self
    }

    pub(super) fn to_json(&self) -> Value {
        let manager = json!({
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": self.connection_manager(),
        });
        let network_filters: Vec<Value> = self.bridge.iter().cloned().chain([manager]).collect();
        let mut listener = json!({
            "name": self.name,
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
            "traffic_direction": match self.direction {
                Direction::Unspecified => "UNSPECIFIED",
                Direction::Inbound => "INBOUND",
                Direction::Outbound => "OUTBOUND",
            },
            "filter_chains": [{"filters": network_filters}],
        });
        if let (Some(tls), Some(members)) = (&self.tls, listener.as_object_mut()) {
            let chains = json!([
                {
                    "filter_chain_match": {"transport_protocol": "tls"},
                    "transport_socket": transport_socket(tls),
                    "filters": network_filters,
                },
                {"filter_chain_match": {"transport_protocol": "raw_buffer"}, "filters": network_filters},
            ]);
            members.insert("filter_chains".to_owned(), chains);
            members.insert("listener_filters".to_owned(), json!([{
                "name": "envoy.filters.listener.tls_inspector",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
                },
            }]));
        }
        listener
    }

    fn connection_manager(&self) -> Value {
        let mut filters = self.filters.clone();
        filters.push(parts::router());
        let mut routes = self.routes.clone();
        routes
            .push(json!({"match": {"prefix": "/"}, "route": {"cluster": "v1", "timeout": "15s"}}));
        let mut manager = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": self.name,
            "codec_type": "AUTO",
            "use_remote_address": self.use_remote_address,
            "generate_request_id": false,
            "http_filters": filters,
            "route_config": {"name": self.name, "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        });
        let mut set = |name: &str, value: Value| {
            if let Some(members) = manager.as_object_mut() {
                members.insert(name.to_owned(), value);
            }
        };
        if let Some(file) = &self.access_log {
            set("access_log", json!([access_log(file)]));
        }
        if let Some(kilobytes) = self.max_request_headers_kb {
            set("max_request_headers_kb", json!(kilobytes));
        }
        if let Some(count) = self.max_headers_count {
            set(
                "common_http_protocol_options",
                json!({"max_headers_count": count}),
            );
        }
        manager
    }
}

fn access_log(file: &Path) -> Value {
    let format = json!({
        "id": "%REQ(x-e2e-id)%",
        "status": "%RESPONSE_CODE%",
        "upstream": "%UPSTREAM_CLUSTER%",
        "flags": "%RESPONSE_FLAGS%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "tags": "%FILTER_STATE(wasm.meshlane.traffic-tag:PLAIN)%",
        "route": "%FILTER_STATE(wasm.meshlane.tag-route:PLAIN)%",
        "gray": "%FILTER_STATE(wasm.meshlane.gray-release:PLAIN)%",
        "limits": "%FILTER_STATE(wasm.meshlane.rate-limit:PLAIN)%",
    });
    parts::file_access_log(file, &format)
}

fn transport_socket(tls: &Tls) -> Value {
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": false,
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_certificates": [{
                    "certificate_chain": {"inline_string": tls.certificate.chain},
                    "private_key": {"inline_string": tls.certificate.key},
                }],
                "validation_context": {"trusted_ca": {"inline_string": tls.authority}},
            },
        },
    })
}
