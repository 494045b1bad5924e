//! Dubbo finds its providers in a registry, without anything of ours between the two: what is different in a mesh is due to
//! the mesh.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    time::Duration,
};

use anyhow::{Result, bail, ensure};
use meshlane_e2e::{
    dubbo::{
        Call, Consumer, ConsumerOptions, DubboVersion, Load, Provider, ProviderOptions,
        RegisterMode, RpcCode, RunningLoad, Serialization, Service, Subscription, Target,
        ZooKeeper,
    },
    poll,
    scene::{Scene, newest},
};

/// By application, where MetadataService of one exact instance tells what it serves, and by interface.
#[tokio::test]
async fn applications_are_found_and_replaced_without_losing_a_call() -> Result<()> {
    let mut shop = Shop::start(DubboVersion::V3_3).await?;
    let order = Target::registry(&shop.registry());
    let by_application = order.clone().subscription(Subscription::Application);
    let by_interface = order.subscription(Subscription::Interface);
    shop.expect_nobody(&by_application, RpcCode::NoInvoker)
        .await?;
    shop.expect_nobody(&by_interface, RpcCode::Forbidden)
        .await?;

    let (v1, _stock) = tokio::try_join!(
        shop.provider("v1", "order", Service::rich(), RegisterMode::All, 3),
        shop.provider("s1", "stock", Service::stock(), RegisterMode::Instance, 4),
    )?;
    let found = [by_application.clone(), by_interface.clone()];
    for target in &found {
        shop.expect_answer(target, &hello(), "v1: hello bob")
            .await?;
    }
    // Two applications at the same port.
    let stock = by_application.clone().service("StockService");
    shop.expect_answer(&stock, &reserve(), "s1: reserved 2 of sku-1")
        .await?;
    let unregistered = by_interface.clone().service("StockService");
    let lost = shop.trade.call(&unregistered, &reserve()).await?;
    lost.expect_rpc_exception(RpcCode::Forbidden, &[])?;

    let stock = shop.load(&stock, &reserve(), "reserved 2 of sku-1").await?;
    shop.replace(v1, RegisterMode::All, &found).await?;
    let counts = stock.stop(&mut shop.trade).await?;
    counts.expect_flawless()?;
    ensure!(counts.answers_of("s1") == counts.calls, "{counts:?}");
    shop.scene.pass();
    Ok(())
}

#[tokio::test]
async fn interfaces_of_dubbo_2_are_found_and_replaced_without_losing_a_call() -> Result<()> {
    let mut shop = Shop::start(DubboVersion::V2_7).await?;
    let order = Target::registry(&shop.registry());
    shop.expect_nobody(&order, RpcCode::Forbidden).await?;
    let mode = RegisterMode::Interface;
    let v1 = shop
        .provider("v1", "order", Service::rich(), mode, 3)
        .await?;
    shop.expect_answer(&order, &hello(), "v1: hello bob")
        .await?;
    shop.replace(v1, mode, &[order]).await?;
    shop.scene.pass();
    Ok(())
}

/// What the other scenarios conclude from counts they may conclude.
#[tokio::test]
async fn a_load_counts_what_goes_wrong() -> Result<()> {
    let scene = Scene::new(newest())?;
    let (provider, mut consumer) = tokio::try_join!(
        Provider::start(&scene, DubboVersion::V2_6, "v1"),
        Consumer::start(&scene, DubboVersion::V2_6),
    )?;
    let target = Target::new(provider.address(Serialization::Hessian2)?);
    let fail = Call::new("failRuntime").argument("on purpose");
    let wrong = Load::new(&hello(), "hello alice");
    let wrong = consumer.start_load(&target, &wrong).await?;
    let failing = Load::new(&fail, "").concurrency(2);
    let failing = consumer.start_load(&target, &failing).await?;
    for load in [&wrong, &failing] {
        poll::until("calls", async || {
            let counts = load.progress(&mut consumer).await?;
            ensure!(counts.calls > 200, "{counts:?}");
            Ok(())
        })
        .await?;
    }
    let wrong = wrong.stop(&mut consumer).await?;
    ensure!(
        wrong.mistaken() == wrong.calls && wrong.failed() == 0,
        "{wrong:?}"
    );
    ensure!(wrong.answers_of("v1") == wrong.calls, "{wrong:?}");
    ensure!(wrong.expect_flawless().is_err());
    let failing = failing.stop(&mut consumer).await?;
    ensure!(
        failing.failed() == failing.calls && failing.mistaken() == 0,
        "{failing:?}"
    );
    let [kind] = failing.failures.as_slice() else {
        bail!("not one kind: {failing:?}");
    };
    ensure!(
        kind.text.contains("on purpose") && kind.times.len() == 100,
        "{kind:?}"
    );
    ensure!(failing.longest > Duration::ZERO && failing.longest < failing.elapsed);
    scene.pass();
    Ok(())
}

/// A registry, and a consumer that knows nothing but the registry.
struct Shop {
    scene: Scene,
    version: DubboVersion,
    zookeeper: ZooKeeper,
    trade: Consumer,
    port: u16,
}

impl Shop {
    async fn start(version: DubboVersion) -> Result<Self> {
        let scene = Scene::new(newest())?;
        let options = ConsumerOptions::new("trade");
        let (zookeeper, trade) = tokio::try_join!(
            ZooKeeper::start(&scene, (Ipv4Addr::new(127, 0, 0, 2), 0).into()),
            Consumer::start_with(&scene, version, &options),
        )?;
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Self {
            scene,
            version,
            zookeeper,
            trade,
            port: free.local_addr()?.port(),
        })
    }

    fn registry(&self) -> String {
        self.zookeeper.address()
    }

    /// Starts a provider on the port that all have, on an address of its own, of which this is the last part.
    async fn provider(
        &self,
        name: &str,
        application: &str,
        service: Service,
        mode: RegisterMode,
        last: u8,
    ) -> Result<Provider> {
        let at = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), self.port));
        let options = ProviderOptions::application(name, application, service, at)
            .registry(&self.registry(), mode);
        Provider::start_with(&self.scene, self.version, &options).await
    }

    /// Puts `v2` in the place of `v1` while calls go on; none may be lost.
    async fn replace(&mut self, mut v1: Provider, mode: RegisterMode, by: &[Target]) -> Result<()> {
        let mut loads = Vec::new();
        for target in by {
            loads.push(self.load(target, &hello(), "hello bob").await?);
        }
        let v2 = self.provider("v2", "order", Service::rich(), mode, 5);
        let _v2 = v2.await?;
        for load in &loads {
            load.expect_more_of(&mut self.trade, "v2", 100).await?;
        }
        v1.terminate()?;
        v1.ended().await?;
        for load in loads {
            let before = load.progress(&mut self.trade).await?;
            load.expect_more_of(&mut self.trade, "v2", 100).await?;
            let counts = load.stop(&mut self.trade).await?;
            counts.expect_flawless()?;
            ensure!(counts.answers_of("v1") > 0, "{counts:?}");
            ensure!(counts.answers_of("v1") == before.answers_of("v1"));
        }
        Ok(())
    }

    async fn load(&mut self, target: &Target, call: &Call, text: &str) -> Result<RunningLoad> {
        let load = Load::new(call, text).concurrency(4);
        let load = load.pause(Duration::from_millis(10));
        self.trade.start_load(target, &load).await
    }

    async fn expect_nobody(&mut self, target: &Target, code: RpcCode) -> Result<()> {
        let outcome = self.trade.call(target, &hello()).await?;
        outcome.expect_rpc_exception(code, &["No provider available"])
    }

    /// Waits until the consumer has heard of a provider.
    async fn expect_answer(&mut self, target: &Target, call: &Call, text: &str) -> Result<()> {
        poll::until("a provider is found", async || {
            let answer = self.trade.call(target, call).await?;
            ensure!(answer.text()? == text, "{answer:?}");
            Ok(())
        })
        .await
    }
}

fn hello() -> Call {
    Call::new("sayHello").argument("bob")
}

fn reserve() -> Call {
    Call::new("reserve").argument("sku-1").argument(2)
}
