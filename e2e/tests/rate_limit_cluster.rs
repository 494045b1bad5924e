//! Limits that count for all proxies: `envoyproxy/ratelimit` with Redis, asked by real Envoys.

#![allow(clippy::indexing_slicing, reason = "a test may state what it expects")]

use std::time::Duration;

use anyhow::{Result, ensure};
use meshlane_e2e::{
    access_log::ID_HEADER,
    client::{Request, Response},
    gate::Gate,
    limited::{CONNECTIONS, Limited},
    poll,
    rate_limit_service::{RateLimitService, Redis},
    scene::{Scene, on_every_version, on_last_version},
};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};

/// Limits of days, whose windows end while no test runs; and one of seconds.
const LIMITS: &str = "
domain: shop
descriptors:
- key: user
  rate_limit: {unit: day, requests_per_unit: 100}
- key: batch
  rate_limit: {unit: day, requests_per_unit: 2000}
- key: quick
  rate_limit: {unit: second, requests_per_unit: 100}
";

/// A limit by a header, which is the descriptor's key too.
fn limit(name: &str, keys: &Value) -> Value {
    let mut limit = json!({
        "service": "rls",
        "domain": "shop",
        // A machine that is busy with tests is not as quick as a network.
        "timeout": 2,
        "descriptors": [{"entries": [{"key": name, "attribute": format!("header.x-{name}")}]}],
    });
    if let (Some(limit), Some(keys)) = (limit.as_object_mut(), keys.as_object()) {
        limit.extend(keys.clone());
    }
    json!({"name": name, "cluster": limit})
}

async fn start(
    scene: &Scene,
    service: &RateLimitService,
    workers: u32,
    limits: &[Value],
) -> Result<Limited> {
    let document = json!({"refusal": {"rateLimitHeaders": "always"}, "limits": limits});
    let gate = Gate::opened().await?;
    Limited::start_with(
        scene,
        workers,
        &document,
        gate,
        &[service.to_cluster("rls")],
    )
    .await
}

async fn service(scene: &Scene) -> Result<(Redis, RateLimitService)> {
    let redis = Redis::start(scene).await?;
    let service = RateLimitService::start(scene, &redis, LIMITS).await?;
    Ok((redis, service))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_proxies_have_one_limit() -> Result<()> {
    on_every_version(async |scene| {
        let (_redis, service) = service(scene).await?;
        let limits = [limit("user", &json!({}))];
        let one = start(scene, &service, 4, &limits).await?;
        let other = start(scene, &service, 1, &limits).await?;
        for user in ["alice", "bob"] {
            let request = Request::get("/").header("x-user", user);
            let (here, there) =
                tokio::try_join!(one.through(2, &request), other.through(2, &request))?;
            ensure!(here + there == 100, "{here} + {there}");
            ensure!(here > 0 && there > 0);
        }
        // Nobody is asked about what is known to be over the limit.
        let before = service.calls().await?;
        let answer = one
            .client()?
            .send(&Request::get("/").header("x-user", "bob"))
            .await?;
        ensure!(answer.status == 429, "{answer:?}");
        ensure!(service.calls().await? == before);
        let told = |name| answer.header(name).unwrap_or_default().to_owned();
        ensure!(told("x-meshlane-limit") == "user", "{answer:?}");
        ensure!(told("retry-after").parse::<u32>()? > 0, "{answer:?}");
        // What others say is told.
        let answer = one
            .client()?
            .send(&Request::get("/").header("x-user", "carol"))
            .await?;
        let told = |name| answer.header(name).unwrap_or_default().to_owned();
        ensure!(
            told("x-ratelimit-limit") == "100, 100;w=86400",
            "{answer:?}"
        );
        ensure!(told("x-ratelimit-remaining") == "99", "{answer:?}");
        // A request without the attribute is not limited.
        ensure!(one.through(1, &Request::get("/")).await? == CONNECTIONS as u64);
        one.expect_all_workers_busy().await
    })
    .await
}

/// A request's answer, what the access log says of it, and how long it took.
async fn send(limited: &Limited, path: &str, id: &str) -> Result<(Response, String, Duration)> {
    let request = Request::get(path)
        .header("x-user", id)
        .header(ID_HEADER, id);
    let begin = Instant::now();
    let response = limited.client()?.send(&request).await?;
    let time = begin.elapsed();
    let entry = limited.log.entry(id).await?;
    Ok((response, entry.limits.unwrap_or_default(), time))
}

/// Of each failure mode a limit, by the path.
fn modes() -> Vec<Value> {
    let modes = [
        ("open", json!({"failureMode": "open"})),
        ("closed", json!({"failureMode": "closed"})),
        (
            "local",
            json!({"failureMode": "local", "local": {"requests": 1, "per": 3_600, "burst": 2}}),
        ),
    ];
    let limits = modes.map(|(mode, mut keys)| {
        keys["timeout"] = json!(0.2);
        let mut limit = limit("user", &keys);
        limit["name"] = json!(mode);
        limit["when"] = json!({"attribute": "path", "exact": format!("/{mode}")});
        limit
    });
    limits.into()
}

async fn expect_failure_modes(limited: &Limited, run: &str) -> Result<()> {
    let id = |mode: &str, number: u32| format!("{run}-{mode}-{number}");
    let (open, line, _) = send(limited, "/open", &id("open", 0)).await?;
    ensure!(
        (open.status, line.as_str()) == (200, "open=limit-failed-open"),
        "{line}"
    );
    let (closed, line, _) = send(limited, "/closed", &id("closed", 0)).await?;
    ensure!(
        (closed.status, line.as_str()) == (503, "closed=limit-failed-closed"),
        "{line}"
    );
    let reason = closed.header("x-meshlane-reason");
    ensure!(reason == Some("limit-failed-closed"), "{closed:?}");
    for (number, expected) in [(0, 200), (1, 200), (2, 429)] {
        let request = Request::get("/local").header("x-user", format!("{run}-local"));
        let answer = limited.client()?.send(&request).await?;
        ensure!(answer.status == expected, "{number}: {answer:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_service_the_failure_mode_holds() -> Result<()> {
    on_every_version(async |scene| {
        let (_redis, mut service) = service(scene).await?;
        let limited = start(scene, &service, 2, &modes()).await?;
        let (there, line, _) = send(&limited, "/closed", "there").await?;
        ensure!(there.status == 200, "{line}");

        service.stop()?;
        expect_failure_modes(&limited, "stopped").await?;
        service.start_again().await?;
        poll::until("the service is asked again", async || {
            let request = Request::get("/closed").header("x-user", "again");
            let answer = limited.client()?.send(&request).await?;
            ensure!(answer.status == 200, "{answer:?}");
            Ok(())
        })
        .await?;

        // Slow, under load: each request waits for as long as it may, and no longer than that and what the machine takes.
        service.pause().await?;
        let begin = Instant::now();
        expect_failure_modes(&limited, "paused").await?;
        ensure!(
            begin.elapsed() >= Duration::from_millis(200 * 5),
            "{:?}",
            begin.elapsed()
        );
        let request = Request::get("/open").header("x-user", "load");
        ensure!(limited.through(1, &request).await? == CONNECTIONS as u64);
        service.resume()?;
        poll::until("the service is quick again", async || {
            let request = Request::get("/closed").header("x-user", "quick");
            let answer = limited.client()?.send(&request).await?;
            ensure!(answer.status == 200, "{answer:?}");
            Ok(())
        })
        .await?;
        limited.envoy.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_envoy_does_not_know_is_a_service_that_fails() -> Result<()> {
    on_every_version(async |scene| {
        let mut limits = modes();
        for limit in &mut limits {
            limit["cluster"]["service"] = json!("nobody");
        }
        let gate = Gate::opened().await?;
        let limited = Limited::start(scene, 1, &json!(limits), gate).await?;
        expect_failure_modes(&limited, "unknown").await?;
        limited.envoy.expect_alive().await
    })
    .await
}

/// A load of 2,000 requests a second; how many passed.
async fn pace(limited: &Limited, seconds: u64, request: &Request) -> Result<u64> {
    let before = limited.gate.came();
    let mut clients = JoinSet::new();
    for client in 0..CONNECTIONS as u64 {
        let mut connection = limited.client()?.connect().await?;
        let request = request.clone();
        clients.spawn(async move {
            tokio::time::sleep(Duration::from_micros(500 * client)).await;
            let mut turns = tokio::time::interval(Duration::from_micros(500 * CONNECTIONS as u64));
            for _ in 0..2_000 * seconds / CONNECTIONS as u64 {
                turns.tick().await;
                let status = connection.send(&request).await?.status;
                ensure!(status == 200 || status == 429, "{status}");
            }
            anyhow::Ok(())
        });
    }
    for client in clients.join_all().await {
        client?;
    }
    Ok(limited.gate.came() - before)
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_spare_calls_and_let_no_more_through() -> Result<()> {
    on_last_version(async |scene| {
        const SIZE: u64 = 100;
        let (_redis, service) = service(scene).await?;
        let limits = [limit(
            "batch",
            &json!({"lease": {"requests": SIZE, "seconds": 60}}),
        )];
        let limited = start(scene, &service, 4, &limits).await?;
        let request = Request::get("/").header("x-batch", "a");
        let through = pace(&limited, 2, &request).await?;
        // The last lease may be refused as a whole.
        ensure!((2_000 - SIZE..=2_000).contains(&through), "{through}");
        let calls = service.calls().await?;
        ensure!(
            calls <= through / 20,
            "{calls} calls for {through} requests"
        );
        limited.expect_all_workers_busy().await
    })
    .await
}

/// What a lease may let through beyond a window is bounded: one and a half leases for each proxy.
#[tokio::test(flavor = "multi_thread")]
async fn leases_outlive_a_window_by_no_more_than_they_are_large() -> Result<()> {
    on_last_version(async |scene| {
        let (_redis, service) = service(scene).await?;
        let limits = [limit(
            "quick",
            &json!({"lease": {"requests": 20, "seconds": 1}, "rememberOver": false}),
        )];
        let limited = start(scene, &service, 4, &limits).await?;
        let request = Request::get("/").header("x-quick", "a");
        let begin = Instant::now();
        let mut through = 0;
        while begin.elapsed() < Duration::from_secs(4) {
            through += limited.through(2, &request).await?;
        }
        let windows = begin.elapsed().as_secs() + 2;
        let most = windows * (100 + 30);
        ensure!(through <= most, "{through} of {most}");
        ensure!(through >= (windows - 3) * 60, "{through}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_headers_of_the_service_are_passed_on() -> Result<()> {
    on_last_version(async |scene| {
        let redis = Redis::start(scene).await?;
        let settings = [("LIMIT_RESPONSE_HEADERS_ENABLED", "true")];
        let service = RateLimitService::start_with(scene, &redis, LIMITS, &settings).await?;
        let limited = start(scene, &service, 1, &[limit("user", &json!({}))]).await?;
        let request = Request::get("/").header("x-user", "alice");
        let answer = limited.client()?.send(&request).await?;
        ensure!(
            answer.header("ratelimit-limit") == Some("100"),
            "{answer:?}"
        );
        ensure!(
            answer.header("ratelimit-remaining") == Some("99"),
            "{answer:?}"
        );
        Ok(())
    })
    .await
}
