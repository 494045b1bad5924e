//! An Envoy with many endpoints whose filter asks the admin interface for their health, and what requests meet meanwhile.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use meshlane_e2e::{
    bootstrap::{Bootstrap, EndpointFile, Listener, WasmFilter},
    envoy::Envoy,
    poll,
    scene::Scene,
    upstream::Upstream,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::documents::{ADMIN, GRAY_TAG, Shop, cluster};
use crate::{
    cpu::WorkerClock,
    envoy_config::{self, GRAY},
    load::read_response,
    memory::private_dirty,
    request::http1,
    stats::Series,
};

/// What one Envoy showed.
pub(super) struct Seen {
    /// Bytes of what the admin interface says of all clusters.
    pub(super) answer: usize,
    /// Microseconds in the VM for an answer, on average; not a number without polls.
    pub(super) in_vm: f64,
    /// Microseconds of the worker's CPU in an interval without requests, and of the main thread's.
    pub(super) worker: f64,
    pub(super) main: f64,
    /// Polls an interval; about 1.
    pub(super) polls: f64,
    /// Microseconds that requests take.
    pub(super) requests: Series,
    /// Microseconds that the slowest request of each interval takes.
    pub(super) slowest: Series,
    /// Private memory, KiB.
    pub(super) memory: f64,
}

/// An Envoy with many endpoints and one worker.
pub(super) struct Subject {
    envoy: Envoy,
    address: SocketAddr,
    worker: WorkerClock,
    main: WorkerClock,
    asks: bool,
}

/// Whose VM asks for health: that of the thread which was the first to come to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Poller {
    /// Nobody's: the filter does not ask.
    Nobody,
    /// The main thread's, which serves no requests.
    Main,
    /// The worker's.
    Worker,
}

/// The time between two polls.
pub(super) const INTERVAL: Duration = Duration::from_millis(500);

impl Subject {
    /// Starts an Envoy with so many endpoints, whose filter asks for their health or does not.
    pub(super) fn start(
        runtime: &Runtime,
        scene: &Scene,
        endpoints: usize,
        asks: bool,
    ) -> Result<Self> {
        let envoy = runtime.block_on(start(scene, endpoints, asks))?;
        Ok(Self {
            address: envoy.address(LISTENER)?,
            worker: WorkerClock::of(envoy.process_id())?,
            main: WorkerClock::of_main_thread(envoy.process_id()),
            envoy,
            asks,
        })
    }

    /// Whose VM asks; where endpoints are so few that it costs nothing, it may be taken for the main thread's.
    pub(super) fn poller(&self) -> Result<Poller> {
        let before = self.worker.nanoseconds()?;
        thread::sleep(INTERVAL * 4);
        let spent = Duration::from_nanos(self.worker.nanoseconds()? - before);
        Ok(match self.asks {
            false => Poller::Nobody,
            true if spent < MUCH * 4 => Poller::Main,
            true => Poller::Worker,
        })
    }

    /// Measures for about that long.
    pub(super) fn measure(&self, runtime: &Runtime, time: Duration) -> Result<Seen> {
        // The VM compiles what runs often once more: that must have happened before, and requests must find it so.
        trickle(self.address, time / 6)?;

        let polls = || runtime.block_on(polls(&self.envoy));
        let nanoseconds =
            || Ok::<_, anyhow::Error>((self.worker.nanoseconds()?, self.main.nanoseconds()?));
        let (before, (worker, main)) = (polls()?, nanoseconds()?);
        let begin = Instant::now();
        thread::sleep(time / 3);
        let (worker_after, main_after) = nanoseconds()?;
        let intervals = begin.elapsed().div_duration_f64(INTERVAL);
        let polled = polls()? - before;
        ensure!(self.asks == (polled > 0), "{polled} polls");

        let (requests, slowest) = trickle(self.address, time / 2)?;
        if self.asks {
            // Envoy flushes histograms every five seconds.
            thread::sleep(Duration::from_secs(6));
        }
        let admin = self.envoy.admin();
        let page = runtime.block_on(admin.text("/stats/prometheus?filter=tag_route_health"))?;
        let answer = runtime.block_on(admin.text("/clusters?format=json"))?;
        Ok(Seen {
            answer: answer.len(),
            in_vm: total(&page, "microseconds_sum") / total(&page, "microseconds_count"),
            worker: (worker_after - worker) as f64 / 1000.0 / intervals,
            main: (main_after - main) as f64 / 1000.0 / intervals,
            polls: polled as f64 / intervals,
            requests,
            slowest,
            memory: private_dirty(self.envoy.process_id())?,
        })
    }
}

async fn start(scene: &Scene, endpoints: usize, asks: bool) -> Result<Envoy> {
    let shop = Shop::of(100);
    let document = match asks {
        true => shop.document_with_health(INTERVAL.as_secs_f64()),
        false => shop.document("name"),
    };
    let filter = WasmFilter::tag_route(&document)?;
    let routes = envoy_config::routes("x-meshlane-route", &shop.chosen()?);
    let listener = Listener::new(LISTENER).filter(&filter);
    let listener = routes.into_iter().fold(listener, Listener::route);
    let admin = EndpointFile::new(scene, ADMIN, &[])?;
    // The harness's last route names it; all requests are answered before.
    let unused = Upstream::start("v1").await?;
    let names = shop.names()?;
    // What requests are for is among those with endpoints.
    let clusters = names.iter().rev().take(CLUSTERS).enumerate();
    let clusters =
        clusters.map(|(at, name)| with_endpoints(at, &cluster(name), endpoints / CLUSTERS));
    let bootstrap = Bootstrap::bare()
        .listener(listener)
        .raw_cluster(admin.to_cluster())
        .upstreams(&[&unused]);
    let bootstrap = clusters.fold(bootstrap, Bootstrap::raw_cluster);
    let envoy = Envoy::start(scene, &bootstrap).await?;
    admin.publish(&[(envoy.admin().address(), "HEALTHY")])?;
    if asks {
        poll::until("the filter knows the destinations' health", async || {
            ensure!(polls(&envoy).await? > 0, "no poll so far");
            Ok(())
        })
        .await?;
    }
    Ok(envoy)
}

/// A cluster whose endpoints nobody connects to.
fn with_endpoints(at: usize, name: &str, count: usize) -> Value {
    let endpoints = (0..count).map(|endpoint| {
        let address = format!("10.{at}.{}.{}", endpoint / 250, endpoint % 250 + 1);
        json!({"endpoint": {"address": {"socket_address": {"address": address, "port_value": 8080}}}})
    });
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [
            {"lb_endpoints": endpoints.collect::<Vec<_>>()},
        ]},
    })
}

async fn polls(envoy: &Envoy) -> Result<u64> {
    let name = "wasmcustom.meshlane_tag_route_health_polls.plugin=route.reason=health-polled";
    Ok(envoy.admin().stats().await?.value(name).unwrap_or_default())
}

/// One request after the other on one connection, at most one each [`PAUSE`]: the microseconds of each, and of the slowest
/// of each interval.
fn trickle(address: SocketAddr, time: Duration) -> Result<(Series, Series)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let request = http1(&GRAY_TAG).into_bytes();
    let mut buffer = vec![0; 64 * 1024];
    let (mut all, mut slowest) = (Series::default(), Series::default());
    let (begin, mut interval, mut worst) = (Instant::now(), 1, 0.0_f64);
    while begin.elapsed() < time {
        let sent = Instant::now();
        stream.write_all(&request)?;
        let body = read_response(&mut stream, &mut buffer)?;
        ensure!(body == GRAY, "answered {body:?}");
        let took = sent.elapsed().as_nanos() as f64 / 1000.0;
        all.push(took);
        worst = worst.max(took);
        if begin.elapsed() > INTERVAL * interval {
            slowest.push(worst);
            (interval, worst) = (interval + 1, 0.0);
        }
        thread::sleep(PAUSE.saturating_sub(sent.elapsed()));
    }
    Ok((all, slowest))
}

/// The sum of the lines of a Prometheus page whose names end so; not a number when there is none.
fn total(page: &str, end: &str) -> f64 {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    let of_name = lines.filter(|line| {
        let name = line.split(['{', ' ']).next();
        name.is_some_and(|name| name.ends_with(end))
    });
    let values = of_name.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    values.reduce(|sum, value| sum + value).unwrap_or(f64::NAN)
}

const LISTENER: &str = "route";
const CLUSTERS: usize = 50;

/// More of an interval than a worker needs that has no requests and does not ask.
const MUCH: Duration = Duration::from_millis(5);
const PAUSE: Duration = Duration::from_millis(1);
