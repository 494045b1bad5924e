//! The way of a request through the services of lane groups.

use meshlane_attributes::ProxyKind;
use meshlane_diagnostics::Violations;
use meshlane_lane_group::{Mesh, Rendered, Walk};
use meshlane_tag_route::Snapshot;
use serde::Serialize;

use super::{Request, bridge_needs, bytes};
use crate::policy::Policy;

/// A mesh whose proxies have the configurations of lane groups.
#[derive(Debug)]
pub struct LaneMesh {
    mesh: Mesh,
    /// Of the gateway, in the order in which they see requests.
    policies: [Policy; 2],
}

/// An explained way.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Walked {
    /// The request in a line.
    pub request: String,
    /// Of a Dubbo call: what the configuration of the gateway's bridge has to say for the rules to
    /// see what they ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bridge_needs: Option<String>,
    /// The random bytes, when they mattered.
    pub random: Option<String>,
    /// The reserved headers that the request came with; the gateway's first filter removes them.
    pub reserved_headers_removed: Vec<String>,
    /// Where the request came, and why.
    #[serde(flatten)]
    pub walk: Walk,
}

impl LaneMesh {
    /// A mesh with these configurations.
    ///
    /// # Errors
    /// What a filter finds wrong in its configuration.
    pub fn new(rendered: &Rendered) -> Result<Self, Violations> {
        let (tags, routes) = (&rendered.traffic_tag, &rendered.tag_route);
        let (tags, routes) = (tags.to_string(), routes.to_string());
        let gateway = ProxyKind::Gateway;
        Ok(Self {
            mesh: Mesh::new(rendered)?,
            policies: [
                meshlane_traffic_tag::Policy::parse(tags.as_bytes(), gateway)?.into(),
                meshlane_tag_route::Policy::parse(routes.as_bytes(), gateway)?.into(),
            ],
        })
    }

    /// What the gateway decides by.
    pub fn policies(&self) -> Vec<&Policy> {
        self.policies.iter().collect()
    }

    /// Explains the way of a request to the first of some services, which calls the second one, and
    /// so on. `clusters` is what proxies would say of theirs; `random` is what chance gives whenever
    /// a decision asks for it.
    ///
    /// # Errors
    /// A service that the mesh does not have.
    pub fn walk(
        &self,
        request: &Request,
        services: &[&str],
        clusters: Option<&Snapshot>,
        random: [u8; 16],
    ) -> Result<Walked, Violations> {
        let policies = self.policies();
        let [tags, _] = &self.policies;
        let (facts, reserved) = request.bridged(&policies).facts(tags.settings());
        let mut drawn = false;
        let mut draw = || {
            drawn = true;
            random
        };
        let walk = self.mesh.walk(&facts, services, clusters, &mut draw)?;
        Ok(Walked {
            request: request.title(),
            bridge_needs: bridge_needs(request, &policies),
            random: drawn.then(|| bytes::hex(&random)),
            reserved_headers_removed: reserved,
            walk,
        })
    }
}
