//! `compose/compose.yaml` as users run it, but by podman and with images of this machine.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    process::run,
    scene::{cache, pinned, workspace, yaml},
};

/// Running containers; dropping it ends them.
#[derive(Debug)]
pub struct Compose {
    gateway: SocketAddr,
    prometheus: SocketAddr,
}

impl Compose {
    /// Starts every service but those, and waits until their processes run.
    pub fn up(but: &[&str]) -> Result<Self> {
        let compose = Self {
            gateway: free_port()?,
            prometheus: free_port()?,
        };
        // What a run left that was killed.
        compose.down()?;
        let services = services()?;
        for name in but {
            ensure!(
                services.iter().any(|each| each == name),
                "there is no {name}"
            );
        }
        let services = services.iter().filter(|name| !but.contains(&name.as_str()));
        run(compose
            .command()?
            .args(["up", "--detach", "--no-build"])
            .args(services))?;
        Ok(compose)
    }

    /// Where clients come in.
    pub fn gateway(&self) -> SocketAddr {
        self.gateway
    }

    /// Where Prometheus answers.
    pub fn prometheus(&self) -> SocketAddr {
        self.prometheus
    }

    /// Ends services, as `docker compose stop` does.
    pub fn stop(&self, services: &[&str]) -> Result<()> {
        run(self
            .command()?
            .args(["stop", "--timeout", "0"])
            .args(services))?;
        Ok(())
    }

    /// What a service has written so far.
    pub fn log(&self, service: &str) -> Result<String> {
        run(self.command()?.args(["logs", service]))
    }

    fn down(&self) -> Result<()> {
        run(self
            .command()?
            .args(["down", "--volumes", "--timeout", "0"]))?;
        Ok(())
    }

    fn command(&self) -> Result<Command> {
        let home = workspace().join("target").join("compose").canonicalize();
        let home = home.context("there are no images: run `make e2e-compose`")?;
        let version = pinned("podman-compose");
        let program = cache()?.join("podman-compose").join(version).join("bin");
        let mut command = Command::new(program.join("podman-compose"));
        command
            .env("CONTAINERS_CONF", home.join("containers.conf"))
            .env("CONTAINERS_STORAGE_CONF", home.join("storage.conf"))
            .env("GATEWAY_PORT", self.gateway.port().to_string())
            .env("PROMETHEUS_PORT", self.prometheus.port().to_string());
        for (variable, image) in IMAGES {
            command.env(variable, format!("localhost/meshlane-e2e/{image}"));
        }
        command
            .args([
                "--project-name",
                "meshlane-e2e",
                "--in-pod",
                "false",
                "--file",
            ])
            .arg(file());
        Ok(command)
    }
}

impl Drop for Compose {
    fn drop(&mut self) {
        // Whoever comes next does the same first.
        let _ = self.down();
    }
}

/// The names of all services.
pub fn services() -> Result<Vec<String>> {
    let document = yaml(file())?;
    let services = document.get("services").and_then(Value::as_object);
    Ok(services.context("no services")?.keys().cloned().collect())
}

fn file() -> PathBuf {
    workspace().join("compose").join("compose.yaml")
}

/// A port that nobody has at this moment.
fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Which image each variable of the file stands for.
const IMAGES: [(&str, &str); 5] = [
    ("ENVOY_IMAGE", "envoy"),
    ("PROMETHEUS_IMAGE", "prometheus"),
    ("RATELIMIT_IMAGE", "programs"),
    ("REDIS_IMAGE", "programs"),
    ("SHOP_IMAGE", "programs"),
];
