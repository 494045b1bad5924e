//! The facts about a request that conditions and rules can name.
//!
//! An [`Attribute`] is a name (`header.x-user`, `source.ip`, `jwt.sub` …); a
//! [`Request`] knows its [`Value`]. Facts come from a [`RequestFacts`], which a
//! filter implements over Envoy and a test or the CLI with [`StaticFacts`]. Each
//! attribute is asked for at most once a request, and only when something needs it.
//!
//! ```text
//!  "header.x-user" ──parse──▶ Attribute ──intern──▶ AttributeId ─┐
//!                                                                ▼
//!  Envoy ──RequestFacts──▶ Request (one slot per attribute) ──▶ Value
//! ```
//!
//! An attribute is absent, a text, a number, a boolean or a list. Texts come as UTF-8;
//! bytes that are not are replaced by U+FFFD, so no input is an error here.
//!
//! ```
//! use meshlane_attributes::{AttributeTable, Request, StaticFacts, Value, Workload};
//!
//! let mut table = AttributeTable::default();
//! let user = table.intern("header.x-user".parse()?);
//! let facts = StaticFacts::with_headers([(":path", "/cart?uid=7"), ("x-user", "alice")]);
//! let workload = Workload::default();
//! let request = Request::new(&table, &facts, &workload);
//! assert_eq!(request.value(user), Some(&Value::from("alice")));
//! # Ok::<(), meshlane_attributes::InvalidAttribute>(())
//! ```
//!
//! # Limits
//! Memory is bounded by the size of the request's headers: looking something up in a
//! query, a cookie or a baggage header walks the text and builds no table of it.

mod attribute;
mod baggage;
mod cookie;
pub mod dubbo;
mod facts;
mod forwarded;
mod header_name;
mod headers;
mod identity;
mod metadata;
mod query;
mod request;
mod reserved;
mod value;
mod workload;

pub use attribute::{ArgumentPath, ArgumentStep, Attribute, InvalidAttribute};
pub use baggage::{baggage_member, baggage_members, with_baggage_member};
pub use cookie::{cookie_value, cookie_values, with_cookie};
pub use dubbo::DubboHeaders;
pub use facts::{RequestFacts, StaticFacts};
pub use forwarded::client_address;
pub use header_name::{HeaderName, InvalidHeaderName};
pub use headers::{Headers, InvalidHeaderPairs};
pub use identity::PeerIdentity;
pub use metadata::{Metadata, MetadataValue};
pub use query::query_parameter;
pub use request::{AttributeId, AttributeTable, Request, RequestSettings, without_port};
pub use reserved::is_reserved;
pub use value::Value;
pub use workload::{Locality, ProxyKind, Workload};
