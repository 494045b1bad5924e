//! The Envoy network filter for Dubbo.
//!
//! In front of the HTTP connection manager it makes HTTP/2 of Dubbo, in front of `tcp_proxy`
//! Dubbo of HTTP/2. [`meshlane_bridge`] does the work: the filter hands it the bytes of a
//! connection and writes what it gives in their place, counts, and follows configurations.
#![allow(
    missing_docs,
    reason = "the SDK's macro exports a function without documentation"
)]

mod lingering;
mod metrics;
mod plugin;
mod registry;
mod stream;

use std::rc::Rc;

use meshlane_bridge::Policy;
use meshlane_diagnostics::OnInvalidConfig;
use meshlane_host::{Configured, KindOfFilter, origin};
use proxy_wasm::traits::{Context, RootContext, StreamContext};
use proxy_wasm::types::ContextType;

use crate::plugin::{Plugin, Service};
use crate::stream::Stream;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root { plugin: None }));
}}

const KIND: KindOfFilter<Policy> = KindOfFilter {
    name: "dubbo",
    on_invalid_config: OnInvalidConfig::PassThrough,
    parse: Policy::parse,
};

struct Root {
    plugin: Option<Rc<Plugin>>,
}

impl Context for Root {}

impl RootContext for Root {
    /// Always accepts: Envoy would close every connection otherwise.
    fn on_configure(&mut self, size: usize) -> bool {
        meshlane_host::follow_log_level();
        origin::declare();
        let configured = Configured::load(&KIND, size);
        let service = Service::of(&configured, || meshlane_host::document(size));
        let plugin = registry::plugin(configured.newest.key(), &configured.name, &service);
        plugin.take_up(service, configured.newest);
        self.plugin = Some(plugin);
        true
    }

    fn on_tick(&mut self) {
        meshlane_host::refresh_log_level();
        if let Some(plugin) = &self.plugin {
            plugin.follow();
            plugin.metrics.flush();
        }
        // At last: from here on the host takes this for a callback of another context.
        lingering::close_all();
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::StreamContext)
    }

    fn create_stream_context(&self, context: u32) -> Option<Box<dyn StreamContext>> {
        Some(Box::new(Stream::new(context, self.plugin.clone())))
    }
}
