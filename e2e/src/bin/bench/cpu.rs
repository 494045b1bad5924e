//! CPU time of Envoy's workers, from the scheduler's own accounts.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

/// Where the kernel accounts for the worker threads of one Envoy process.
pub(crate) struct WorkerClock {
    workers: Vec<PathBuf>,
}

impl WorkerClock {
    /// Finds the worker threads. The main thread (admin, statistics) is left out: it costs nothing per request.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let mut workers = Vec::new();
        for task in
            fs::read_dir(format!("/proc/{pid}/task")).context("Envoy's threads (Linux only)")?
        {
            let task = task?.path();
            if fs::read_to_string(task.join("comm"))?.starts_with("wrk:") {
                workers.push(task);
            }
        }
        ensure!(!workers.is_empty(), "Envoy has no worker threads");
        Ok(Self { workers })
    }

    /// The main thread alone: the admin interface and statistics.
    pub(crate) fn of_main_thread(pid: u32) -> Self {
        let thread = PathBuf::from(format!("/proc/{pid}/task/{pid}"));
        Self {
            workers: vec![thread],
        }
    }

    /// Nanoseconds on the CPU since the workers started, once all of them sleep: the time of a thread that still runs
    /// is booked only now and then.
    pub(crate) fn nanoseconds(&self) -> Result<u64> {
        let mut sum = 0;
        for worker in &self.workers {
            let deadline = Instant::now() + PATIENCE;
            while !is_asleep(worker)? {
                ensure!(Instant::now() < deadline, "a worker of Envoy never sleeps");
                thread::yield_now();
            }
            let text = fs::read_to_string(worker.join("schedstat"))
                .context("the kernel must have schedstat")?;
            let time = text
                .split_ascii_whitespace()
                .next()
                .context("an empty schedstat")?;
            sum += time.parse::<u64>()?;
        }
        Ok(sum)
    }
}

/// Whether a thread waits for something to do: the letter after the name, which stands in parentheses.
fn is_asleep(worker: &Path) -> Result<bool> {
    let text = fs::read_to_string(worker.join("stat"))?;
    let (_, state) = text.rsplit_once(") ").context("a thread without a state")?;
    Ok(state.starts_with('S'))
}

const PATIENCE: Duration = Duration::from_secs(20);
