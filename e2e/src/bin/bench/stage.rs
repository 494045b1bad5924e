//! One Envoy with a listener a variant, measured in interleaved rounds.

use std::{collections::BTreeMap, time::Instant};

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{envoy::Envoy, scene::Scene};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::{
    cpu::WorkerClock,
    envoy_config,
    load::{Load, ask},
    settings::Settings,
    stats::Series,
    variants::{Case, Variant},
};

/// A running Envoy with the load that each of its listeners gets.
pub(crate) struct Stage {
    clock: WorkerClock,
    contenders: Vec<(Variant, Load)>,
    // Ends with the stage.
    _envoy: Envoy,
}

impl Stage {
    /// Starts Envoy with one worker and checks that each variant does its job.
    pub(crate) fn start(
        runtime: &Runtime,
        scene: &Scene,
        variants: Vec<Variant>,
        clusters: &[Value],
    ) -> Result<Self> {
        Self::start_with(runtime, scene, variants, clusters, 1)
    }

    /// The same with so many workers.
    pub(crate) fn start_with(
        runtime: &Runtime,
        scene: &Scene,
        variants: Vec<Variant>,
        clusters: &[Value],
        workers: usize,
    ) -> Result<Self> {
        let envoy = envoy_config::start(runtime, scene, &variants, clusters, workers)?;
        let mut contenders = Vec::new();
        for variant in variants {
            let address = envoy.address(&variant.name)?;
            check_job(&variant, |request| ask(address, request))?;
            let load = Load::connect(address, variant.request.clone(), variant.expected)?;
            contenders.push((variant, load));
        }
        Ok(Self {
            clock: WorkerClock::of(envoy.process_id())?,
            contenders,
            _envoy: envoy,
        })
    }

    /// Measures round by round, forwards and backwards in turn, until there are enough rounds or the time is over.
    pub(crate) fn measure(&mut self, settings: &Settings, deadline: Instant) -> Result<Measured> {
        // The VM compiles what runs often once more: that must have happened before.
        self.round(settings.requests.max(WARM_UP))?;
        let mut measured = Measured::default();
        while measured.rounds < LEAST_ROUNDS
            || (measured.rounds < settings.rounds && Instant::now() < deadline)
        {
            self.contenders.reverse();
            let round = self.round(settings.requests)?;
            measured.rounds += 1;
            for ((variant, _), (microseconds, requests)) in self.contenders.iter().zip(round) {
                measured.requests = measured.rounds * requests;
                let series = measured.series.entry(variant.name.clone()).or_default();
                series.push(microseconds);
            }
        }
        Ok(measured)
    }

    /// Microseconds from a request to its answer, one after the other, in interleaved rounds: for each variant the median and the
    /// 99th percentile.
    pub(crate) fn latencies(&mut self) -> Result<BTreeMap<String, (f64, f64)>> {
        let mut times: BTreeMap<String, Series> = BTreeMap::new();
        for _ in 0..LATENCY_ROUNDS {
            self.contenders.reverse();
            for (variant, load) in &mut self.contenders {
                let series = times.entry(variant.name.clone()).or_default();
                for time in load.times(LATENCY_REQUESTS)? {
                    series.push(time);
                }
            }
        }
        let times = times.into_iter();
        Ok(times
            .map(|(name, series)| (name, (series.median(), series.quantile(0.99))))
            .collect())
    }

    /// Microseconds a request and the number of requests, for each contender in turn.
    fn round(&mut self, requests: usize) -> Result<Vec<(f64, usize)>> {
        let mut results = Vec::new();
        for (variant, load) in &mut self.contenders {
            let spent = microseconds(&self.clock, load, requests);
            results.push(spent.with_context(|| variant.name.clone())?);
        }
        Ok(results)
    }
}

/// What came out, by the names of the variants.
#[derive(Default)]
pub(crate) struct Measured {
    series: BTreeMap<String, Series>,
    /// How many rounds there were.
    pub(crate) rounds: usize,
    /// How many requests each variant got.
    pub(crate) requests: usize,
}

impl Measured {
    /// Microseconds of CPU a request.
    pub(crate) fn of(&self, name: &str) -> Result<&Series> {
        self.series
            .get(name)
            .with_context(|| format!("{name} was not measured"))
    }
}

/// Microseconds that the workers spend on one request, and the number of requests measured.
fn microseconds(clock: &WorkerClock, load: &mut Load, requests: usize) -> Result<(f64, usize)> {
    // What the listener before it left in the caches is not this one's.
    load.run(requests / 10)?;
    let before = clock.nanoseconds()?;
    let sent = load.run(requests)?;
    let spent = clock.nanoseconds()? - before;
    Ok((spent as f64 / 1000.0 / sent as f64, sent))
}

/// Nobody may win by doing less.
fn check_job(variant: &Variant, ask: impl Fn(&str) -> Result<String>) -> Result<()> {
    for Case {
        what,
        expected,
        request,
    } in &variant.cases
    {
        let answer = ask(request)?;
        ensure!(
            answer == *expected,
            "{}: {what}: answered {answer:?}, not {expected:?}",
            variant.name
        );
    }
    Ok(())
}

const WARM_UP: usize = 6400;
const LEAST_ROUNDS: usize = 3;
const LATENCY_ROUNDS: usize = 20;
const LATENCY_REQUESTS: usize = 250;
