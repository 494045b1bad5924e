//! Rate limiting: which requests are one too many.
//!
//! A [`Policy`] is made once from a configuration document and decides for each request. It does no IO and knows no clock: the
//! time, randomness and the store of the counts are handed in, so the filter, the command line and the tests run the same code.
//!
//! ```text
//!   request ──key──▶ Spot ──read──▶ state ──Algorithm::take──▶ state' ──compare and swap──▶ shared data
//!                      ▲                        │                             │ somebody was faster
//!                      └────────────────────────┼─────────────────────────────┘
//!                                               ▼
//!                                  LimitDecision: code, what is left, how long to wait
//! ```
//!
//! | kind | lets through | state of a key |
//! |---|---|---|
//! | `tokenBucket` | a rate on average, and a burst (GCRA) | 16 bytes |
//! | `slidingWindow` | no more than so many in *any* time of a length | 52 bytes for each window |
//! | `warmUp` | a rate that grows with the traffic (Sentinel) | 72 bytes |
//! | `concurrency` | so many at a time | 20 bytes for each worker |
//! | `adaptive` | as many at a time as the service can take (Netflix's gradient) | 40 bytes, and 20 for each worker |
//! | `queue` | one after the other, at an even pace; the others wait | 17 bytes, and 20 for each worker when those that wait are counted |
//! | `cluster` | what a rate limit service allows, for all proxies; asked one by one, or for many at once | 28 bytes |
//!
//! ```
//! use std::time::Duration;
//!
//! use meshlane_attributes::{StaticFacts, Workload};
//! use meshlane_rate_limit::{Counts, Now, Policy};
//! use meshlane_shared_data::MapData;
//!
//! let policy = Policy::parse(br#"{"limits": [
//!     {"name": "users", "key": ["header.x-user"], "tokenBucket": {"requests": 1, "burst": 2}}]}"#)?;
//! let (data, workload) = (MapData::default(), Workload::default());
//! let counts = Counts::open(&policy, &data, &mut || [7; 16]);
//! let now = Now { time: Duration::from_secs(1_800_000_000), holder: 1 };
//! let mut codes = Vec::new();
//! for _ in 0..3 {
//!     let facts = StaticFacts::with_headers([("x-user", "alice")]);
//!     let decision = policy.decide(&counts, &data, &facts, &workload, now, &mut || [0; 16]);
//!     codes.push(decision.limits[0].reason.as_str());
//! }
//! assert_eq!(codes, ["limit-allowed", "limit-allowed", "limit-over"]);
//! # Ok::<(), meshlane_diagnostics::Violations>(())
//! ```
//!
//! # Limits
//! What a proxy counts, it counts for itself: two proxies let twice as much through. Keys that find no room share one count of their
//! bucket, as [`config::OnOverflow`] says.

mod algorithm;
/// The configuration as it is written.
pub mod config;
mod counts;
mod decision;
mod explain;
mod held;
mod limit;
mod policy;
mod refusal;
mod remote;
#[cfg(test)]
mod tests;
mod validate;

pub use algorithm::Quota;
pub use counts::Counts;
pub use decision::{Decision, LimitDecision, Now, Question, Refused};
pub use explain::{AnswerHeader, Explanation, KeyPart, LimitExplanation};
pub use held::{Held, Holding};
pub use limit::Limit;
pub use meshlane_shared_data::SharedData;
pub use policy::Policy;
pub use refusal::{Refusal, Reply};
