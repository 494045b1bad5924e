//! Connections live and end as Dubbo wants them to: heartbeats, graceful shutdown, sudden death, changed listeners.
#![allow(
    clippy::indexing_slicing,
    reason = "a test that looks at nothing fails"
)]

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    dubbo::{
        Call, Consumer, DubboVersion, Outcome, Provider, RpcCode,
        Serialization::{self, Hessian2},
        Target,
        mesh::{Cluster, Mesh, Plan, Port},
        tap::{Seen, Side, Tap},
        troupe::{Troupe, play},
    },
    poll,
    scene::{Scene, on_every_version},
};
use serde_json::json;

fn hello() -> Call {
    Call::new("sayHello").argument("bob")
}

/// Waits until a frame has passed.
async fn wait_for(tap: &Tap, what: &str, is_it: impl Fn(&Seen) -> bool) -> Result<Vec<Seen>> {
    let mut seen = Vec::new();
    poll::until(what, async || {
        let mut more = tap.take()?;
        let found = more.iter().any(&is_it);
        seen.append(&mut more);
        ensure!(found, "{} frames, none is it", seen.len());
        Ok(())
    })
    .await?;
    Ok(seen)
}

fn is_heartbeat_answer(seen: &Seen) -> bool {
    seen.from == Side::Server && seen.frame.is_event() && !seen.frame.is_request()
}

#[tokio::test]
async fn idle_connections_are_kept_by_heartbeats() -> Result<()> {
    for (version, serialization) in [
        (DubboVersion::V3_3, Serialization::Fastjson2),
        (DubboVersion::V2_7, Serialization::Java),
        (DubboVersion::V2_6, Hessian2),
    ] {
        play(version, async |scene, troupe| {
            let (v1, _) = troupe.addresses_of(serialization)?;
            let mesh = Plan::shop(&[v1], &[], Port::dubbo()).start(scene).await?;
            let tap = Tap::start(mesh.address("dubbo")?).await?;
            let target = Target::new(tap.address())
                .serialization(serialization)
                .heartbeat(Duration::from_millis(500));
            troupe.consumer.call(&target, &hello()).await?.value()?;
            tap.take()?;
            // Several times: a client gives up after three that are not answered.
            for _ in 0..4 {
                let seen = wait_for(&tap, "a heartbeat", is_heartbeat_answer).await?;
                let numbers = |side| {
                    seen.iter()
                        .filter(move |it| it.from == side && it.frame.is_event())
                };
                ensure!(
                    numbers(Side::Server).all(|answer| {
                        numbers(Side::Client).any(|ask| ask.frame.id() == answer.frame.id())
                    }),
                    "answers that nobody asked for: {seen:?}"
                );
            }
            troupe.consumer.call(&target, &hello()).await?.value()?;
            let connections: BTreeSet<_> = tap.take()?.iter().map(|seen| seen.connection).collect();
            ensure!(
                connections == BTreeSet::from([0]),
                "{version}: {connections:?}"
            );
            Ok(())
        })
        .await
        .with_context(|| format!("Dubbo {version}"))?;
    }
    Ok(())
}

/// Calls that go on until there are enough of them; what is done in between is done while they go on.
async fn under_load(
    consumer: &mut Consumer,
    target: &Target,
    calls: usize,
    after: usize,
    what: impl AsyncFnOnce() -> Result<()>,
) -> Result<Vec<Outcome>> {
    let load = Call::new("slow").argument(5).repeat(calls, 8);
    let mut running = consumer.start_calls(target, &load).await?;
    let mut outcomes = Vec::new();
    while outcomes.len() < after {
        outcomes.push(running.next().await?.context("it is over already")?);
    }
    what().await?;
    while let Some(outcome) = running.next().await? {
        outcomes.push(outcome);
    }
    ensure!(outcomes.len() == calls, "{} outcomes", outcomes.len());
    Ok(outcomes)
}

fn expect_none_lost(outcomes: &[Outcome]) -> Result<()> {
    let lost: Vec<String> = outcomes
        .iter()
        .filter(|outcome| !outcome.is_ok())
        .map(Outcome::message)
        .collect();
    ensure!(
        lost.is_empty(),
        "{} of {} lost: {}",
        lost.len(),
        outcomes.len(),
        lost[0]
    );
    Ok(())
}

fn count_of(outcomes: &[Outcome], provider: &str) -> usize {
    let is_it = |outcome: &&Outcome| outcome.provider().is_ok_and(|name| name == provider);
    outcomes.iter().filter(is_it).count()
}

async fn two_endpoints(scene: &Scene, v1: &Provider, gray: &Provider) -> Result<Mesh> {
    let endpoints = [v1.address(Hessian2)?, gray.address(Hessian2)?];
    let port = Port::dubbo().retries();
    Plan::shop(&endpoints, &[], port).start(scene).await
}

#[tokio::test]
async fn a_provider_that_shuts_down_gracefully_loses_no_call() -> Result<()> {
    on_every_version(async |scene| {
        for version in [DubboVersion::V2_7, DubboVersion::V3_3] {
            let mut troupe = Troupe::start(scene, version).await?;
            let mesh = two_endpoints(scene, &troupe.v1, &troupe.gray).await?;
            let target = Target::new(mesh.address("dubbo")?);
            let gray = &mut troupe.gray;
            let outcomes = under_load(&mut troupe.consumer, &target, 1500, 100, async || {
                gray.terminate()
            })
            .await?;
            expect_none_lost(&outcomes).with_context(|| format!("Dubbo {version}"))?;
            ensure!(count_of(&outcomes, "gray") > 0, "nobody had called it");
            gray.ended().await?;
            let last = troupe
                .consumer
                .calls(&target, &hello().repeat(20, 4))
                .await?;
            expect_none_lost(&last)?;
            mesh.expect_alive().await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_provider_that_is_killed_under_load_hangs_nobody() -> Result<()> {
    on_every_version(async |scene| {
        let mut troupe = Troupe::start(scene, DubboVersion::V3_3).await?;
        let mesh = two_endpoints(scene, &troupe.v1, &troupe.gray).await?;
        let target = Target::new(mesh.address("dubbo")?).timeout(Duration::from_secs(8));
        let gray = &mut troupe.gray;
        let outcomes = under_load(&mut troupe.consumer, &target, 1500, 200, async || {
            gray.kill().await
        })
        .await?;
        expect_none_lost(&outcomes)?;
        let longest = outcomes.iter().map(Outcome::elapsed).max();
        ensure!(
            longest < Some(Duration::from_secs(4)),
            "one hung for {longest:?}"
        );
        ensure!(count_of(&outcomes, "gray") > 0, "nobody had called it");
        // Those after the accident are answered by the other one.
        let last = troupe
            .consumer
            .calls(&target, &hello().repeat(50, 8))
            .await?;
        expect_none_lost(&last)?;
        ensure!(
            last.iter()
                .all(|outcome| outcome.provider().is_ok_and(|it| it == "v1"))
        );
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test]
async fn without_retries_a_kill_costs_calls_but_tells_them_at_once() -> Result<()> {
    on_every_version(async |scene| {
        let mut troupe = Troupe::start(scene, DubboVersion::V3_3).await?;
        let endpoints = [troupe.v1.address(Hessian2)?, troupe.gray.address(Hessian2)?];
        let outliers = json!({
            "consecutive_5xx": 5, "interval": "0.1s", "base_ejection_time": "600s", "max_ejection_percent": 50,
        });
        let plan = Plan::new()
            .port(Port::dubbo())
            .cluster(Cluster::new("v1", &endpoints).setting("outlier_detection", outliers));
        let mesh = plan.start(scene).await?;
        let target = Target::new(mesh.address("dubbo")?).timeout(Duration::from_secs(8));
        let gray = &mut troupe.gray;
        let outcomes = under_load(&mut troupe.consumer, &target, 600, 100, async || {
            gray.kill().await
        })
        .await?;
        let lost: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.is_ok()).collect();
        for outcome in &lost {
            outcome.expect_rpc_exception(RpcCode::Network, &["503"])?;
            ensure!(outcome.elapsed() < Duration::from_secs(4), "it hung: {outcome:?}");
        }
        // Those on their way, and those that it took to find out.
        ensure!(lost.len() <= 40, "{} lost", lost.len());
        let last = troupe.consumer.calls(&target, &hello().repeat(50, 8)).await?;
        expect_none_lost(&last)?;
        mesh.expect_alive().await
    })
    .await
}

/// A consumer of Dubbo 3.3 leaves a connection on READONLY, for another address that it knows.
#[tokio::test]
async fn a_changed_listener_drains_without_losing_a_call() -> Result<()> {
    play(DubboVersion::V3_3, async |scene, troupe| {
        let (v1, gray) = troupe.addresses()?;
        let plan = Plan::shop(&[v1], &[gray], Port::dubbo()).port(Port::new("other").to("gray"));
        let mut mesh = plan.start(scene).await?;
        let tap = Tap::start(mesh.address("dubbo")?).await?;
        let target = Target::new(tap.address()).or(mesh.address("other")?);
        let outcomes = under_load(&mut troupe.consumer, &target, 4000, 200, async || {
            mesh.change(Port::dubbo().manager("stat_prefix", json!("changed")))
        })
        .await?;
        expect_none_lost(&outcomes)?;
        ensure!(count_of(&outcomes, "v1") > 0, "nobody had called it");
        expect_one_readonly(&tap)?;
        mesh.expect_alive().await
    })
    .await
}

/// A consumer of Dubbo 2 that knows no other address stays where it is until the connection ends. With the retries that
/// Dubbo has by default it loses no call: no attempt is refused while the connection is still there to be tried again.
#[tokio::test]
async fn a_changed_listener_costs_a_consumer_that_stays_no_call_with_retries() -> Result<()> {
    play(DubboVersion::V2_6, async |scene, troupe| {
        let (v1, gray) = troupe.addresses()?;
        let mut mesh = Plan::shop(&[v1], &[gray], Port::dubbo())
            .start(scene)
            .await?;
        let address = mesh.address("dubbo")?;
        // Dubbo 2 retries only what it chooses from several: the same address twice, over one connection.
        let target = Target::new(address).or(address).retries(2);
        let outcomes = under_load(&mut troupe.consumer, &target, 4000, 200, async || {
            mesh.change(Port::dubbo().to("gray"))
        })
        .await?;
        expect_none_lost(&outcomes)?;
        ensure!(count_of(&outcomes, "gray") > 0, "the change did not arrive");
        mesh.expect_alive().await
    })
    .await
}

/// Without retries only the calls of that moment are lost, and none hangs.
#[tokio::test]
async fn a_changed_listener_parts_from_a_consumer_that_stays() -> Result<()> {
    play(DubboVersion::V2_7, async |scene, troupe| {
        let (v1, gray) = troupe.addresses()?;
        let mut mesh = Plan::shop(&[v1], &[gray], Port::dubbo())
            .start(scene)
            .await?;
        let tap = Tap::start(mesh.address("dubbo")?).await?;
        let target = Target::new(tap.address());
        let outcomes = under_load(&mut troupe.consumer, &target, 4000, 200, async || {
            mesh.change(Port::dubbo().to("gray"))
        })
        .await?;
        let lost: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.is_ok()).collect();
        for outcome in &lost {
            outcome.expect_rpc_exception(RpcCode::Network, &[])?;
            let message = outcome.message();
            ensure!(
                message.contains("bridge-going-away") || message.contains("is inactive"),
                "{message}"
            );
        }
        // Each of the eight threads is refused, and once more cut off.
        ensure!(lost.len() <= 32, "{} lost", lost.len());
        ensure!(count_of(&outcomes, "gray") > 0, "the change did not arrive");
        expect_one_readonly(&tap)?;
        mesh.expect_alive().await
    })
    .await
}

fn expect_one_readonly(tap: &Tap) -> Result<()> {
    let seen = tap.take()?;
    let readonly = |seen: &&Seen| seen.from == Side::Server && seen.frame.is_readonly();
    let readonly: Vec<usize> = seen
        .iter()
        .filter(readonly)
        .map(|it| it.connection)
        .collect();
    ensure!(readonly == [0], "READONLY on the connections {readonly:?}");
    Ok(())
}

#[tokio::test]
async fn plain_dubbo_passes_the_bridge_of_the_provider() -> Result<()> {
    on_every_version(async |scene| {
        let mut provider = Provider::start(scene, DubboVersion::V2_7, "v1").await?;
        let mut consumer = Consumer::start(scene, DubboVersion::V2_7).await?;
        let direct: SocketAddr = provider.address(Hessian2)?;
        let mesh = Plan::shop(&[direct], &[], Port::dubbo())
            .start(scene)
            .await?;
        let tap = Tap::start(mesh.inbound_address("v1", 0)?).await?;
        let target = Target::new(tap.address());
        let through = consumer.suite(&target, &[]).await?;
        provider.event().await?;
        let directly = consumer.suite(&Target::new(direct), &[]).await?;
        for (name, outcome) in &through {
            // Argument callbacks too: nothing is bridged.
            ensure!(
                outcome.essence() == directly[name].essence(),
                "{name}: {outcome:?}"
            );
        }
        ensure!(through["callback"].is_ok(), "{:?}", through["callback"]);
        tap.take()?;
        provider.terminate()?;
        wait_for(&tap, "READONLY", |seen| {
            seen.from == Side::Server && seen.frame.is_readonly()
        })
        .await?;
        Ok(())
    })
    .await
}
