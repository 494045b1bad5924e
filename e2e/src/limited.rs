//! An Envoy with rate limits in front of an upstream that counts.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    access_log::AccessLog,
    bootstrap::{Bootstrap, Listener, WasmFilter},
    client::{Client, Request, Response},
    envoy::Envoy,
    gate::Gate,
    poll,
    scene::Scene,
};

/// Enough connections for each worker to have some.
pub const CONNECTIONS: usize = 48;

/// An Envoy with limits in front of an upstream that counts. The listener is called `edge`, the upstream's cluster `v1`.
#[derive(Debug)]
pub struct Limited {
    /// The process.
    pub envoy: Envoy,
    /// The upstream.
    pub gate: Gate,
    /// What Envoy logs of requests.
    pub log: AccessLog,
    workers: u32,
}

/// A request with what came of it.
#[derive(Debug)]
pub struct Shot {
    /// When it was sent.
    pub sent: Instant,
    /// When the answer was there.
    pub received: Instant,
    /// The answer.
    pub response: Response,
}

impl Limited {
    /// Limits as a document has them.
    pub async fn start(scene: &Scene, workers: u32, limits: &Value, gate: Gate) -> Result<Self> {
        Self::start_with(scene, workers, &json!({"limits": limits}), gate, &[]).await
    }

    /// A whole document, and clusters that it names.
    pub async fn start_with(
        scene: &Scene,
        workers: u32,
        document: &Value,
        gate: Gate,
        clusters: &[Value],
    ) -> Result<Self> {
        let filter = WasmFilter::rate_limit(document)?;
        let log = AccessLog::new(scene)?;
        let listener = Listener::new("edge").access_log(log.file());
        let bootstrap = Bootstrap::gateway()
            .listener(listener.filter(&filter))
            .raw_cluster(gate.to_cluster("v1"));
        let clusters = clusters.iter().cloned();
        let bootstrap = clusters.fold(bootstrap, Bootstrap::raw_cluster);
        let concurrency = workers.to_string();
        let envoy = Envoy::start_with(scene, &bootstrap, &["--concurrency", &concurrency]).await?;
        Ok(Self::of(envoy, gate, log, workers))
    }

    /// An Envoy that is there already, with the listener `edge` in front of the upstream.
    pub fn of(envoy: Envoy, gate: Gate, log: AccessLog, workers: u32) -> Self {
        Self {
            envoy,
            gate,
            log,
            workers,
        }
    }

    /// A client for HTTP/1.1.
    pub fn client(&self) -> Result<Client> {
        Ok(Client::http1(self.envoy.address("edge")?))
    }

    /// As many requests as there are connections and rounds, all connections at the same time.
    pub async fn burst(&self, rounds: usize, request: &Request) -> Result<Vec<Shot>> {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(self.client()?.connect().await?);
        }
        let mut shots = JoinSet::new();
        for mut connection in connections {
            let request = request.clone();
            shots.spawn(async move {
                let mut shots = Vec::new();
                for _ in 0..rounds {
                    let sent = Instant::now();
                    let response = connection.send(&request).await?;
                    let received = Instant::now();
                    shots.push(Shot {
                        sent,
                        received,
                        response,
                    });
                }
                anyhow::Ok(shots)
            });
        }
        let mut all = Vec::new();
        for shots in shots.join_all().await {
            all.extend(shots?);
        }
        Ok(all)
    }

    /// How many of a burst came to the upstream; all others must have been refused.
    pub async fn through(&self, rounds: usize, request: &Request) -> Result<u64> {
        let before = self.gate.came();
        let shots = self.burst(rounds, request).await?;
        let through = self.gate.came() - before;
        let passed = shots.iter().filter(|shot| shot.response.status == 200);
        ensure!(passed.count() as u64 == through);
        for shot in &shots {
            let Response { status, .. } = shot.response;
            ensure!(status == 200 || status == 429, "{:?}", shot.response);
        }
        Ok(through)
    }

    /// All workers have had requests.
    pub async fn expect_all_workers_busy(&self) -> Result<()> {
        let stats = self.envoy.admin().stats().await?;
        let stats = stats.starting("listener.127");
        let busy = stats.iter().filter(|(name, value)| {
            name.contains(".worker_") && name.ends_with("downstream_cx_total") && *value > 0
        });
        let busy = busy.count();
        ensure!(
            busy == self.workers as usize,
            "{busy} of {} workers",
            self.workers
        );
        Ok(())
    }
}

/// Requests that stay at the upstream until it lets them go.
#[derive(Debug)]
pub struct Staying(JoinSet<Result<Response>>);

impl Staying {
    /// Sends so many requests, each on a connection of its own.
    pub async fn send(limited: &Limited, count: usize, request: &Request) -> Result<Self> {
        let mut requests = JoinSet::new();
        for _ in 0..count {
            let mut connection = limited.client()?.connect().await?;
            let request = request.clone();
            requests.spawn(async move { connection.send(&request).await });
        }
        Ok(Self(requests))
    }

    /// All clients go away.
    pub async fn go_away(&mut self) {
        self.0.shutdown().await;
    }

    /// How many are refused, once each of them is that or at the upstream.
    pub async fn refused(&mut self, limited: &Limited) -> Result<usize> {
        self.refused_beside(limited, 0).await
    }

    /// The same when so many others are at the upstream.
    pub async fn refused_beside(&mut self, limited: &Limited, others: usize) -> Result<usize> {
        let all = self.0.len();
        let mut refused = 0;
        poll::until("all are decided", async || {
            while let Some(answer) = self.0.try_join_next() {
                let status = answer??.status;
                ensure!(status == 429, "{status}");
                refused += 1;
            }
            let inside = (limited.gate.inside() as usize).saturating_sub(others);
            ensure!(refused + inside == all, "{refused} and {inside} of {all}");
            Ok(refused)
        })
        .await
    }

    /// The statuses of so many answers that come first.
    pub async fn answers(&mut self, count: usize) -> Result<Vec<u16>> {
        let mut statuses = Vec::new();
        for _ in 0..count {
            let answer = self.0.join_next().await;
            statuses.extend(answer.transpose()?.transpose()?.map(|answer| answer.status));
        }
        Ok(statuses)
    }
}
