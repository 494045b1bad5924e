//! What the measured Envoys are made of: one listener a variant, each with the same routes.

use std::path::Path;

use anyhow::Result;
use meshlane_e2e::{
    bootstrap::{Bootstrap, Listener},
    envoy::Envoy,
    scene::Scene,
    upstream::Upstream,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{rules::TAG, variants::Variant};

/// What an untagged request is answered with.
pub(crate) const BASE: &str = "base";

/// What a request with the tag `gray` is answered with; only a filter that makes Envoy choose the route again gets it.
pub(crate) const GRAY: &str = "gray";

/// What a request is answered with that still has a reserved header or a tag that nobody set.
pub(crate) const LEAK: &str = "leak";

/// What no client may set the header to that routes go by.
pub(crate) const SPOOFED: &str = "spoofed";

/// A reserved header, sent to see whether a variant removes it.
pub(crate) const RESERVED: &str = "x-meshlane-probe";

/// Starts an Envoy with a listener for each variant, and clusters that their routes lead to.
pub(crate) fn start(
    runtime: &Runtime,
    scene: &Scene,
    variants: &[Variant],
    clusters: &[Value],
    workers: usize,
) -> Result<Envoy> {
    let listeners = variants.iter().map(listener);
    let workers = ["--concurrency", &workers.to_string()];
    runtime.block_on(async {
        // The harness's last route names it; all requests are answered before.
        let unused = Upstream::start("v1").await?;
        let bootstrap = listeners.fold(Bootstrap::bare(), Bootstrap::listener);
        let clusters = clusters.iter().cloned();
        let bootstrap = clusters.fold(bootstrap, Bootstrap::raw_cluster);
        Envoy::start_with(scene, &bootstrap.upstreams(&[&unused]), &workers).await
    })
}

fn listener(variant: &Variant) -> Listener {
    let listener = Listener::new(&variant.name);
    let routes = variant.routes.iter().cloned();
    let listener = routes.fold(listener, Listener::route);
    let filters = variant.filters.iter().cloned();
    filters.fold(listener, Listener::http_filter)
}

/// The routes of requests that are told apart by a header with the value `gray`.
pub(crate) fn routes(header: &str, gray: &str) -> Vec<Value> {
    vec![
        answer(LEAK, json!([{"name": RESERVED, "present_match": true}])),
        answer(LEAK, exact(header, SPOOFED)),
        answer(GRAY, exact(header, gray)),
        answer(BASE, json!([])),
    ]
}

/// A Wasm filter in a VM of its own.
pub(crate) fn wasm(name: &str, module: &Path, configuration: &str) -> Value {
    plugin(name, name, module, configuration)
}

/// A Wasm filter in a VM that all plugins of that name share, of the kind that its root id says.
pub(crate) fn plugin(vm: &str, root_id: &str, module: &Path, configuration: &str) -> Value {
    json!({
        "name": root_id,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": root_id,
                "root_id": root_id,
                "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration},
                "vm_config": {
                    "vm_id": vm,
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": module}},
                },
            },
        },
    })
}

/// Envoy's own filter that sets the tag header unconditionally: what native code costs.
pub(crate) fn header_mutation() -> Value {
    json!({
        "name": "envoy.filters.http.header_mutation",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
            "mutations": {"request_mutations": [{"append": {
                "header": {"key": TAG, "value": "gray"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }}]},
        },
    })
}

/// A Lua filter.
pub(crate) fn lua(script: &str) -> Value {
    json!({
        "name": "envoy.filters.http.lua",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": {"inline_string": script},
        },
    })
}

/// A route that answers requests with these headers.
pub(crate) fn answer(body: &str, headers: Value) -> Value {
    json!({
        "match": {"prefix": "/", "headers": headers},
        "direct_response": {"status": 200, "body": {"inline_string": body}},
    })
}

/// A header with a value, as routes match it.
pub(crate) fn exact(header: &str, value: &str) -> Value {
    json!([{"name": header, "string_match": {"exact": value}}])
}
