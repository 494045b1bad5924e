//! What Envoy defines, under its own names: the rate limit service.
//!
//! ```
//! use meshlane_proto::envoy::{
//!     extensions::common::ratelimit::v3::{RateLimitDescriptor, rate_limit_descriptor::Entry},
//!     service::ratelimit::v3::RateLimitRequest,
//! };
//!
//! let user = Entry { key: "user".to_owned(), value: "alice".to_owned() };
//! let request = RateLimitRequest {
//!     domain: "shop".to_owned(),
//!     descriptors: vec![RateLimitDescriptor { entries: vec![user], limit: None, hits_addend: Some(2) }],
//!     hits_addend: 0,
//! };
//! assert_eq!(request.descriptors[0].hits_addend, Some(2));
//! ```
#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::restriction,
    reason = "generated"
)]

pub mod config {
    pub mod core {
        pub mod v3 {
            include!("gen/envoy.config.core.v3.rs");
        }
    }
}

pub mod extensions {
    pub mod common {
        pub mod ratelimit {
            pub mod v3 {
                include!("gen/envoy.extensions.common.ratelimit.v3.rs");
            }
        }
    }
}

pub mod service {
    pub mod ratelimit {
        pub mod v3 {
            include!("gen/envoy.service.ratelimit.v3.rs");
        }
    }
}

pub mod r#type {
    pub mod v3 {
        include!("gen/envoy.type.v3.rs");
    }
}
