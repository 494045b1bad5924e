//! Records what real peers send each other, for the test vectors: `make vectors`.
//!
//! Writes a line of JSON for each frame to standard output. What the frames mean is found out by others, see
//! `e2e/dubbo/vectors`.

#![expect(clippy::print_stdout, reason = "the output of a program")]

use std::time::Duration;

use anyhow::Result;
use meshlane_e2e::{
    dubbo::{
        Consumer, DubboVersion, GoClient, Provider, Serialization, Target,
        tap::{Seen, Side, Tap},
    },
    poll,
    scene::{Scene, newest},
};
use serde_json::json;

/// Who calls whom, and in what serialization.
const PAIRS: [(DubboVersion, DubboVersion, Serialization); 6] = [
    (
        DubboVersion::V3_3,
        DubboVersion::V3_3,
        Serialization::Hessian2,
    ),
    (
        DubboVersion::V2_7,
        DubboVersion::V2_7,
        Serialization::Hessian2,
    ),
    (
        DubboVersion::V2_6,
        DubboVersion::V2_6,
        Serialization::Hessian2,
    ),
    (
        DubboVersion::V2_7,
        DubboVersion::V3_3,
        Serialization::Hessian2,
    ),
    (
        DubboVersion::V3_3,
        DubboVersion::V3_3,
        Serialization::Fastjson2,
    ),
    (DubboVersion::V2_7, DubboVersion::V2_7, Serialization::Java),
];

#[tokio::main]
async fn main() -> Result<()> {
    let scene = Scene::new(newest())?;
    for (consumer, provider, serialization) in PAIRS {
        record_java(&scene, consumer, provider, serialization).await?;
    }
    record_go(&scene, DubboVersion::V2_7).await?;
    scene.pass();
    Ok(())
}

async fn record_java(
    scene: &Scene,
    consumer: DubboVersion,
    provider: DubboVersion,
    serialization: Serialization,
) -> Result<()> {
    let names = (format!("dubbo {consumer}"), format!("dubbo {provider}"));
    let mut provider = Provider::start(scene, provider, "v1").await?;
    let mut consumer = Consumer::start(scene, consumer).await?;
    let tap = Tap::start(provider.address(serialization)?).await?;
    let target = Target::new(tap.address())
        .serialization(serialization)
        .heartbeat(Duration::from_millis(1500));
    for name in consumer.suite_names().await? {
        consumer.suite(&target, &[&name]).await?;
        print(&tap.take()?, &name, &names);
    }
    wait_for(&tap, "heartbeat", &names, |seen| seen.frame.is_event()).await?;
    provider.terminate()?;
    wait_for(&tap, "readonly", &names, |seen| seen.frame.is_readonly()).await?;
    provider.ended().await
}

async fn record_go(scene: &Scene, provider: DubboVersion) -> Result<()> {
    let names = ("dubbo-go 3.3.0".to_owned(), format!("dubbo {provider}"));
    let provider = Provider::start(scene, provider, "v1").await?;
    let tap = Tap::start(provider.address(Serialization::Hessian2)?).await?;
    let mut client = GoClient::start(scene, tap.address()).await?;
    while let Some((name, _)) = client.next().await? {
        print(&tap.take()?, &name, &names);
    }
    Ok(())
}

/// Prints frames until one that is waited for, and those of its kind that come right after it.
async fn wait_for(
    tap: &Tap,
    description: &str,
    names: &(String, String),
    is_last: impl Fn(&Seen) -> bool,
) -> Result<()> {
    poll::until(description, async || {
        let seen = tap.take()?;
        print(&seen, description, names);
        anyhow::ensure!(seen.iter().any(&is_last));
        Ok(())
    })
    .await?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    print(&tap.take()?, description, names);
    Ok(())
}

fn print(seen: &[Seen], description: &str, (client, server): &(String, String)) {
    for each in seen {
        let (direction, producer, peer) = match each.from {
            Side::Client => ("c2s", client, server),
            Side::Server => ("s2c", server, client),
        };
        let frame: String = each
            .frame
            .bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        println!(
            "{}",
            json!({"description": description, "producer": producer, "peer": peer, "direction": direction, "frame": frame})
        );
    }
}
