//! From Dubbo over TCP to Dubbo as HTTP/2 while calls go on: providers first, then consumers, then the port.

use std::time::Duration;

use anyhow::{Result, ensure};
use meshlane_e2e::{
    dubbo::{Counts, DubboVersion, Load, RunningLoad, Service, Target},
    istio::{Manifest, Mesh, Pod, on_mesh},
    poll,
};

use crate::common::{Caller, Workload, apply, consumer, hello, manifest, provider, service};

/// Two providers, and a consumer that does not stop calling.
struct Rollout<'m> {
    mesh: &'m Mesh,
    providers: [Workload; 2],
    trade: Caller,
    running: RunningLoad,
}

impl<'m> Rollout<'m> {
    async fn start(mesh: &'m Mesh) -> Result<Self> {
        mesh.apply(&before()?).await?;
        let start = async |version| {
            Workload::start(mesh, &provider("order", version), Service::rich()).await
        };
        let (first, second, mut trade) = tokio::try_join!(
            start("v1"),
            start("gray"),
            Caller::start(mesh, consumer("trade"), DubboVersion::V2_7),
        )?;
        let target = Target::new(service(mesh, "order").await?).timeout(LOST);
        let load = Load::new(&hello("bob"), "hello bob")
            .concurrency(AT_ONCE)
            .pause(Duration::from_millis(5));
        let running = trade.program.start_load(&target, &load).await?;
        Ok(Self {
            mesh,
            providers: [first, second],
            trade,
            running,
        })
    }

    fn pods(&self) -> impl Iterator<Item = &Pod> {
        let providers = self.providers.iter().map(|each| &each.pod);
        providers.chain([&self.trade.pod])
    }

    /// Applies files, waits until nothing changes and drains any more, and makes some more calls.
    async fn step(&mut self, files: &[&str]) -> Result<Counts> {
        apply(self.mesh, files).await?;
        for pod in self.pods() {
            pod.expect_settled().await?;
        }
        self.more().await
    }

    async fn more(&mut self) -> Result<Counts> {
        self.running.expect_more(&mut self.trade.program, 200).await
    }

    /// How many listeners were replaced in all pods.
    async fn replaced(&self) -> Result<u64> {
        let mut sum = 0;
        for pod in self.pods() {
            sum += pod.replaced_listeners().await?;
        }
        Ok(sum)
    }
}

/// The services as they were: Dubbo is TCP to Istio.
fn before() -> Result<Manifest> {
    Ok(manifest("services")?.replace("http2-dubbo", "tcp-dubbo"))
}

/// Whether the pod's sidecar saw calls as calls.
fn has_seen(workload: &Workload) -> Result<bool> {
    let entries = workload.pod.entries()?;
    Ok(entries.iter().any(|entry| entry.path.is_some()))
}

/// A listener that carries Dubbo as TCP closes its connections when it is replaced, without a word to the peers: as many
/// calls meet the close as are on their way. Dubbo 2.7 does not try again when it knows one address.
fn expect_few_failures(counts: &Counts, closes: u64) -> Result<()> {
    ensure!(counts.mistaken() == 0, "{counts:#?}");
    ensure!(
        counts.failed() <= closes * AT_ONCE as u64,
        "{closes} replaced listeners do not explain it: {counts:#?}"
    );
    // The last one is of a call that Dubbo was about to write when the connection went: it never left, and waits for its timeout.
    let closed = |text: &str| {
        let parts = ["ClosedChannel", "channel", "closed", NEVER_SENT];
        parts.iter().any(|part| text.contains(part))
    };
    ensure!(
        counts.failures.iter().all(|each| closed(&each.text)),
        "{counts:#?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_becomes_http2_while_calls_go_on() -> Result<()> {
    on_mesh(async |mesh| {
        let mut rollout = Rollout::start(mesh).await?;
        let counts = rollout.more().await?;
        counts.expect_flawless()?;
        ensure!(
            counts.answers.len() == 1,
            "a connection is balanced as a whole: {counts:?}"
        );
        let before = rollout.replaced().await?;

        // The providers' ports close their TCP connections; where the next one leads it may meet a close again.
        let counts = rollout.step(&["provider"]).await?;
        let replaced = rollout.replaced().await? - before;
        expect_few_failures(&counts, replaced)?;
        poll::until("single calls in an access log", async || {
            let [first, second] = &rollout.providers;
            ensure!(has_seen(first)? || has_seen(second)?, "there are none");
            Ok(())
        })
        .await?;
        // Nothing changes for a port that is TCP.
        let failed = counts.failed();
        let counts = rollout.step(&["consumer-captured", "instances"]).await?;
        ensure!(counts.failed() == failed, "{counts:#?}");
        // The consumer's listener of the port closes its TCP connections.
        let counts = rollout.step(&["services"]).await?;
        let replaced = rollout.replaced().await? - before;
        expect_few_failures(&counts, replaced)?;
        let before = (counts.answers_of("v1"), counts.answers_of("gray"));
        let counts = rollout.more().await?;
        let after = (counts.answers_of("v1"), counts.answers_of("gray"));
        ensure!(
            after.0 > before.0 && after.1 > before.1,
            "calls are balanced: {counts:#?}"
        );
        let Rollout {
            mut trade, running, ..
        } = rollout;
        let last = running.stop(&mut trade.program).await?;
        ensure!(last.failed() == counts.failed(), "{last:#?}");
        for workload in &rollout.providers {
            poll::until("single calls in the access log", async || {
                ensure!(has_seen(workload)?, "there are none");
                Ok(())
            })
            .await?;
        }
        Ok(())
    })
    .await
}

/// The calls of the load that are on their way at a time.
const AT_ONCE: usize = 4;

/// When Dubbo gives up a call that never left: before a step has settled, so that it is counted in the step that it belongs to.
const LOST: Duration = Duration::from_secs(2);

/// What Dubbo says of a call that it has not written yet, other than of one that waits for its answer.
const NEVER_SENT: &str = "Sending request timeout in client-side";
