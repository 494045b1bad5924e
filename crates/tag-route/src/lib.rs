//! Routing by tag (按标路由): a chain of routers narrows the destinations of a request, with fallback.
//!
//! A [`Policy`] is made once from a configuration document and decides for each request. It does no IO, knows no clock
//! and gets its randomness handed in, so the filter, the command line and the tests run the very same code.
//!
//! ```text
//!   document ──parse_json──▶ config::TagRouteConfig ──new──▶ Policy
//!                                                              │
//!   Envoy's /clusters ──read_clusters──▶ Snapshot ──▶ Health ──┤
//!   RequestFacts, Workload, randomness ───────────decide──────▶ Decision
//!                                                              ├─ destination: the value of a header
//!                                                              └─ steps: what each router did, and why
//! ```
//!
//! For each request:
//! 1. The host says which service it is for.
//! 2. Destinations that are not healthy do not count, unless none is.
//! 3. The routers of the service's chain narrow what is left, one after the other. One that would leave nothing takes its
//!    fallback.
//! 4. When nothing is left the service's last resort decides.
//! 5. Of several that are left one is chosen, so that endpoints are loaded alike, or sticky.
//!
//! ```
//! use meshlane_attributes::{ProxyKind, StaticFacts, Workload};
//! use meshlane_tag_route::{Health, Policy};
//!
//! let document = br#"{
//!     "chains": {"default": [{"name": "lane", "tag": {"keys": ["header.x-mse-tag"], "label": "version", "untagged": ["v1"]}}]},
//!     "services": [{"name": "orders", "hosts": ["orders.shop"], "destinations": [
//!         {"name": "v1", "labels": {"version": "v1"}},
//!         {"name": "gray", "labels": {"version": "gray"}}]}]}"#;
//! let policy = Policy::parse(document, ProxyKind::Sidecar)?;
//! let facts = StaticFacts::with_headers([(":authority", "orders.shop:8080"), ("x-mse-tag", "gray")]);
//! let (workload, health) = (Workload::default(), Health::default());
//! let decision = policy.decide(&facts, &workload, &health, &mut || [0; 16]);
//! assert_eq!(
//!     decision.summary(&policy),
//!     "orders=gray;reason=route-chosen;health=health-off;lane=gray:router-narrowed"
//! );
//! # Ok::<(), meshlane_diagnostics::Violations>(())
//! ```
//!
//! # Limits
//! Destinations are indexed by the labels that routers go by when a document is read. A request costs a lookup for each router
//! and, for each of them, work on a bit for each destination of its service.

mod chain;
/// The configuration as it is written.
pub mod config;
mod decision;
mod explain;
mod health;
mod inventory;
mod policy;
#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod properties;
mod routing;
mod set;
#[cfg(test)]
mod tables;
mod validate;

pub use decision::{Decision, Step};
pub use explain::{Explanation, RouterExplanation, RuleExplanation};
pub use health::{
    ClusterHealth, Health, HealthSource, HealthState, InvalidClusters, InvalidJson, Lease,
    Snapshot, read_clusters,
};
pub use inventory::{Destination, Service};
pub use policy::{Output, Policy};
