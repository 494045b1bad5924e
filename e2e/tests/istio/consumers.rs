//! How calls leave a consumer.

use anyhow::{Result, ensure};
use meshlane_e2e::{
    dubbo::{Call, DubboVersion, Service, Target},
    istio::{Mesh, PodPlan, on_mesh},
    poll,
};
use serde_json::json;

use crate::common::{
    Caller, PORT, Workload, apply, consumer, hello, provider, providers, reserve, service,
};

/// Two versions of `order` and one of `stock`.
async fn everybody(mesh: &Mesh) -> Result<[Workload; 3]> {
    let start =
        async |app, version, service| Workload::start(mesh, &provider(app, version), service).await;
    let (v1, gray, stock) = tokio::try_join!(
        start("order", "v1", Service::rich()),
        start("order", "gray", Service::rich()),
        start("stock", "s1", Service::stock()),
    )?;
    Ok([v1, gray, stock])
}

/// Each call goes where its tag says.
async fn expect_routes(trade: &mut Caller, target: &Target) -> Result<()> {
    let greet = |city: &str| {
        let person = json!({"name": "bob", "home": {"city": city}});
        Call::new("greet").argument(person).argument(1)
    };
    for (call, expected) in [
        (hello("bob"), "v1"),
        (hello("bob").attachment("userId", "alice"), "gray"),
        (hello("bob").attachment("userId", "carol"), "v1"),
        (greet("Beijing"), "v1"),
        (greet("Hangzhou"), "gray"),
        (hello("bob").attachment("dubbo.tag", "gray"), "gray"),
    ] {
        let found = trade.provider_of(target, &call).await?;
        ensure!(found == expected, "{call:?} went to {found}");
    }
    Ok(())
}

async fn expect_stock(trade: &mut Caller, target: &Target) -> Result<()> {
    let stock = target.clone().service("StockService");
    let answer = trade.call(&stock, &reserve()).await?;
    ensure!(answer.text()? == "s1: reserved 2 of sku-1", "{answer:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captured_consumer_calls_addresses_of_services_and_of_pods() -> Result<()> {
    on_mesh(async |mesh| {
        let files = ["services", "consumer-captured", "instances", "routing"];
        apply(mesh, &files).await?;
        mesh.apply(&providers()?).await?;
        let (providers, trade) = tokio::join!(
            everybody(mesh),
            Caller::start(mesh, consumer("trade"), DubboVersion::NEWEST)
        );
        let ([v1, gray, stock], mut trade) = (providers?, trade?);
        let order = service(mesh, "order").await?;
        for address in [order, v1.address(), gray.address()] {
            expect_routes(&mut trade, &Target::new(address)).await?;
        }
        for address in [service(mesh, "stock").await?, stock.address()] {
            expect_stock(&mut trade, &Target::new(address)).await?;
        }
        // Both services, whichever of the two the connection leads to.
        let target = Target::new(order);
        expect_stock(&mut trade, &target).await?;
        expect_routes(&mut trade, &Target::new(stock.address())).await?;
        expect_identity(mesh, &gray).await
    })
    .await
}

/// The provider's sidecar knows by certificate who called.
async fn expect_identity(mesh: &Mesh, workload: &Workload) -> Result<()> {
    let trade = Some(mesh.principal("trade"));
    poll::until("the access log of the provider", async || {
        let entries = workload.pod.entries()?;
        ensure!(!entries.is_empty(), "there is nothing");
        let mut calls = entries.iter();
        ensure!(calls.all(|entry| entry.principal == trade), "{entries:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_calls_a_listener_of_its_own() -> Result<()> {
    on_mesh(async |mesh| {
        apply(mesh, &["services", "consumer-listener", "routing"]).await?;
        mesh.apply(&providers()?).await?;
        let (providers, trade) = tokio::join!(
            everybody(mesh),
            Caller::start(mesh, PodPlan::new("trade"), DubboVersion::V2_7)
        );
        let ([_v1, gray, _stock], mut trade) = (providers?, trade?);
        let target = Target::new(([127, 0, 0, 1], PORT).into());
        expect_routes(&mut trade, &target).await?;
        expect_stock(&mut trade, &target).await?;
        expect_identity(mesh, &gray).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_stays_tcp_has_routes_for_chosen_consumers() -> Result<()> {
    on_mesh(async |mesh| {
        apply(mesh, &["tcp-port", "provider"]).await?;
        let start = async |version| {
            Workload::start(mesh, &provider("order", version), Service::rich()).await
        };
        let (v1, gray, trade, other) = tokio::join!(
            start("v1"),
            start("gray"),
            Caller::start(mesh, PodPlan::new("trade").captured(), DubboVersion::NEWEST),
            Caller::start(mesh, PodPlan::new("other").captured(), DubboVersion::V2_7),
        );
        let (_v1, _gray, mut trade, mut other) = (v1?, gray?, trade?, other?);
        let target = Target::new(service(mesh, "order").await?);
        for (call, expected) in [
            (hello("bob"), "v1"),
            (hello("bob").attachment("dubbo.tag", "gray"), "gray"),
            (hello("bob"), "v1"),
        ] {
            ensure!(
                trade.provider_of(&target, &call).await? == expected,
                "{call:?}"
            );
        }
        // Not chosen: its connection goes to either, as a whole.
        let found = other.provider_of(&target, &hello("bob")).await?;
        let tagged = hello("bob").attachment("dubbo.tag", "gray");
        ensure!(other.provider_of(&target, &tagged).await? == found);
        Ok(())
    })
    .await
}
