//! The bridge as it stands in a mesh: the Envoy of the consumer turns Dubbo into HTTP/2 and routes each call, the Envoy
//! of each provider turns it into Dubbo again.
//!
//! ```text
//! consumer ─ Dubbo ─▶ outbound Envoy                           inbound Envoy
//!                     port: [dubbo toHttp] [connection manager] ═ HTTP/2 ═▶ [dubbo toDubbo] [tcp_proxy] ─ Dubbo ─▶ provider
//! ```

use std::{collections::BTreeMap, net::SocketAddr, path::Path};

use anyhow::{Context, Result};
use serde_json::{Value, json};

pub use self::{
    cluster::Cluster,
    log::{CallLog, LoggedCall},
    port::Port,
};
use crate::{
    bootstrap::{Bootstrap, ListenerFile, WasmFilter},
    envoy::Envoy,
    scene::Scene,
};

mod cluster;
mod log;
mod port;

/// What lies between the two Envoys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// The bridge.
    Http2,
    /// Plain Dubbo through `tcp_proxy`, which shows what Envoy alone does.
    Dubbo,
}

/// What a mesh is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    wire: Wire,
    workers: u32,
    ports: Vec<Port>,
    clusters: Vec<Cluster>,
    between: Option<Port>,
    to_dubbo: Value,
}

/// Two running Envoys, or three.
#[derive(Debug)]
pub struct Mesh {
    /// The consumer's.
    pub outbound: Envoy,
    /// The providers'.
    pub inbound: Envoy,
    /// The one between them, if any.
    pub between: Option<Envoy>,
    /// The calls that went through the outbound one.
    pub log: CallLog,
    plan: Plan,
    listeners: ListenerFile,
}

impl Plan {
    /// A bridge with one worker in each Envoy, and nothing else yet.
    pub fn new() -> Self {
        Self {
            wire: Wire::Http2,
            workers: 1,
            ports: Vec::new(),
            clusters: Vec::new(),
            between: None,
            to_dubbo: json!({"mode": "toDubbo"}),
        }
    }

    /// The usual one: a port `dubbo` and the clusters `v1`, to which everything goes, and `gray`.
    pub fn shop(v1: &[SocketAddr], gray: &[SocketAddr], port: Port) -> Self {
        let plan = Self::new()
            .port(port.to("v1"))
            .cluster(Cluster::new("v1", v1));
        if gray.is_empty() {
            plan
        } else {
            plan.cluster(Cluster::new("gray", gray))
        }
    }

    /// What lies between the Envoys.
    pub fn wire(mut self, wire: Wire) -> Self {
        self.wire = wire;
        self
    }

    /// The number of workers of each Envoy.
    pub fn workers(mut self, workers: u32) -> Self {
        self.workers = workers;
        self
    }

    /// Adds a port for consumers.
    pub fn port(mut self, port: Port) -> Self {
        self.ports.push(port);
        self
    }

    /// Adds providers.
    pub fn cluster(mut self, cluster: Cluster) -> Self {
        self.clusters.push(cluster);
        self
    }

    /// Adds an Envoy between the two whose port, of the name of a cluster, leads to it: what stands in front of
    /// `toDubbo` where a provider has HTTP filters of its own.
    pub fn between(mut self, port: Port) -> Self {
        self.between = Some(port.http2());
        self
    }

    /// The document for `mode: toDubbo`.
    pub fn to_dubbo(mut self, document: Value) -> Self {
        self.to_dubbo = document;
        self
    }

    /// Starts both Envoys.
    pub async fn start(self, scene: &Scene) -> Result<Mesh> {
        let workers = self.workers.to_string();
        // Changed listeners drain within seconds.
        let arguments = [
            "--concurrency",
            &workers,
            "--drain-time-s",
            "2",
            "--drain-strategy",
            "immediate",
        ];
        let inbound = Envoy::start_with(scene, &self.inbound()?, &arguments).await?;
        let between = match &self.between {
            Some(port) => {
                let bootstrap = self.before(port, &inbound, &scene.fresh("between.json")?)?;
                Some(Envoy::start_with(scene, &bootstrap, &arguments).await?)
            }
            None => None,
        };
        let log = scene.fresh("calls.json")?;
        let listeners = ListenerFile::new(scene, &self.listeners(&log)?)?;
        let mut outbound = Bootstrap::sidecar().listener_file(&listeners);
        for cluster in &self.clusters {
            let address = |endpoint: &str| match &between {
                Some(between) => between.address(cluster.name()),
                None => inbound.address(endpoint),
            };
            outbound = outbound.raw_cluster(cluster.outbound(self.wire, address)?);
        }
        Ok(Mesh {
            outbound: Envoy::start_with(scene, &outbound, &arguments).await?,
            inbound,
            between,
            log: CallLog::new(log),
            plan: self,
            listeners,
        })
    }

    /// The Envoy with this port before the inbound one.
    fn before(&self, port: &Port, inbound: &Envoy, log: &Path) -> Result<Bootstrap> {
        let mut bootstrap = Bootstrap::sidecar().raw_listener(port.to_json(self.wire, log)?);
        for cluster in &self.clusters {
            let cluster = cluster.outbound(self.wire, |name| inbound.address(name))?;
            bootstrap = bootstrap.raw_cluster(cluster);
        }
        Ok(bootstrap)
    }

    fn inbound(&self) -> Result<Bootstrap> {
        let filters = match self.wire {
            Wire::Http2 => vec![network_filter("provider", &self.to_dubbo)?],
            Wire::Dubbo => Vec::new(),
        };
        let mut bootstrap = Bootstrap::sidecar();
        for cluster in &self.clusters {
            for (listener, upstream) in cluster.inbound(&filters) {
                bootstrap = bootstrap.raw_listener(listener).raw_cluster(upstream);
            }
        }
        Ok(bootstrap)
    }

    fn listeners(&self, log: &Path) -> Result<Vec<Value>> {
        self.ports
            .iter()
            .map(|port| port.to_json(self.wire, log))
            .collect()
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self::new()
    }
}

impl Mesh {
    /// Where consumers connect to.
    pub fn address(&self, port: &str) -> Result<SocketAddr> {
        self.outbound.address(port)
    }

    /// Where the inbound Envoy takes calls for an endpoint of a cluster.
    pub fn inbound_address(&self, cluster: &str, endpoint: usize) -> Result<SocketAddr> {
        self.inbound
            .address(&cluster::endpoint_name(cluster, endpoint))
    }

    /// Replaces a port of the same name while calls go on; Envoy drains the old one.
    pub fn change(&mut self, port: Port) -> Result<()> {
        let mut ports = self.plan.ports.iter_mut();
        let old = ports.find(|old| old.name() == port.name());
        *old.context("no such port")? = port;
        let listeners = self.plan.listeners(self.log.file())?;
        self.listeners.publish(&listeners)
    }

    /// Fails unless all Envoys live.
    pub async fn expect_alive(&self) -> Result<()> {
        if let Some(between) = &self.between {
            between.expect_alive().await.context("between")?;
        }
        self.outbound.expect_alive().await.context("outbound")?;
        self.inbound.expect_alive().await.context("inbound")
    }

    /// The sums of the filter's counters of both Envoys whose names contain a text.
    pub async fn counters(&self, part: &str) -> Result<BTreeMap<String, u64>> {
        let mut sums = BTreeMap::new();
        for envoy in [&self.outbound, &self.inbound] {
            let stats = envoy.admin().stats().await?;
            for (name, value) in stats.starting("wasmcustom.").iter() {
                if name.contains(part) {
                    *sums.entry(name.to_owned()).or_default() += value;
                }
            }
        }
        Ok(sums)
    }
}

/// The filter `dubbo` with a document.
pub(super) fn network_filter(name: &str, document: &Value) -> Result<Value> {
    let filter = WasmFilter::new("dubbo", &document.to_string())?.named(name);
    Ok(filter.to_network_filter())
}
