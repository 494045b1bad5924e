//! Where the service counts.

use std::{net::SocketAddr, path::PathBuf, process::Command};

use anyhow::{Result, ensure};

use super::parent;
use crate::{
    client::send_bytes,
    port::Port,
    process::Process,
    scene::{Scene, cache},
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
        let ready = process.until_ready("Redis", async || {
            let answer = send_bytes(port.address(), b"PING\r\nQUIT\r\n").await?;
            ensure!(answer.starts_with(b"+PONG"), "Redis says {answer:?}");
            Ok(())
        });
        ready.await?;
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
