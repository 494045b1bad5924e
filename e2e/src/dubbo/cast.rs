//! Providers and consumers that several scenarios share, each started when it is first needed.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    net::SocketAddr,
};

use anyhow::{Result, ensure};
use serde_json::json;

use super::{Consumer, DubboVersion, Outcome, Provider, Serialization, Target};
use crate::scene::{Scene, newest};

/// One provider and one consumer of each version at most.
#[derive(Debug)]
pub struct Cast {
    scene: Scene,
    providers: BTreeMap<DubboVersion, Provider>,
    consumers: BTreeMap<DubboVersion, Consumer>,
    direct: BTreeMap<Pair, BTreeMap<String, Outcome>>,
}

/// Who calls whom, and in what serialization.
pub type Pair = (DubboVersion, DubboVersion, Serialization);

impl Cast {
    /// Nobody yet.
    pub fn new() -> Result<Self> {
        Ok(Self {
            scene: Scene::new(newest())?,
            providers: BTreeMap::new(),
            consumers: BTreeMap::new(),
            direct: BTreeMap::new(),
        })
    }

    /// The provider of a version; its name is `v1`.
    pub async fn provider(&mut self, version: DubboVersion) -> Result<&mut Provider> {
        Ok(match self.providers.entry(version) {
            Entry::Occupied(started) => started.into_mut(),
            Entry::Vacant(vacant) => {
                vacant.insert(Provider::start(&self.scene, version, "v1").await?)
            }
        })
    }

    /// Where the provider of a version serves.
    pub async fn address(
        &mut self,
        version: DubboVersion,
        serialization: Serialization,
    ) -> Result<SocketAddr> {
        self.provider(version).await?.address(serialization)
    }

    /// The consumer of a version.
    pub async fn consumer(&mut self, version: DubboVersion) -> Result<&mut Consumer> {
        Ok(match self.consumers.entry(version) {
            Entry::Occupied(started) => started.into_mut(),
            Entry::Vacant(vacant) => vacant.insert(Consumer::start(&self.scene, version).await?),
        })
    }

    /// What the suite gives without anything between the two.
    pub async fn direct(&mut self, pair: Pair) -> Result<BTreeMap<String, Outcome>> {
        if let Some(known) = self.direct.get(&pair) {
            return Ok(known.clone());
        }
        let (consumer, provider, serialization) = pair;
        let target = Target::new(self.address(provider, serialization).await?);
        let consumer = self.consumer(consumer).await?;
        let outcomes = consumer
            .suite(&target.serialization(serialization), &[])
            .await?;
        self.expect_one_way(provider).await?;
        self.direct.insert(pair, outcomes.clone());
        Ok(outcomes)
    }

    /// Waits until the provider got the one call of the suite that nobody answers.
    pub async fn expect_one_way(&mut self, provider: DubboVersion) -> Result<()> {
        let event = self.provider(provider).await?.event().await?;
        ensure!(event == json!({"fired": ["fired", 1]}), "{event}");
        Ok(())
    }

    /// Ends everybody without a word: what they were for has succeeded.
    pub fn pass(self) {
        self.scene.pass();
    }
}
