//! The Envoy filter for full-link gray release.
//!
//! It gathers the facts of a request, lets [`meshlane_gray_release`] decide, remembers in shared data what came in, and applies the
//! decision: the carriers of tags, a refusal; counters, the line for access logs.
#![allow(
    missing_docs,
    reason = "the SDK's macro exports a function without documentation"
)]

mod metrics;

use std::rc::Rc;

use meshlane_diagnostics::{OnInvalidConfig, Reason};
use meshlane_gray_release::config::Direction;
use meshlane_gray_release::{Correlations, Decision, Policy, REROUTE_HEADER};
use meshlane_host::shared_data::HostData;
use meshlane_host::{Configured, KindOfFilter, access_log, headers, property};
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
    name: "gray-release",
    on_invalid_config: OnInvalidConfig::PassThrough,
    parse: |document, _| Policy::parse(document),
};

/// The plugin with the configuration in force.
struct Plugin {
    configured: Configured<Policy>,
    memory: Option<Correlations>,
    /// As the document has it.
    direction: Option<Direction>,
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
        let policy = configured.policy.as_ref();
        self.plugin = Some(Rc::new(Plugin {
            memory: policy.map(memory),
            direction: policy.and_then(Policy::direction),
            metrics: Metrics::define(&configured),
            configured,
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
            response_headers: Vec::new(),
        }))
    }
}

/// The memory of the proxy. Envoy configures a plugin on its main thread before it does so on workers, so that it is there once.
fn memory(policy: &Policy) -> Correlations {
    let mut random = meshlane_host::random_bytes;
    Correlations::open(&HostData, policy.capacity(), policy.lifetime(), &mut random)
}

/// One request and its response.
struct Stream {
    plugin: Option<Rc<Plugin>>,
    response_headers: Vec<(String, String)>,
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
        for (name, value) in &self.response_headers {
            headers::add_response(name, value.as_bytes());
        }
        Action::Continue
    }
}

impl Stream {
    /// Sends the request at hand on with what it carries, or says why it is refused.
    fn decide(&mut self, plugin: &Plugin) -> Result<(), Reason> {
        let configured = &plugin.configured;
        let facts = configured.enter(Policy::settings)?;
        let (Some(policy), Some(memory)) = (&configured.policy, &plugin.memory) else {
            return Ok(());
        };
        let workload = &configured.workload;
        let decision = match plugin.direction() {
            Some(Direction::Inbound) => {
                let decision = policy.inbound(&facts, workload);
                plugin.remember(policy, memory, &decision);
                decision
            }
            Some(Direction::Outbound) => {
                // Most calls carry their tag, and ask for nothing.
                let mut now = None;
                let mut recall = |key: &_| {
                    let now = *now.get_or_insert_with(meshlane_host::now);
                    memory.recall(&HostData, now, key)
                };
                policy.outbound(&facts, workload, &mut recall)
            }
            None => return Ok(()),
        };
        plugin.apply(policy, &decision);
        self.response_headers = decision.response_headers;
        decision.refused.map_or(Ok(()), Err)
    }
}

impl Plugin {
    /// Which way requests go; nothing when neither the document nor the listener says it.
    fn direction(&self) -> Option<Direction> {
        // Listeners of both directions may share one plugin, so it is asked for with each request.
        let asked = || match property::integer(&["xds", "listener_direction"]) {
            // As in `envoy.config.core.v3.TrafficDirection`.
            Some(1) => Some(Direction::Inbound),
            Some(2) => Some(Direction::Outbound),
            _ => None,
        };
        let direction = self.direction.or_else(asked);
        if direction.is_none() {
            self.metrics.undirected(&self.configured.name);
        }
        direction
    }

    /// Remembers a request under all that identifies it, before the application sees it.
    fn remember(&self, policy: &Policy, memory: &Correlations, decision: &Decision) {
        if decision.keys.is_empty() {
            if decision.refused.is_none() {
                self.metrics.correlation(Reason::CorrelationUnidentified);
            }
            return;
        }
        let (now, tags) = (meshlane_host::now(), decision.remembered(policy));
        for key in &decision.keys {
            let stored = memory.remember(&HostData, now, key, &tags);
            self.metrics.correlation(stored.reason());
        }
    }

    fn apply(&self, policy: &Policy, decision: &Decision) {
        for mutation in &decision.mutations {
            headers::change_request(&mutation.name, mutation.value.as_deref());
        }
        if let Some(lane) = &decision.reroute {
            headers::set_request(REROUTE_HEADER, lane.as_bytes());
        }
        self.metrics.count(policy, decision);
        if !decision.tags.is_empty() {
            let summary = decision.summary(policy);
            log::debug!("{}: {summary}", self.configured.name);
            access_log::leave(access_log::GRAY_RELEASE, &summary);
        }
    }
}
