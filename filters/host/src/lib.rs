//! The one wrapper of proxy-wasm.
//!
//! Filters see Envoy only through this crate: host calls that cannot panic ([`headers`],
//! [`property`], [`metric`], [`shared_data`] …), the facts of a request ([`HostFacts`]), and
//! the life of a configuration ([`Configured`]). The contexts and callbacks themselves are
//! those of the SDK.
//!
//! Nothing in here decides. A native test that reaches a host call does not link, so what
//! can be wrong is in the pure crates, and what is here is seen at work by the end-to-end
//! tests.

mod abi;
/// What filters tell access logs of the request at hand.
pub mod access_log;
/// HTTP requests that a filter makes of its own.
pub mod call;
mod clock;
mod configuration;
pub mod connection;
mod facts;
/// Request and response headers.
pub mod headers;
mod identity;
mod level;
/// Counters, gauges and histograms.
pub mod metric;
pub mod origin;
/// Properties of Envoy, and those that filters leave for access logs.
pub mod property;
mod random;
mod reply;
/// The store that all workers and modules of a proxy share.
pub mod shared_data;
/// Streams of other contexts than the one at hand.
pub mod stream;

pub use clock::now;
pub use configuration::{Configured, KindOfFilter, Newest, document};
pub use facts::HostFacts;
pub use identity::Identity;
pub use level::{follow_log_level, refresh_log_level, tick_every};
pub use random::random_bytes;
pub use reply::{refuse, reply};
