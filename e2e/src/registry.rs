//! A real image registry, and skopeo, which looks into it.
//!
//! ```no_run
//! use meshlane_e2e::{registry::{Registry, skopeo}, scene::Scene};
//!
//! # async fn scenario(scene: &Scene) -> anyhow::Result<()> {
//! let registry = Registry::start(scene).await?;
//! // … an image is pushed to registry.reference("mesh/suite:1")
//! skopeo(&["inspect", "--tls-verify=false", &registry.skopeo("mesh/suite:1")])?;
//! # Ok(())
//! # }
//! ```

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use meshlane::{
    package::{Image, OciLayout},
    registry::{Connection, Credentials, ImageReference, push},
};
use serde_json::{Value, json};

use crate::{
    client::{Client, Request},
    port::Port,
    process::{Process, run},
    scene::{Scene, cache},
};

/// A running registry without TLS; dropping it ends the process.
#[derive(Debug)]
pub struct Registry {
    process: Process,
    address: SocketAddr,
    _port: Option<Port>,
}

impl Registry {
    /// Starts a registry that anybody may push to and waits until it answers.
    pub async fn start(scene: &Scene) -> Result<Self> {
        Self::on_free_port(scene, &Value::Null).await
    }

    /// Starts a registry for those whose name and hashed password stand in a line of an htpasswd file.
    pub async fn start_with_password(scene: &Scene, htpasswd: &str) -> Result<Self> {
        let file = scene.fresh("htpasswd")?;
        fs::write(&file, htpasswd)?;
        let access = json!({"htpasswd": {"realm": "meshlane", "path": file}});
        Self::on_free_port(scene, &access).await
    }

    async fn on_free_port(scene: &Scene, access: &Value) -> Result<Self> {
        let port = Port::reserve()?;
        let home = scene.fresh("registry.log")?;
        let home = home.parent().context("no folder")?;
        let mut registry = Self::at(port.address(), home, access).await?;
        registry._port = Some(port);
        Ok(registry)
    }

    /// Starts a registry at an address that is known to be free.
    pub(crate) async fn at(address: SocketAddr, home: &Path, access: &Value) -> Result<Self> {
        let config = json!({
            "version": "0.1",
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": home.join("images")}},
            "http": {"addr": address},
            "auth": access,
        });
        let file = home.join("config.yml");
        // JSON is YAML.
        fs::write(&file, config.to_string())?;
        let log = home.join("registry.log");
        let process = Process::start(program("docker-registry")?.arg("serve").arg(&file), &log)?;
        let registry = Self {
            process,
            address,
            _port: None,
        };
        registry.wait_until_ready().await?;
        Ok(registry)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A place for an image in it, `REPOSITORY:TAG`.
    pub fn reference(&self, image: &str) -> Result<ImageReference> {
        Ok(format!("oci://{}/{image}", self.address).parse()?)
    }

    /// The same in the words of skopeo.
    pub fn skopeo(&self, image: &str) -> String {
        format!("docker://{}/{image}", self.address)
    }

    /// Pushes an image for nobody in particular.
    pub async fn push(&self, image: &Image, to: &str) -> Result<()> {
        let connection = Connection {
            plain_http: true,
            credentials: Credentials::None,
        };
        Ok(push(image, &self.reference(to)?, &connection).await?)
    }

    /// Fails when it has ended.
    pub(crate) fn expect_alive(&self) -> Result<()> {
        self.process.expect_alive()
    }

    async fn wait_until_ready(&self) -> Result<()> {
        let ready = self.process.until_ready("the registry", async || {
            let answer = Client::http1(self.address)
                .send(&Request::get("/v2/"))
                .await?;
            ensure!(
                answer.status == 200 || answer.status == 401,
                "it answers {}",
                answer.status
            );
            Ok(())
        });
        ready.await
    }
}

/// The image in a folder.
pub fn image(folder: &Path) -> Result<Image> {
    Ok(OciLayout::at(folder).read()?)
}

/// Runs skopeo and returns what it printed.
pub fn skopeo(arguments: &[&str]) -> Result<String> {
    // Nobody signs images here.
    run(program("skopeo")?.arg("--insecure-policy").args(arguments))
}

/// A program that `make registry` put into the cache.
fn program(name: &str) -> Result<Command> {
    let home: PathBuf = cache()?.join("registry");
    let program = home.join("bin").join(name);
    ensure!(
        program.exists(),
        "{} is missing: run `make registry` (Debian, Ubuntu: the package {name})",
        program.display()
    );
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", home.join("lib"));
    Ok(command)
}
