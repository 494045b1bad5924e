//! Each call of a real consumer is routed, balanced and retried on its own.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use meshlane_e2e::{
    bootstrap::WasmFilter,
    dubbo::{
        Call, DubboVersion, ProviderOptions,
        Serialization::{Fastjson2, Hessian2, Java},
        Target,
        mesh::{Cluster, Plan, Port},
        tap::Tap,
        troupe::{Troupe, play},
    },
    poll,
    scene::on_every_version,
};
use serde_json::{Value, json};

/// Rules on an attachment, on arguments and on what is in them.
fn rules() -> Value {
    json!({"tags": [{"name": "x-mse-tag", "onIncoming": "keep", "rules": [
        {"name": "user", "when": {"attribute": "dubbo.attachment.userId", "exact": "Alice 爱丽丝"}, "value": "gray"},
        {"name": "name", "when": {"attribute": "dubbo.arg.0", "exact": "vip"}, "value": "gray"},
        {"name": "city", "when": {"attribute": "dubbo.arg.0.home.city", "exact": "杭州"}, "value": "gray"},
        {"name": "many", "when": {"all": [
            {"attribute": "dubbo.method", "exact": "greet"},
            {"attribute": "dubbo.arg.1", "range": {"min": 10}},
        ]}, "value": "gray"},
        {"name": "group", "when": {"attribute": "dubbo.group", "exact": "blue"}, "value": "gray"},
    ]}]})
}

fn gray_port() -> Result<Port> {
    Ok(Port::dubbo()
        .expose(&["0", "1", "0.home.city"], &["userId"])
        .filter(&WasmFilter::traffic_tag(&rules())?)
        .route_by_header("x-mse-tag", "gray", "gray"))
}

fn hello(name: &str) -> Call {
    Call::new("sayHello").argument(name)
}

fn greet(city: &str, times: i32) -> Call {
    Call::new("greet")
        .argument(json!({"name": "bob", "home": {"city": city}}))
        .argument(times)
}

#[tokio::test]
async fn rules_choose_the_provider_of_single_calls() -> Result<()> {
    for version in [DubboVersion::V2_6, DubboVersion::V3_3] {
        play(version, async |scene, troupe| {
            let (v1, gray) = troupe.addresses()?;
            let mesh = Plan::shop(&[v1], &[gray], gray_port()?)
                .start(scene)
                .await?;
            let tap = Tap::start(mesh.address("dubbo")?).await?;
            let target = Target::new(tap.address());
            for (call, provider) in [
                (hello("bob"), "v1"),
                (hello("vip"), "gray"),
                (hello("bob"), "v1"),
                (hello("bob").attachment("userId", "Alice 爱丽丝"), "gray"),
                (hello("bob").attachment("userId", "Bob"), "v1"),
                (hello("bob").attachment("userid", "Alice 爱丽丝"), "v1"),
                (greet("北京", 1), "v1"),
                (greet("杭州", 1), "gray"),
                (greet("北京", 10), "gray"),
                (hello("bob").attachment("x-mse-tag", "gray"), "gray"),
                (hello("vip").generic(&["java.lang.String"]), "gray"),
                (hello("bob").generic(&["java.lang.String"]), "v1"),
            ] {
                let outcome = troupe.consumer.call(&target, &call).await?;
                ensure!(
                    outcome.provider()? == provider,
                    "{version} {call:?}: {outcome:?}"
                );
            }
            let blue = target.clone().group("blue").version("1.0.0");
            let outcome = troupe.consumer.call(&blue, &hello("bob")).await?;
            ensure!(outcome.provider()? == "gray", "{outcome:?}");

            // All at once, on the same connection.
            let vip = hello("vip").repeat(40, 8);
            for outcome in troupe.consumer.calls(&target, &vip).await? {
                ensure!(outcome.provider()? == "gray", "{outcome:?}");
            }
            let connections: BTreeSet<usize> =
                tap.take()?.iter().map(|seen| seen.connection).collect();
            ensure!(connections.len() == 1, "{connections:?}");
            mesh.expect_alive().await
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_tag_reaches_the_provider_as_an_attachment() -> Result<()> {
    play(DubboVersion::V2_7, async |scene, troupe| {
        let (v1, gray) = troupe.addresses()?;
        // Not `dubbo.tag`, which the provider's own filters hide.
        let document = json!({"tags": [{"name": "x-mse-tag", "default": "blue"}]});
        let port = Port::dubbo().filter(&WasmFilter::traffic_tag(&document)?);
        let mesh = Plan::shop(&[v1], &[gray], port).start(scene).await?;
        let target = Target::new(mesh.address("dubbo")?);
        let call = Call::new("attachments")
            .argument("answer")
            .attachment("other", "值");
        let outcome = troupe.consumer.call(&target, &call).await?;
        let text = outcome.text()?;
        ensure!(
            text.contains("x-mse-tag=blue") && text.contains("other=值"),
            "{text}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn attachments_decide_in_fastjson2_and_the_method_in_java_serialization() -> Result<()> {
    play(DubboVersion::V3_3, async |scene, troupe| {
        let (v1, gray) = troupe.addresses_of(Fastjson2)?;
        let mesh = Plan::shop(&[v1], &[gray], gray_port()?)
            .start(scene)
            .await?;
        let target = Target::new(mesh.address("dubbo")?).serialization(Fastjson2);
        for (call, provider) in [
            (hello("bob"), "v1"),
            (hello("bob").attachment("userId", "Alice 爱丽丝"), "gray"),
            (hello("bob").attachment("x-mse-tag", "gray"), "gray"),
        ] {
            let outcome = troupe.consumer.call(&target, &call).await?;
            ensure!(outcome.provider()? == provider, "{call:?}: {outcome:?}");
        }
        Ok(())
    })
    .await?;
    play(DubboVersion::V2_7, async |scene, troupe| {
        let (v1, gray) = troupe.addresses_of(Java)?;
        let port = Port::dubbo().route(json!({
            "match": {"path": "/dev.meshlane.e2e.api.RichService/who"},
            "route": {"cluster": "gray"},
        }));
        let mesh = Plan::shop(&[v1], &[gray], port).start(scene).await?;
        let target = Target::new(mesh.address("dubbo")?).serialization(Java);
        for (call, provider) in [(hello("bob"), "v1"), (Call::new("who"), "gray")] {
            let outcome = troupe.consumer.call(&target, &call).await?;
            ensure!(outcome.provider()? == provider, "{call:?}: {outcome:?}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn calls_of_one_connection_are_balanced() -> Result<()> {
    play(DubboVersion::V3_3, async |scene, troupe| {
        let (v1, gray) = troupe.addresses()?;
        let mesh = Plan::shop(&[v1, gray], &[], Port::dubbo())
            .start(scene)
            .await?;
        let target = Target::new(mesh.address("dubbo")?);
        let mut counts = [0, 0];
        let calls = hello("bob").repeat(40, 4);
        for outcome in troupe.consumer.calls(&target, &calls).await? {
            counts[usize::from(outcome.provider()? == "gray")] += 1;
        }
        // Round robin.
        ensure!(counts.iter().all(|count| *count >= 15), "{counts:?}");
        let stats = mesh.outbound.admin().stats().await?;
        ensure!(
            stats.value("http.dubbo.downstream_cx_total") == Some(1),
            "one connection"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_retry_saves_the_call_whose_provider_died() -> Result<()> {
    on_every_version(async |scene| {
        let Troupe {
            v1,
            mut gray,
            mut consumer,
        } = Troupe::start(scene, DubboVersion::V3_3).await?;
        let endpoints = [v1.address(Hessian2)?, gray.address(Hessian2)?];
        let port = Port::dubbo().retries();
        let mesh = Plan::shop(&endpoints, &[], port).start(scene).await?;
        let target = Target::new(mesh.address("dubbo")?);
        // Both have calls on their way when one dies.
        let slow = Call::new("slow").argument(1500).repeat(8, 8);
        let mut running = consumer.start_calls(&target, &slow).await?;
        mesh.log.expect("/slow", 0).await?;
        let busy = async || {
            let stats = mesh.inbound.admin().stats().await?;
            let active = |name: &str| stats.value(name).unwrap_or_default();
            ensure!(
                active("cluster.v1-1.upstream_cx_active") > 0
                    && active("cluster.v1-1.upstream_cx_rx_bytes_total") > 0,
                "{:?}",
                stats.starting("cluster.v1-1.upstream_cx")
            );
            Ok(())
        };
        poll::until("calls on their way", busy).await?;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        gray.kill().await?;
        let mut count = 0;
        while let Some(outcome) = running.next().await? {
            ensure!(outcome.text()? == "v1: slept 1500", "{outcome:?}");
            count += 1;
        }
        ensure!(count == 8, "{count} answers");
        let calls = mesh.log.expect("/slow", 8).await?;
        ensure!(
            calls.iter().any(|call| call.attempts > Some(1)),
            "nothing was tried again: {calls:#?}"
        );
        // And while nobody serves there.
        for outcome in consumer.calls(&target, &hello("bob").repeat(20, 4)).await? {
            ensure!(outcome.provider()? == "v1", "{outcome:?}");
        }
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test]
async fn a_full_thread_pool_is_seen_by_retries_and_outlier_detection() -> Result<()> {
    on_every_version(async |scene| {
        let version = DubboVersion::V3_3;
        let v1 = ProviderOptions::new(version, "v1");
        let mut gray = ProviderOptions::new(version, "gray");
        gray.threads = 2;
        let mut troupe = Troupe::start_with(scene, version, &v1, &gray).await?;
        let endpoints = [
            troupe.v1.address(Hessian2)?,
            troupe.gray.address(Hessian2)?,
        ];
        let outliers = json!({
            "consecutive_5xx": 3, "interval": "0.2s", "base_ejection_time": "60s", "max_ejection_percent": 50,
        });
        let plan = Plan::new()
            .port(Port::new("bare").to("gray"))
            .port(Port::new("retry").to("both").retries())
            .cluster(Cluster::new("gray", &endpoints[1..]))
            .cluster(Cluster::new("both", &endpoints).setting("outlier_detection", outliers));
        let mesh = plan.start(scene).await?;
        let slow = Call::new("slow").argument(800).repeat(12, 12);

        let target = Target::new(mesh.address("bare")?);
        let outcomes = troupe.consumer.calls(&target, &slow).await?;
        let refused: Vec<_> = outcomes.iter().filter(|outcome| !outcome.is_ok()).collect();
        ensure!(refused.len() >= 8, "only {} of 12 were refused", refused.len());
        for outcome in refused {
            let message = outcome.message();
            ensure!(message.to_lowercase().contains("thread"), "{message}");
        }
        let calls = mesh.log.expect("/slow", 12).await?;
        ensure!(
            calls
                .iter()
                .any(|call| call.status == Some(503) && call.dubbo_status.as_deref() == Some("100")),
            "{calls:#?}"
        );

        let target = Target::new(mesh.address("retry")?);
        for outcome in troupe.consumer.calls(&target, &slow).await? {
            outcome.value()?;
        }
        let name = "cluster.both.outlier_detection.ejections_enforced_consecutive_5xx";
        mesh.outbound.admin().expect_stat(name, 1).await
    })
    .await
}
