//! A client made with dubbo-go calls through the bridge as it does directly.
#![allow(
    clippy::indexing_slicing,
    reason = "a test that looks at nothing fails"
)]

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::Result;
use meshlane_e2e::{
    dubbo::{
        DubboVersion, GoClient, Provider, Serialization,
        mesh::{Plan, Port},
    },
    scene::{Scene, on_every_version},
};
use serde_json::Value;

#[tokio::test]
async fn the_bridge_changes_no_result() -> Result<()> {
    on_every_version(async |scene| {
        for version in [DubboVersion::V2_7, DubboVersion::V3_3] {
            let provider = Provider::start(scene, version, "v1").await?;
            let address = provider.address(Serialization::Hessian2)?;
            let mesh = Plan::shop(&[address], &[], Port::dubbo())
                .start(scene)
                .await?;
            let direct = suite(scene, address).await?;
            assert!(direct.len() > 15, "{direct:?}");
            assert_eq!(suite(scene, mesh.address("dubbo")?).await?, direct);
            mesh.log.expect("/sayHello", 1).await?;
            mesh.expect_alive().await?;
        }
        Ok(())
    })
    .await
}

/// What became of each call. The messages of errors name ports.
async fn suite(scene: &Scene, address: SocketAddr) -> Result<BTreeMap<String, Value>> {
    let mut client = GoClient::start(scene, address).await?;
    let mut outcomes = BTreeMap::new();
    while let Some((name, mut outcome)) = client.next().await? {
        if let Some(message) = outcome["error"].as_str() {
            outcome["error"] = message
                .replace(|each: char| each.is_ascii_digit(), "")
                .into();
        }
        outcomes.insert(name, outcome);
    }
    Ok(outcomes)
}
