//! How much memory a process takes, as the kernel sees it.

use std::fs;

use anyhow::{Context, Result};

use crate::envoy::Envoy;

/// What is resident now, in bytes.
pub fn resident(envoy: &Envoy) -> Result<u64> {
    resident_of(envoy.process_id())
}

/// The most that ever was resident, in bytes.
pub fn peak(envoy: &Envoy) -> Result<u64> {
    field(envoy.process_id(), "VmHWM:")
}

/// Forgets the peak so far.
pub fn reset_peak(envoy: &Envoy) -> Result<()> {
    let file = format!("/proc/{}/clear_refs", envoy.process_id());
    fs::write(&file, "5").with_context(|| file)
}

/// What is resident of any process, in bytes.
pub fn resident_of(process: u32) -> Result<u64> {
    field(process, "VmRSS:")
}

fn field(process: u32, name: &str) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.context("no such field")?.trim().trim_end_matches("kB");
    Ok(kilobytes.trim().parse::<u64>()? << 10)
}
