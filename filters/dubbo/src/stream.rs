use std::rc::Rc;

use bytes::Bytes;
use meshlane_bridge::{Bridge, ConnectionFacts, Verdict};
use meshlane_host::connection::{self, Direction};
use meshlane_host::origin;
use proxy_wasm::traits::{Context, StreamContext};
use proxy_wasm::types::Action;

use crate::lingering;
use crate::metrics::Connection;
use crate::plugin::{Plugin, Service, budget};

/// One connection.
pub(crate) struct Stream {
    context: u32,
    plugin: Option<Rc<Plugin>>,
    /// The plugin's version when the bridge got its policy.
    version: u32,
    stage: Stage,
    /// Whether the connection is marked and counted as bridged.
    is_bridged: bool,
    /// How many calls are on their way.
    open_calls: i64,
}

enum Stage {
    /// No bytes were seen yet.
    New,
    /// The bridge has the connection, or is still finding out whether it will.
    Bridge(Box<Bridged>),
    /// The bytes pass untouched.
    Pass,
    /// The connection is being closed; its bytes are dropped.
    Closing,
}

struct Bridged {
    bridge: Bridge,
    /// What waits for bytes to pass towards the client, when the connection is to be closed.
    last_words: Vec<Bytes>,
    is_closing: bool,
}

impl Stream {
    pub(crate) fn new(context: u32, plugin: Option<Rc<Plugin>>) -> Self {
        Self {
            context,
            plugin,
            version: 0,
            stage: Stage::New,
            is_bridged: false,
            open_calls: 0,
        }
    }

    /// Makes the bridge when the first bytes come, and hands it a newer policy.
    fn prepare(&mut self, plugin: &Plugin) {
        let version = plugin.version();
        match &mut self.stage {
            Stage::New => match plugin.service() {
                Service::Bridge(policy) if policy.enabled => {
                    let destination = connection::destination_address().unwrap_or_default();
                    let facts = ConnectionFacts { destination };
                    self.stage = Stage::Bridge(Box::new(Bridged {
                        bridge: Bridge::new(policy, facts, budget()),
                        last_words: Vec::new(),
                        is_closing: false,
                    }));
                }
                Service::Bridge(_) => {
                    plugin.metrics.connection(Connection::Untouched);
                    self.stage = Stage::Pass;
                }
                Service::Close(reason) => {
                    plugin.metrics.closed(reason);
                    connection::close();
                    self.stage = Stage::Closing;
                }
            },
            Stage::Bridge(bridged) if self.version != version => {
                if let Service::Bridge(policy) = plugin.service() {
                    bridged.bridge.set_policy(policy);
                }
            }
            Stage::Bridge(_) | Stage::Pass | Stage::Closing => {}
        }
        self.version = version;
    }
}

impl Context for Stream {}

impl StreamContext for Stream {
    fn on_new_connection(&mut self) -> Action {
        let Some(plugin) = self.plugin.clone() else {
            return Action::Continue;
        };
        if let Service::Close(_) = plugin.service() {
            self.prepare(&plugin);
            return Action::Pause;
        }
        Action::Continue
    }

    fn on_downstream_data(&mut self, size: usize, end: bool) -> Action {
        let Some(plugin) = self.plugin.clone() else {
            return Action::Continue;
        };
        self.prepare(&plugin);
        match &mut self.stage {
            Stage::New | Stage::Pass => Action::Continue,
            Stage::Bridge(_) => self.take_downstream(size, end, &plugin),
            Stage::Closing => {
                drop_bytes(Direction::FromDownstream, size);
                connection::close();
                Action::Continue
            }
        }
    }

    fn on_upstream_data(&mut self, size: usize, end: bool) -> Action {
        let Some(plugin) = self.plugin.clone() else {
            return Action::Continue;
        };
        match &mut self.stage {
            Stage::New | Stage::Pass => {}
            Stage::Bridge(_) => self.take_upstream(size, end, &plugin),
            Stage::Closing => drop_bytes(Direction::ToDownstream, size),
        }
        Action::Continue
    }
}

impl Stream {
    /// Hands what the downstream sent to the bridge.
    fn take_downstream(&mut self, size: usize, end: bool, plugin: &Plugin) -> Action {
        let from = Direction::FromDownstream;
        let (Stage::Bridge(bridged), Some(data)) = (&mut self.stage, from.read(size)) else {
            return self.close_now();
        };
        let bridge = &mut bridged.bridge;
        match bridge.handle_downstream(data.into(), end, meshlane_host::now()) {
            Verdict::Replaced => {}
            Verdict::Wait => return Action::Pause,
            Verdict::Untouched => {
                plugin.metrics.connection(Connection::Untouched);
                self.stage = Stage::Pass;
                return Action::Continue;
            }
        }
        if !self.is_bridged {
            self.is_bridged = true;
            origin::mark();
            plugin.metrics.connection(Connection::Bridged);
        }
        from.replace(size, &mut std::iter::from_fn(|| bridge.poll_to_upstream()));
        plugin.metrics.take_notes(bridge, &mut self.open_calls);
        if bridged.begins_to_close(plugin) {
            let last_words = std::iter::from_fn(|| bridged.bridge.poll_to_downstream());
            bridged.last_words.extend(last_words);
            lingering::close_soon(self.context);
        }
        if bridged.is_closing && bridged.last_words.is_empty() {
            return self.close_now();
        }
        Action::Continue
    }

    /// Hands what goes to the downstream to the bridge.
    fn take_upstream(&mut self, size: usize, end: bool, plugin: &Plugin) {
        let to = Direction::ToDownstream;
        let (Stage::Bridge(bridged), Some(data)) = (&mut self.stage, to.read(size)) else {
            self.close_now();
            return;
        };
        let bridge = &mut bridged.bridge;
        if bridge.handle_upstream(data.into(), end, meshlane_host::now()) != Verdict::Replaced {
            return;
        }
        let pieces = std::iter::from_fn(|| bridge.poll_to_downstream());
        let written = to.replace(size, &mut bridged.last_words.drain(..).chain(pieces));
        plugin.metrics.take_notes(bridge, &mut self.open_calls);
        if bridged.begins_to_close(plugin) {
            lingering::close_soon(self.context);
        }
        if bridged.is_closing {
            self.stage = Stage::Closing;
            if written == 0 {
                connection::close();
            }
        }
    }

    fn close_now(&mut self) -> Action {
        self.stage = Stage::Closing;
        connection::close();
        Action::Continue
    }
}

impl Bridged {
    /// Whether the bridge wants the connection closed, and did not before.
    fn begins_to_close(&mut self, plugin: &Plugin) -> bool {
        match self.bridge.close() {
            Some(reason) if !self.is_closing => {
                self.is_closing = true;
                plugin.metrics.closed(reason.0);
                true
            }
            _ => false,
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        lingering::forget(self.context);
        if let (true, Some(plugin)) = (self.is_bridged, &self.plugin) {
            plugin.metrics.connection_ended(self.open_calls);
        }
    }
}

fn drop_bytes(direction: Direction, size: usize) {
    direction.replace(size, &mut std::iter::empty::<Bytes>());
}
