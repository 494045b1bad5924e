//! A provider: the services of `e2e/dubbo/java` on one port for each serialization, in a registry or in none.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use anyhow::{Context, Result};
use serde_json::Value;

pub use self::options::{ProviderOptions, RegisterMode, Service};
use super::{
    java::Program,
    version::{DubboVersion, Serialization},
};
use crate::{place::Place, scene::Scene};

mod options;

/// A running provider; dropping it ends the process.
#[derive(Debug)]
pub struct Provider {
    program: Program,
    host: IpAddr,
    ports: BTreeMap<String, u16>,
}

impl Provider {
    /// Starts a provider and waits until it serves.
    pub async fn start(scene: &Scene, version: DubboVersion, name: &str) -> Result<Self> {
        Self::start_with(scene, version, &ProviderOptions::new(version, name)).await
    }

    /// Starts a provider with options of one's own and waits until it serves.
    pub async fn start_with(
        scene: &Scene,
        version: DubboVersion,
        options: &ProviderOptions,
    ) -> Result<Self> {
        Self::start_at(scene, &Place::machine(), version, options).await
    }

    /// Starts a provider at a place and waits until it serves, and is registered if it is to be.
    pub async fn start_at(
        scene: &Scene,
        place: &Place,
        version: DubboVersion,
        options: &ProviderOptions,
    ) -> Result<Self> {
        let mut program = Program::start(scene, place, &options.launch(version)?)?;
        let mut ready = program.hear().await?;
        let ports = serde_json::from_value(ready["ready"].take()).context("the ports")?;
        let host = options.host;
        Ok(Self {
            program,
            host,
            ports,
        })
    }

    /// Where it serves with a serialization.
    pub fn address(&self, serialization: Serialization) -> Result<SocketAddr> {
        let port = self.ports.get(serialization.name());
        let port = *port.with_context(|| format!("it does not serve {serialization}"))?;
        Ok((self.host, port).into())
    }

    /// Waits for the next thing that happened to it: `{"fired": [message, number]}` for a one-way call.
    pub async fn event(&mut self) -> Result<Value> {
        self.program.hear().await
    }

    /// Begins a graceful shutdown.
    pub fn terminate(&self) -> Result<()> {
        self.program.terminate()
    }

    /// Ends it without a word to anybody.
    pub async fn kill(&mut self) -> Result<()> {
        self.program.kill().await
    }

    /// Waits until the process has ended.
    pub async fn ended(&mut self) -> Result<()> {
        self.program.ended().await
    }

    /// What it logged.
    pub fn log(&self) -> Result<String> {
        self.program.log()
    }
}
