//! All HTTP filters in one module.
//!
//! Plugins of the same module share one VM in each worker of Envoy. What a plugin is says its root id (Istio's `pluginName`):
//! `traffic-tag`, `gray-release`, `tag-route`, `rate-limit`, alone or followed by a slash and a name that tells it from others of its kind.
#![allow(
    missing_docs,
    reason = "the SDK's macro exports a function without documentation"
)]

use meshlane_host::property;
use proxy_wasm::traits::{Context, RootContext};
use proxy_wasm::types::ContextType;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| root());
}}

fn root() -> Box<dyn RootContext> {
    let root_id = property::text(&["plugin_root_id"]).unwrap_or_default();
    match root_id.split('/').next() {
        Some("traffic-tag") => meshlane_filter_traffic_tag::root(),
        Some("gray-release") => meshlane_filter_gray_release::root(),
        Some("rate-limit") => meshlane_filter_rate_limit::root(),
        Some("tag-route") => meshlane_filter_tag_route::root(),
        _ => Box::new(Unknown { root_id }),
    }
}

/// A plugin that is none of ours. It lets all requests pass: refusing its configuration would have Envoy refuse them.
struct Unknown {
    root_id: String,
}

impl Context for Unknown {}

impl RootContext for Unknown {
    fn on_configure(&mut self, _: usize) -> bool {
        log::error!(
            "suite: the root id (pluginName) is `{}`, expected `traffic-tag`, `gray-release`, `tag-route` or `rate-limit`, alone or followed by /NAME; \
             this plugin does nothing",
            self.root_id
        );
        true
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn proxy_wasm::traits::HttpContext>> {
        Some(Box::new(Passing))
    }
}

struct Passing;

impl Context for Passing {}

impl proxy_wasm::traits::HttpContext for Passing {}
