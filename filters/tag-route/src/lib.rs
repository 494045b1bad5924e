//! The Envoy filter for routing by tag.
//!
//! It gathers the facts of a request and what Envoy knows of the health of destinations, lets [`meshlane_tag_route`] decide,
//! and applies the decision: the header that routes match, or a refusal; counters, the line for access logs.
#![allow(
    missing_docs,
    reason = "the SDK's macro exports a function without documentation"
)]

mod health;
mod metrics;

use std::rc::Rc;

use meshlane_diagnostics::{OnInvalidConfig, Reason};
use meshlane_host::{Configured, HostFacts, KindOfFilter, access_log, headers};
use meshlane_tag_route::{Decision, Policy};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use crate::health::Watch;
use crate::metrics::Metrics;

#[cfg(feature = "module")]
proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| root());
}}

/// The plugin, before its configuration is known.
pub fn root() -> Box<dyn RootContext> {
    Box::new(Root {
        plugin: None,
        watch: None,
    })
}

const KIND: KindOfFilter<Policy> = KindOfFilter {
    name: "tag-route",
    on_invalid_config: OnInvalidConfig::PassThrough,
    parse: Policy::parse,
};

/// Where a client finds the decision while `debug` is on.
const DEBUG_HEADER: &str = "x-meshlane-route-decision";

/// The plugin with the configuration in force.
struct Plugin {
    configured: Configured<Policy>,
    metrics: Metrics,
}

struct Root {
    plugin: Option<Rc<Plugin>>,
    watch: Option<Watch>,
}

impl Context for Root {
    fn on_http_call_response(&mut self, _: u32, headers: usize, size: usize, _: usize) {
        if let Some(watch) = &mut self.watch {
            watch.on_answer(headers > 0, size);
        }
    }
}

impl RootContext for Root {
    /// Always accepts: Envoy would answer 500 to every request otherwise.
    fn on_configure(&mut self, size: usize) -> bool {
        meshlane_host::follow_log_level();
        let configured = Configured::load(&KIND, size);
        let metrics = Metrics::define(&configured);
        let plugin = Rc::new(Plugin {
            configured,
            metrics,
        });
        self.watch = Watch::start(&plugin);
        self.plugin = Some(plugin);
        true
    }

    fn on_tick(&mut self) {
        meshlane_host::refresh_log_level();
        if let Some(watch) = &mut self.watch {
            watch.on_tick();
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream {
            plugin: self.plugin.clone(),
            health: self.watch.as_ref().map(Watch::health),
            told: None,
        }))
    }
}

/// One request and its response.
struct Stream {
    plugin: Option<Rc<Plugin>>,
    health: Option<Rc<meshlane_tag_route::Health>>,
    /// The decision, for the response.
    told: Option<String>,
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let Some(plugin) = self.plugin.clone() else {
            return Action::Continue;
        };
        match self.decide(&plugin) {
            Ok(()) => Action::Continue,
            Err(reason) => {
                meshlane_host::refuse(reason);
                Action::Pause
            }
        }
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        if let Some(told) = &self.told {
            headers::add_response(DEBUG_HEADER, told.as_bytes());
        }
        Action::Continue
    }
}

impl Stream {
    /// Sends the request at hand where it goes, or says why it is refused.
    fn decide(&mut self, plugin: &Plugin) -> Result<(), Reason> {
        let configured = &plugin.configured;
        let facts = configured.enter(Policy::settings)?;
        let Some(policy) = &configured.policy else {
            return Ok(());
        };
        let mut random = meshlane_host::random_bytes;
        let unknown = meshlane_tag_route::Health::default();
        let health = self.health.as_deref().unwrap_or(&unknown);
        let decision = policy.decide(&facts, &configured.workload, health, &mut random);
        self.apply(plugin, policy, &facts, &decision);
        match decision.is_refused() {
            true => Err(decision.reason),
            false => Ok(()),
        }
    }

    fn apply(
        &mut self,
        plugin: &Plugin,
        policy: &Policy,
        facts: &HostFacts,
        decision: &Decision<'_>,
    ) {
        let header = policy.output().header();
        match policy.header_value(decision) {
            Some(value) => headers::set_request(header, value.as_bytes()),
            // A client must not choose its own destination.
            None if facts.has(header) => headers::remove_request(header),
            None => {}
        }
        plugin.metrics.count(decision);
        let summary = decision.summary(policy);
        log::debug!("{}: {summary}", plugin.configured.name);
        access_log::leave(access_log::TAG_ROUTE, &summary);
        if policy.debug() {
            self.told = Some(summary);
        }
    }
}
