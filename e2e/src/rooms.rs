//! A shop in two rooms of three units, each with two versions: twelve upstreams behind one Envoy that routes by unit, room and
//! tag, and checks the health of all.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{
    access_log::AccessLog,
    bootstrap::{self, Bootstrap, EndpointFile, Listener, WasmFilter, parts},
    client::{Client, Protocol, Request},
    envoy::Envoy,
    scene::Scene,
    upstream::Upstream,
};

/// The cluster that leads to the admin interface.
pub const ADMIN: &str = "admin";

/// The seconds between two polls of it.
pub const INTERVAL: f64 = 0.5;

const LISTENER: &str = "outbound";

/// Twelve upstreams and an Envoy in the room `east`.
#[derive(Debug)]
pub struct Rooms {
    /// The process.
    pub envoy: Envoy,
    /// What it logs.
    pub log: AccessLog,
    /// By name: `east-u1-v1`.
    upstreams: BTreeMap<String, Upstream>,
    /// Where each was started.
    addresses: BTreeMap<String, SocketAddr>,
    admin: EndpointFile,
}

impl Rooms {
    /// Starts everything, with `tag-route` and the usual [`document`], after a change to it.
    pub async fn open(scene: &Scene, change: impl FnOnce(&mut Value)) -> Result<Self> {
        let mut document = document();
        change(&mut document);
        Self::open_with(scene, &[WasmFilter::tag_route(&document)?]).await
    }

    /// Starts everything, with any filters.
    pub async fn open_with(scene: &Scene, filters: &[WasmFilter]) -> Result<Self> {
        let mut upstreams = BTreeMap::new();
        for name in names() {
            upstreams.insert(name.clone(), Upstream::start(&name).await?);
        }
        let log = AccessLog::new(scene)?;
        let admin = EndpointFile::new(scene, ADMIN, &[])?;
        let listener = Listener::new(LISTENER);
        let listener = filters.iter().fold(listener, Listener::filter);
        let listener = listener
            .route(json!({
                "match": {"prefix": "/"},
                "route": {"cluster_header": "x-meshlane-route", "timeout": "15s"},
            }))
            .access_log(log.file());
        // Where requests go that no route matches.
        let none = json!({"name": "v1", "type": "STATIC"});
        let mut bootstrap = Bootstrap::sidecar()
            .raw_cluster(admin.to_cluster())
            .raw_cluster(none);
        bootstrap = bootstrap.listener(listener);
        for upstream in upstreams.values() {
            bootstrap = bootstrap.raw_cluster(checked(upstream));
        }
        let envoy = Envoy::start_with(scene, &bootstrap, &["--concurrency", "2"]).await?;
        let rooms = Self {
            addresses: upstreams
                .values()
                .map(|each| (each.name().to_owned(), each.address()))
                .collect(),
            envoy,
            log,
            upstreams,
            admin,
        };
        rooms.show_admin(true)?;
        Ok(rooms)
    }

    /// A client, of HTTP/1.1.
    pub fn client(&self) -> Result<Client> {
        Ok(Client::new(Protocol::Http1, self.envoy.address(LISTENER)?))
    }

    /// Has the cluster of the admin interface lead elsewhere.
    pub fn show_as_admin(&self, other: &Upstream) -> Result<()> {
        self.admin.publish(&[(other.address(), "HEALTHY")])
    }

    /// Whether the cluster of the admin interface leads there.
    pub fn show_admin(&self, is_there: bool) -> Result<()> {
        let address = (self.envoy.admin().address(), "HEALTHY");
        self.admin.publish(if is_there {
            std::slice::from_ref(&address)
        } else {
            &[]
        })
    }

    /// Ends the upstreams whose names begin so.
    pub fn stop(&mut self, prefix: &str) {
        self.upstreams.retain(|name, _| !name.starts_with(prefix));
    }

    /// Starts what was ended, where it was.
    pub async fn restart(&mut self) -> Result<()> {
        for (name, address) in &self.addresses {
            if !self.upstreams.contains_key(name) {
                let upstream = Upstream::start_at(name, *address).await?;
                self.upstreams.insert(name.clone(), upstream);
            }
        }
        Ok(())
    }

    /// A number among Envoy's statistics, `wasmcustom.meshlane_` before it; 0 when it is not there.
    pub async fn stat(&self, name: &str) -> Result<u64> {
        Ok(self.envoy.admin().stats().await?.of_filters(name))
    }
}

/// A request of a user for the shop.
pub fn request(user: u32, tag: Option<&str>) -> Request {
    let request = Request::get("/")
        .authority("orders.shop")
        .header("x-uid", user.to_string());
    match tag {
        Some(tag) => request.header("x-mse-tag", tag),
        None => request,
    }
}

/// A request that nothing but the chain holds up.
pub async fn ask(client: &Client, request: &Request) -> Result<String> {
    let response = client.send(request).await?;
    Ok(response
        .echo()
        .with_context(|| format!("{response:?}"))?
        .upstream)
}

/// Units by the remainder of the user's number, then the own room, then the tag.
pub fn document() -> Value {
    let destinations = names().map(|name| {
        let mut parts = name.split('-');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        let labels = json!({"room": part(), "unit": part(), "version": part()});
        json!({"name": name, "cluster": name, "labels": labels})
    });
    let ranges = [("u1", 0), ("u2", 1), ("u3", 2)];
    let ranges = ranges.map(|(unit, from)| json!({"unit": unit, "from": from, "below": from + 1}));
    json!({
        "output": {"value": "cluster"},
        "locality": {"room": "east"},
        "health": {"cluster": ADMIN, "interval": INTERVAL},
        "select": {"balance": "first"},
        "chains": {"default": [
            {"name": "unit", "unit": {"keys": ["header.x-uid"], "divisor": 3, "ranges": ranges},
             "fallback": {"values": ["u1", "u2", "u3"]}},
            {"name": "room", "locality": {"levels": ["room"]}},
            {"name": "lane", "tag": {"keys": ["header.x-mse-tag"], "label": "version", "untagged": ["v1"]}},
        ]},
        "services": [{"name": "orders", "hosts": ["orders.shop"], "destinations": destinations.collect::<Vec<_>>()}],
    })
}

/// The names of all upstreams and clusters.
fn names() -> impl Iterator<Item = String> {
    ["east", "west"].into_iter().flat_map(|room| {
        ["u1", "u2", "u3"].into_iter().flat_map(move |unit| {
            ["v1", "gray"]
                .into_iter()
                .map(move |version| format!("{room}-{unit}-{version}"))
        })
    })
}

/// A cluster that Envoy checks ten times a second.
fn checked(upstream: &Upstream) -> Value {
    let mut cluster = bootstrap::cluster(upstream);
    if let Some(members) = cluster.as_object_mut() {
        let checks = parts::http_health_checks("/health");
        members.insert("health_checks".to_owned(), checks);
    }
    cluster
}
