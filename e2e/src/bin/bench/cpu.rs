//! CPU time of Envoy's workers, from the scheduler's own accounts.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;

/// Where the kernel accounts for the worker threads of one Envoy process.
pub(crate) struct WorkerClock {
    accounts: Vec<PathBuf>,
}

impl WorkerClock {
    /// Finds the worker threads. The main thread (admin, statistics) is left out: it costs nothing per request.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let mut accounts = Vec::new();
        for task in
            fs::read_dir(format!("/proc/{pid}/task")).context("Envoy's threads (Linux only)")?
        {
            let task = task?.path();
            if fs::read_to_string(task.join("comm"))?.starts_with("wrk:") {
                accounts.push(task.join("schedstat"));
            }
        }
        ensure!(!accounts.is_empty(), "Envoy has no worker threads");
        Ok(Self { accounts })
    }

    /// Nanoseconds on the CPU since the workers started.
    pub(crate) fn nanoseconds(&self) -> Result<u64> {
        let mut sum = 0;
        for account in &self.accounts {
            let text = fs::read_to_string(account).context("the kernel must have schedstat")?;
            let time = text
                .split_ascii_whitespace()
                .next()
                .context("an empty schedstat")?;
            sum += time.parse::<u64>()?;
        }
        Ok(sum)
    }
}
