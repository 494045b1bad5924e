//! Which destinations are healthy, as Envoy itself says.
//!
//! One VM of the proxy polls `/clusters?format=json` of the admin interface ([`Lease`] says which), makes a
//! [`Snapshot`] of the answer and shares it. Every VM makes a [`Health`] for its own policy out of it.

mod clusters;
mod json;
mod lease;
mod snapshot;

use std::time::Duration;

pub use clusters::{InvalidClusters, read_clusters};
pub use json::InvalidJson;
pub use lease::Lease;
pub use snapshot::{ClusterHealth, Snapshot};

use meshlane_diagnostics::Reason;

use crate::policy::Policy;
use crate::set::Set;

/// How it is known which destinations are healthy.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthSource {
    pub(crate) cluster: String,
    pub(crate) interval: Duration,
    pub(crate) max_bytes: usize,
    pub(crate) stale_after: u32,
}

/// How many healthy endpoints a destination needs to count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Threshold {
    Endpoints(u32),
    /// Of those that it has, and at least one.
    Percent(f64),
}

/// What is known of the destinations of a [`Policy`].
#[derive(Debug, Clone, Default)]
pub struct Health {
    state: HealthState,
    /// By service; none unless the state is fresh.
    services: Vec<ServiceHealth>,
}

/// How much is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HealthState {
    /// Nobody asks: the policy names no source.
    #[default]
    Off,
    /// No answer has come so far, or the last one is too old.
    Stale,
    /// What Envoy said counts.
    Fresh,
}

#[derive(Debug, Clone)]
pub(crate) struct ServiceHealth {
    pub(crate) healthy: Set,
    /// Healthy endpoints, by destination; nothing when it names no cluster.
    pub(crate) endpoints: Vec<Option<u32>>,
}

impl HealthSource {
    /// The cluster that leads to the admin interface.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// The time between two polls.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// The largest answer that is read.
    pub fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// How old an answer may be and still count: as long as the polls that may be missed take, and half an interval more, so
    /// that a tick that comes late misses none.
    pub fn lifetime(&self) -> Duration {
        self.interval * self.stale_after + self.interval / 2
    }
}

impl Health {
    /// What a policy's destinations are by a snapshot; without one, or when it is too old, nothing is known.
    ///
    /// A destination whose cluster Envoy does not know has no healthy endpoint. One that names no cluster counts as
    /// healthy.
    pub fn new(policy: &Policy, snapshot: Option<&Snapshot>) -> Self {
        let state = match (&policy.health, snapshot) {
            (None, _) => HealthState::Off,
            (Some(_), None) => HealthState::Stale,
            (Some(_), Some(_)) => HealthState::Fresh,
        };
        let known = snapshot.filter(|_| state == HealthState::Fresh);
        let services = known.map_or_else(Vec::new, |snapshot| {
            let services = policy.services.iter();
            services
                .map(|service| {
                    let count = service.destinations.len();
                    let mut health = ServiceHealth {
                        healthy: Set::none(count),
                        endpoints: Vec::with_capacity(count),
                    };
                    for (position, destination) in service.destinations.iter().enumerate() {
                        let found = destination
                            .cluster
                            .as_deref()
                            .map(|name| snapshot.get(name));
                        if found.is_none_or(|found| destination.min_healthy.is_met(found)) {
                            health.healthy.insert(position);
                        }
                        health.endpoints.push(found.map(|found| found.healthy));
                    }
                    health
                })
                .collect()
        });
        Self { state, services }
    }

    /// How much is known.
    pub fn state(&self) -> HealthState {
        self.state
    }

    /// The same for all that decide alike: the state, and which destinations count.
    pub fn fingerprint(&self) -> [u8; 8] {
        let state = [self.state as u64];
        let words = self
            .services
            .iter()
            .flat_map(|service| service.healthy.words());
        let mix =
            |hash: u64, word: &u64| (hash ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        let hash = state.iter().chain(words).fold(0xcbf2_9ce4_8422_2325, mix);
        hash.to_le_bytes()
    }

    /// How many destinations of a service count; nothing unless that is known.
    pub fn healthy(&self, service: usize) -> Option<usize> {
        Some(self.services.get(service)?.healthy.len())
    }

    pub(crate) fn service(&self, service: usize) -> Option<&ServiceHealth> {
        self.services.get(service)
    }
}

impl HealthState {
    /// The state by its code.
    pub fn reason(self) -> Reason {
        match self {
            Self::Off => Reason::HealthOff,
            Self::Stale => Reason::HealthStale,
            Self::Fresh => Reason::HealthKnown,
        }
    }

    /// The state as a number, for a gauge.
    pub fn gauge(self) -> u64 {
        match self {
            Self::Off => 0,
            Self::Fresh => 1,
            Self::Stale => 2,
        }
    }
}

impl Threshold {
    fn is_met(self, found: ClusterHealth) -> bool {
        match self {
            Self::Endpoints(needed) => found.healthy >= needed,
            Self::Percent(share) => {
                let needed = f64::from(found.total) * share / 100.0;
                found.healthy > 0 && f64::from(found.healthy) >= needed
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_share_is_of_the_endpoints_there_are() {
        let is_met = |threshold: Threshold, healthy, total| {
            threshold.is_met(ClusterHealth { healthy, total })
        };
        for (share, healthy, total, expected) in [
            (50.0, 1, 2, true),
            (50.0, 1, 3, false),
            (50.1, 1, 2, false),
            (0.001, 1, 1_000, true),
            (0.001, 0, 1_000, false),
            (100.0, 7, 7, true),
            (100.0, 6, 7, false),
            (33.0, 33, 100, true),
            (1.0, 0, 0, false),
        ] {
            let found = is_met(Threshold::Percent(share), healthy, total);
            assert_eq!(found, expected, "{healthy} of {total}, {share} %");
        }
        assert!(is_met(Threshold::Endpoints(2), 2, 9));
        assert!(!is_met(Threshold::Endpoints(2), 1, 1));
    }
}
