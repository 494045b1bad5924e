//! How much memory a process takes, as the kernel sees it.

use std::fs;

use anyhow::{Context, Result};

use crate::envoy::Envoy;

/// What is resident now, in bytes.
pub fn resident(envoy: &Envoy) -> Result<u64> {
    field(envoy, "VmRSS:")
}

/// The most that ever was resident, in bytes.
pub fn peak(envoy: &Envoy) -> Result<u64> {
    field(envoy, "VmHWM:")
}

/// Forgets the peak so far.
pub fn reset_peak(envoy: &Envoy) -> Result<()> {
    let file = format!("/proc/{}/clear_refs", envoy.process_id()?);
    fs::write(&file, "5").with_context(|| file)
}

fn field(envoy: &Envoy, name: &str) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{}/status", envoy.process_id()?))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.context("no such field")?.trim().trim_end_matches("kB");
    Ok(kilobytes.trim().parse::<u64>()? << 10)
}
