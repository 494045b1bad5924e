//! What `/clusters?format=json` of Envoy's admin interface says.
//!
//! The answer is `envoy.admin.v3.Clusters`
//! ([clusters.proto](https://github.com/envoyproxy/envoy/blob/main/api/envoy/admin/v3/clusters.proto)) as JSON: some 1,300
//! bytes an endpoint, of which a handful matter. It is read as a stream and endpoints are counted as they come, so the
//! memory this takes depends on the number of clusters alone.

use std::io::BufRead;

use super::json::{InvalidJson, Reader};
use super::snapshot::{ClusterHealth, Snapshot};

/// An answer that is not what Envoy answers.
#[derive(Debug, thiserror::Error)]
pub enum InvalidClusters {
    /// It is no JSON, or not of the expected shape.
    #[error("not an answer of `/clusters?format=json`: {0}")]
    Json(#[from] InvalidJson),
    /// Something is missing in it.
    #[error("not an answer of `/clusters?format=json`: there is no `{0}`")]
    Missing(&'static str),
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
pub fn read_clusters(answer: impl BufRead) -> Result<Snapshot, InvalidClusters> {
    let mut reader = Reader::new(answer);
    let mut snapshot = None;
    let (mut fits, mut named) = (true, true);
    reader.object(&mut |reader, key| {
        if key != b"cluster_statuses" {
            return reader.skip();
        }
        let snapshot = snapshot.insert(Snapshot::default());
        reader.array(&mut |reader| {
            let (name, health) = cluster_status(reader)?;
            match name {
                Some(name) => fits &= snapshot.insert(name, health),
                None => named = false,
            }
            Ok(())
        })
    })?;
    reader.end()?;
    match snapshot {
        None => Err(InvalidClusters::Missing("cluster_statuses")),
        Some(_) if !named => Err(InvalidClusters::Missing("name")),
        Some(_) if !fits => Err(InvalidClusters::TooManyClusters),
        Some(snapshot) => Ok(snapshot),
    }
}

/// A cluster's name and endpoints.
fn cluster_status(
    reader: &mut Reader<impl BufRead>,
) -> Result<(Option<String>, ClusterHealth), InvalidJson> {
    let (mut name, mut health) = (None, ClusterHealth::default());
    reader.object(&mut |reader, key| match key {
        b"name" => {
            name = Some(reader.string()?);
            Ok(())
        }
        // A cluster without endpoints has none, `null` or `{}`, as versions write it.
        b"host_statuses" if reader.peek()? == b'[' => reader.array(&mut |reader| {
            health.total += 1;
            health.healthy += u32::from(host_status(reader)?);
            Ok(())
        }),
        _ => reader.skip(),
    })?;
    Ok((name, health))
}

/// Whether an endpoint is healthy.
fn host_status(reader: &mut Reader<impl BufRead>) -> Result<bool, InvalidJson> {
    let mut healthy = true;
    reader.object(&mut |reader, key| match key {
        b"health_status" => {
            healthy = health_status(reader)?;
            Ok(())
        }
        _ => reader.skip(),
    })?;
    Ok(healthy)
}

/// Whether an endpoint is healthy by an `envoy.admin.v3.HostHealthStatus`. What is not set is absent.
fn health_status(reader: &mut Reader<impl BufRead>) -> Result<bool, InvalidJson> {
    let mut healthy = true;
    reader.object(&mut |reader, key| {
        healthy &= match key {
            b"failed_active_health_check"
            | b"failed_outlier_check"
            | b"pending_dynamic_removal"
            | b"pending_active_hc"
            | b"excluded_via_immediate_hc_fail"
            | b"active_hc_timeout" => !reader.boolean()?,
            // `envoy.config.core.v3.HealthStatus`
            b"eds_health_status" => {
                let status = reader.string()?;
                !matches!(status.as_str(), "UNHEALTHY" | "DRAINING" | "TIMEOUT")
            }
            _ => {
                reader.skip()?;
                true
            }
        };
        Ok(())
    })?;
    Ok(healthy)
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

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
            r#"{"cluster_statuses": [{"name": "a"} {"name": "b"}]}"#,
            r#"{"cluster_statuses": [{"name": "a",}]}"#,
            r#"{"cluster_statuses": [{"name": "\x"}]}"#,
            r#"{"cluster_statuses": [{"name" "a"}]}"#,
            r#"{"cluster_statuses": [{"name": 1}]}"#,
            r#"{"cluster_statuses": {}}"#,
            r#"{"cluster_statuses": []} []"#,
            r#"{"cluster_statuses": [], "more": }"#,
            r#"{"cluster_statuses": [{"name": "a", "host_statuses": [{"health_status": {"failed_outlier_check": 1}}]}]}"#,
        ] {
            assert!(read_clusters(answer.as_bytes()).is_err(), "{answer}");
        }
    }

    #[test]
    fn an_answer_may_come_in_any_pieces() {
        let answer = r#" {"about": ["[{\"", {"a": [1, -2.5e+3, null, true]}], "cluster_statuses": [
            {"name": "a\u00e4\"b", "host_statuses": [{"health_status": {"failed_outlier_check": true}}, {}]},
            {"circuit_breakers": {"thresholds": [{"priority": "HIGH"}]}, "name": "b"}]} "#;
        let whole = read_clusters(answer.as_bytes()).unwrap();
        let health = ClusterHealth {
            healthy: 1,
            total: 2,
        };
        assert_eq!(whole.get("aä\"b"), health);
        assert_eq!(whole.len(), 2);
        for length in 1..answer.len() {
            let pieces = BufReader::with_capacity(length, answer.as_bytes());
            assert_eq!(read_clusters(pieces).unwrap(), whole, "{length}");
        }
        for end in 0..answer.trim_end().len() {
            assert!(read_clusters(&answer.as_bytes()[..end]).is_err(), "{end}");
        }
    }
}
