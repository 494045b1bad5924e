//! Traffic tagging (流量打标): which tags a request gets, and what is written to its carriers.
//!
//! A [`Policy`] is made once from a configuration document and decides for each request.
//! It does no IO, knows no clock and gets its randomness handed in, so the filter, the
//! command line and the tests run the very same code.
//!
//! ```text
//!   document ──parse_json──▶ config::TrafficTagConfig ──validate──▶ Policy
//!                                                                     │
//!   RequestFacts, Workload, randomness ───────────decide─────────────▶ Decision
//!                                                                     ├─ tags: value, rule, reason
//!                                                                     ├─ mutations of request headers
//!                                                                     └─ cookies to set
//! ```
//!
//! For each tag, in the order of the document:
//! 1. The incoming value is read from the tag's carriers; the first carrier that has a valid one counts.
//! 2. `onIncoming` says whether it is kept (then no rule is tried), removed, or overwritten when a rule says so.
//! 3. The rules are tried in order; the first whose condition holds and that has a value decides.
//! 4. Otherwise the default, if there is one.
//! 5. All carriers are brought in line; a header is only touched when it changes.
//!
//! ```
//! use meshlane_attributes::{ProxyKind, StaticFacts, Workload};
//! use meshlane_traffic_tag::Policy;
//!
//! let document = br#"{"tags": [{"name": "x-mse-tag", "rules": [
//!     {"name": "beta", "when": {"attribute": "header.x-user", "exact": "alice"}, "value": "gray"}]}]}"#;
//! let policy = Policy::parse(document, ProxyKind::Gateway)?;
//! let facts = StaticFacts::with_headers([("x-user", "alice"), ("x-mse-tag", "mine")]);
//! let workload = Workload::default();
//! let decision = policy.decide(&facts, &workload, &mut || [0; 16]);
//! assert_eq!(
//!     decision.summary(&policy),
//!     "x-mse-tag=gray;rule=beta;reason=tag-rule-matched"
//! );
//! # Ok::<(), meshlane_diagnostics::Violations>(())
//! ```

/// The configuration as it is written.
pub mod config;
mod decision;
mod explain;
mod policy;
mod split;
#[cfg(test)]
mod tables;
mod validate;

pub use decision::{Decision, TagDecision};
pub use explain::{Explanation, RuleExplanation, TagExplanation};
pub use policy::{Policy, Rule, Tag};
