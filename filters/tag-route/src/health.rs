//! Watching the health of destinations.
//!
//! Of all VMs of a proxy one polls Envoy's admin interface; the others take what it shares. Each looks several times an
//! interval whether there is something new: that costs a host call.

use std::rc::Rc;
use std::time::Duration;

use meshlane_diagnostics::Reason;
use meshlane_host::metric::{ByReason, Counter, Gauge, Histogram, name};
use meshlane_host::shared_data::HostData;
use meshlane_host::{call, now, shared_data};
use meshlane_shared_data::SharedData as _;
use meshlane_tag_route::{Health, HealthSource, Lease, Policy, Snapshot, read_clusters};

use crate::Plugin;

/// The watch over the destinations of a plugin.
pub(crate) struct Watch {
    plugin: Rc<Plugin>,
    source: HealthSource,
    keys: Keys,
    holder: u64,
    /// The time between two ticks.
    tick: Duration,
    /// When the next poll is due.
    due: Duration,
    /// Whether an answer is to come.
    waiting: bool,
    /// When the snapshot was made that `health` is made of.
    seen: Option<Duration>,
    health: Rc<Health>,
    metrics: Metrics,
}

/// Where the VMs of a proxy share what they know.
struct Keys {
    lease: String,
    /// When the snapshot was made: short, for those who look whether there is a new one.
    time: String,
    snapshot: String,
    /// The plugin's fingerprint, so that a change is counted once for the proxy.
    fingerprint: String,
}

struct Metrics {
    polls: ByReason,
    bytes: Histogram,
    microseconds: Histogram,
    changes: Counter,
    state: Gauge,
    /// By service.
    healthy: Vec<Gauge>,
}

impl Watch {
    /// Begins to watch, when the plugin's configuration names a source.
    pub(crate) fn start(plugin: &Rc<Plugin>) -> Option<Self> {
        let policy = plugin.configured.policy.as_ref()?;
        let source = policy.health_source()?.clone();
        let tick = meshlane_host::tick_every(source.interval() / LOOKS_PER_INTERVAL);
        let random = meshlane_host::random_bytes();
        let holder = random
            .first_chunk()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let mut watch = Self {
            keys: Keys::new(&source, plugin.configured.newest.key()),
            metrics: Metrics::define(&plugin.configured.name, policy),
            health: Rc::new(Health::new(policy, None)),
            plugin: plugin.clone(),
            source,
            holder,
            tick,
            due: Duration::ZERO,
            waiting: false,
            seen: None,
        };
        // What others know already counts for the first request.
        watch.seen = watch.newest(now());
        watch.take();
        Some(watch)
    }

    /// What is known.
    pub(crate) fn health(&self) -> Rc<Health> {
        self.health.clone()
    }

    pub(crate) fn on_tick(&mut self) {
        let now = now();
        if now >= self.due && !self.waiting && self.holds_lease(now) {
            self.poll(now);
        }
        self.look(now);
    }

    /// The answer to a poll, of `size` bytes, or that there is none.
    pub(crate) fn on_answer(&mut self, is_answer: bool, size: usize) {
        self.waiting = false;
        let begin = now();
        let reason = match is_answer && call::is_ok() {
            false => Reason::HealthUnreachable,
            true if size > self.source.max_bytes() => Reason::HealthTooLarge,
            true => match read_clusters(call::body(size)) {
                Ok(snapshot) => {
                    HostData.set(&self.keys.snapshot, &snapshot.encode(begin));
                    let time = begin.as_nanos() as u64;
                    HostData.set(&self.keys.time, &time.to_le_bytes());
                    Reason::HealthPolled
                }
                Err(error) => {
                    log::warn!("{}: {error}", self.plugin.configured.name);
                    Reason::HealthUnreadable
                }
            },
        };
        self.metrics.polls.count(reason);
        if is_answer {
            let elapsed = now().saturating_sub(begin);
            self.metrics.bytes.record(size as u64);
            self.metrics.microseconds.record(elapsed.as_micros() as u64);
        }
        self.look(now());
    }

    fn holds_lease(&self, now: Duration) -> bool {
        let (current, version) = HostData.get(&self.keys.lease);
        let claimed = Lease::claim(current.as_deref(), self.holder, now, self.source.interval());
        claimed.is_some_and(|lease| {
            HostData.compare_and_swap(&self.keys.lease, &lease.encode(), version)
        })
    }

    fn poll(&mut self, now: Duration) {
        // At the tick nearest to it, so that ticks that come a little early or late do not add up.
        self.due = now + self.source.interval() - self.tick / 2;
        let timeout = self.source.interval().max(SHORTEST_TIMEOUT);
        self.waiting = call::get(self.source.cluster(), PATH, timeout);
        if !self.waiting {
            self.metrics.polls.count(Reason::HealthUnreachable);
        }
    }

    /// Takes what is new, and lets go of what is too old.
    fn look(&mut self, now: Duration) {
        let newest = self.newest(now);
        if newest != self.seen {
            self.seen = newest;
            self.take();
        }
    }

    /// When the snapshot was made that counts.
    fn newest(&self, now: Duration) -> Option<Duration> {
        let time = Snapshot::time(&shared_data::value(&self.keys.time)?)?;
        (now < time + self.source.lifetime()).then_some(time)
    }

    fn take(&mut self) {
        let snapshot = self.seen.and_then(|_| {
            let bytes = shared_data::value(&self.keys.snapshot)?;
            Snapshot::decode(&bytes)
        });
        let Some(policy) = &self.plugin.configured.policy else {
            return;
        };
        self.health = Rc::new(Health::new(policy, snapshot.as_ref()));
        if shared_data::replace(&self.keys.fingerprint, &self.health.fingerprint()) {
            self.metrics.change(&self.health);
            let (plugin, state) = (&self.plugin.configured.name, self.health.state().reason());
            log::info!("{plugin}: destinations changed: {state}");
        }
    }
}

impl Keys {
    fn new(source: &HealthSource, plugin: &str) -> Self {
        // Those who want to know it more often ask by themselves.
        let of = format!("{}/{}", source.cluster(), source.interval().as_millis());
        Self {
            lease: format!("meshlane/1/health-lease/{of}"),
            time: format!("meshlane/1/health-time/{of}"),
            snapshot: format!("meshlane/1/health/{of}"),
            fingerprint: format!("meshlane/1/health-seen/{plugin}"),
        }
    }
}

impl Metrics {
    fn define(plugin: &str, policy: &Policy) -> Self {
        let named = |metric| name(metric, &[("plugin", plugin)]);
        let healthy = policy.services().iter().map(|service| {
            let labels = [("plugin", plugin), ("service", service.name())];
            Gauge::new(&name("tag_route_healthy_destinations", &labels))
        });
        Self {
            polls: ByReason::define("tag_route_health_polls", &[("plugin", plugin)], &POLLS),
            bytes: Histogram::new(&named("tag_route_health_bytes")),
            microseconds: Histogram::new(&named("tag_route_health_microseconds")),
            changes: Counter::new(&named("tag_route_health_changes")),
            state: Gauge::new(&named("tag_route_health_state")),
            healthy: healthy.collect(),
        }
    }

    fn change(&self, health: &Health) {
        self.changes.add(1);
        self.state.set(health.state().gauge());
        for (service, gauge) in self.healthy.iter().enumerate() {
            gauge.set(health.healthy(service).unwrap_or_default() as u64);
        }
    }
}

/// What a poll can come to.
const POLLS: [Reason; 4] = [
    Reason::HealthPolled,
    Reason::HealthUnreachable,
    Reason::HealthTooLarge,
    Reason::HealthUnreadable,
];

const PATH: &str = "/clusters?format=json";

/// How often a VM looks for something new while one poll is made.
const LOOKS_PER_INTERVAL: u32 = 4;

/// A large answer takes Envoy's main thread a while.
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(5);
