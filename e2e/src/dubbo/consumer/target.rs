//! Where calls go.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::super::{java::host, version::Serialization};

/// Where calls go and how; calls to equal targets share a connection.
#[derive(Clone, Debug)]
pub struct Target(BTreeMap<&'static str, Value>);

/// What a consumer of Dubbo 3 looks for in a registry; older ones know only interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscription {
    /// The application that serves the interface.
    Application,
    /// The interface.
    Interface,
}

impl Target {
    /// Hessian2, a timeout of 10 s, no retries, one connection shared by all targets of the address.
    pub fn new(address: SocketAddr) -> Self {
        Self(BTreeMap::from([("address", json!(authority(address)))]))
    }

    /// Whoever a registry, like `zookeeper://10.244.0.2:2181`, knows to serve it. There need not be anybody yet: calls fail
    /// until there is.
    ///
    /// A consumer of Dubbo 3 asks the registry for the application of an interface only when its first target is a
    /// registry; after an address it needs [`Self::provided_by`].
    pub fn registry(registry: &str) -> Self {
        Self(BTreeMap::from([("registry", json!(registry))]))
    }

    /// A second address; the consumer chooses among them.
    pub fn or(mut self, address: SocketAddr) -> Self {
        let first = self.0.get("address").and_then(Value::as_str);
        let both = format!("{},{}", first.unwrap_or_default(), authority(address));
        self.0.insert("address", json!(both));
        self
    }

    /// What to look for in the registry.
    pub fn subscription(self, subscription: Subscription) -> Self {
        self.with("subscription", json!(subscription.name()))
    }

    /// The names of the applications that serve it, separated by commas, so that the registry need not know.
    pub fn provided_by(self, applications: &str) -> Self {
        self.with("providedBy", json!(applications))
    }

    /// Another service than `RichService`: `StockService`.
    pub fn service(self, service: &str) -> Self {
        self.with("service", json!(service))
    }

    /// Another serialization.
    pub fn serialization(self, serialization: Serialization) -> Self {
        self.with("serialization", json!(serialization.name()))
    }

    /// Another timeout.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with("timeout", json!(timeout.as_millis()))
    }

    /// Retries by the consumer itself.
    pub fn retries(self, retries: u32) -> Self {
        self.with("retries", json!(retries))
    }

    /// Connections of its own.
    pub fn connections(self, connections: u32) -> Self {
        self.with("connections", json!(connections))
    }

    /// The time between heartbeats.
    pub fn heartbeat(self, interval: Duration) -> Self {
        self.with("heartbeat", json!(interval.as_millis()))
    }

    /// The time between looks for connections that ended, of Dubbo 3: the longer of this one, a minute by default, and of
    /// the time between heartbeats.
    pub fn least_reconnect(self, interval: Duration) -> Self {
        self.with("leastReconnect", json!(interval.as_millis()))
    }

    /// A group of the service.
    pub fn group(self, group: &str) -> Self {
        self.with("group", json!(group))
    }

    /// A version of the service.
    pub fn version(self, version: &str) -> Self {
        self.with("version", json!(version))
    }

    /// A command for this target.
    pub(super) fn command(&self, mut command: Value) -> Result<Value> {
        let members = command.as_object_mut().context("not an object")?;
        for (name, value) in &self.0 {
            members.insert((*name).to_owned(), value.clone());
        }
        Ok(command)
    }

    fn with(mut self, name: &'static str, value: Value) -> Self {
        self.0.insert(name, value);
        self
    }
}

impl Subscription {
    fn name(self) -> &'static str {
        match self {
            Self::Application => "FORCE_APPLICATION",
            Self::Interface => "FORCE_INTERFACE",
        }
    }
}

fn authority(address: SocketAddr) -> String {
    format!("{}:{}", host(address.ip()), address.port())
}
