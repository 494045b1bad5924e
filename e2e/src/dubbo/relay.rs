//! A service of a chain that is a Java program.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
};

use anyhow::{Context, Result};
use serde_json::json;

use super::{
    java::{Launch, Program, host},
    version::DubboVersion,
};
use crate::{place::Place, scene::Scene};

/// A running service; dropping it ends the process.
#[derive(Debug)]
pub struct Relay {
    program: Program,
    address: SocketAddr,
}

/// What a service is called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// HTTP/1.1.
    Http,
    /// Dubbo2.
    Dubbo,
}

impl Relay {
    /// The interface of its Dubbo service.
    pub const INTERFACE: &str = "dev.meshlane.e2e.api.Relay";

    /// Starts a service on a free port of the loopback interface that forwards these headers alone, with a Java agent or without.
    pub async fn start(
        scene: &Scene,
        name: &str,
        serves: Serves,
        forwards: &[&str],
        agent: Option<&Path>,
    ) -> Result<Self> {
        let loopback = (Ipv4Addr::LOCALHOST, 0).into();
        let mut launch = launch(name, serves, forwards, loopback);
        if let Some(agent) = agent {
            launch = launch.agent(agent);
            for (property, value) in OPEN_TELEMETRY {
                launch = launch.property(property, value);
            }
        }
        Self::run(scene, &Place::machine(), &launch, Ipv4Addr::LOCALHOST).await
    }

    /// Starts a service at a place, on a port of all its addresses.
    pub async fn start_at(
        scene: &Scene,
        place: &Place,
        name: &str,
        serves: Serves,
        forwards: &[&str],
        port: u16,
    ) -> Result<Self> {
        let everywhere = (Ipv4Addr::UNSPECIFIED, port).into();
        let launch = launch(name, serves, forwards, everywhere);
        Self::run(scene, place, &launch, Ipv4Addr::UNSPECIFIED).await
    }

    async fn run(scene: &Scene, place: &Place, launch: &Launch, host: Ipv4Addr) -> Result<Self> {
        let mut program = Program::start(scene, place, launch)?;
        let ready = program.hear().await?;
        let port = ready["ready"].as_u64().context("no port")?;
        let address = (host, u16::try_from(port)?).into();
        Ok(Self { program, address })
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has it call another service from now on, by this protocol.
    pub async fn call_next(&mut self, serves: Serves, next: SocketAddr) -> Result<()> {
        let line = match serves {
            Serves::Http => format!("http://{next}/"),
            Serves::Dubbo => format!("dubbo://{}:{}", host(next.ip()), next.port()),
        };
        self.program.say(line).await?;
        self.program.hear().await?;
        Ok(())
    }

    /// Ends it without a word to anybody.
    pub async fn kill(&mut self) -> Result<()> {
        self.program.kill().await
    }
}

fn launch(name: &str, serves: Serves, forwards: &[&str], at: SocketAddr) -> Launch {
    let plan = json!({
        "name": name,
        "serves": if serves == Serves::Http { "http" } else { "dubbo" },
        "host": host(at.ip()),
        "port": at.port(),
        "forwards": forwards,
    });
    Launch::new(DubboVersion::NEWEST, "relay.Relaying").argument(plan)
}

/// The agent carries trace context and baggage, and sends nothing anywhere.
const OPEN_TELEMETRY: [(&str, &str); 5] = [
    ("otel.propagators", "tracecontext,baggage"),
    ("otel.traces.exporter", "none"),
    ("otel.metrics.exporter", "none"),
    ("otel.logs.exporter", "none"),
    ("otel.javaagent.logging", "simple"),
];
