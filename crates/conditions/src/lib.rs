//! Conditions over request attributes.
//!
//! A condition names an attribute and one operator, or joins conditions by `all`, `any`
//! and `not`. The same language serves every filter and tool.
//!
//! ```yaml
//! all:
//! - {attribute: header.x-user, in: [alice, bob]}
//! - any:
//!   - {attribute: query.beta, present: true}
//!   - {attribute: cookie.uid, bucket: {below: 2.5, salt: exp-7}}
//! - not: {attribute: source.ip, cidr: [10.0.0.0/8]}
//! ```
//!
//! # Operators
//!
//! | operator | holds when the attribute |
//! |---|---|
//! | `exact: x` | equals x; a number equals every spelling of it (`5` and `5.0`) |
//! | `prefix` `suffix` `contains` | begins with, ends with, contains the text |
//! | `regex` | matches the whole expression ([syntax](https://docs.rs/regex-lite/latest/regex_lite/#syntax), linear time) |
//! | `in` `notIn` | equals one, none of the list |
//! | `present: true` / `false` | is there, is absent |
//! | `range: {min, max}` | is a number in the range, ends included |
//! | `cidr` | is an address in one of the networks |
//! | `mod: {divisor, in}` | is an integer with one of these remainders |
//! | `bucket: {below, of, salt, algorithm}` | falls by its hash into the first `below` of `of` parts |
//!
//! # Three values
//! A condition on an absent attribute, or on a value that its operator cannot read
//! (`range` on `abc`), is neither true nor false but [`Truth::Unknown`]: the negation of
//! unknown is unknown, and unknown never matches. So `not: {attribute: header.x, exact: a}`
//! does not hold for a request without `x`; `present: false` is how absence is asked for.
//! A list (of a JWT claim) fulfils a condition when one of its elements does; `notIn`
//! when none of them is in the list.

mod bucket;
mod condition;
/// The configuration as it is written.
pub mod config;
mod explain;
mod operator;
mod pattern;
mod scalar;
mod settings;
mod truth;

pub use bucket::{RandomBytes, Sticky, fraction};
pub use condition::{AttributeScope, Condition};
pub use explain::Explanation;
pub use operator::{Operator, integer};
pub use scalar::Scalar;
pub use settings::request_settings;
pub use truth::Truth;
