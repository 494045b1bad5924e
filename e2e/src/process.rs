//! Programs that run until they are dropped, with their children and their output in a log.

use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

use crate::{poll, scene::tail};

/// A running program; dropping it ends the process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Mutex<Child>,
    log: PathBuf,
}

impl Process {
    /// Starts a program.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let output = File::create(log)?;
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("{} does not start", name(command)))?;
        Ok(Self {
            child: Mutex::new(child),
            log: log.to_owned(),
        })
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child().id()
    }

    /// Where its output goes.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Fails when it has ended, with the end of its log.
    pub(crate) fn expect_alive(&self) -> Result<()> {
        if let Some(status) = self.exit_status()? {
            bail!(
                "it ended with {status}; its log ends with:\n{}",
                tail(&self.log)
            );
        }
        Ok(())
    }

    /// Repeats an attempt until it succeeds, which is no longer than the program runs. An error shows the end of its log.
    pub(crate) async fn until_ready<T>(
        &self,
        name: &str,
        mut attempt: impl AsyncFnMut() -> Result<T>,
    ) -> Result<T> {
        let what = format!("{name} is ready");
        let ready = poll::until(&what, async || {
            if let Some(status) = self.exit_status()? {
                return Ok(Err(anyhow!("it ended with {status}")));
            }
            attempt().await.map(Ok)
        });
        let ready = ready.await.flatten();
        ready.with_context(|| format!("{name}'s log ends with:\n{}", tail(&self.log)))
    }

    /// Asks it to end (SIGTERM) without waiting for it.
    pub(crate) fn terminate(&self) -> Result<()> {
        Ok(kill_process(self.pid()?, Signal::TERM)?)
    }

    /// Halts it (SIGSTOP) and waits until it stands still.
    pub(crate) async fn pause(&self) -> Result<()> {
        let id = self.pid()?;
        kill_process(id, Signal::STOP)?;
        // Only looked at: that it has ended is for `exit_status` to see.
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        poll::until("it stands still", async || {
            ensure!(waitid(WaitId::Pid(id), options)?.is_some(), "it runs");
            Ok(())
        })
        .await
    }

    /// Lets it go on (SIGCONT).
    pub(crate) fn resume(&self) -> Result<()> {
        Ok(kill_process(self.pid()?, Signal::CONT)?)
    }

    /// Ends it and its children at once (SIGKILL).
    pub(crate) fn kill(&self) -> Result<()> {
        kill_process_group(self.pid()?, Signal::KILL)?;
        self.child().wait()?;
        Ok(())
    }

    /// The id of a program that it has started.
    pub(crate) fn child_process(&self, name: &str) -> Result<u32> {
        let own = self.id().to_string();
        for entry in fs::read_dir("/proc")? {
            let path = entry?.path();
            // A process that has just ended has none.
            let Ok(stat) = fs::read_to_string(path.join("stat")) else {
                continue;
            };
            // «id (name) state parent …»
            let Some((head, rest)) = stat.rsplit_once(") ") else {
                continue;
            };
            let is_child = rest.split(' ').nth(1) == Some(own.as_str());
            if is_child && head.ends_with(&format!("({name}")) {
                let id = head.split(' ').next().unwrap_or_default();
                return Ok(id.parse()?);
            }
        }
        bail!("it has no child {name}")
    }

    fn pid(&self) -> Result<Pid> {
        let id = i32::try_from(self.id())?;
        Pid::from_raw(id).context("no process id")
    }

    /// How it ended, when it has.
    fn exit_status(&self) -> Result<Option<ExitStatus>> {
        Ok(self.child().try_wait()?)
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.kill();
    }
}

/// Runs a program to its end and returns what it printed.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} does not start", name(command)))?;
    printed(&name(command), &output)
}

/// What a program printed, when it succeeded.
pub(crate) fn printed(name: &str, output: &Output) -> Result<String> {
    ensure!(
        output.status.success(),
        "{name} ended with {}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn name(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    words.join(" ")
}
