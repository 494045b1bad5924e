//! Rate limits on real Envoy, counted at the upstream: with one worker and with four, each of which has requests, and from counts
//! that nobody has used.

#![allow(clippy::indexing_slicing, reason = "a test may state what it expects")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, ensure};
use meshlane_e2e::{
    client::Request,
    gate::Gate,
    limited::{CONNECTIONS, Limited, Staying},
    poll,
    scene::{Scene, on_every_version, on_last_version},
};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};

/// How often each burst is played, every time with counts that are new.
const RUNS: usize = 20;

/// Plays with one worker and with four.
async fn with_workers(scenario: impl AsyncFn(&Scene, u32) -> Result<()>) -> Result<()> {
    on_every_version(async |scene| {
        for workers in [1, 4] {
            scenario(scene, workers).await?;
        }
        Ok(())
    })
    .await
}

/// Of a limit without a key one for each run; of one with a key a key for each run.
fn both(kind: &str, numbers: &Value) -> Value {
    let own = (0..RUNS).map(|run| {
        let when = json!({"attribute": "header.x-run", "exact": run.to_string()});
        json!({"name": format!("run-{run}"), "when": when, kind: numbers})
    });
    let keyed = json!({"name": "users", "key": ["header.x-user"], kind: numbers});
    json!(own.chain([keyed]).collect::<Vec<_>>())
}

async fn expect_exact_bursts(kind: &str, numbers: Value, expected: u64) -> Result<()> {
    with_workers(async |scene, workers| {
        let limits = both(kind, &numbers);
        let limited = Limited::start(scene, workers, &limits, Gate::opened().await?).await?;
        for run in 0..RUNS {
            for header in ["x-run", "x-user"] {
                let request = Request::get("/").header(header, run.to_string());
                let through = limited.through(4, &request).await?;
                ensure!(
                    through == expected,
                    "{kind} by {header}, run {run}: {through}"
                );
            }
        }
        limited.expect_all_workers_busy().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_bucket_lets_its_burst_through() -> Result<()> {
    let numbers = json!({"requests": 1, "per": 86_400, "burst": 57});
    expect_exact_bursts("tokenBucket", numbers, 57).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sliding_windows_let_the_smallest_through() -> Result<()> {
    let numbers = json!([{"requests": 57, "per": 3_600}, {"requests": 100, "per": 86_400}]);
    expect_exact_bursts("slidingWindow", numbers, 57).await
}

/// What passed of a steady load that is more than the limit has room for, in the order of time. The `n`th that passed did so after
/// the `n`th was sent and before the `n`th answer came, whichever they were.
struct Steady {
    sent: Vec<Instant>,
    received: Vec<Instant>,
    begin: Instant,
    end: Instant,
}

impl Steady {
    async fn of(limited: &Limited, time: Duration, request: &Request) -> Result<Self> {
        let begin = Instant::now();
        let mut clients = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let mut connection = limited.client()?.connect().await?;
            let request = request.clone();
            clients.spawn(async move {
                let mut passed = Vec::new();
                while begin.elapsed() < time {
                    let sent = Instant::now();
                    if connection.send(&request).await?.status == 200 {
                        passed.push((sent, Instant::now()));
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                anyhow::Ok(passed)
            });
        }
        let mut all = Vec::new();
        for passed in clients.join_all().await {
            all.extend(passed?);
        }
        let (mut sent, mut received): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        sent.sort();
        received.sort();
        Ok(Self {
            sent,
            received,
            begin,
            end: Instant::now(),
        })
    }

    /// Whoever passed `count` after another one passed at least `time` later.
    fn expect_apart(&self, count: usize, time: Duration) -> Result<()> {
        for (first, later) in self.sent.iter().zip(self.received.iter().skip(count)) {
            let apart = *later - *first;
            ensure!(apart >= time, "{count} within {apart:?}");
        }
        Ok(())
    }

    /// Somebody passed whenever there was room.
    fn expect_at_least(&self, count: f64) -> Result<()> {
        let (found, time) = (self.sent.len(), self.end - self.begin);
        ensure!(found as f64 >= count, "{found} of {count} in {time:?}");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_steady_load_gets_the_rate_and_no_more() -> Result<()> {
    with_workers(async |scene, workers| {
        let limits = json!([
            {"name": "bucket", "when": {"attribute": "path", "exact": "/bucket"},
             "tokenBucket": {"requests": 40, "burst": 10}},
            {"name": "window", "when": {"attribute": "path", "exact": "/window"},
             "slidingWindow": [{"requests": 20, "per": 1}]},
        ]);
        let limited = Limited::start(scene, workers, &limits, Gate::opened().await?).await?;
        let time = Duration::from_secs(4);
        let bucket = Steady::of(&limited, time, &Request::get("/bucket")).await?;
        // Between the first and the one that is so many behind the burst.
        for behind in 1..bucket.sent.len() {
            let beyond = (behind + 1).saturating_sub(10);
            let interval = Duration::from_nanos(1_000_000_000 / 40);
            bucket.expect_apart(behind, interval * beyond as u32)?;
        }
        // Nine tenths, as the load does not come at every moment.
        bucket.expect_at_least(10.0 + 40.0 * 4.0 * 0.9 - 10.0)?;

        let window = Steady::of(&limited, time, &Request::get("/window")).await?;
        window.expect_apart(20, Duration::from_secs(1))?;
        // A window and the tenth that still counts: 1.1 s for 20.
        window.expect_at_least(20.0 * (4.0 / 1.1 - 1.0))?;
        limited.expect_all_workers_busy().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_service_gets_a_part_of_the_rate() -> Result<()> {
    with_workers(async |scene, workers| {
        let limits = json!([{"name": "warm", "key": ["header.x-user"],
            "warmUp": {"requests": 90, "period": 3_600, "coldFactor": 3}}]);
        let limited = Limited::start(scene, workers, &limits, Gate::opened().await?).await?;
        for run in 0..RUNS {
            let request = Request::get("/").header("x-user", run.to_string());
            let begin = Instant::now();
            let through = limited.through(2, &request).await?;
            // A third of the rate for each second and tenth that the burst took.
            let windows = begin.elapsed().as_millis() as u64 / 1_000 + 1;
            ensure!(
                (30..=30 * windows + 30 * (windows - 1)).contains(&through),
                "{through}"
            );
        }
        limited.expect_all_workers_busy().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_are_at_the_upstream_at_a_time() -> Result<()> {
    with_workers(async |scene, workers| {
        let limits = json!([{"name": "at-a-time", "concurrency": {"requests": 10}}]);
        let limited = Limited::start(scene, workers, &limits, Gate::closed().await?).await?;
        for _ in 0..RUNS {
            limited.gate.close();
            let mut staying = Staying::send(&limited, CONNECTIONS, &Request::get("/")).await?;
            let refused = staying.answers(CONNECTIONS - 10).await?;
            ensure!(refused.iter().all(|status| *status == 429), "{refused:?}");
            limited.gate.expect_inside(10).await?;
            limited.gate.open();
            let passed = staying.answers(10).await?;
            ensure!(passed.iter().all(|status| *status == 200), "{passed:?}");
            limited.gate.expect_inside(0).await?;
            expect_all_given_back(&limited).await?;
        }
        ensure!(limited.gate.most() == 10, "{}", limited.gate.most());

        // A client that goes away gives its permit back.
        limited.gate.close();
        let mut staying = Staying::send(&limited, 10, &Request::get("/")).await?;
        limited.gate.expect_inside(10).await?;
        staying.go_away().await;
        limited.gate.expect_inside(0).await?;
        limited.gate.open();
        expect_all_given_back(&limited).await?;
        limited.expect_all_workers_busy().await
    })
    .await
}

/// All that was held is given back: what a request holds it has until Envoy is done with it, a moment after its answer.
async fn expect_all_given_back(limited: &Limited) -> Result<()> {
    poll::until("all permits are back", async || {
        limited.gate.close();
        let mut staying = Staying::send(limited, 10, &Request::get("/")).await?;
        let refused = staying.refused(limited).await?;
        limited.gate.open();
        staying.answers(10 - refused).await?;
        limited.gate.expect_inside(0).await?;
        ensure!(refused == 0, "{refused} of 10 are refused");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_lets_one_after_the_other_through() -> Result<()> {
    with_workers(async |scene, workers| {
        let limits = json!([{"name": "line", "key": ["header.x-user"],
            "queue": {"requests": 20, "maxWait": 0.5}}]);
        let limited = Limited::start(scene, workers, &limits, Gate::opened().await?).await?;
        for run in 0..5 {
            let request = Request::get("/").header("x-user", run.to_string());
            let begin = Instant::now();
            let shots = limited.burst(1, &request).await?;
            let (passed, refused): (Vec<_>, Vec<_>) =
                shots.iter().partition(|shot| shot.response.status == 200);
            // The first at once, then one every 50 ms until half a second is over; if the burst itself took time, more found room.
            let spread = shots
                .iter()
                .map(|shot| shot.sent)
                .max()
                .map_or(0, |last| (last - begin).as_millis() as usize / 50 + 1);
            ensure!(
                (11..=11 + spread).contains(&passed.len()),
                "{} passed",
                passed.len()
            );
            let mut received: Vec<_> = passed.iter().map(|shot| shot.received).collect();
            received.sort();
            for (place, time) in received.iter().enumerate() {
                let waited = *time - begin;
                let turn = Duration::from_millis(50) * place as u32;
                ensure!(waited >= turn, "the {place}th after {waited:?}");
            }
            // Who would have to wait too long is told at once, and not when others have their turn.
            let last = received[received.len() - 1];
            for shot in refused {
                ensure!(shot.received < last, "a refusal waited");
                let reason = shot.response.header("x-meshlane-reason");
                ensure!(reason == Some("limit-queue-full"), "{:?}", shot.response);
            }
        }
        limited.expect_all_workers_busy().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_away_while_waiting_leaves_a_place() -> Result<()> {
    on_every_version(async |scene| {
        let limits = json!([{"name": "line", "queue": {"requests": 1, "per": 60, "maxWait": 600, "maxWaiting": 5}}]);
        let limited = Limited::start(scene, 4, &limits, Gate::opened().await?).await?;
        let first = limited.client()?.send(&Request::get("/")).await?;
        ensure!(first.status == 200, "{first:?}");
        for _ in 0..5 {
            let mut waiting = Staying::send(&limited, 20, &Request::get("/")).await?;
            let refused = waiting.answers(15).await?;
            ensure!(refused.iter().all(|status| *status == 429), "{refused:?}");
            // All five that wait go away.
            waiting.go_away().await;
            poll::until("the places are free", async || {
                let mut waiting = Staying::send(&limited, 5, &Request::get("/")).await?;
                let answered = tokio::time::timeout(Duration::from_millis(300), waiting.answers(1));
                let is_full = answered.await.is_ok();
                waiting.go_away().await;
                ensure!(!is_full, "no place");
                Ok(())
            })
            .await?;
            expect_empty(&limited).await?;
        }
        ensure!(limited.gate.came() == 1, "{}", limited.gate.came());
        limited.envoy.expect_alive().await
    })
    .await
}

/// Nobody waits: Envoy has no request.
async fn expect_empty(limited: &Limited) -> Result<()> {
    limited
        .envoy
        .admin()
        .expect_stat("http.edge.downstream_rq_active", 0)
        .await
}

/// Clients that send all the time; who is refused comes again a moment later. How many are at the upstream at most, and how many are
/// refused, in each half of a second.
async fn load(limited: &Limited, seconds: u64) -> Result<(Vec<u64>, Vec<u64>)> {
    let end = Instant::now() + Duration::from_secs(seconds);
    let refused = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..2 * CONNECTIONS {
        let mut connection = limited.client()?.connect().await?;
        let refused = Arc::clone(&refused);
        clients.spawn(async move {
            while Instant::now() < end {
                if connection.send(&Request::get("/")).await?.status == 429 {
                    refused.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            anyhow::Ok(())
        });
    }
    let (mut most, mut refusals) = (Vec::new(), Vec::new());
    limited.gate.take_most();
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(500)).await;
        most.push(limited.gate.take_most());
        refusals.push(refused.swap(0, Ordering::Relaxed));
    }
    for client in clients.join_all().await {
        client?;
    }
    Ok((most, refusals))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adaptive_limit_follows_the_upstream() -> Result<()> {
    on_last_version(async |scene| {
        let limits = json!([{"name": "follows", "adaptive": {
            "min": 4, "max": 60, "initial": 10, "tolerance": 1.5, "window": 0.1,
        }}]);
        let limited = Limited::start(scene, 4, &limits, Gate::opened().await?).await?;
        let usual = Duration::from_millis(40);
        limited.gate.take(usual, 40);
        let (grown, _) = load(&limited, 8).await?;
        let found = grown
            .iter()
            .rev()
            .take(4)
            .copied()
            .max()
            .unwrap_or_default();
        ensure!((20..=60).contains(&found), "{grown:?}");

        // It has become ten times as slow.
        limited.gate.take(usual * 10, 40);
        let (slow, _) = load(&limited, 8).await?;
        let least = slow.iter().rev().take(4).copied().max().unwrap_or_default();
        ensure!(least <= found / 2, "{found}, then {slow:?}");

        // And is as before: more and more are let in again, and never is everybody refused.
        limited.gate.take(usual, 40);
        let (again, refused) = load(&limited, 12).await?;
        let last = again
            .iter()
            .rev()
            .take(4)
            .copied()
            .max()
            .unwrap_or_default();
        ensure!(last >= found * 7 / 10, "{found}, {slow:?}, then {again:?}");
        ensure!(again.iter().all(|inside| *inside >= 2), "{again:?}");
        let (early, late) = (refused[1], refused[refused.len() - 2]);
        ensure!(late <= early, "{refused:?}");
        limited.expect_all_workers_busy().await
    })
    .await
}
