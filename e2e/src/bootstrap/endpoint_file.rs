//! The endpoints of a cluster that Envoy reads from a file, so that they can change while it runs.

use std::net::SocketAddr;

use anyhow::Result;
use serde_json::{Value, json};

use super::xds_file::XdsFile;
use crate::scene::Scene;

/// A file of the endpoints of a cluster; writing it anew is a live update.
#[derive(Debug)]
pub struct EndpointFile {
    file: XdsFile,
    cluster: String,
}

/// An endpoint and what its discovery says of its health: `HEALTHY`, `DRAINING` …
pub type Endpoint = (SocketAddr, &'static str);

impl EndpointFile {
    /// Makes a file with the first endpoints.
    pub fn new(scene: &Scene, cluster: &str, endpoints: &[Endpoint]) -> Result<Self> {
        Ok(Self {
            file: XdsFile::new(
                scene,
                "endpoints.json",
                KIND,
                &[assignment(cluster, endpoints)],
            )?,
            cluster: cluster.to_owned(),
        })
    }

    /// Replaces the endpoints in one step.
    pub fn publish(&self, endpoints: &[Endpoint]) -> Result<()> {
        self.file.publish(&[assignment(&self.cluster, endpoints)])
    }

    /// The cluster with these endpoints, as Envoy reads it.
    pub fn to_cluster(&self) -> Value {
        json!({
            "name": self.cluster,
            "type": "EDS",
            "connect_timeout": "5s",
            "eds_cluster_config": {"eds_config": self.file.source()},
        })
    }
}

fn assignment(cluster: &str, endpoints: &[Endpoint]) -> Value {
    let endpoints = endpoints.iter().map(|(address, health)| {
        let address = json!({"address": address.ip().to_string(), "port_value": address.port()});
        json!({"endpoint": {"address": {"socket_address": address}}, "health_status": health})
    });
    json!({
        "cluster_name": cluster,
        "endpoints": [{"lb_endpoints": endpoints.collect::<Vec<_>>()}],
    })
}

const KIND: &str = "envoy.config.endpoint.v3.ClusterLoadAssignment";
