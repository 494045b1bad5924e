//! Lane groups on real Envoy: what `meshlane render lanes` makes of a document is what proxies do.

#![allow(clippy::indexing_slicing, reason = "a test may state what it expects")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    bootstrap::{Bootstrap, ConfigFile, Direction, Listener, Node, WasmFilter, parts},
    client::{Client, Connection, Request},
    command::meshlane,
    dubbo::frame::Frame,
    envoy::Envoy,
    grpc, poll,
    scene::{Scene, on_every_version},
    upstream::Upstream,
    wire::{REQUEST, WireClient, WireProvider, body, hello},
};
use meshlane_proto::e2e::v1::EchoRequest;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The configurations of the filters that follow from some groups, as the command line has them.
fn rendered(groups: &[Value]) -> Result<Value> {
    let documents: Vec<String> = groups.iter().map(Value::to_string).collect();
    let arguments = ["render", "lanes", "--format", "json", "-"];
    let (output, _) = meshlane(&arguments, &documents.join("\n---\n"))?;
    Ok(serde_json::from_str(&output)?)
}

fn group(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "meshlane.dev/v1alpha1",
        "kind": "LaneGroup",
        "metadata": {"name": name},
        "spec": spec,
    })
}

/// A service whose workloads are in clusters of their own, one for each lane.
fn service(name: &str, host: &str, lanes: &[&str]) -> Value {
    let clusters: BTreeMap<&str, String> = lanes
        .iter()
        .map(|lane| (*lane, member(name, lane)))
        .collect();
    json!({"name": name, "hosts": [host], "clusters": clusters})
}

/// The cluster of a service's workloads in a lane.
fn member(service: &str, lane: &str) -> String {
    format!("{service}-{lane}")
}

/// As a VirtualService has it: to the workloads of a lane by what the filter wrote.
fn route(host: &str, service: &str, lane: &str) -> Value {
    let header = |name: &str, value: &str| json!({"name": name, "string_match": {"exact": value}});
    json!({
        "match": {
            "prefix": "/",
            "headers": [header(":authority", host), header("x-meshlane-route", lane)],
        },
        "route": {"cluster": member(service, lane), "timeout": "15s"},
    })
}

/// A gateway and a sidecar in one Envoy, whose configurations follow from documents that may change.
struct Mesh {
    envoy: Envoy,
    files: BTreeMap<&'static str, ConfigFile>,
    _upstreams: Vec<Upstream>,
}

const FILTERS: [&str; 3] = ["traffic-tag", "tag-route", "gray-release"];

impl Mesh {
    /// One with an upstream for every workload of these services, each service with its lanes.
    async fn start(scene: &Scene, groups: &[Value], services: &[(&str, &[&str])]) -> Result<Self> {
        let mut upstreams = vec![Upstream::start("v1").await?];
        let mut routes = Vec::new();
        for (name, lanes) in services {
            for lane in *lanes {
                upstreams.push(Upstream::start(&member(name, lane)).await?);
                routes.push(route(&host(name), name, lane));
            }
        }
        let documents = rendered(groups)?;
        let mut files = BTreeMap::new();
        for filter in FILTERS {
            files.insert(
                filter,
                ConfigFile::new(scene, &plugin(filter, &documents)?)?,
            );
        }
        let file = |filter| files.get(filter).context("a filter");
        let routed = |name| {
            let routes = routes.iter().cloned();
            routes.fold(Listener::new(name), Listener::route)
        };
        let bootstrap = Bootstrap::new(Node::new("sidecar"))
            .listener(
                routed("gateway")
                    .discovered_filter(file("traffic-tag")?)
                    .discovered_filter(file("tag-route")?),
            )
            .listener(
                Listener::new("inbound")
                    .direction(Direction::Inbound)
                    .discovered_filter(file("gray-release")?),
            )
            .listener(
                routed("outbound")
                    .direction(Direction::Outbound)
                    .discovered_filter(file("gray-release")?)
                    .discovered_filter(file("tag-route")?),
            )
            .upstreams(&upstreams.iter().collect::<Vec<_>>());
        Ok(Self {
            envoy: Envoy::start(scene, &bootstrap).await?,
            files,
            _upstreams: upstreams,
        })
    }

    /// Gives the proxies what follows from other documents.
    fn publish(&self, groups: &[Value]) -> Result<()> {
        let documents = rendered(groups)?;
        for (filter, file) in &self.files {
            file.publish(&plugin(filter, &documents)?)?;
        }
        Ok(())
    }

    async fn connect(&self, listener: &str) -> Result<Connection> {
        Client::http1(self.envoy.address(listener)?).connect().await
    }

    /// Which of the ids of users the gateway sends to the workloads of a service in a lane; the others must go to the baseline.
    async fn users(&self, service: &str, lane: &str) -> Result<BTreeSet<u32>> {
        let mut gateway = self.connect("gateway").await?;
        let mut users = BTreeSet::new();
        for id in 0..USERS {
            let request = Request::get("/")
                .authority(&host(service))
                .header("cookie", format!("uid=user-{id}"))
                // Nobody chooses a lane.
                .header("x-mse-tag", "gray");
            let echo = gateway.send(&request).await?.echo()?;
            let tag = echo.header("x-mse-tag");
            if echo.upstream == member(service, lane) {
                ensure!(tag.as_deref() == Some(lane), "{echo:?}");
                users.insert(id);
            } else {
                ensure!(echo.upstream == member(service, "base"), "{echo:?}");
                ensure!(tag.is_none(), "{echo:?}");
            }
        }
        Ok(users)
    }
}

fn plugin(filter: &str, documents: &Value) -> Result<WasmFilter> {
    let document = documents.get(filter).context("no such configuration")?;
    Ok(WasmFilter::new(filter, &document.to_string())?.named(filter))
}

/// What callers write.
fn host(service: &str) -> String {
    format!("{service}.shop")
}

const USERS: u32 = 1_000;

/// So many seconds from now, as documents write times.
fn time(seconds: i64) -> Result<String> {
    let then = OffsetDateTime::now_utc() + time::Duration::seconds(seconds);
    Ok(then.format(&Rfc3339)?)
}

/// An entry for those whose attribute is one of these.
fn entry(attribute: &str, users: &[&str]) -> Value {
    json!([{"users": {"attribute": attribute, "in": users}}])
}

/// A group of one service whose lane a share of the users enters. The header `x-probe` tells which document is in force.
fn growing(probe: u32, share: &Value) -> Value {
    let probe = probe.to_string();
    let mut share = share.clone();
    if let Some(members) = share.as_object_mut() {
        members.insert("by".to_owned(), json!({"attribute": "cookie.uid"}));
    }
    group(
        "shop",
        &json!({
            "services": [service("web", &host("web"), &["base", "gray", "probe"])],
            "lanes": [
                {"name": "probe", "services": ["web"], "entry": entry("header.x-probe", &[&probe])},
                {"name": "gray", "services": ["web"], "entry": [{"name": "growing", "share": share}]},
            ],
        }),
    )
}

/// Waits until the document is in force that has this number: nobody else gets there.
async fn expect_in_force(mesh: &Mesh, probe: u32) -> Result<()> {
    poll::until("the document is in force", async || {
        let mut gateway = mesh.connect("gateway").await?;
        let request = Request::get("/").authority(&host("web"));
        let request = request.header("x-probe", probe.to_string());
        let upstream = gateway.send(&request).await?.echo()?.upstream;
        ensure!(upstream == member("web", "probe"), "{upstream}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_grows_stops_and_ends_at_once() -> Result<()> {
    on_every_version(async |scene| {
        let at_10 = growing(1, &json!({"percent": 10}));
        let services: [(&str, &[&str]); 1] = [("web", &["base", "gray", "probe"])];
        let mesh = Mesh::start(scene, &[at_10], &services).await?;
        let users = || mesh.users("web", "gray");
        let at_10 = users().await?;
        // Five standard deviations of a binomial distribution; the ids are the same ones each time.
        ensure!((52..=148).contains(&at_10.len()), "{}", at_10.len());

        // Steps whose time has come have happened, but not those behind the freeze.
        let steps = |later: &str| -> Result<Value> {
            Ok(json!([
                {"at": time(-3_600)?, "percent": 10},
                {"at": time(-1_800)?, "percent": 30},
                {"at": later, "percent": 60},
            ]))
        };
        let tomorrow = time(86_400)?;
        let frozen = json!({"steps": steps(&tomorrow)?, "freeze": time(-2_400)?});
        mesh.publish(&[growing(2, &frozen)])?;
        expect_in_force(&mesh, 2).await?;
        ensure!(users().await? == at_10, "the share is as at the freeze");
        mesh.publish(&[growing(3, &json!({"steps": steps(&tomorrow)?}))])?;
        expect_in_force(&mesh, 3).await?;
        let at_30 = users().await?;
        ensure!(at_30.is_superset(&at_10), "nobody leaves");
        ensure!((228..=372).contains(&at_30.len()), "{}", at_30.len());

        // A step happens by the clock alone.
        let soon = time(8)?;
        mesh.publish(&[growing(4, &json!({"steps": steps(&soon)?}))])?;
        expect_in_force(&mesh, 4).await?;
        let grown = poll::until("the step happens", async || {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let users = users().await?;
            ensure!(users.len() > at_30.len(), "{} users", users.len());
            Ok(users)
        })
        .await?;
        ensure!(grown.is_superset(&at_30), "nobody leaves");

        // The end: one document. Whoever is on the way goes on in the baseline.
        let (mut inbound, mut outbound) = (
            mesh.connect("inbound").await?,
            mesh.connect("outbound").await?,
        );
        let request = Request::get("/").header("x-request-id", "on-its-way");
        inbound
            .send(&request.header("x-mse-tag", "gray"))
            .await?
            .echo()?;
        let mut call = async || {
            let call = Request::get("/")
                .authority(&host("web"))
                .header("x-request-id", "on-its-way");
            let echo = outbound.send(&call).await?.echo()?;
            anyhow::Ok((echo.upstream.clone(), echo.header("x-mse-tag")))
        };
        ensure!(call().await? == (member("web", "gray"), Some("gray".to_owned())));
        let mut ended = growing(5, &json!({"percent": 30}));
        if let Some(enabled) = ended.pointer_mut("/spec/lanes/1") {
            enabled["enabled"] = json!(false);
        }
        mesh.publish(std::slice::from_ref(&ended))?;
        expect_in_force(&mesh, 5).await?;
        ensure!(users().await?.is_empty(), "everybody is in the baseline");
        poll::until("the tag is taken off on the way", async || {
            let found = call().await?;
            ensure!(found == (member("web", "base"), None), "{found:?}");
            Ok(())
        })
        .await?;

        // And back again, with the same users.
        mesh.publish(&[growing(6, &json!({"percent": 30}))])?;
        expect_in_force(&mesh, 6).await?;
        ensure!(users().await? == at_30, "the same users");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn several_releases_share_a_chain() -> Result<()> {
    const MEMBERS: &[&str] = &["base", "gray", "canary", "gray-canary"];
    let lane = |name: &str, services: [&str; 2], users: &[&str]| json!([{"name": name, "services": services, "entry": entry("header.x-user", users)}]);
    let mut stock = service("stock", &host("stock"), &["base", "gray"]);
    stock["combinations"] = json!([{
        "name": "gray-canary",
        "lanes": {"lane": "gray", "search": "canary"},
        "cluster": member("stock", "gray-canary"),
    }]);
    let shop = group(
        "shop",
        &json!({
            "services": [
                service("web", &host("web"), &["base", "gray"]),
                stock,
            ],
            "lanes": lane("gray", ["web", "stock"], &["alice", "both"]),
        }),
    );
    let search = group(
        "search",
        &json!({
            "tag": "x-search",
            "label": "search",
            "services": [
                service("find", &host("find"), &["base", "canary"]),
                service("stock", &host("stock"), &["base", "canary"]),
            ],
            "lanes": lane("canary", ["find", "stock"], &["bob", "both"]),
        }),
    );
    on_every_version(async |scene| {
        let services: [(&str, &[&str]); 3] =
            [("web", MEMBERS), ("find", MEMBERS), ("stock", MEMBERS)];
        let groups = [shop.clone(), search.clone()];
        let mesh = Mesh::start(scene, &groups, &services).await?;
        for (user, reached) in [
            ("alice", ["web-gray", "find-base", "stock-gray"]),
            ("bob", ["web-base", "find-canary", "stock-canary"]),
            ("both", ["web-gray", "find-canary", "stock-gray-canary"]),
            ("carol", ["web-base", "find-base", "stock-base"]),
        ] {
            let (mut gateway, mut inbound, mut outbound) = (
                mesh.connect("gateway").await?,
                mesh.connect("inbound").await?,
                mesh.connect("outbound").await?,
            );
            let id = |request: Request| request.header("x-request-id", user);
            let entered = Request::get("/")
                .authority(&host("web"))
                .header("x-user", user);
            let entered = gateway.send(&entered).await?.echo()?;
            ensure!(
                Some(entered.upstream.as_str()) == reached.first().copied(),
                "{entered:?}"
            );
            // The same request at the sidecar of the first service, and the calls that it causes.
            let mut request = id(Request::get("/"));
            for tag in ["x-mse-tag", "x-search"] {
                if let Some(value) = entered.header(tag) {
                    request = request.header(tag, value);
                }
            }
            inbound.send(&request).await?.echo()?;
            for (service, expected) in ["web", "find", "stock"].iter().zip(reached) {
                let call = id(Request::get("/")).authority(&host(service));
                let found = outbound.send(&call).await?.echo()?.upstream;
                ensure!(found == expected, "{user}: {found}, not {expected}");
            }
        }
        Ok(())
    })
    .await
}

/// How a service is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    Http,
    Grpc,
    Dubbo,
}

/// One of forty services: fourteen speak HTTP, thirteen gRPC, thirteen Dubbo.
#[derive(Clone, Copy, Debug)]
struct Number(u32);

impl Number {
    fn all() -> impl Iterator<Item = Self> {
        (0..40).map(Self)
    }

    fn name(self) -> String {
        format!("s{}", self.0)
    }

    fn speaks(self) -> Speaks {
        match self.0 {
            ..=13 => Speaks::Http,
            14..=26 => Speaks::Grpc,
            _ => Speaks::Dubbo,
        }
    }

    /// What callers write; of a Dubbo service the interface.
    fn host(self) -> String {
        match self.speaks() {
            Speaks::Http | Speaks::Grpc => host(&self.name()),
            Speaks::Dubbo => format!("org.shop.s{}", self.0),
        }
    }

    /// The lanes that have workloads of it.
    fn lanes(self) -> Vec<&'static str> {
        let own = DEVELOPERS
            .iter()
            .filter(|(_, services)| services.contains(&self.0));
        let own = own.map(|(lane, _)| *lane);
        ["base"].into_iter().chain(own).collect()
    }
}

/// Lanes with two services of forty.
const DEVELOPERS: [(&str, [u32; 2]); 2] = [("dev-carol", [5, 33]), ("dev-dan", [20, 39])];

fn forty() -> Value {
    let services = Number::all().map(|n| service(&n.name(), &n.host(), &n.lanes()));
    let lanes = DEVELOPERS.iter().map(|(lane, services)| {
        let services = services.map(|number| Number(number).name());
        json!({"name": lane, "services": services, "entry": entry("header.x-dev", &[lane])})
    });
    let (services, lanes): (Vec<_>, Vec<_>) = (services.collect(), lanes.collect());
    group("forty", &json!({"services": services, "lanes": lanes}))
}

/// A sidecar whose application calls forty services.
struct Forty {
    envoy: Envoy,
    providers: Vec<(String, WireProvider)>,
    _upstreams: Vec<Upstream>,
}

impl Forty {
    async fn start(scene: &Scene) -> Result<Self> {
        let documents = rendered(&[forty()])?;
        let carry = plugin("gray-release", &documents)?;
        let to = plugin("tag-route", &documents)?;
        let outbound = |name, speaks: fn(Speaks) -> bool| {
            let listener = Listener::new(name).direction(Direction::Outbound);
            let listener = listener.filter(&carry).filter(&to);
            let called = Number::all().filter(|n| speaks(n.speaks()));
            let members = called.flat_map(|n| n.lanes().into_iter().map(move |lane| (n, lane)));
            members.fold(listener, |listener, (n, lane)| {
                listener.route(route(&n.host(), &n.name(), lane))
            })
        };
        let bridge = r#"{"mode": "toHttp", "authority": {"from": "interface"}}"#;
        let bridge = WasmFilter::new("dubbo", bridge)?.named("consumer");
        let inbound = Listener::new("inbound").direction(Direction::Inbound);
        let mut bootstrap = Bootstrap::new(Node::new("sidecar"))
            .listener(inbound.filter(&carry))
            .listener(outbound("outbound", |speaks| speaks != Speaks::Dubbo))
            .listener(outbound("dubbo", |speaks| speaks == Speaks::Dubbo).bridge(&bridge));
        let mut upstreams = vec![Upstream::start("v1").await?];
        let mut providers = Vec::new();
        for n in Number::all() {
            for lane in n.lanes() {
                let member = member(&n.name(), lane);
                if n.speaks() == Speaks::Dubbo {
                    let provider = WireProvider::start().await?;
                    bootstrap = beside(bootstrap, scene, &member, &provider)?;
                    providers.push((member, provider));
                } else {
                    upstreams.push(Upstream::start(&member).await?);
                }
            }
        }
        let bootstrap = bootstrap.upstreams(&upstreams.iter().collect::<Vec<_>>());
        Ok(Self {
            envoy: Envoy::start(scene, &bootstrap).await?,
            providers,
            _upstreams: upstreams,
        })
    }

    /// The workloads that a call comes to which carries nothing but the identifier of the request that caused it.
    async fn call(&self, n: Number, id: &str) -> Result<String> {
        let address = |listener| self.envoy.address(listener);
        match n.speaks() {
            Speaks::Http => {
                let call = Request::get("/").authority(&n.host());
                let client = Client::http1(address("outbound")?);
                let answer = client.send(&call.header("x-request-id", id)).await?;
                Ok(answer.echo()?.upstream)
            }
            Speaks::Grpc => {
                let mut client = grpc::connect_as(address("outbound")?, &n.host()).await?;
                let mut call = tonic::Request::new(EchoRequest::default());
                call.metadata_mut().insert("x-request-id", id.parse()?);
                Ok(client.echo(call).await?.into_inner().upstream)
            }
            Speaks::Dubbo => {
                let before = self.calls()?;
                let mut client = WireClient::connect(address("dubbo")?).await?;
                let body = body(&n.host(), "hello", "bob", &[("x-request-id", id)]);
                client.send(&[Frame::new(REQUEST, 0, 7, &body)]).await?;
                ensure!(client.expect_answer(7).await? == hello("bob"));
                let reached = self.calls()?.into_iter().zip(before);
                let reached = reached.filter(|(after, before)| after != before);
                let reached: Vec<_> = reached.map(|((name, _), _)| name).collect();
                Ok(reached.join(", "))
            }
        }
    }

    /// How many calls came to each provider.
    fn calls(&self) -> Result<Vec<(String, usize)>> {
        let providers = self.providers.iter();
        let counts = providers.map(|(name, provider)| Ok((name.clone(), provider.calls()?.len())));
        counts.collect()
    }
}

/// The bridge at a provider, and the cluster that leads there.
fn beside(
    bootstrap: Bootstrap,
    scene: &Scene,
    member: &str,
    provider: &WireProvider,
) -> Result<Bootstrap> {
    let pipe = json!({"pipe": {"path": scene.fresh("provider.sock")?}});
    let (inner, address) = (format!("{member}-itself"), provider.address());
    let socket = json!({"address": address.ip().to_string(), "port_value": address.port()});
    let to_dubbo = WasmFilter::new("dubbo", r#"{"mode": "toDubbo"}"#)?.named("provider");
    let cluster = |name: &str, address: &Value| {
        let endpoints = json!([{"lb_endpoints": [{"endpoint": {"address": address}}]}]);
        let assignment = json!({"cluster_name": name, "endpoints": endpoints});
        json!({"name": name, "type": "STATIC", "load_assignment": assignment})
    };
    let mut to_bridge = cluster(member, &pipe);
    to_bridge["typed_extension_protocol_options"] = parts::http2_upstream(json!({}));
    let filters = [
        to_dubbo.to_network_filter(),
        parts::tcp_proxy(member, &inner),
    ];
    Ok(bootstrap
        .raw_listener(json!({
            "name": member,
            "address": pipe,
            "traffic_direction": "INBOUND",
            "filter_chains": [{"filters": filters}],
        }))
        .raw_cluster(cluster(&inner, &json!({"socket_address": socket})))
        .raw_cluster(to_bridge))
}

/// Two developers with two services of forty each, and everything else from the baseline.
#[tokio::test(flavor = "multi_thread")]
async fn a_thin_lane_works_with_forty_services() -> Result<()> {
    on_every_version(async |scene| {
        let forty = Forty::start(scene).await?;
        let inbound = Client::http1(forty.envoy.address("inbound")?);
        for (tag, own) in DEVELOPERS.into_iter().chain([("", [40, 40])]) {
            let id = format!("id-{tag}");
            let mut request = Request::get("/").header("x-request-id", &id);
            if !tag.is_empty() {
                request = request.header("x-mse-tag", tag);
            }
            inbound.send(&request).await?.echo()?;
            for n in Number::all() {
                let lane = if own.contains(&n.0) { tag } else { "base" };
                let (found, expected) = (forty.call(n, &id).await?, member(&n.name(), lane));
                ensure!(found == expected, "{tag:?}: {found}, not {expected}");
            }
        }
        forty.envoy.expect_alive().await
    })
    .await
}
