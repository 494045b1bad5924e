//! The client made with dubbo-go: makes its own suite of calls and ends.

use std::{fs::File, net::SocketAddr, path::PathBuf, process::Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{
    poll::DEADLINE,
    scene::{Scene, tail, workspace},
};

/// A running client; dropping it ends the process.
#[derive(Debug)]
pub struct GoClient {
    stdout: Lines<BufReader<ChildStdout>>,
    log: PathBuf,
    _child: Child,
}

impl GoClient {
    /// Starts the client towards an address.
    pub async fn start(scene: &Scene, address: SocketAddr) -> Result<Self> {
        let program = workspace().join("target").join("dubbo").join("go-client");
        ensure!(
            program.is_file(),
            "{} is missing: run `make dubbo`",
            program.display()
        );
        let log = scene.fresh("go.log")?;
        let mut child = Command::new(program)
            .arg(address.to_string())
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()?;
        let stdout = child.stdout.take().context("no standard output")?;
        Ok(Self {
            stdout: BufReader::new(stdout).lines(),
            log,
            _child: child,
        })
    }

    /// Waits for the name and the outcome of the next call, `{"value": …}` or `{"error": …}`; none when all are made.
    pub async fn next(&mut self) -> Result<Option<(String, Value)>> {
        loop {
            let Ok(line) = timeout(DEADLINE, self.stdout.next_line()).await else {
                bail!(
                    "nothing from the Go client; its log ends with:\n{}",
                    tail(&self.log)
                );
            };
            let Some(line) = line? else { return Ok(None) };
            // dubbo-go logs to standard output as well.
            let Ok(mut said) = serde_json::from_str::<Value>(&line) else {
                continue;
            };
            if let Some(name) = said["name"].as_str().map(str::to_owned) {
                said.as_object_mut().map(|members| members.remove("name"));
                return Ok(Some((name, said)));
            }
        }
    }
}
