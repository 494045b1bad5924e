//! What `/clusters?format=json` of Envoy's admin interface says.
//!
//! The answer is `envoy.admin.v3.Clusters`
//! ([clusters.proto](https://github.com/envoyproxy/envoy/blob/main/api/envoy/admin/v3/clusters.proto)) as JSON: some 1,300
//! bytes an endpoint, of which a handful matter. It is read as a stream and endpoints are counted as they come, so the
//! memory this takes depends on the number of clusters alone.

use std::fmt;
use std::io::Read;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::snapshot::{ClusterHealth, Snapshot};

/// An answer that is not what Envoy answers.
#[derive(Debug, thiserror::Error)]
pub enum InvalidClusters {
    /// It is no JSON, or not of the expected shape.
    #[error("not an answer of `/clusters?format=json`: {0}")]
    Json(#[from] serde_json::Error),
    /// There are more clusters than are kept.
    #[error("more than {} clusters", Snapshot::MAX_CLUSTERS)]
    TooManyClusters,
}

/// Counts the healthy endpoints of each cluster.
///
/// Healthy is an endpoint that Envoy gives requests in the normal case: no failed active health check, not ejected by outlier
/// detection, not about to be removed, and by its EDS status neither unhealthy nor draining nor timed out.
///
/// # Errors
/// The text is not such an answer.
pub fn read_clusters(answer: impl Read) -> Result<Snapshot, InvalidClusters> {
    let answer: Answer = serde_json::from_reader(answer)?;
    let Statuses(snapshot) = answer.cluster_statuses;
    snapshot.ok_or(InvalidClusters::TooManyClusters)
}

#[derive(Deserialize)]
struct Answer {
    cluster_statuses: Statuses,
}

/// Nothing when there are too many.
struct Statuses(Option<Snapshot>);

#[derive(Deserialize)]
struct ClusterStatus {
    name: String,
    /// Absent when the cluster has no endpoints.
    #[serde(default)]
    host_statuses: Hosts,
}

#[derive(Default)]
struct Hosts(ClusterHealth);

#[derive(Deserialize)]
struct HostStatus {
    #[serde(default)]
    health_status: HealthStatus,
}

/// `envoy.admin.v3.HostHealthStatus`. What is not set is absent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct HealthStatus {
    failed_active_health_check: bool,
    failed_outlier_check: bool,
    pending_dynamic_removal: bool,
    pending_active_hc: bool,
    excluded_via_immediate_hc_fail: bool,
    active_hc_timeout: bool,
    eds_health_status: EdsStatus,
}

/// `envoy.config.core.v3.HealthStatus`: whether an endpoint is healthy by it.
struct EdsStatus(bool);

impl Default for EdsStatus {
    fn default() -> Self {
        Self(true)
    }
}

impl HealthStatus {
    fn is_healthy(&self) -> bool {
        let ejected = self.failed_active_health_check
            || self.failed_outlier_check
            || self.pending_dynamic_removal
            || self.pending_active_hc
            || self.excluded_via_immediate_hc_fail
            || self.active_hc_timeout;
        self.eds_health_status.0 && !ejected
    }
}

impl<'de> Deserialize<'de> for EdsStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = EdsStatus;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a health status")
            }

            fn visit_str<E>(self, name: &str) -> Result<EdsStatus, E> {
                Ok(EdsStatus(!matches!(
                    name,
                    "UNHEALTHY" | "DRAINING" | "TIMEOUT"
                )))
            }
        }

        deserializer.deserialize_str(Name)
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Statuses;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of clusters")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Statuses, A::Error> {
                let mut snapshot = Snapshot::default();
                let mut complete = true;
                while let Some(status) = list.next_element::<ClusterStatus>()? {
                    complete &= snapshot.insert(status.name, status.host_statuses.0);
                }
                Ok(Statuses(complete.then_some(snapshot)))
            }
        }

        deserializer.deserialize_seq(List)
    }
}

impl<'de> Deserialize<'de> for Hosts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Hosts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of endpoints")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Hosts, A::Error> {
                let mut health = ClusterHealth::default();
                while let Some(host) = list.next_element::<HostStatus>()? {
                    health.total += 1;
                    health.healthy += u32::from(host.health_status.is_healthy());
                }
                Ok(Hosts(health))
            }

            // A cluster without endpoints, as some versions write it.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Hosts, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Hosts::default())
            }

            fn visit_unit<E>(self) -> Result<Hosts, E> {
                Ok(Hosts::default())
            }
        }

        deserializer.deserialize_any(List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn healthy(status: &str) -> u32 {
        let answer = format!(
            r#"{{"cluster_statuses": [{{"name": "a", "added_via_api": true, "host_statuses": [
                {{"address": {{"socket_address": {{"address": "10.0.0.1", "port_value": 1}}}},
                  "stats": [{{"name": "cx_total", "value": "7"}}, {{"type": "GAUGE", "name": "rq_active"}}],
                  "health_status": {status}, "weight": 1, "locality": {{}}}}]}}]}}"#
        );
        let health = read_clusters(answer.as_bytes()).unwrap().get("a");
        assert_eq!(health.total, 1);
        health.healthy
    }

    #[test]
    fn endpoints_that_get_no_requests_are_not_healthy() {
        for status in [
            "{}",
            r#"{"eds_health_status": "HEALTHY"}"#,
            r#"{"eds_health_status": "UNKNOWN"}"#,
            r#"{"eds_health_status": "DEGRADED"}"#,
            r#"{"failed_active_degraded_check": true}"#,
            r#"{"eds_health_status": "HEALTHY", "failed_outlier_check": false}"#,
        ] {
            assert_eq!(healthy(status), 1, "{status}");
        }
        for status in [
            r#"{"eds_health_status": "UNHEALTHY"}"#,
            r#"{"eds_health_status": "DRAINING"}"#,
            r#"{"eds_health_status": "TIMEOUT"}"#,
            r#"{"eds_health_status": "HEALTHY", "failed_outlier_check": true}"#,
            r#"{"failed_active_health_check": true}"#,
            r#"{"pending_dynamic_removal": true}"#,
            r#"{"pending_active_hc": true}"#,
            r#"{"excluded_via_immediate_hc_fail": true}"#,
            r#"{"active_hc_timeout": true}"#,
        ] {
            assert_eq!(healthy(status), 0, "{status}");
        }
    }

    #[test]
    fn a_cluster_without_endpoints_is_there_and_has_none() {
        for cluster in [
            r#"{"name": "a"}"#,
            r#"{"name": "a", "host_statuses": null}"#,
            r#"{"name": "a", "host_statuses": {}}"#,
            r#"{"host_statuses": [], "name": "a"}"#,
        ] {
            let answer = format!(r#"{{"cluster_statuses": [{cluster}]}}"#);
            let snapshot = read_clusters(answer.as_bytes()).unwrap();
            assert_eq!(snapshot.len(), 1, "{cluster}");
            assert_eq!(snapshot.get("a"), ClusterHealth::default());
        }
    }

    #[test]
    fn other_answers_are_refused() {
        for answer in [
            "",
            "{}",
            "[]",
            "invalid request URI",
            r#"{"cluster_statuses": [{"host_statuses": []}]}"#,
            r#"{"cluster_statuses": [{"name": "a"}"#,
            r#"{"cluster_statuses": [{"name": "a", "host_statuses": [{"health_status": {"failed_outlier_check": 1}}]}]}"#,
        ] {
            assert!(read_clusters(answer.as_bytes()).is_err(), "{answer}");
        }
    }
}
