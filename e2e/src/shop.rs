//! The usual arrangement: a shop with the upstreams `v1` and `gray` behind one Envoy that tags by the rules at hand and
//! sends requests tagged `x-mse-tag: gray` to `gray`.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::Result;
use serde_json::Value;

use crate::{
    access_log::{AccessLog, Entry, ID_HEADER},
    bootstrap::{Bootstrap, ConfigFile, Listener, WasmFilter},
    client::{Client, Protocol, Request, Response},
    envoy::Envoy,
    scene::Scene,
    upstream::{Echo, Upstream},
};

/// The tag that the shop routes by.
pub const TAG: &str = "x-mse-tag";

/// The listener of the shop.
const LISTENER: &str = "edge";

/// Two upstreams and an Envoy.
#[derive(Debug)]
pub struct Shop {
    /// The process.
    pub envoy: Envoy,
    /// What it logs.
    pub log: AccessLog,
    upstreams: (Upstream, Upstream),
    requests: AtomicU32,
}

/// A request that was sent, seen from all sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// What the upstream saw.
    pub echo: Echo,
    /// What the client got.
    pub response: Response,
    /// What the access log says.
    pub log: Entry,
}

impl Shop {
    /// A gateway with a document for `traffic-tag`.
    pub async fn gateway(scene: &Scene, document: &Value) -> Result<Self> {
        let filter = WasmFilter::traffic_tag(document)?;
        Self::open(scene, Bootstrap::gateway(), |listener| {
            listener.filter(&filter)
        })
        .await
    }

    /// A gateway whose document for `traffic-tag` can be replaced while it runs.
    pub async fn live_gateway(scene: &Scene, filter: &WasmFilter) -> Result<(Self, ConfigFile)> {
        let file = ConfigFile::new(scene, filter)?;
        let shop = Self::open(scene, Bootstrap::gateway(), |listener| {
            listener.discovered_filter(&file)
        })
        .await?;
        Ok((shop, file))
    }

    /// Any proxy, with a listener that has the routes and the access log already.
    pub async fn open(
        scene: &Scene,
        bootstrap: Bootstrap,
        equip: impl FnOnce(Listener) -> Listener,
    ) -> Result<Self> {
        let upstreams = (Upstream::start("v1").await?, Upstream::start("gray").await?);
        let log = AccessLog::new(scene)?;
        let listener = Listener::new(LISTENER)
            .route_by_header(TAG, "gray", "gray")
            .access_log(log.file());
        let bootstrap = bootstrap
            .listener(equip(listener))
            .upstreams(&[&upstreams.0, &upstreams.1]);
        Ok(Self {
            envoy: Envoy::start(scene, &bootstrap).await?,
            log,
            upstreams,
            requests: AtomicU32::new(0),
        })
    }

    /// Where the shop listens.
    pub fn address(&self) -> Result<SocketAddr> {
        self.envoy.address(LISTENER)
    }

    /// A client of the shop.
    pub fn client(&self, protocol: Protocol) -> Result<Client> {
        Ok(Client::new(protocol, self.address()?))
    }

    /// Sends a request over HTTP/1.1 and returns what the upstream saw.
    pub async fn echo(&self, request: &Request) -> Result<Echo> {
        self.client(Protocol::Http1)?.send(request).await?.echo()
    }

    /// Sends a request and looks at it from all sides.
    pub async fn send(&self, client: &Client, request: &Request) -> Result<Sent> {
        let id = self.requests.fetch_add(1, Ordering::Relaxed).to_string();
        let response = client.send(&request.clone().header(ID_HEADER, &id)).await?;
        Ok(Sent {
            echo: response.echo()?,
            response,
            log: self.log.entry(&id).await?,
        })
    }

    /// The upstreams, `v1` first.
    pub fn upstreams(&self) -> (&Upstream, &Upstream) {
        (&self.upstreams.0, &self.upstreams.1)
    }
}
