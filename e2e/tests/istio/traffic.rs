//! What Istio does with HTTP requests, it does with single Dubbo calls.
#![allow(
    clippy::indexing_slicing,
    reason = "indexing a JSON value gives null where there is nothing"
)]

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, ensure};
use meshlane_e2e::{
    dubbo::{Call, DubboVersion, Outcome, RpcCode, Service, Target},
    istio::{Manifest, Mesh, on_mesh},
    poll,
};
use serde_json::{Value, json};

use crate::common::{
    Caller, Workload, apply, consumer, hello, manifest, options, provider, service,
};

/// Two providers of version v1, one of gray, and a consumer that does not try again by itself.
struct Shop {
    first: Workload,
    second: Workload,
    gray: Workload,
    trade: Caller,
    target: Target,
}

impl Shop {
    async fn open(mesh: &Mesh) -> Result<Self> {
        let files = [
            "services",
            "provider",
            "consumer-captured",
            "instances",
            "routing",
        ];
        apply(mesh, &files).await?;
        let start = async |name: &str, version: &str| {
            let plan = provider("order", version).named(&format!("order-{name}"));
            let mut options = options(&plan, Service::rich());
            name.clone_into(&mut options.name);
            Workload::start_with(mesh, &plan, &options).await
        };
        let (first, second, gray, trade) = tokio::try_join!(
            start("first", "v1"),
            start("second", "v1"),
            start("gray", "gray"),
            Caller::start(mesh, consumer("trade"), DubboVersion::NEWEST),
        )?;
        let target = Target::new(service(mesh, "order").await?);
        Ok(Self {
            first,
            second,
            gray,
            trade,
            target,
        })
    }

    async fn calls(&mut self, call: &Call, count: usize) -> Result<Vec<Outcome>> {
        self.trade
            .program
            .calls(&self.target, &call.clone().repeat(count, 4))
            .await
    }

    /// How many of so many calls each provider answered; what failed is counted as `failed`.
    async fn answers(&mut self, count: usize) -> Result<BTreeMap<String, usize>> {
        let mut answers = BTreeMap::new();
        for outcome in self.calls(&hello("bob"), count).await? {
            let who = outcome.provider().map_or("failed", |name| name).to_owned();
            *answers.entry(who).or_default() += 1;
        }
        Ok(answers)
    }

    /// Gives the service routes of its own, and waits until the consumer's Envoy has them.
    async fn route(&self, mesh: &Mesh, name: &str, mut routes: Value) -> Result<()> {
        for (number, route) in routes.as_array_mut().into_iter().flatten().enumerate() {
            route["name"] = json!(format!("{name}-{number}"));
        }
        let spec = json!({"hosts": ["order.shop.svc.cluster.local"], "http": routes});
        mesh.apply(&Manifest::new(format!(
            "apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: order, namespace: shop}}
spec: {spec}"
        )))
        .await?;
        self.trade
            .pod
            .expect_configuration(&format!("{name}-0"))
            .await
    }
}

fn to(subset: &str) -> Value {
    json!({"destination": {"host": "order.shop.svc.cluster.local", "subset": subset}})
}

fn no_retries() -> Value {
    json!({"attempts": 0})
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_of_virtual_services_hold_for_single_calls() -> Result<()> {
    on_mesh(async |mesh| {
        let mut shop = Shop::open(mesh).await?;
        balances(&mut shop).await?;
        splits(mesh, &mut shop).await?;
        ends_in_time(mesh, &mut shop).await?;
        injects_faults(mesh, &mut shop).await?;
        mirrors(mesh, &mut shop).await?;
        for workload in [&shop.first, &shop.second, &shop.gray] {
            workload.pod.expect_alive().await?;
        }
        shop.trade.pod.expect_alive().await
    })
    .await
}

/// All calls are on one connection, and each goes to the provider with the fewest.
async fn balances(shop: &mut Shop) -> Result<()> {
    let answers = shop.answers(100).await?;
    let of = |name: &str| answers.get(name).copied().unwrap_or_default();
    ensure!(of("first") + of("second") == 100, "{answers:?}");
    ensure!(of("first") >= 20 && of("second") >= 20, "{answers:?}");
    Ok(())
}

/// A share of 70 %: 140 of 200 calls, and with five times the standard deviation not less than 107 or more than 173.
async fn splits(mesh: &Mesh, shop: &mut Shop) -> Result<()> {
    let weighted = |subset, weight| {
        let mut route = to(subset);
        route["weight"] = json!(weight);
        route
    };
    let route = json!([{"route": [weighted("v1", 30), weighted("gray", 70)]}]);
    shop.route(mesh, "weights", route).await?;
    let answers = shop.answers(200).await?;
    let gray = answers.get("gray").copied().unwrap_or_default();
    ensure!((107..=173).contains(&gray), "{answers:?}");
    ensure!(!answers.contains_key("failed"), "{answers:?}");
    Ok(())
}

async fn ends_in_time(mesh: &Mesh, shop: &mut Shop) -> Result<()> {
    let slow = |millis: u32| Call::new("slow").argument(millis);
    let route = json!([{"route": [to("v1")], "timeout": "0.3s", "retries": no_retries()}]);
    shop.route(mesh, "timeout", route).await?;
    let target = shop.target.clone();
    let outcome = shop.trade.call(&target, &slow(3000)).await?;
    ensure!(
        outcome.code() == Some(RpcCode::Timeout as u64),
        "{outcome:?}"
    );
    let time = Duration::from_millis(300)..Duration::from_millis(2000);
    ensure!(time.contains(&outcome.elapsed()), "{outcome:?}");
    ensure!(shop.trade.call(&target, &slow(1)).await?.is_ok());
    // Without one on the route the consumer's own timeout ends the call in Envoy, and the connection goes on.
    let route = json!([{"route": [to("v1")], "retries": no_retries()}]);
    shop.route(mesh, "patient", route).await?;
    let hasty = target.timeout(Duration::from_millis(100));
    let outcome = shop.trade.call(&hasty, &slow(3000)).await?;
    ensure!(
        outcome.code() == Some(RpcCode::Timeout as u64),
        "{outcome:?}"
    );
    poll::until(
        "Envoy ended the call by the consumer's timeout",
        async || {
            let entries = shop.trade.pod.entries()?;
            let timeouts = entries.iter().filter(|entry| entry.status == Some(504));
            ensure!(timeouts.count() >= 2, "{entries:#?}");
            Ok(())
        },
    )
    .await
}

async fn injects_faults(mesh: &Mesh, shop: &mut Shop) -> Result<()> {
    let exactly = |fault: Value| {
        json!({
            "match": [{"uri": {"exact": format!("/{}/sayHello", crate::common::ORDER)}}],
            "fault": fault, "route": [to("v1")], "retries": no_retries(),
        })
    };
    let abort = json!({"abort": {"percentage": {"value": 100}, "httpStatus": 429}});
    shop.route(
        mesh,
        "abort",
        json!([exactly(abort), {"route": [to("v1")]}]),
    )
    .await?;
    let target = shop.target.clone();
    let outcome = shop.trade.call(&target, &hello("bob")).await?;
    ensure!(outcome.message().contains("HTTP 429"), "{outcome:?}");
    ensure!(shop.trade.call(&target, &Call::new("who")).await?.is_ok());
    let delay = json!({"delay": {"percentage": {"value": 100}, "fixedDelay": "0.4s"}});
    shop.route(
        mesh,
        "delay",
        json!([exactly(delay), {"route": [to("v1")]}]),
    )
    .await?;
    let outcome = shop.trade.call(&target, &hello("bob")).await?;
    ensure!(
        outcome.is_ok() && outcome.elapsed() >= Duration::from_millis(400),
        "{outcome:?}"
    );
    Ok(())
}

async fn mirrors(mesh: &Mesh, shop: &mut Shop) -> Result<()> {
    let mirror = json!([{"destination": to("gray")["destination"], "percentage": {"value": 100}}]);
    let route = json!([{"route": [to("v1")], "mirrors": mirror}]);
    shop.route(mesh, "mirror", route).await?;
    let before = shop.gray.pod.entries()?.len();
    let answers = shop.answers(20).await?;
    ensure!(
        !answers.contains_key("gray") && !answers.contains_key("failed"),
        "{answers:?}"
    );
    poll::until("copies of all calls", async || {
        let copies = shop.gray.pod.entries()?.len() - before;
        ensure!(copies == 20, "there are {copies}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_that_fail_are_avoided() -> Result<()> {
    on_mesh(async |mesh| {
        let mut shop = Shop::open(mesh).await?;
        // The application is gone, its sidecar lives: what reaches it ends in 503.
        shop.second.program.kill().await?;
        let never = json!({"attempts": 0});
        shop.route(
            mesh,
            "never",
            json!([{"route": [to("v1")], "retries": never}]),
        )
        .await?;
        let mut failed = 0;
        poll::until("a provider that fails is ejected", async || {
            let answers = shop.answers(20).await?;
            failed += answers.get("failed").copied().unwrap_or_default();
            ensure!(!answers.contains_key("failed"), "{answers:?}");
            Ok(())
        })
        .await?;
        ensure!(failed >= 5, "it took {failed} failures");
        let ejected = shop.trade.pod.admin()?.text("/clusters").await?;
        ensure!(ejected.contains("/failed_outlier_check"), "{ejected}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_reached_nobody_are_made_again() -> Result<()> {
    on_mesh(async |mesh| {
        let mut shop = Shop::open(mesh).await?;
        let tolerant =
            json!({"attempts": 2, "retryOn": "connect-failure,refused-stream,reset,503"});
        // Nobody is to be ejected here; and the endpoint with the fewest calls would be the dead one.
        let patient = manifest("routing")?
            .replace("consecutiveGatewayErrors: 5", "consecutiveGatewayErrors: 0")
            .replace(
                "    outlierDetection:",
                "    loadBalancer: {simple: ROUND_ROBIN}\n    outlierDetection:",
            );
        mesh.apply(&patient).await?;
        // With the sidecar the whole address is gone: nobody listens, and the defaults of the manifest are enough.
        shop.second.pod.kill_sidecar()?;
        let answers = shop.answers(60).await?;
        ensure!(
            answers == BTreeMap::from([("first".to_owned(), 60)]),
            "{answers:?}"
        );
        shop.route(
            mesh,
            "never",
            json!([{"route": [to("v1")], "retries": no_retries()}]),
        )
        .await?;
        let answers = shop.answers(20).await?;
        ensure!(
            answers.contains_key("failed"),
            "the retries did it: {answers:?}"
        );
        shop.route(
            mesh,
            "tolerant",
            json!([{"route": [to("v1")], "retries": tolerant}]),
        )
        .await?;
        let answers = shop.answers(60).await?;
        ensure!(!answers.contains_key("failed"), "{answers:?}");
        Ok(())
    })
    .await
}
