//! The library behind the `meshlane` command.
//!
//! * [`check`] finds everything that is wrong in configuration files and says where.
//! * [`explain`] says what a configuration does with a request, and why.
//! * [`dubbo`] prints Dubbo2 frames.
//! * [`render`] makes configuration of Kubernetes resources.
//! * [`migrate`] makes documents of those of other systems.
//! * [`package`] makes OCI images of Wasm modules, [`registry`] pushes them.
//! * [`schema`] is the JSON Schema of the configurations and the reference made from it.
//!
//! All stand on [`source`] (values that know their place in a file) and [`documents`]
//! (where configurations are kept), and use the very crates that run inside the filters;
//! [`policy`] is what they decide by.
//! [`args`] and [`command`] are the command line.

#![allow(
    clippy::disallowed_methods,
    reason = "a tool on a machine that has a clock"
)]

pub mod args;
pub mod check;
pub mod command;
pub mod diagnostic;
pub mod documents;
pub mod dubbo;
pub mod explain;
pub mod migrate;
pub mod package;
pub mod policy;
pub mod registry;
pub mod render;
pub mod report;
pub mod schema;
pub mod source;
