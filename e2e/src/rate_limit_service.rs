//! The rate limit service of Envoy's project, with Redis behind it: the real ones.
//!
//! A test says the limits in the words of the service, and asks it by tonic or through an Envoy:
//!
//! ```no_run
//! use meshlane_e2e::{rate_limit_service::{RateLimitService, Redis}, scene::Scene};
//!
//! # async fn scenario(scene: &Scene) -> anyhow::Result<()> {
//! let redis = Redis::start(scene).await?;
//! let limits = "{domain: shop, descriptors: [{key: user, rate_limit: {unit: day, requests_per_unit: 3}}]}";
//! let service = RateLimitService::start(scene, &redis, limits).await?;
//! let mut client = service.client().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Windows begin when the clock is a multiple of the unit: a test that counts takes days, not seconds.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::{Context, Result, ensure};
use http::uri::PathAndQuery;
use meshlane_proto::envoy::service::ratelimit::v3::rate_limit_service_client::RateLimitServiceClient;
use serde_json::{Value, json};
use tonic::{
    Request,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

pub use self::redis::Redis;
use crate::{
    bootstrap::parts,
    client::{self, Client},
    poll,
    port::Port,
    process::Process,
    scene::{Scene, cache, pinned, tail},
};

mod redis;

/// A rate limit service; dropping it ends the process.
#[derive(Debug)]
pub struct RateLimitService {
    /// None while it is stopped.
    process: Option<Process>,
    program: PathBuf,
    settings: BTreeMap<String, String>,
    log: PathBuf,
    grpc: Port,
    metrics: Port,
    /// How many times it was asked how it is since it was last started, and said so.
    checks: AtomicU64,
    /// They listen there too, but nobody asks.
    _others: [Port; 2],
}

impl RateLimitService {
    /// Starts a service with limits (YAML: a domain and its descriptors) and waits until it answers.
    pub async fn start(scene: &Scene, redis: &Redis, limits: &str) -> Result<Self> {
        Self::start_with(scene, redis, limits, &[]).await
    }

    /// The same with settings of one's own. They are environment variables of the service, for example
    /// `LOCAL_CACHE_SIZE_IN_BYTES`, which is 0 otherwise.
    pub async fn start_with(
        scene: &Scene,
        redis: &Redis,
        limits: &str,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let log = scene.fresh("ratelimit.log")?;
        let directory = log.with_file_name("config");
        fs::create_dir(&directory)?;
        fs::write(directory.join("limits.yaml"), limits)?;
        let (grpc, metrics) = (Port::reserve()?, Port::reserve()?);
        let others = [Port::reserve()?, Port::reserve()?];
        let [http, debug] = &others;
        let mut all = BTreeMap::from([
            ("HOST", http.host()),
            ("PORT", http.number()),
            ("DEBUG_HOST", debug.host()),
            ("DEBUG_PORT", debug.number()),
            ("GRPC_HOST", grpc.host()),
            ("GRPC_PORT", grpc.number()),
            ("REDIS_SOCKET_TYPE", "tcp".to_owned()),
            ("REDIS_URL", redis.address().to_string()),
            ("RUNTIME_ROOT", parent(&log)?.display().to_string()),
            ("RUNTIME_WATCH_ROOT", "false".to_owned()),
            ("HEALTHY_WITH_AT_LEAST_ONE_CONFIG_LOADED", "true".to_owned()),
            ("USE_STATSD", "false".to_owned()),
            ("USE_PROMETHEUS", "true".to_owned()),
            ("PROMETHEUS_ADDR", metrics.address().to_string()),
        ]);
        all.extend(
            settings
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let owned = |(name, value): (&str, String)| (name.to_owned(), value);
        let mut service = Self {
            process: None,
            program: program()?,
            settings: all.into_iter().map(owned).collect(),
            log,
            grpc,
            metrics,
            checks: AtomicU64::new(0),
            _others: others,
        };
        service.start_again().await?;
        Ok(service)
    }

    /// Where it answers gRPC; the same after a restart.
    pub fn address(&self) -> SocketAddr {
        self.grpc.address()
    }

    /// What Envoy knows of it.
    pub fn to_cluster(&self, name: &str) -> Value {
        let address = self.address();
        let socket = json!({"address": address.ip().to_string(), "port_value": address.port()});
        json!({
            "name": name,
            "type": "STATIC",
            "connect_timeout": "1s",
            "typed_extension_protocol_options": parts::http2_upstream(json!({})),
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [
                {"endpoint": {"address": {"socket_address": socket}}},
            ]}]},
        })
    }

    /// A client for it.
    pub async fn client(&self) -> Result<RateLimitServiceClient<Channel>> {
        Ok(RateLimitServiceClient::new(self.channel().await?))
    }

    /// Ends it at once (SIGKILL). Connections to it are refused until it is started again; Redis goes on counting from
    /// where it was.
    pub fn stop(&mut self) -> Result<()> {
        self.process.take().context("it is stopped")?.kill()
    }

    /// Starts it again after [`stop`](Self::stop) and waits until it answers.
    pub async fn start_again(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "it is running");
        self.checks.store(0, Ordering::Relaxed);
        let mut command = Command::new(&self.program);
        // Nothing of this process's environment is a setting of the service.
        command.env_clear().envs(&self.settings);
        let process = Process::start(&mut command, &self.log)?;
        let health = process.until_ready("the rate limit service", async || self.health().await);
        // It listens when it has read its limits, be they wrong or right.
        ensure!(
            health.await? == SERVING,
            "the rate limit service does not understand its limits; its log ends with:\n{}",
            tail(&self.log)
        );
        self.process = Some(process);
        Ok(())
    }

    /// Halts it: it keeps its connections and answers nothing.
    pub async fn pause(&self) -> Result<()> {
        self.running()?.pause().await
    }

    /// Lets it go on after [`pause`](Self::pause).
    pub fn resume(&self) -> Result<()> {
        self.running()?.resume()
    }

    /// How many calls it has answered since it was last started. It says so itself, and therefore not while it is halted.
    pub async fn calls(&self) -> Result<u64> {
        // It measures a call before it answers, and puts what it measured onto the page one after the other, a little later: all
        // calls that were answered before this one are there as soon as this one is.
        self.health().await?;
        let checks = self.checks.load(Ordering::Relaxed);
        poll::until("the page of metrics is up to date", async || {
            let page = self.metrics().await?;
            let known = measured(&page, "Check")?;
            ensure!(known >= checks, "{known} of {checks} are on it");
            measured(&page, "ShouldRateLimit")
        })
        .await
    }

    /// What it logged since it was last started.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }

    fn running(&self) -> Result<&Process> {
        self.process.as_ref().context("it is stopped")
    }

    /// Asks how it is (`grpc.health.v1.Health`).
    async fn health(&self) -> Result<i32> {
        let mut client = tonic::client::Grpc::new(self.channel().await?);
        client.ready().await?;
        let path = PathAndQuery::from_static("/grpc.health.v1.Health/Check");
        // The request has one field, a string; the response too, an enumeration. In prost these types are such messages.
        let codec = ProstCodec::<String, i32>::default();
        let request = Request::new("ratelimit".to_owned());
        let answer = client.unary(request, path, codec).await?.into_inner();
        self.checks.fetch_add(1, Ordering::Relaxed);
        Ok(answer)
    }

    async fn metrics(&self) -> Result<String> {
        let request = client::Request::get("/metrics");
        let response = Client::http1(self.metrics.address()).send(&request).await?;
        ensure!(response.status == 200, "it answers {}", response.status);
        Ok(String::from_utf8(response.body.to_vec())?)
    }

    async fn channel(&self) -> Result<Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address()))?;
        Ok(endpoint.connect().await?)
    }
}

/// The program that `make ratelimit` builds.
fn program() -> Result<PathBuf> {
    let home = cache()?.join("ratelimit").join(pinned("ratelimit"));
    let program = home.join("ratelimit");
    ensure!(
        program.is_file(),
        "{} is missing: run `make ratelimit`",
        program.display()
    );
    Ok(program)
}

fn parent(file: &Path) -> Result<&Path> {
    file.parent().context("no directory")
}

/// `HealthCheckResponse.ServingStatus`.
const SERVING: i32 = 1;

/// How many times it has measured the time that a call of a method took.
fn measured(page: &str, method: &str) -> Result<u64> {
    let start =
        format!("ratelimit_service_response_time_seconds_count{{grpc_method=\"{method}\"}}");
    let mut lines = page.lines();
    match lines.find_map(|line| line.strip_prefix(&start)) {
        Some(count) => Ok(count.trim().parse()?),
        None => Ok(0),
    }
}
