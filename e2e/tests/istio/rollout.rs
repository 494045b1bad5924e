//! From Dubbo over TCP to Dubbo as HTTP/2 while calls go on: providers first, then consumers, then the port.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use meshlane_e2e::{
    dubbo::{Counts, DubboVersion, Load, RunningLoad, Service, Target},
    istio::{Manifest, Mesh, on_mesh},
    poll,
};

use crate::common::{Caller, Workload, apply, consumer, hello, manifest, provider, service};

/// The services as they were: Dubbo is TCP to Istio.
fn before() -> Result<Manifest> {
    Ok(manifest("services")?.replace("http2-dubbo", "tcp-dubbo"))
}

/// One of these pods' sidecars saw calls as calls.
async fn expect_seen(workloads: &[&Workload]) -> Result<()> {
    poll::until("single calls in the access log", async || {
        for workload in workloads {
            let entries = workload.pod.entries()?;
            if entries.iter().any(|entry| entry.path.is_some()) {
                return Ok(());
            }
        }
        bail!("there are none")
    })
    .await
}

/// A listener that carries Dubbo as TCP closes its connections when it is replaced, without a word to the peers: as many
/// calls meet the close as are on their way. Dubbo 2.7 does not try again when it knows one address.
fn expect_few_failures(counts: &Counts, closes: u64) -> Result<()> {
    ensure!(counts.mistaken() == 0, "{counts:#?}");
    ensure!(counts.failed() <= closes * AT_ONCE as u64, "{counts:#?}");
    let closed = |text: &str| {
        ["ClosedChannel", "channel", "closed"]
            .iter()
            .any(|part| text.contains(part))
    };
    ensure!(
        counts.failures.iter().all(|each| closed(&each.text)),
        "{counts:#?}"
    );
    Ok(())
}

async fn step(
    mesh: &Mesh,
    files: &[&str],
    running: &RunningLoad,
    trade: &mut Caller,
) -> Result<Counts> {
    apply(mesh, files).await?;
    // Longer than Envoy takes to drain what was there.
    tokio::time::sleep(Duration::from_secs(7)).await;
    running.expect_more(&mut trade.program, 200).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_becomes_http2_while_calls_go_on() -> Result<()> {
    on_mesh(async |mesh| {
        mesh.apply(&before()?).await?;
        let start = async |version| {
            Workload::start(mesh, &provider("order", version), Service::rich()).await
        };
        let (first, second, mut trade) = tokio::try_join!(
            start("v1"),
            start("gray"),
            Caller::start(mesh, consumer("trade"), DubboVersion::V2_7),
        )?;
        let target = Target::new(service(mesh, "order").await?);
        let load = Load::new(&hello("bob"), "hello bob")
            .concurrency(AT_ONCE)
            .pause(Duration::from_millis(5));
        let running = trade.program.start_load(&target, &load).await?;
        let counts = running.expect_more(&mut trade.program, 200).await?;
        counts.expect_flawless()?;
        ensure!(
            counts.answers.len() == 1,
            "a connection is balanced as a whole: {counts:?}"
        );

        // The provider's port closes its TCP connections.
        let counts = step(mesh, &["provider"], &running, &mut trade).await?;
        expect_few_failures(&counts, 1)?;
        // Whichever of the two the new connection leads to.
        expect_seen(&[&first, &second]).await?;
        // Nothing changes for a port that is TCP.
        let before = counts.failed();
        let counts = step(
            mesh,
            &["consumer-captured", "instances"],
            &running,
            &mut trade,
        )
        .await?;
        ensure!(counts.failed() == before, "{counts:#?}");
        // The consumer's listener of the port closes its TCP connections.
        let counts = step(mesh, &["services"], &running, &mut trade).await?;
        expect_few_failures(&counts, 2)?;
        let before = (counts.answers_of("v1"), counts.answers_of("gray"));
        let counts = running.expect_more(&mut trade.program, 200).await?;
        let after = (counts.answers_of("v1"), counts.answers_of("gray"));
        ensure!(
            after.0 > before.0 && after.1 > before.1,
            "calls are balanced: {counts:#?}"
        );
        let counts = running.stop(&mut trade.program).await?;
        expect_few_failures(&counts, 2)?;
        expect_seen(&[&first]).await?;
        expect_seen(&[&second]).await
    })
    .await
}

/// The calls of the load that are on their way at a time.
const AT_ONCE: usize = 4;
