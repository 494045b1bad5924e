//! OCI images of Wasm modules, in the layouts that Istio's agent accepts.
//!
//! ```text
//! suite.wasm ─▶ Optimiser ─▶ Module ─▶ Image: manifest ─▶ OciLayout, a folder
//! suite.cdx.json ───────────────┘             config    └▶ a registry, see [`crate::registry`]
//!                                             layers
//! ```
//!
//! The same module, the same list of its parts and the same annotations give the same bytes, and so the same digest:
//! nothing in an image says when, where or by whom it was made.

mod archive;
mod digest;
mod image;
mod layout;
mod module;
mod optimise;
mod report;

pub use archive::gzip;
pub use digest::Digest;
pub(crate) use digest::is_hash;
pub use image::{Blob, Image, Layout};
pub use layout::{InvalidLayout, OciLayout};
pub(crate) use module::annotation;
pub use module::{InvalidModule, Module};
pub use optimise::{OptimiseError, Optimiser};
pub use report::{Packaged, json, table};
