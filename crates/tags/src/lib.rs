//! Tags of requests: their values, and what carries them from hop to hop.
//!
//! A tag has a name, a [`TagValue`] and one or several [`Carrier`]s: a header, a member of `baggage`, a cookie, a Dubbo
//! attachment. They are read in their order, and all are written. [`Edits`] collects what that changes in a request.
//!
//! ```
//! use meshlane_attributes::{HeaderName, StaticFacts};
//! use meshlane_tags::{Carrier, Edits, Incoming, TagValue};
//!
//! let facts = StaticFacts::with_headers([("baggage", "user=7,lane=gray")]);
//! let mut edits = Edits::new(&facts.headers);
//! let Incoming::Valid(lane) = Carrier::Baggage("lane".to_owned()).read(&edits) else {
//!     panic!("there is a value");
//! };
//! Carrier::Header(HeaderName::parse("x-mse-tag")?).write(Some(&lane), &mut edits, false);
//! assert_eq!(edits.into_mutations()[0].value.as_deref(), Some(&b"gray"[..]));
//! # Ok::<(), meshlane_attributes::InvalidHeaderName>(())
//! ```

mod carrier;
/// The configuration as it is written.
pub mod config;
mod edits;
/// From what is written to what is meant.
pub mod validate;
mod value;

pub use carrier::{Carrier, Incoming};
pub use edits::{Edits, HeaderWrite, Mutation};
pub use value::{InvalidTagValue, TagValue};
