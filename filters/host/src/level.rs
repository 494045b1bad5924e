//! The log level of Envoy, followed by this module.

use std::time::Duration;

use proxy_wasm::types::LogLevel;

use crate::abi;

/// Takes over Envoy's log level now and on every tick from now on, so that a line below it
/// costs no host call and an operator can switch debugging on while the proxy runs
/// (`POST /logging?wasm=debug`).
pub fn follow_log_level() {
    refresh_log_level();
    tick_every(REFRESH);
}

/// Has ticks come to the context at hand this often, and no more rarely than the log level is looked at. Returns how often that
/// is.
pub fn tick_every(period: Duration) -> Duration {
    let period = period.min(REFRESH).max(Duration::from_millis(1));
    abi::set_tick_period(u32::try_from(period.as_millis()).unwrap_or(u32::MAX));
    period
}

/// Takes over Envoy's log level.
pub fn refresh_log_level() {
    proxy_wasm::set_log_level(match abi::log_level() {
        Some(0) => LogLevel::Trace,
        Some(1) => LogLevel::Debug,
        Some(3) => LogLevel::Warn,
        Some(4) => LogLevel::Error,
        Some(5) => LogLevel::Critical,
        _ => LogLevel::Info,
    });
}

const REFRESH: Duration = Duration::from_secs(2);
