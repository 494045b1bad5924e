//! What every part of meshlane says about a configuration or a decision.
//!
//! * [`Violation`]: one thing that is wrong in a configuration document, with the
//!   [`JsonPath`] where it is, what was found, what was expected and the nearest
//!   name that would have been right. Validation collects all of them in
//!   [`Violations`]; nothing is dropped and nothing is repaired in silence.
//! * [`Reason`]: the stable kebab-case code that every decision carries. The same
//!   code stands in metrics, access logs, `meshlane explain`, debug logs and tests.
//! * [`load`]: which configuration is in force when a document is good, bad or missing.
//!
//! ```
//! use meshlane_diagnostics::{Place, Problem, Violations};
//!
//! let mut violations = Violations::default();
//! let root = Place::root();
//! let tags = root.key("tags");
//! violations.push(&tags.index(0), Problem::MissingKey { key: "name" });
//! assert_eq!(violations.to_string(), "tags[0]: key `name` is missing");
//! ```

mod json;
mod lifecycle;
mod nearest;
mod path;
mod reason;
mod violation;

pub use json::{parse_json, read_json};
pub use lifecycle::{ConfigState, Loaded, OnInvalidConfig, document_name, load};
pub use nearest::nearest;
pub use path::{JsonPath, Place, Segment};
pub use reason::Reason;
pub use violation::{Problem, Violation, Violations, is_label};
