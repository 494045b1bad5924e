//! Who may call what, by certificate, interface, method and argument, between real Dubbo peers.

use anyhow::{Context as _, Result, ensure};
use meshlane_e2e::{
    dubbo::{Call, DubboVersion, RpcCode, Service, Target},
    istio::{Mesh, on_mesh},
    poll,
};
use serde_json::json;

use crate::common::{
    Caller, Workload, apply, consumer, hello, manifest, options, provider, service,
};

fn who() -> Call {
    Call::new("who")
}

fn greet() -> Call {
    Call::new("greet")
        .argument(json!({"name": "bob"}))
        .argument(1)
}

async fn expect_allowed(caller: &mut Caller, target: &Target, call: &Call) -> Result<()> {
    let name = caller.pod.name().to_owned();
    let outcome = caller.call(target, call).await?;
    ensure!(outcome.is_ok(), "{name} may call {call:?}: {outcome:?}");
    Ok(())
}

async fn expect_refused(caller: &mut Caller, target: &Target, call: &Call) -> Result<()> {
    let name = caller.pod.name().to_owned();
    let outcome = caller.call(target, call).await?;
    let parts = ["HTTP 403", "RBAC: access denied"];
    outcome
        .expect_rpc_exception(RpcCode::Network, &parts)
        .with_context(|| format!("{name} may not call {call:?}"))
}

async fn callers(mesh: &Mesh) -> Result<[Caller; 3]> {
    let start = |app| Caller::start(mesh, consumer(app), DubboVersion::NEWEST);
    let (trade, web, stranger) = tokio::try_join!(start("trade"), start("web"), start("stranger"))?;
    Ok([trade, web, stranger])
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_method_and_argument_decide() -> Result<()> {
    on_mesh(async |mesh| {
        apply(mesh, &["services", "provider", "instances", "access"]).await?;
        // Consumers take `order` for the one who serves the other interface, too.
        let consumers = manifest("consumer-captured")?;
        mesh.apply(&consumers.replace("stock.shop.svc", "order.shop.svc"))
            .await?;
        let plan = provider("order", "v1");
        let both = options(&plan, Service::rich()).service(Service::stock());
        let (order, callers) =
            tokio::join!(Workload::start_with(mesh, &plan, &both), callers(mesh),);
        let (order, [mut trade, mut web, mut stranger]) = (order?, callers?);
        let target = Target::new(service(mesh, "order").await?);
        for call in [who(), hello("anybody"), greet()] {
            expect_allowed(&mut trade, &target, &call).await?;
            expect_refused(&mut stranger, &target, &call).await?;
        }
        expect_allowed(&mut web, &target, &who()).await?;
        expect_allowed(&mut web, &target, &hello("shop")).await?;
        expect_refused(&mut web, &target, &hello("anybody")).await?;
        expect_refused(&mut web, &target, &greet()).await?;
        expect_allowed(&mut web, &target, &who()).await?;
        // The real method of a generic call counts.
        let generic = |name: &str| hello(name).generic(&["java.lang.String"]);
        expect_allowed(&mut web, &target, &generic("shop")).await?;
        expect_refused(&mut web, &target, &generic("anybody")).await?;
        let sum = Call::new("addInt").argument(1).argument(2);
        expect_refused(&mut web, &target, &sum.generic(&["int", "int"])).await?;
        // Nor may anybody call another interface of the same process.
        let stock = Target::new(order.address()).service("StockService");
        for caller in [&mut trade, &mut web, &mut stranger] {
            expect_refused(caller, &stock, &who()).await?;
        }
        // It was the policy that refused, and it comes and goes while connections stay open.
        mesh.delete(&manifest("access")?).await?;
        poll::until("nobody is refused without the policy", async || {
            expect_allowed(&mut stranger, &target, &greet()).await?;
            expect_allowed(&mut web, &target, &hello("anybody")).await
        })
        .await?;
        apply(mesh, &["access"]).await?;
        poll::until("the policy is back", async || {
            expect_refused(&mut stranger, &target, &greet()).await?;
            expect_refused(&mut web, &target, &hello("anybody")).await
        })
        .await?;
        order.pod.expect_alive().await
    })
    .await
}
