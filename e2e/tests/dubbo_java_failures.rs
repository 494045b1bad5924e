//! What Envoy refuses or ends arrives at the Java caller as an `RpcException` that tells why.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use meshlane_e2e::dubbo::{
    Call,
    DubboVersion::{self, V2_6, V2_7, V3_3},
    Outcome, RpcCode, Target,
    mesh::{Mesh, Plan, Port},
    troupe::play,
};
use serde_json::{Value, json};

const SERVICE: &str = "/dev.meshlane.e2e.api.RichService/";

/// A port with all that may go wrong, each on the path of a method of its own.
fn port() -> Port {
    let timeout = json!({
        "match": {"path": format!("{SERVICE}slow")},
        "route": {"cluster": "v1", "timeout": "0.2s"},
    });
    let nobody = json!({
        "match": {"path": format!("{SERVICE}money")},
        "direct_response": {"status": 404, "body": {"inline_string": "nobody has any"}},
    });
    Port::dubbo()
        .http_filter(rbac())
        .http_filter(fault())
        .http_filter(rate_limit())
        .route(timeout)
        .route(nobody)
        .route(with_filter(
            "who",
            "envoy.filters.http.fault",
            "fault.v3.HTTPFault",
            json!({
                "abort": {"http_status": 503, "percentage": {"numerator": 100}},
            }),
        ))
        .route(with_filter(
            "addInt",
            "envoy.filters.http.local_ratelimit",
            "local_ratelimit.v3.LocalRateLimit",
            json!({
                "stat_prefix": "limit",
                "token_bucket": {"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "600s"},
                "filter_enabled": {"default_value": {"numerator": 100}},
                "filter_enforced": {"default_value": {"numerator": 100}},
            }),
        ))
}

/// Nobody may call `addLong`, which is known by its path.
fn rbac() -> Value {
    json!({"name": "envoy.filters.http.rbac", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules": {"action": "DENY", "policies": {"no-sums": {
            "permissions": [{"url_path": {"path": {"exact": format!("{SERVICE}addLong")}}}],
            "principals": [{"any": true}],
        }}},
    }})
}

fn fault() -> Value {
    json!({"name": "envoy.filters.http.fault", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
    }})
}

fn rate_limit() -> Value {
    json!({"name": "envoy.filters.http.local_ratelimit", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "limit",
    }})
}

/// The route of a method on which a filter does something.
fn with_filter(method: &str, filter: &str, kind: &str, settings: Value) -> Value {
    let mut config =
        json!({"@type": format!("type.googleapis.com/envoy.extensions.filters.http.{kind}")});
    if let (Some(members), Value::Object(more)) = (config.as_object_mut(), settings) {
        members.extend(more);
    }
    json!({
        "match": {"path": format!("{SERVICE}{method}")},
        "route": {"cluster": "v1"},
        "typed_per_filter_config": {filter: config},
    })
}

/// In the words of a version of Dubbo: every status but a timeout is a failure of the network.
fn expect(outcome: &Outcome, code: RpcCode, parts: &[&str]) -> Result<()> {
    outcome
        .expect_rpc_exception(code, parts)
        .with_context(|| format!("{parts:?}"))
}

#[tokio::test]
async fn refusals_tell_the_caller_what_happened() -> Result<()> {
    for version in [V2_6, V2_7, V3_3] {
        refusals(version)
            .await
            .with_context(|| format!("Dubbo {version}"))?;
    }
    Ok(())
}

async fn refusals(version: DubboVersion) -> Result<()> {
    play(version, async |scene, troupe| {
        let (v1, _) = troupe.addresses()?;
        let mesh = Plan::shop(&[v1], &[], port()).start(scene).await?;
        let target = Target::new(mesh.address("dubbo")?);
        let consumer = &mut troupe.consumer;

        let slow = consumer
            .call(&target, &Call::new("slow").argument(3000))
            .await?;
        expect(&slow, RpcCode::Timeout, &["504", "timeout"])?;
        ensure!(slow.elapsed() < Duration::from_secs(2), "{slow:?}");

        let fault = consumer.call(&target, &Call::new("who")).await?;
        expect(&fault, RpcCode::Network, &["503", "fault filter abort"])?;

        let denied = Call::new("addLong").argument(1).argument(2);
        let denied = consumer.call(&target, &denied).await?;
        expect(&denied, RpcCode::Network, &["403", "RBAC: access denied"])?;

        let absent = Call::new("money").argument(1).argument(2);
        let absent = consumer.call(&target, &absent).await?;
        expect(&absent, RpcCode::Network, &["404", "nobody has any"])?;

        let sum = Call::new("addInt").argument(1).argument(2);
        let first = consumer.call(&target, &sum).await?;
        ensure!(first.value()? == &json!(3), "{first:?}");
        let limited = consumer.call(&target, &sum).await?;
        expect(&limited, RpcCode::Network, &["429", "local_rate_limited"])?;

        // None of this concerns the next call of the connection.
        expect_works(&mesh, consumer, &target).await
    })
    .await
}

async fn expect_works(
    mesh: &Mesh,
    consumer: &mut meshlane_e2e::dubbo::Consumer,
    target: &Target,
) -> Result<()> {
    let hello = Call::new("sayHello").argument("bob");
    let outcome = consumer.call(target, &hello).await?;
    ensure!(outcome.text()? == "v1: hello bob", "{outcome:?}");
    let stats = mesh.outbound.admin().stats().await?;
    ensure!(
        stats.value("http.dubbo.downstream_cx_total") == Some(1),
        "another connection"
    );
    mesh.expect_alive().await
}

#[tokio::test]
async fn the_timeout_of_the_call_shortens_that_of_the_route() -> Result<()> {
    // The attachment `timeout`, which only this version sends; the provider is not kept busy for longer.
    play(V3_3, async |scene, troupe| {
        let (v1, _) = troupe.addresses()?;
        // Only an internal client may set timeouts.
        let loopback = json!({"cidr_ranges": [{"address_prefix": "127.0.0.0", "prefix_len": 8}]});
        let port = Port::dubbo()
            .manager("use_remote_address", json!(true))
            .manager("internal_address_config", loopback);
        let mesh = Plan::shop(&[v1], &[], port).start(scene).await?;
        let target = Target::new(mesh.address("dubbo")?).timeout(Duration::from_millis(400));
        let slow = Call::new("slow").argument(3000);
        let outcome = troupe.consumer.call(&target, &slow).await?;
        expect(&outcome, RpcCode::Timeout, &[])?;
        let calls = mesh.log.expect("/slow", 1).await?;
        ensure!(calls[0].status == Some(504), "{calls:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_named() -> Result<()> {
    play(V3_3, async |scene, troupe| {
        // A port on which nobody listens any more.
        let nobody = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mesh = Plan::shop(&[nobody], &[], Port::dubbo())
            .start(scene)
            .await?;
        let target = Target::new(mesh.address("dubbo")?);
        let hello = Call::new("sayHello").argument("bob");
        let outcome = troupe.consumer.call(&target, &hello).await?;
        expect(&outcome, RpcCode::Network, &["503"])?;
        ensure!(outcome.elapsed() < Duration::from_secs(5), "{outcome:?}");
        mesh.expect_alive().await
    })
    .await
}
