//! Lane groups (泳道组): one document from which tagging, routing and the keeping of lanes follow.
//!
//! A group names services, the lanes through them, and who enters which lane. A lane has workloads of some services only; where
//! it has none, its requests go to the baseline and come back at the next service that has one (a permissive lane), or they are
//! refused (a strict one).
//!
//! ```text
//!   document ──parse──▶ LaneGroup ──render, merge──▶ Rendered ──▶ traffic-tag    at the entry: who is in which lane
//!                                                       │         tag-route      at each call: to which workload
//!                                                       │         gray-release   in each sidecar: the tag goes along
//!                                                       ▼
//!                                                     Mesh ──walk──▶ where a request goes, hop by hop, and why
//! ```
//!
//! ```
//! use meshlane_attributes::StaticFacts;
//! use meshlane_lane_group::{LaneGroup, Mesh, render};
//!
//! let group = LaneGroup::parse(br#"{
//!     "apiVersion": "meshlane.dev/v1alpha1", "kind": "LaneGroup", "metadata": {"name": "shop"},
//!     "spec": {
//!         "services": [{"name": "orders", "hosts": ["orders"]}, {"name": "stock", "hosts": ["stock"]}],
//!         "lanes": [{"name": "gray", "services": ["stock"],
//!                    "entry": [{"users": {"attribute": "header.x-user", "in": ["alice"]}}]}]}}"#)?;
//! let mesh = Mesh::new(&render(&group))?;
//! let request = StaticFacts::with_headers([("x-user", "alice")]);
//! let walk = mesh.walk(&request, &["orders", "stock"], None, &mut || [0; 16])?;
//! let destinations: Vec<_> = walk.hops.iter().map(|hop| hop.destination.as_deref()).collect();
//! assert_eq!(destinations, [Some("base"), Some("gray")]);
//! # Ok::<(), meshlane_diagnostics::Violations>(())
//! ```
//!
//! # Limits
//! A walk makes plain HTTP calls: a tag that only a Dubbo attachment carries is not seen on its way. Times are compared in the
//! proxies by their own clocks.

/// The document as it is written.
pub mod config;
mod group;
mod origin;
mod render;
#[cfg(test)]
mod testing;
mod validate;
mod walk;
mod write;

pub use group::{GatewayReference, Gateways, Lane, LaneGroup, Service};
pub use render::{Rendered, merge, render};
pub use validate::{head, is_host, is_label_value, is_name};
pub use walk::{EntryTag, Hop, HopTag, Mesh, Refusal, Route, RouterStep, TagStep, Walk};
