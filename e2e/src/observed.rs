//! Proxies with all filters, in which everything that there are metrics of happens: first what is usual, then what alerts
//! are for.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use serde_json::json;

use self::{bridge::Bridge, edge::Edge};
use crate::{
    bootstrap::{Bootstrap, Listener, WasmFilter},
    chain::{self, Chain, Options},
    client::{Client, Request},
    envoy::Envoy,
    scene::Scene,
    upstream::Upstream,
};

mod bridge;
mod edge;

/// A lane over two services, an edge with limits, and a bridge; dropping it ends everything.
#[derive(Debug)]
pub struct Observed {
    lane: Chain,
    edge: Edge,
    bridge: Bridge,
    /// An Envoy whose first configuration is wrong; and where its requests would go.
    broken: Option<(Envoy, Upstream)>,
    /// How many identifiers and keys were made up.
    made_up: u64,
}

impl Observed {
    /// Starts everything but the Envoy that is broken.
    pub async fn start(scene: &Scene) -> Result<Self> {
        let mut options = Options::forwarding(IDENTIFIER).without_dubbo().strict();
        options.services = options.services.drain(..).skip(2).take(2).collect();
        options.workers = 1;
        let mut document = chain::document("strict");
        if let Some(document) = document.as_object_mut() {
            document.insert("correlation".to_owned(), json!({"capacity": CAPACITY}));
        }
        options.carries = Some(document);
        Ok(Self {
            lane: Chain::start(scene, options).await?,
            edge: Edge::start(scene).await?,
            bridge: Bridge::start(scene).await?,
            broken: None,
            made_up: 0,
        })
    }

    /// Where all Envoys can be scraped.
    pub fn targets(&self) -> Result<Vec<SocketAddr>> {
        let mut envoys = vec![&self.lane.gateway().envoy, self.edge.envoy()];
        envoys.extend(self.bridge.envoys());
        for member in MEMBERS {
            envoys.push(&self.lane.member(member)?.sidecar.envoy);
        }
        envoys.extend(self.broken.iter().map(|(envoy, _)| envoy));
        Ok(envoys.iter().map(|envoy| envoy.admin().address()).collect())
    }

    /// Requests as they come every day: each is answered as it should.
    pub async fn usual(&mut self) -> Result<()> {
        for number in 0..4 {
            for (user, way, number) in [
                ("gray-user", "stock-gray>price-gray", number),
                ("user", "stock-base>price-base", number + 4),
            ] {
                let answer = self.lane.ask(user, (IDENTIFIER, &trace(number))).await?;
                ensure!(answer.body == way, "{answer:?}");
            }
        }
        // Calls of which nobody knows the cause.
        let client = Client::http1(self.lane.member("stock-base")?.outbound()?);
        let call = Request::get("/").authority("price.shop");
        client.send(&call).await?;
        client.send(&call.header(IDENTIFIER, trace(9))).await?;
        self.edge.usual().await?;
        self.bridge.usual().await
    }

    /// Takes away what the next requests would need: a member of the lane, a service, a good configuration.
    pub async fn break_down(&mut self, scene: &Scene) -> Result<()> {
        self.lane.kill("stock-gray")?;
        self.edge.break_down()?;
        let upstream = Upstream::start("v1").await?;
        let filter = WasmFilter::new("traffic-tag", r#"{"tags": 7}"#)?;
        let bootstrap = Bootstrap::gateway()
            .listener(Listener::new("broken").filter(&filter.of_module("suite")?))
            .upstreams(&[&upstream]);
        self.broken = Some((Envoy::start(scene, &bootstrap).await?, upstream));
        Ok(())
    }

    /// And the rest of a service.
    pub fn break_down_more(&mut self) -> Result<()> {
        self.lane.kill("stock-base")
    }

    /// Requests of which hardly any is answered as it should.
    pub async fn unusual(&mut self) -> Result<()> {
        let gray = ("gray-user", (IDENTIFIER, &*trace(1)));
        self.lane.ask(gray.0, gray.1).await?;
        let to_gray = Client::http1(self.lane.member("stock-gray")?.inbound()?);
        let untagged = to_gray.send(&Request::get("/")).await?;
        ensure!(untagged.status == 503, "{untagged:?}");
        let mut to_base = Client::http1(self.lane.member("stock-base")?.inbound()?)
            .connect()
            .await?;
        let tagged = to_base
            .send(&Request::get("/").header("x-mse-tag", "gray"))
            .await?;
        ensure!(tagged.status == 503, "{tagged:?}");
        // More identifiers than the memory has places.
        for _ in 0..2 * CAPACITY {
            self.made_up += 1;
            let request = Request::get("/").header(IDENTIFIER, trace(1_000 + self.made_up));
            to_base.send(&request).await?;
        }
        self.edge.unusual(&mut self.made_up).await?;
        self.bridge.unusual().await
    }
}

fn trace(number: u64) -> String {
    format!("00-{:032x}-00f067aa0ba902b7-01", 0x4bf9_0000 + number)
}

const IDENTIFIER: &str = "traceparent";

/// The fewest identifiers that can be remembered.
const CAPACITY: u32 = 64;

const MEMBERS: [&str; 4] = ["stock-base", "stock-gray", "price-base", "price-gray"];
