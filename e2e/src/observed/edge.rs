//! An Envoy that tags, routes and limits, and has a workload of the baseline behind it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    bootstrap::{Bootstrap, ConfigFile, Direction, EndpointFile, Listener, Node, WasmFilter},
    chain,
    client::{Client, Request},
    envoy::Envoy,
    gate::Gate,
    rate_limit_service::{RateLimitService, Redis},
    scene::Scene,
};

/// The Envoy with what it asks.
#[derive(Debug)]
pub(super) struct Edge {
    envoy: Envoy,
    /// Where its admin interface is.
    admin: EndpointFile,
    /// A configuration that can be replaced.
    live: ConfigFile,
    service: RateLimitService,
    _redis: Redis,
    _gate: Gate,
}

impl Edge {
    pub(super) async fn start(scene: &Scene) -> Result<Self> {
        let redis = Redis::start(scene).await?;
        let service = RateLimitService::start(scene, &redis, LIMITS).await?;
        let gate = Gate::opened().await?;
        let admin = EndpointFile::new(scene, ADMIN, &[])?;
        let suite = |filter: Result<WasmFilter>| filter?.of_module("suite");
        let live = ConfigFile::new(scene, &live(&json!([]))?)?;
        let edge = Listener::new("edge")
            .filter(&suite(WasmFilter::traffic_tag(&tags()))?)
            .filter(&suite(WasmFilter::tag_route(&routes()))?)
            .filter(&suite(WasmFilter::rate_limit(&limits()))?);
        let lanes = chain::document("permissive");
        let inbound = Listener::new("inbound")
            .direction(Direction::Inbound)
            .filter(&suite(WasmFilter::gray_release(&lanes))?);
        let mut node = Node::new("router");
        node.labels.push(("lane".to_owned(), "base".to_owned()));
        let bootstrap = Bootstrap::new(node)
            .listener(edge)
            .listener(inbound)
            .listener(Listener::new("live").discovered_filter(&live))
            .raw_cluster(gate.to_cluster("v1"))
            .raw_cluster(admin.to_cluster())
            .raw_cluster(service.to_cluster(SERVICE));
        let envoy = Envoy::start(scene, &bootstrap).await?;
        admin.publish(&[(envoy.admin().address(), "HEALTHY")])?;
        Ok(Self {
            envoy,
            admin,
            live,
            service,
            _redis: redis,
            _gate: gate,
        })
    }

    pub(super) fn envoy(&self) -> &Envoy {
        &self.envoy
    }

    pub(super) async fn usual(&self) -> Result<()> {
        let client = Client::http1(self.envoy.address("edge")?);
        let bob = |path: &str| Request::get(path).header("x-user", "bob");
        for path in ["/line", "/line", "/trial", "/trial", "/everywhere", "/"] {
            let request = bob(path).header("x-mse-tag", "gray");
            let answer = client
                .send(&request.header("x-meshlane-route", "forged"))
                .await?;
            ensure!(answer.status == 200, "{path}: {answer:?}");
        }
        for _ in 0..4 {
            client.send(&bob("/users")).await?;
        }
        let inbound = Client::http1(self.envoy.address("inbound")?);
        let fallen = Request::get("/").header("x-mse-tag", "gray");
        ensure!(inbound.send(&fallen).await?.status == 200);
        Ok(())
    }

    pub(super) fn break_down(&mut self) -> Result<()> {
        self.service.stop()?;
        self.admin.publish(&[])?;
        self.live.publish(&live(&json!(7))?)
    }

    pub(super) async fn unusual(&self, made_up: &mut u64) -> Result<()> {
        let mut connection = Client::http1(self.envoy.address("edge")?).connect().await?;
        for path in ["/everywhere", "/everywhere", "/"] {
            let request = Request::get(path).header("x-user", "gray-alice");
            let answer = connection.send(&request).await?;
            ensure!(answer.status == 200, "{path}: {answer:?}");
        }
        for _ in 0..2 * ROOM {
            *made_up += 1;
            for path in ["/keys", "/few"] {
                let request = Request::get(path).header("x-key", made_up.to_string());
                connection.send(&request).await?;
            }
        }
        Ok(())
    }
}

/// A plugin with these tags, which may be none.
fn live(tags: &Value) -> Result<WasmFilter> {
    let filter = WasmFilter::traffic_tag(&json!({"tags": tags}))?;
    Ok(filter.of_module("suite")?.named("live"))
}

fn tags() -> Value {
    json!({"tags": [{"name": "x-mse-tag", "onIncoming": "strip", "rules": [
        {"name": "testers", "when": {"attribute": "header.x-user", "prefix": "gray-"}, "value": "gray"},
        {"name": "others", "value": "base"},
    ]}]})
}

/// A service that has no gray version.
fn routes() -> Value {
    json!({
        "output": {"value": "cluster"},
        "health": {"cluster": ADMIN, "interval": 0.2},
        "chains": {"default": [
            {"name": "lane", "tag": {"keys": ["header.x-mse-tag"], "label": "lane", "untagged": ["base"]}},
        ]},
        "services": [{"name": "shop", "hosts": ["*"], "destinations": [
            {"name": "v1", "cluster": "v1", "labels": {"lane": "base"}},
        ]}],
    })
}

/// One of each kind that has metrics of its own, each for a path.
fn limits() -> Value {
    let of = |name: &str, mut limit: Value| {
        if let Some(limit) = limit.as_object_mut() {
            let path = format!("/{name}");
            limit.insert("name".to_owned(), json!(name));
            limit.insert(
                "when".to_owned(),
                json!({"attribute": "path", "exact": path}),
            );
        }
        limit
    };
    let rare = json!({"requests": 1, "per": 3_600});
    json!({"limits": [
        of("users", json!({"key": ["header.x-user"], "tokenBucket": rare})),
        of("trial", json!({"shadow": true, "tokenBucket": rare})),
        of("line", json!({"queue": {"requests": 10, "maxWait": 2}})),
        of("keys", json!({"key": ["header.x-key"], "capacity": ROOM, "tokenBucket": rare})),
        of("few", json!({
            "key": ["header.x-key"], "capacity": ROOM, "onOverflow": "allow", "tokenBucket": rare,
        })),
        of("everywhere", json!({"cluster": {
            "service": SERVICE, "domain": "shop", "timeout": 2, "failureMode": "open",
            "descriptors": [{"entries": [{"key": "user", "attribute": "header.x-user"}]}],
        }})),
    ]})
}

/// What the service allows.
const LIMITS: &str = "{domain: shop, descriptors: [{key: user, rate_limit: {unit: day, requests_per_unit: 1000000}}]}";

const ADMIN: &str = "admin";

const SERVICE: &str = "rls";

/// The fewest keys that can be counted at a time.
const ROOM: u32 = 64;
