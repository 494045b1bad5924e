//! Discovery as Dubbo users have it: consumers take addresses of pods from ZooKeeper.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result, ensure};
use meshlane_e2e::{
    dubbo::{
        Call, DubboVersion, Load, ProviderOptions, RegisterMode, RunningLoad, Service,
        Subscription, Target, ZooKeeper,
    },
    istio::{Entry, Manifest, Mesh, Pod, PodPlan, on_mesh},
    poll,
};

use crate::common::{
    Caller, Workload, apply, consumer, hello, manifest, options, provider, providers, reserve,
};

/// The registry is a workload outside of the mesh, on a port that Istio does not know.
pub(crate) struct Registry {
    server: ZooKeeper,
    _pod: Pod,
}

impl Registry {
    /// Starts pod and server.
    pub(crate) async fn start(mesh: &Mesh) -> Result<Self> {
        let pod = mesh.pod(&PodPlan::new("zookeeper").bare()).await?;
        let server = ZooKeeper::start_at(mesh.scene(), &pod.place(), pod.port(2181)).await?;
        Ok(Self { server, _pod: pod })
    }

    /// What Dubbo knows it by.
    pub(crate) fn address(&self) -> String {
        self.server.address()
    }
}

/// Two applications, each with a provider, on the same port.
struct Shop {
    registry: Registry,
    mode: RegisterMode,
    order: Workload,
    stock: Workload,
    trade: Caller,
}

impl Shop {
    async fn open(mesh: &Mesh, mode: RegisterMode, consumers: DubboVersion) -> Result<Self> {
        let files = ["services", "consumer-captured", "instances", "routing"];
        apply(mesh, &files).await?;
        mesh.apply(&providers()?).await?;
        let registry = Registry::start(mesh).await?;
        let start = async |app, version, service| {
            let plan = provider(app, version);
            Workload::start_with(mesh, &plan, &registered(&plan, service, &registry, mode)).await
        };
        let (order, stock, trade) = tokio::try_join!(
            start("order", "v1", Service::rich()),
            start("stock", "s1", Service::stock()),
            Caller::start(mesh, consumer("trade"), consumers),
        )?;
        Ok(Self {
            registry,
            mode,
            order,
            stock,
            trade,
        })
    }

    fn target(&self, subscription: Subscription) -> Target {
        Target::registry(&self.registry.address()).subscription(subscription)
    }

    /// Both services answer, whichever of the two kinds of discovery found them.
    async fn expect_answers(&mut self, target: &Target) -> Result<()> {
        let answer = self.trade.call(target, &hello("bob")).await?;
        ensure!(answer.text()? == "v1: hello bob", "{answer:?}");
        let stock = target.clone().service("StockService");
        let answer = self.trade.call(&stock, &reserve()).await?;
        ensure!(answer.text()? == "s1: reserved 2 of sku-1", "{answer:?}");
        Ok(())
    }
}

/// What a rolling update does: a new pod serves, then the old one is taken out, asked to end and removed.
async fn replace(mesh: &Mesh, shop: &mut Shop, version: &str, loads: &Loads) -> Result<()> {
    let plan = provider("order", "v1").named(&format!("order-{version}"));
    let mut options = registered(&plan, Service::rich(), &shop.registry, shop.mode);
    version.clone_into(&mut options.name);
    let new = Workload::start_with(mesh, &plan, &options).await?;
    let trade = &mut shop.trade;
    loads
        .order
        .expect_more_of(&mut trade.program, version, 50)
        .await?;
    let old = std::mem::replace(&mut shop.order, new);
    old.leave("order", &[&trade.pod]).await
}

/// Calls of both services that go on all the time.
struct Loads {
    order: RunningLoad,
    stock: RunningLoad,
}

impl Loads {
    async fn start(shop: &mut Shop, target: &Target) -> Result<Self> {
        let load = |call: &Call, end| {
            Load::new(call, end)
                .concurrency(4)
                .pause(Duration::from_millis(5))
        };
        let consumer = &mut shop.trade.program;
        let order = consumer
            .start_load(target, &load(&hello("bob"), "hello bob"))
            .await?;
        let stock = target.clone().service("StockService");
        let stock = consumer
            .start_load(&stock, &load(&reserve(), "2 of sku-1"))
            .await?;
        Ok(Self { order, stock })
    }

    /// Waits until calls were made and answered by all that was changed; none may have failed so far.
    async fn go_on(&self, trade: &mut Caller) -> Result<()> {
        for load in [&self.order, &self.stock] {
            let counts = load.expect_more(&mut trade.program, 200).await?;
            counts.expect_flawless()?;
        }
        Ok(())
    }

    async fn end(self, trade: &mut Caller) -> Result<()> {
        for load in [self.order, self.stock] {
            load.stop(&mut trade.program).await?.expect_flawless()?;
        }
        Ok(())
    }
}

/// A provider that is registered.
pub(crate) fn registered(
    plan: &PodPlan,
    service: Service,
    registry: &Registry,
    mode: RegisterMode,
) -> ProviderOptions {
    options(plan, service).registry(&registry.address(), mode)
}

/// The questions for metadata that a pod's sidecar saw, with the addresses that they went to.
fn questions(pod: &Pod) -> Result<Vec<(String, String)>> {
    let entries = pod.entries()?.into_iter();
    let asked = entries.filter(|entry| {
        let path = entry.path.as_deref().unwrap_or_default();
        path.starts_with("/org.apache.dubbo.metadata.MetadataService") && entry.status == Some(200)
    });
    let where_to = |entry: Entry| Some((entry.cluster?, entry.upstream?));
    Ok(asked.filter_map(where_to).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_are_found_and_each_instance_is_asked_itself() -> Result<()> {
    on_mesh(async |mesh| {
        let newest = DubboVersion::NEWEST;
        let mut shop = Shop::open(mesh, RegisterMode::Instance, newest).await?;
        let target = shop.target(Subscription::Application);
        shop.expect_answers(&target).await?;
        for workload in [&shop.order, &shop.stock] {
            let address = workload.address().to_string();
            poll::until("the instance was asked for its metadata", async || {
                let asked = questions(&shop.trade.pod)?;
                let (cluster, _) = asked
                    .iter()
                    .find(|(_, upstream)| *upstream == address)
                    .with_context(|| format!("{address} was not asked: {asked:?}"))?;
                ensure!(cluster.contains("dubbo-instances"), "{cluster}");
                Ok(())
            })
            .await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn interfaces_are_found_by_older_consumers() -> Result<()> {
    on_mesh(async |mesh| {
        let older = DubboVersion::V2_7;
        let mut shop = Shop::open(mesh, RegisterMode::Interface, older).await?;
        let target = shop.target(Subscription::Interface);
        shop.expect_answers(&target).await?;
        // Not to the pod that the registry named, but to the Service of the interface.
        poll::until("the calls in the access log", async || {
            let entries = shop.trade.pod.entries()?;
            let of = |cluster: &str| {
                entries
                    .iter()
                    .filter_map(|entry| entry.cluster.as_deref())
                    .filter(|found| found.contains(cluster))
                    .count()
            };
            ensure!(of("|v1|order.") == 1 && of("||stock.") == 1, "{entries:#?}");
            Ok(())
        })
        .await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_and_updates_lose_no_call() -> Result<()> {
    on_mesh(async |mesh| {
        let newest = DubboVersion::NEWEST;
        let mut shop = Shop::open(mesh, RegisterMode::Instance, newest).await?;
        let target = shop.target(Subscription::Application);
        shop.expect_answers(&target).await?;
        let loads = Loads::start(&mut shop, &target).await?;
        loads.go_on(&mut shop.trade).await?;
        // A new version of the provider, and another.
        replace(mesh, &mut shop, "v2", &loads).await?;
        loads.go_on(&mut shop.trade).await?;
        replace(mesh, &mut shop, "v3", &loads).await?;
        loads.go_on(&mut shop.trade).await?;
        // Another configuration of the bridges on both sides, in force on the connections that are open.
        let exposing = |manifest: Manifest| manifest.replace("\"0\", \"0.home.city\"", "\"0\"");
        mesh.apply(&exposing(manifest("consumer-captured")?))
            .await?;
        mesh.apply(&providers()?.replace("arguments: [\"0\"]", "arguments: [\"0\", \"1\"]"))
            .await?;
        shop.trade
            .pod
            .expect_configuration(r#"\"arguments\": [\"0\"]"#)
            .await?;
        loads.go_on(&mut shop.trade).await?;
        // Another image of the module: new VMs on both sides.
        let pods = [&shop.trade.pod, &shop.order.pod, &shop.stock.pod];
        let mut before = Vec::new();
        for pod in pods {
            before.push(modules(pod).await?);
        }
        mesh.push_twin("dubbo", "next").await?;
        let next = |manifest: Manifest| manifest.replace("dubbo:0.1.0", "dubbo:next");
        mesh.apply(&next(manifest("consumer-captured")?)).await?;
        mesh.apply(&next(providers()?)).await?;
        for (pod, before) in pods.into_iter().zip(before) {
            poll::until("Envoy has the new module", async || {
                let now = modules(pod).await?;
                let new = now.difference(&before).count();
                ensure!(new == 1 && now.len() == before.len(), "{before:?}, {now:?}");
                Ok(())
            })
            .await?;
        }
        loads.go_on(&mut shop.trade).await?;
        loads.end(&mut shop.trade).await?;
        for pod in [&shop.trade.pod, &shop.order.pod, &shop.stock.pod] {
            pod.expect_alive().await?;
        }
        Ok(())
    })
    .await
}

/// The files of the modules that Envoy is configured with.
async fn modules(pod: &Pod) -> Result<BTreeSet<String>> {
    let dump = pod.admin()?.text("/config_dump").await?;
    let files = dump.lines().filter(|line| line.contains("\"filename\": "));
    Ok(files.map(|line| line.trim().to_owned()).collect())
}
