//! One Envoy process, from its bootstrap to its end.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

pub use self::admin::{Admin, Stats};
use crate::{bootstrap::Bootstrap, process::Process, scene::Scene};

mod admin;

/// A running Envoy; dropping it ends the process.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    admin: Admin,
    listeners: BTreeMap<String, SocketAddr>,
    log: PathBuf,
}

impl Envoy {
    /// Starts an Envoy with one worker and waits until it is ready.
    pub async fn start(scene: &Scene, bootstrap: &Bootstrap) -> Result<Self> {
        Self::start_with(scene, bootstrap, &["--concurrency", "1"]).await
    }

    /// Starts an Envoy with command line arguments of one's own and waits until it is ready.
    pub async fn start_with(
        scene: &Scene,
        bootstrap: &Bootstrap,
        arguments: &[&str],
    ) -> Result<Self> {
        let log = scene.fresh("envoy.log")?;
        let process = start(scene, bootstrap, arguments, &log)?;
        let (admin, listeners) = Self::wait_until_ready(&process, bootstrap, &log).await?;
        Ok(Self {
            process,
            admin,
            listeners,
            log,
        })
    }

    async fn wait_until_ready(
        process: &Process,
        bootstrap: &Bootstrap,
        log: &Path,
    ) -> Result<(Admin, BTreeMap<String, SocketAddr>)> {
        let address_file = address_file(log);
        let ready = process.until_ready("Envoy", async || {
            let address: SocketAddr = fs::read_to_string(&address_file)?.trim().parse()?;
            let admin = Admin::new(address);
            admin.expect_ready().await?;
            let listeners = admin.listeners().await?;
            for name in bootstrap.listener_names() {
                ensure!(listeners.contains_key(name), "listener {name} is not there");
            }
            Ok((admin, listeners))
        });
        ready.await
    }

    /// The admin interface.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// The address that a listener is bound to.
    pub fn address(&self, listener: &str) -> Result<SocketAddr> {
        self.listeners
            .get(listener)
            .copied()
            .with_context(|| format!("no listener {listener}"))
    }

    /// The process id, for measurements.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// The log so far.
    pub fn log(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(&self.log)?).into_owned())
    }

    /// Fails unless the process lives and answers its admin interface.
    pub async fn expect_alive(&self) -> Result<()> {
        self.process.expect_alive().context("Envoy")?;
        self.admin.expect_ready().await
    }
}

/// Starts the process, which dropping ends. Envoy moreover asks the kernel to end it with its parent.
fn start(scene: &Scene, bootstrap: &Bootstrap, arguments: &[&str], log: &Path) -> Result<Process> {
    let config = log.with_file_name("bootstrap.json");
    fs::write(&config, serde_json::to_vec_pretty(&bootstrap.to_json())?)?;
    let mut command = Command::new(scene.binary()?);
    command
        .arg("--config-path")
        .arg(&config)
        .arg("--admin-address-path")
        .arg(address_file(log))
        .args(["--use-dynamic-base-id", "--log-level", "warning"])
        // Access logs are read while Envoy runs.
        .args(["--file-flush-interval-msec", "20"])
        .args(arguments);
    Process::start(&mut command, log)
}

fn address_file(log: &Path) -> PathBuf {
    log.with_file_name("admin-address")
}
