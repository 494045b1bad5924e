//! How calls reach a provider.

use anyhow::{Context as _, Result, ensure};
use meshlane_e2e::{
    dubbo::{
        Consumer, ConsumerOptions, DubboVersion, ProviderOptions, Serialization, Service, Target,
        mesh::Wire, suite,
    },
    istio::{Manifest, Mesh, PodPlan, on_mesh},
    poll,
};

use crate::common::{
    Caller, ORDER, Workload, apply, consumer, hello, manifest, options, provider, service,
};

/// Every service, group and version of the suite.
fn everything(plan: &PodPlan) -> ProviderOptions {
    options(plan, Service::rich())
        .service(Service::rich().group("blue").version("1.0.0"))
        .service(Service::rich().version("2.1.0"))
}

/// Makes all calls of the suite through the mesh and, inside the provider's pod, past it.
async fn expect_suite(mesh: &Mesh, version: DubboVersion) -> Result<()> {
    let plan = provider("order", "v1");
    let everything = everything(&plan);
    let (order, trade) = tokio::join!(
        Workload::start_with(mesh, &plan, &everything),
        Caller::start(mesh, consumer("trade"), version),
    );
    let (order, mut trade) = (order?, trade?);
    let (place, options) = (order.pod.place(), ConsumerOptions::new("trade"));
    let mut neighbour = Consumer::start_at(mesh.scene(), &place, version, &options).await?;
    let hessian = |address| Target::new(address).serialization(Serialization::Hessian2);
    let direct = neighbour.suite(&hessian(order.address()), &[]).await?;
    let target = hessian(service(mesh, "order").await?);
    let through = trade.program.suite(&target, &[]).await?;
    suite::expect_equal(&direct, &through, Wire::Http2)?;
    poll::until("the calls in the access log of the provider", async || {
        let entries = order.pod.entries()?;
        let calls = entries.iter().filter(|entry| entry.principal.is_some());
        ensure!(calls.count() >= 100, "only {}", entries.len());
        Ok(())
    })
    .await?;
    let idle = "\"idle_timeout\": \"90s\"";
    order.pod.expect_configuration(idle).await?;
    order.pod.expect_alive().await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_ingress_ports_change_no_result() -> Result<()> {
    on_mesh(async |mesh| {
        let files = ["services", "provider", "consumer-captured", "instances"];
        apply(mesh, &files).await?;
        expect_suite(mesh, DubboVersion::NEWEST).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_of_an_envoy_filter_changes_no_result() -> Result<()> {
    on_mesh(async |mesh| {
        let files = [
            "services",
            "provider-listener",
            "consumer-captured",
            "instances",
            "access",
        ];
        apply(mesh, &files).await?;
        // Without PeerAuthentication of its own: the listener of loopback has no certificates.
        mesh.apply(&strict()).await?;
        expect_suite(mesh, DubboVersion::V2_7).await
    })
    .await
}

/// Nobody but the mesh.
fn strict() -> Manifest {
    Manifest::new(
        "apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}",
    )
}

/// A consumer outside of the mesh speaks Dubbo to the provider's port: with STRICT it is refused, with PERMISSIVE it is
/// served, by the same rules as everybody.
#[tokio::test(flavor = "multi_thread")]
async fn consumers_outside_of_the_mesh_are_served_when_they_may() -> Result<()> {
    on_mesh(async |mesh| {
        apply(mesh, &["services", "provider"]).await?;
        let plan = provider("order", "v1");
        let (order, outside) = tokio::join!(
            Workload::start(mesh, &plan, Service::rich()),
            Caller::start(mesh, PodPlan::new("outside").bare(), DubboVersion::V2_7),
        );
        let (order, mut outside) = (order?, outside?);
        let target = Target::new(order.address());
        let refused = outside.call(&target, &hello("bob")).await?;
        ensure!(!refused.is_ok(), "{refused:?}");
        let permissive = manifest("provider")?.replace("mode: STRICT", "mode: PERMISSIVE");
        mesh.apply(&permissive).await?;
        poll::until("Dubbo is served in the clear", async || {
            outside.program.close().await?;
            let outcome = outside.call(&target, &hello("bob")).await?;
            ensure!(outcome.provider()? == "v1", "{outcome:?}");
            Ok(())
        })
        .await?;
        poll::until("the call was bridged where it arrived", async || {
            let path = format!("/{ORDER}/sayHello");
            let entries = order.pod.entries()?.into_iter();
            let mut calls = entries.filter(|entry| entry.path.as_ref() == Some(&path));
            let entry = calls.next().context("it is not in the access log")?;
            ensure!(entry.principal.is_none(), "{entry:?}");
            Ok(())
        })
        .await?;
        apply(mesh, &["access"]).await?;
        poll::until("the rules hold for it, too", async || {
            outside.program.close().await?;
            let outcome = outside.call(&target, &hello("bob")).await?;
            ensure!(!outcome.is_ok(), "{outcome:?}");
            ensure!(
                outcome.message().contains("HTTP 403"),
                "{}",
                outcome.message()
            );
            Ok(())
        })
        .await?;
        order.pod.expect_alive().await
    })
    .await
}
