//! A provider: the service of `e2e/dubbo/java` on one port for each serialization.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{
    java::Program,
    version::{DubboVersion, Serialization},
};
use crate::scene::Scene;

/// A running provider; dropping it ends the process.
#[derive(Debug)]
pub struct Provider {
    program: Program,
    ports: BTreeMap<String, u16>,
}

/// How a provider is started.
#[derive(Clone, Debug)]
pub struct ProviderOptions {
    /// Answers start with this name.
    pub name: String,
    /// How many calls it works on at a time; the next one is refused.
    pub threads: u32,
    /// What it understands, each on its own port; a port of 0 is chosen freely.
    pub endpoints: Vec<(Serialization, u16)>,
}

impl ProviderOptions {
    /// All serializations of a version, 100 threads.
    pub fn new(version: DubboVersion, name: &str) -> Self {
        let serializations = version.serializations().iter();
        Self {
            name: name.to_owned(),
            threads: 100,
            endpoints: serializations.map(|each| (*each, 0)).collect(),
        }
    }
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
        let mut arguments = vec![options.name.clone(), options.threads.to_string()];
        for (serialization, port) in &options.endpoints {
            arguments.push(match port {
                0 => serialization.to_string(),
                port => format!("{serialization}:{port}"),
            });
        }
        let mut program = Program::start(scene, version, "provider.Provider", &arguments)?;
        let mut ready = program.hear().await?;
        let ports = serde_json::from_value(ready["ready"].take()).context("the ports")?;
        Ok(Self { program, ports })
    }

    /// Where it serves with a serialization.
    pub fn address(&self, serialization: Serialization) -> Result<SocketAddr> {
        let port = self.ports.get(serialization.name());
        let port = *port.with_context(|| format!("it does not serve {serialization}"))?;
        Ok((Ipv4Addr::LOCALHOST, port).into())
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
