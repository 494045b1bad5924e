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
    process::{Child, ChildStdin, ChildStdout},
    time::timeout,
};

pub(super) use self::launch::{Launch, host};
use crate::{
    place::Place,
    poll::DEADLINE,
    scene::{Scene, tail},
};

mod launch;

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
    /// Starts a program. What stands in front of it at its place must become it, as `exec` does: signals go to the process
    /// that is started.
    pub(super) fn start(scene: &Scene, place: &Place, launch: &Launch) -> Result<Self> {
        let log = scene.fresh("java.log")?;
        let home = log.with_file_name("home");
        fs::create_dir(&home)?;
        let mut child = launch
            .command(scene, place, &home)?
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
            name: launch.name().to_owned(),
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
