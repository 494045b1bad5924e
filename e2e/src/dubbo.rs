//! Real Apache Dubbo, for Java in three versions and for Go: providers, consumers, a tap on the wire, and the pair of
//! Envoys that carries their calls as HTTP/2.
//!
//! A registry ([`ZooKeeper`]) tells consumers where applications are. The Java programs are in `e2e/dubbo/java`. A consumer
//! makes the calls that a scenario asks for and tells the result of each as JSON, so that a run through Envoy can be
//! compared with a direct one:
//!
//! ```no_run
//! use meshlane_e2e::{dubbo::{Call, Consumer, DubboVersion, Provider, Serialization, Target}, scene::Scene};
//!
//! # async fn scenario(scene: &Scene) -> anyhow::Result<()> {
//! let provider = Provider::start(scene, DubboVersion::NEWEST, "v1").await?;
//! let mut consumer = Consumer::start(scene, DubboVersion::NEWEST).await?;
//! let target = Target::new(provider.address(Serialization::Hessian2)?);
//! let answer = consumer.call(&target, &Call::new("sayHello").argument("bob")).await?;
//! assert_eq!(answer.text()?, "v1: hello bob");
//! # Ok(())
//! # }
//! ```
#![allow(
    clippy::indexing_slicing,
    reason = "indexing a JSON value gives null where there is nothing"
)]

pub use self::{
    consumer::{
        Call, Consumer, ConsumerOptions, Counts, Happened, Load, Outcome, RpcCode, Running,
        RunningLoad, Subscription, Target,
    },
    go::GoClient,
    oracle::Oracle,
    provider::{Provider, ProviderOptions, RegisterMode, Service},
    relay::{Relay, Serves},
    version::{DubboVersion, Serialization},
    zookeeper::ZooKeeper,
};

pub mod cast;
mod consumer;
pub mod frame;
mod go;
mod java;
pub mod mesh;
mod oracle;
mod provider;
mod relay;
pub mod suite;
pub mod tap;
pub mod troupe;
mod version;
mod zookeeper;
