//! What to measure, and how long.

use std::{
    env,
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// The knobs, read from the environment.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// `BENCH`: what to measure.
    pub(crate) parts: Vec<Part>,
    /// `BENCH_ROUNDS`: rounds at most; each measures every variant once.
    pub(crate) rounds: usize,
    /// `BENCH_REQUESTS`: requests of one variant in one round.
    pub(crate) requests: usize,
    /// `BENCH_SECONDS`: when a part's time is over, the round that runs is its last one.
    pub(crate) time: Duration,
}

impl Settings {
    pub(crate) fn from_environment() -> Result<Self> {
        Ok(Self {
            parts: parts()?,
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

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Filters of HTTP requests.
    Http,
    /// Routing by tag.
    Route,
    /// Full-link gray release.
    Lane,
    /// Rate limits.
    Limit,
    /// The Dubbo bridge.
    Dubbo,
    /// Reading Dubbo frames, without Envoy.
    Codec,
}

fn parts() -> Result<Vec<Part>> {
    let names = env::var("BENCH").unwrap_or_default();
    let parts = names.split([',', ' ']).filter(|name| !name.is_empty());
    let parts: Vec<Part> = parts
        .map(|name| match name {
            "http" => Ok(Part::Http),
            "route" => Ok(Part::Route),
            "lane" => Ok(Part::Lane),
            "limit" => Ok(Part::Limit),
            "dubbo" => Ok(Part::Dubbo),
            "codec" => Ok(Part::Codec),
            _ => {
                bail!("BENCH must be some of http, route, lane, limit, dubbo and codec, not {name}")
            }
        })
        .collect::<Result<_>>()?;
    Ok(if parts.is_empty() {
        vec![
            Part::Http,
            Part::Route,
            Part::Lane,
            Part::Limit,
            Part::Dubbo,
            Part::Codec,
        ]
    } else {
        parts
    })
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
