//! What a change of the consumers' own listener costs: all connections drain at once, however many addresses there are.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use meshlane_e2e::{
    dubbo::{Counts, DubboVersion, Load, RegisterMode, RunningLoad, Service, Subscription, Target},
    istio::{Mesh, on_mesh},
    poll,
};

use crate::{
    common::{Caller, Workload, apply, buffering_listener, consumer, hello, provider, providers},
    registry::{Registry, registered},
};

/// A consumer and its calls.
struct Customer {
    caller: Caller,
    calls: RunningLoad,
}

impl Customer {
    /// Tries again twice, as Dubbo does by default, and looks every three seconds for connections that ended, as a consumer of
    /// Dubbo 3 does only when it is told both intervals.
    async fn start(mesh: &Mesh, target: &Target, app: &str, version: DubboVersion) -> Result<Self> {
        let mut caller = Caller::start(mesh, consumer(app), version).await?;
        let target = target
            .clone()
            .retries(2)
            .heartbeat(Duration::from_secs(3))
            .least_reconnect(Duration::from_secs(1));
        poll::until("a provider is found", async || {
            let answer = caller.call(&target, &hello("bob")).await?;
            ensure!(answer.is_ok(), "{answer:?}");
            Ok(())
        })
        .await?;
        // The times of the first hundred failures are known: those of twenty seconds.
        let load = Load::new(&hello("bob"), ": hello bob").pause(Duration::from_millis(200));
        let calls = caller.program.start_load(&target, &load).await?;
        Ok(Self { caller, calls })
    }

    async fn progress(&mut self) -> Result<Counts> {
        self.calls.progress(&mut self.caller.program).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_listener_costs_dubbo_3_seconds_and_dubbo_2_nothing() -> Result<()> {
    on_mesh(async |mesh| {
        let files = ["services", "consumer-captured", "instances", "routing"];
        apply(mesh, &files).await?;
        mesh.apply(&providers()?).await?;
        let registry = Registry::start(mesh).await?;
        let start = async |name: &str| {
            let plan = provider("order", "v1").named(name);
            let options = registered(&plan, Service::rich(), &registry, RegisterMode::All);
            Workload::start_with(mesh, &plan, &options).await
        };
        let _providers = tokio::try_join!(start("order-a"), start("order-b"))?;
        let by_interface = Target::registry(&registry.address());
        let by_application = by_interface.clone().subscription(Subscription::Application);
        let (three, two) = tokio::try_join!(
            Customer::start(mesh, &by_application, "trade", DubboVersion::V3_3),
            Customer::start(mesh, &by_interface, "web", DubboVersion::V2_7),
        )?;
        let (mut three, mut two) = (three, two);
        mesh.apply(&buffering_listener("dubbo: consumer", 1_000_001))
            .await?;
        let counts = poll::patiently("Dubbo 3 is back", async || {
            let counts = three.progress().await?;
            let last = times(&counts).max().context("no call has failed so far")?;
            let quiet = counts.elapsed.saturating_sub(Duration::from_millis(last));
            ensure!(quiet > Duration::from_secs(5), "{counts:?}");
            Ok(counts)
        })
        .await?;
        let alone = |text: &str| text.contains("No provider available");
        ensure!(
            counts.failures.iter().all(|each| alone(&each.text)),
            "{counts:#?}"
        );
        let outage = times(&counts).max().zip(times(&counts).min());
        let outage = outage.map(|(last, first)| Duration::from_millis(last - first));
        ensure!(
            outage < Some(OUTAGE) && counts.mistaken() == 0,
            "{counts:#?}"
        );
        two.progress().await?.expect_flawless()
    })
    .await
}

/// When calls failed.
fn times(counts: &Counts) -> impl Iterator<Item = u64> {
    let failures = counts.failures.iter();
    failures.flat_map(|each| each.times.iter().copied())
}

/// Envoy drains for five seconds here, then Dubbo looks within three. By itself it would look after a minute.
const OUTAGE: Duration = Duration::from_secs(15);
