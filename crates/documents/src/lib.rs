//! Documents that people write about a mesh, shaped like Kubernetes objects of `meshlane.dev/v1alpha1`.
//!
//! | kind | what it is | what runs in the proxies |
//! |---|---|---|
//! | `TrafficLabel` | who gets which tag (流量打标) | `traffic-tag` |
//! | `RouterChain` | to which version a call goes (按标路由) | `tag-route` |
//! | `RateLimit` | how many requests may come | `rate-limit` |
//! | `DubboService` | a service that speaks Dubbo2: its interfaces, consumers, versions, and who may call what | `dubbo` |
//! | `LaneGroup` | a release over several services ([`meshlane_lane_group`]) | the first two, and `gray-release` |
//!
//! The first three are a filter's configuration together with the proxies that it is for. This crate validates what is around the
//! configuration; the configuration itself is validated by the crate of its filter. No cluster knows these kinds: Istio's resources
//! are rendered from them.
//!
//! ```
//! use meshlane_documents::{FilterDocument, FilterKind, Proxies};
//!
//! let document = FilterDocument::parse(FilterKind::RateLimit, br#"{
//!     "apiVersion": "meshlane.dev/v1alpha1", "kind": "RateLimit", "metadata": {"name": "orders", "namespace": "shop"},
//!     "spec": {
//!         "workloads": {"selector": {"app": "orders"}}, "direction": "inbound",
//!         "config": {"limits": [{"name": "all", "tokenBucket": {"requests": 100}}]}}}"#)?;
//! assert_eq!(document.name, "orders");
//! assert!(matches!(document.proxies, Proxies::Sidecars { .. }));
//! # Ok::<(), meshlane_diagnostics::Violations>(())
//! ```

/// The documents as they are written.
pub mod config;
mod dubbo_service;
mod filter;
mod validate;

pub use dubbo_service::{
    Access, Capture, Consumers, DubboService, ProviderListener, Retries, Versions,
};
pub use filter::{FilterDocument, FilterKind, GatewayReference, Proxies, Routes};
