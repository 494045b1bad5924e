//! Pushes images to registries.
//!
//! What the registry says is taken apart as far as it tells what to do about it: it is not there, it does not let us in,
//! it has no such repository.

mod credentials;
mod push;
mod reference;

pub(crate) use credentials::docker_config;
pub use credentials::{Credentials, CredentialsError};
pub use push::{Connection, PushError, push};
pub use reference::{ImageReference, InvalidReference};
