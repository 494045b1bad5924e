//! The registry.

use std::net::SocketAddr;

use anyhow::{Context, Result};

use super::{
    java::{Launch, Program, host},
    version::DubboVersion,
};
use crate::{place::Place, scene::Scene};

/// A running Apache ZooKeeper; dropping it ends the process.
#[derive(Debug)]
pub struct ZooKeeper {
    program: Program,
    address: SocketAddr,
}

impl ZooKeeper {
    /// Starts a server and waits until it answers; a port of 0 is chosen freely.
    pub async fn start(scene: &Scene, address: SocketAddr) -> Result<Self> {
        Self::start_at(scene, &Place::machine(), address).await
    }

    /// Starts a server at a place.
    pub async fn start_at(scene: &Scene, place: &Place, address: SocketAddr) -> Result<Self> {
        let data = scene.fresh("data")?;
        let launch = Launch::new(DubboVersion::NEWEST, "registry.Registry")
            .jars("zookeeper", VERSION)
            .property("zookeeper.admin.enableServer", false)
            .argument(host(address.ip()))
            .argument(address.port())
            .argument(data.display());
        let mut program = Program::start(scene, place, &launch)?;
        let ready = program.hear().await?;
        let port = ready["ready"].as_u64().context("no port")?;
        let address = SocketAddr::new(address.ip(), u16::try_from(port)?);
        Ok(Self { program, address })
    }

    /// The address of the registry for Dubbo, `zookeeper://…`.
    pub fn address(&self) -> String {
        let address = self.address;
        format!("zookeeper://{}:{}", host(address.ip()), address.port())
    }

    /// Ends it without a word to anybody.
    pub async fn kill(&mut self) -> Result<()> {
        self.program.kill().await
    }

    /// What it logged.
    pub fn log(&self) -> Result<String> {
        self.program.log()
    }
}

/// As in `scripts/versions`.
const VERSION: &str = "3.9.5";
