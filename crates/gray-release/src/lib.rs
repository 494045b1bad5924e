//! Full-link gray release (全链路灰度): a tag that a request got once goes with all calls that it causes, and lanes are kept apart.
//!
//! Applications forward an identifier of the request: a trace id, a request id. The sidecar remembers the tags of each request
//! that comes to the application by all identifiers that it has, and gives them back to calls that leave the application with one of
//! these. So nothing changes in the application, and it does not matter which protocol a call has.
//!
//! ```text
//!                    ┌───────────── sidecar ─────────────┐
//!   request ────────▶│ inbound:  Policy::inbound         │────▶ application
//!   tag, identifier  │             │ keys, Remembered     │          │
//!                    │             ▼                     │          │ calls with the identifier
//!                    │        Correlations (shared data) │          │
//!                    │             │                     │          ▼
//!   call ◀───────────│ outbound: Policy::outbound        │◀──── application
//!   tag, identifier  └───────────────────────────────────┘
//! ```
//!
//! The tag of a call is, in this order: the one that it carries itself · the one of the request that caused it, also when that is
//! none · the label of the own workload · none.
//!
//! A tag may stand for lanes. Then each workload takes the requests of its own lane; what happens to others, [`config::Lanes`]
//! says.
//!
//! ```
//! use std::time::Duration;
//!
//! use meshlane_attributes::{StaticFacts, Workload};
//! use meshlane_gray_release::{Correlations, Policy};
//! use meshlane_shared_data::MapData;
//!
//! let policy = Policy::parse(br#"{"tags": [{"name": "x-mse-tag"}]}"#)?;
//! let (data, now, workload) = (MapData::default(), Duration::ZERO, Workload::default());
//! let (capacity, lifetime) = (policy.capacity(), policy.lifetime());
//! let memory = Correlations::open(&data, capacity, lifetime, &mut || [0; 16]);
//!
//! let request = StaticFacts::with_headers([("x-request-id", "r-1"), ("x-mse-tag", "gray")]);
//! let decision = policy.inbound(&request, &workload);
//! for key in &decision.keys {
//!     memory.remember(&data, now, key, &decision.remembered(&policy));
//! }
//!
//! let call = StaticFacts::with_headers([("x-request-id", "r-1")]);
//! let decision = policy.outbound(&call, &workload, &mut |key| memory.recall(&data, now, key));
//! assert_eq!(
//!     decision.summary(&policy),
//!     "x-mse-tag=gray;reason=carried-by-correlation;lane=-"
//! );
//! # Ok::<(), meshlane_diagnostics::Violations>(())
//! ```
//!
//! # Limits
//! Two requests that reach an application with the same identifier and different tags cannot be told apart by it: the newest counts,
//! and it is counted that this happened.

/// The configuration as it is written.
pub mod config;
mod correlation;
mod decision;
mod explain;
mod identifier;
mod lanes;
mod policy;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod tests;
mod validate;

pub use correlation::{Correlations, Remembered, Stored};
pub use decision::{Decision, REROUTE_HEADER, Recall, TagDecision};
pub use explain::{Explanation, TagExplanation, WorkloadLabel};
pub use identifier::CorrelationKey;
pub use policy::{Policy, Tag};
