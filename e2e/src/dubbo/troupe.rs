//! The usual arrangement of a scenario with real Dubbo: two providers, `v1` and `gray`, and a consumer.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::sync::Mutex;

use super::{Consumer, DubboVersion, Provider, ProviderOptions, Serialization};
use crate::scene::{Scene, newest, on_every_version};

/// Java programs that play on every version of Envoy.
#[derive(Debug)]
pub struct Troupe {
    /// A provider named `v1`.
    pub v1: Provider,
    /// A provider named `gray`.
    pub gray: Provider,
    /// A consumer.
    pub consumer: Consumer,
}

impl Troupe {
    /// Starts all three.
    pub async fn start(scene: &Scene, version: DubboVersion) -> Result<Self> {
        let options = |name| ProviderOptions::new(version, name);
        Self::start_with(scene, version, &options("v1"), &options("gray")).await
    }

    /// Starts all three with options of one's own.
    pub async fn start_with(
        scene: &Scene,
        version: DubboVersion,
        v1: &ProviderOptions,
        gray: &ProviderOptions,
    ) -> Result<Self> {
        // Together: most of the time goes into the start of Java.
        let (v1, gray, consumer) = tokio::try_join!(
            Provider::start_with(scene, version, v1),
            Provider::start_with(scene, version, gray),
            Consumer::start(scene, version),
        )?;
        Ok(Self { v1, gray, consumer })
    }

    /// Where the providers serve Hessian2.
    pub fn addresses(&self) -> Result<(SocketAddr, SocketAddr)> {
        self.addresses_of(Serialization::Hessian2)
    }

    /// Where the providers serve a serialization.
    pub fn addresses_of(&self, serialization: Serialization) -> Result<(SocketAddr, SocketAddr)> {
        Ok((
            self.v1.address(serialization)?,
            self.gray.address(serialization)?,
        ))
    }
}

/// Plays a scenario on every version of Envoy with the same programs; it must leave the providers as they were.
pub async fn play(
    version: DubboVersion,
    scenario: impl AsyncFn(&Scene, &mut Troupe) -> Result<()>,
) -> Result<()> {
    let backstage = Scene::new(newest())?;
    let troupe = Mutex::new(Troupe::start(&backstage, version).await?);
    on_every_version(async |scene| {
        let mut troupe = troupe.lock().await;
        scenario(scene, &mut troupe).await?;
        troupe.consumer.close().await
    })
    .await?;
    backstage.pass();
    Ok(())
}
