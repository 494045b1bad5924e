//! Where the service counts.

use std::{net::SocketAddr, path::PathBuf, process::Command};

use anyhow::{Context, Result, anyhow, ensure};

use super::parent;
use crate::{
    client::send_bytes,
    poll,
    port::Port,
    process::Process,
    scene::{Scene, cache, tail},
};

/// A running Redis; dropping it ends the process, and with it all that it has counted.
#[derive(Debug)]
pub struct Redis {
    _process: Process,
    port: Port,
}

impl Redis {
    /// Starts a server that writes nothing to disk and waits until it answers.
    pub async fn start(scene: &Scene) -> Result<Self> {
        let home = home()?;
        let log = scene.fresh("redis.log")?;
        let port = Port::reserve()?;
        let mut command = Command::new(home.join("bin").join("redis-server"));
        command
            .env("LD_LIBRARY_PATH", home.join("lib"))
            .args(["--bind", &port.host(), "--port", &port.number()])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(parent(&log)?);
        let process = Process::start(&mut command, &log)?;
        poll::until("Redis answers", async || {
            if let Some(status) = process.exit_status()? {
                return Ok(Err(anyhow!("Redis ended with {status}")));
            }
            let answer = send_bytes(port.address(), b"PING\r\nQUIT\r\n").await?;
            ensure!(answer.starts_with(b"+PONG"), "Redis says {answer:?}");
            Ok(Ok(()))
        })
        .await?
        .with_context(|| format!("Redis's log ends with:\n{}", tail(&log)))?;
        Ok(Self {
            _process: process,
            port,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }
}

/// Where `make ratelimit` puts Redis.
fn home() -> Result<PathBuf> {
    let home = cache()?.join("redis");
    ensure!(
        home.is_dir(),
        "{} is missing: run `make ratelimit`",
        home.display()
    );
    Ok(home)
}
