//! A Java program of ours: how it is started, spoken to and ended.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::Stdio,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::version::DubboVersion;
use crate::{
    poll::DEADLINE,
    scene::{Scene, cache, tail, workspace},
};

/// The name of the loopback interface in the hosts file of the programs: Dubbo replaces 127.0.0.1, wherever it finds it,
/// by another address of the machine.
pub(super) const HOST: &str = "shop.test";

/// A running program. It ends with this value; should this process be killed, it sees the end of its standard input.
#[derive(Debug)]
pub(super) struct Program {
    name: String,
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    log: PathBuf,
}

impl Program {
    /// Starts a class of the package `dev.meshlane.e2e`.
    pub(super) fn start(
        scene: &Scene,
        version: DubboVersion,
        class: &str,
        arguments: &[String],
    ) -> Result<Self> {
        let log = scene.fresh("java.log")?;
        let home = log.with_file_name("home");
        fs::create_dir(&home)?;
        let mut child = Command::new("java")
            .args(options())
            .arg(format!("-Djdk.net.hosts.file={}", hosts(scene)?.display()))
            .arg(format!("-Duser.home={}", home.display()))
            .arg("-classpath")
            .arg(class_path(version)?)
            .arg(format!("dev.meshlane.e2e.{class}"))
            .args(arguments)
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .context("java does not start: install a JDK 17 or newer (Debian, Ubuntu: apt install openjdk-17-jdk-headless; Fedora: dnf install java-17-openjdk-devel)")?;
        let stdin = child.stdin.take().context("no standard input")?;
        let stdout = child.stdout.take().context("no standard output")?;
        Ok(Self {
            name: format!("{class} of Dubbo {version}"),
            child,
            stdin,
            stdout: BufReader::new(stdout).lines(),
            log,
        })
    }

    /// Sends a line.
    pub(super) async fn say(&mut self, line: impl std::fmt::Display) -> Result<()> {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await?;
        self.stdin.flush().await?;
        Ok(())
    }

    /// Waits for the next line.
    pub(super) async fn hear(&mut self) -> Result<Value> {
        let line = match timeout(3 * DEADLINE, self.stdout.next_line()).await {
            Ok(Ok(Some(line))) => line,
            Ok(Ok(None)) => bail!(
                "{} ended; its log ends with:\n{}",
                self.name,
                tail(&self.log)
            ),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => bail!(
                "nothing from {}; its log ends with:\n{}",
                self.name,
                tail(&self.log)
            ),
        };
        serde_json::from_str(&line).with_context(|| format!("{} said {line}", self.name))
    }

    /// Asks it to end (SIGTERM) without waiting for it.
    pub(super) fn terminate(&self) -> Result<()> {
        let id = self.child.id().context("it has ended already")?;
        let status = std::process::Command::new("kill")
            .args(["-TERM", &id.to_string()])
            .status()?;
        ensure!(status.success(), "kill failed");
        Ok(())
    }

    /// Ends it at once (SIGKILL).
    pub(super) async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("kill")
    }

    /// Waits until it has ended.
    pub(super) async fn ended(&mut self) -> Result<()> {
        timeout(DEADLINE, self.child.wait())
            .await
            .with_context(|| format!("{} does not end", self.name))??;
        Ok(())
    }

    /// What it logged.
    pub(super) fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }
}

/// A small, quickly started virtual machine. Java's own serialization and Hessian look into closed packages.
fn options() -> Vec<String> {
    const OPEN: [&str; 9] = [
        "java.lang",
        "java.lang.reflect",
        "java.util",
        "java.util.concurrent",
        "java.util.concurrent.atomic",
        "java.math",
        "java.time",
        "java.io",
        "java.text",
    ];
    let mut options: Vec<String> = [
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:-UsePerfData",
        "-Djava.net.preferIPv4Stack=true",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Ddubbo.application.logger=slf4j",
        "-Ddubbo.application.register-mode=interface",
        "-Ddubbo.service.shutdown.wait=1500",
    ]
    .map(str::to_owned)
    .into();
    for package in OPEN {
        options.push(format!("--add-opens=java.base/{package}=ALL-UNNAMED"));
    }
    options
}

/// The compiled programs and the jars that they need.
fn class_path(version: DubboVersion) -> Result<String> {
    let classes = workspace()
        .join("target")
        .join("dubbo")
        .join(version.name())
        .join("classes");
    ensure!(
        classes.is_dir(),
        "{} is missing: run `make dubbo`",
        classes.display()
    );
    let jars = cache()?.join("dubbo").join(version.name());
    ensure!(
        jars.is_dir(),
        "{} is missing: run `make dubbo`",
        jars.display()
    );
    Ok(format!("{}:{}/*", classes.display(), jars.display()))
}

/// A hosts file with nothing but the loopback interface: the programs neither see nor print the machine's addresses.
fn hosts(scene: &Scene) -> Result<PathBuf> {
    let file = scene.fresh("hosts")?;
    let machine = fs::read_to_string("/proc/sys/kernel/hostname")?;
    fs::write(&file, format!("127.0.0.1 {HOST} {machine} localhost\n"))?;
    Ok(file)
}
