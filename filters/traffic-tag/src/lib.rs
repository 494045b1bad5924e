//! The Envoy filter for traffic tagging.
//!
//! It gathers the facts of a request, lets [`meshlane_traffic_tag`] decide, and applies the
//! decision: request headers, the `set-cookie` of the response, counters, the line for
//! access logs.
#![allow(
    missing_docs,
    reason = "the SDK's macro exports a function without documentation"
)]

mod metrics;

use std::rc::Rc;

use meshlane_diagnostics::OnInvalidConfig;
use meshlane_host::{Configured, KindOfFilter, access_log, headers};
use meshlane_traffic_tag::{Decision, Policy};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use crate::metrics::Metrics;

#[cfg(feature = "module")]
proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| root());
}}

/// The plugin, before its configuration is known.
pub fn root() -> Box<dyn RootContext> {
    Box::new(Root { plugin: None })
}

const KIND: KindOfFilter<Policy> = KindOfFilter {
    name: "traffic-tag",
    on_invalid_config: OnInvalidConfig::PassThrough,
    parse: Policy::parse,
};

/// The plugin with the configuration in force.
struct Plugin {
    configured: Configured<Policy>,
    metrics: Metrics,
}

struct Root {
    plugin: Option<Rc<Plugin>>,
}

impl Context for Root {}

impl RootContext for Root {
    /// Always accepts: Envoy would answer 500 to every request otherwise.
    fn on_configure(&mut self, size: usize) -> bool {
        meshlane_host::follow_log_level();
        let configured = Configured::load(&KIND, size);
        let metrics = Metrics::define(&configured);
        self.plugin = Some(Rc::new(Plugin {
            configured,
            metrics,
        }));
        true
    }

    fn on_tick(&mut self) {
        meshlane_host::refresh_log_level();
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream {
            plugin: self.plugin.clone(),
            set_cookies: Vec::new(),
        }))
    }
}

/// One request and its response.
struct Stream {
    plugin: Option<Rc<Plugin>>,
    set_cookies: Vec<String>,
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let Some(plugin) = &self.plugin else {
            return Action::Continue;
        };
        let configured = &plugin.configured;
        let facts = match configured.enter(Policy::settings) {
            Ok(facts) => facts,
            Err(reason) => {
                meshlane_host::refuse(reason);
                return Action::Pause;
            }
        };
        if let Some(policy) = &configured.policy {
            let mut random = meshlane_host::random_bytes;
            let decision = policy.decide(&facts, &configured.workload, &mut random);
            plugin.apply(policy, &decision);
            self.set_cookies = decision.set_cookies;
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        for cookie in &self.set_cookies {
            headers::add_response("set-cookie", cookie.as_bytes());
        }
        Action::Continue
    }
}

impl Plugin {
    fn apply(&self, policy: &Policy, decision: &Decision<'_>) {
        for mutation in &decision.mutations {
            headers::change_request(&mutation.name, mutation.value.as_deref());
        }
        self.metrics.count(decision);
        if !decision.tags.is_empty() {
            let summary = decision.summary(policy);
            log::debug!("{}: {summary}", self.configured.name);
            access_log::leave(access_log::TRAFFIC_TAG, &summary);
        }
    }
}
