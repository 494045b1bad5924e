//! The filter `rate-limit` beside one that traps at each request, in one module and so in one VM: nothing that a client sends
//! makes `rate-limit` itself trap.
#![allow(
    missing_docs,
    reason = "proxy_wasm::main! generates an undocumented function"
)]

use meshlane_host::property;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| root());
}}

fn root() -> Box<dyn RootContext> {
    match property::text(&["plugin_root_id"]).as_deref() {
        Some("trap") => Box::new(Trapping),
        _ => meshlane_filter_rate_limit::root(),
    }
}

struct Trapping;

impl Context for Trapping {}

impl RootContext for Trapping {
    fn on_configure(&mut self, _: usize) -> bool {
        true
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Self))
    }
}

impl HttpContext for Trapping {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        std::process::abort()
    }
}
