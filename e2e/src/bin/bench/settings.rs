//! How long to measure.

use std::{
    env,
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

/// The knobs, read from the environment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// `BENCH_ROUNDS`: rounds at most; each measures every variant once.
    pub(crate) rounds: usize,
    /// `BENCH_REQUESTS`: requests of one variant in one round.
    pub(crate) requests: usize,
    /// `BENCH_SECONDS`: when the time is over, the round that runs is the last one.
    pub(crate) time: Duration,
}

impl Settings {
    pub(crate) fn from_environment() -> Result<Self> {
        Ok(Self {
            rounds: number("BENCH_ROUNDS", 121)?,
            requests: number("BENCH_REQUESTS", 960)?,
            time: Duration::from_secs(number("BENCH_SECONDS", 150)?),
        })
    }

    /// The moment at which a share of the whole time is over.
    pub(crate) fn deadline(&self, share: f64) -> Instant {
        Instant::now() + self.time.mul_f64(share)
    }
}

fn number<N: FromStr>(name: &str, otherwise: N) -> Result<N>
where
    N::Err: std::error::Error + Send + Sync + 'static,
{
    match env::var(name) {
        Ok(text) => text
            .parse()
            .with_context(|| format!("{name} must be a number")),
        Err(_) => Ok(otherwise),
    }
}
