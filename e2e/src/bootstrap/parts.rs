//! Pieces of Envoy's configuration that many listeners and clusters share.

use std::path::Path;

use serde_json::{Value, json};

/// The last of the HTTP filters.
pub fn router() -> Value {
    json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    })
}

/// The network filter that lets bytes pass to a cluster.
pub fn tcp_proxy(stat_prefix: &str, cluster: &str) -> Value {
    json!({"name": "envoy.filters.network.tcp_proxy", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": stat_prefix,
        "cluster": cluster,
    }})
}

/// A cluster's `typed_extension_protocol_options` for HTTP/2.
pub fn http2_upstream(options: Value) -> Value {
    http_upstream(json!({"explicit_http_config": {"http2_protocol_options": options}}))
}

/// The same with any fields of `HttpProtocolOptions`.
pub fn http_upstream(mut fields: Value) -> Value {
    const KIND: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    if let Some(fields) = fields.as_object_mut() {
        let url = format!("type.googleapis.com/{KIND}");
        fields.insert("@type".to_owned(), json!(url));
    }
    json!({KIND: fields})
}

/// A cluster's `health_checks`: ten a second, by a request for this path; one tells enough.
pub(crate) fn http_health_checks(path: &str) -> Value {
    json!([{
        "timeout": "2s",
        "interval": "0.1s",
        "no_traffic_interval": "0.1s",
        "unhealthy_threshold": 1,
        "healthy_threshold": 1,
        "http_health_check": {"path": path},
    }])
}

/// A route for requests with this header.
pub(crate) fn route_by_header(header: &str, value: &str, cluster: &str) -> Value {
    json!({
        "match": {"prefix": "/", "headers": [{"name": header, "string_match": {"exact": value}}]},
        "route": {"cluster": cluster, "timeout": "15s"},
    })
}

/// An access log of JSON lines in a file.
pub(crate) fn file_access_log(file: &Path, format: &Value) -> Value {
    json!({
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": file,
            "log_format": {"json_format": format},
        },
    })
}
