//! Names of content by its hash.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// The SHA-256 of some bytes, which is what they are called in a registry: `sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    hex: String,
}

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let hash = Sha256::digest(bytes);
        let hex = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { hex }
    }

    /// The hash alone, as the field `sha256` of a WasmPlugin has it.
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

/// Whether a text is a hash as digests have it: 64 digits of lower-case hexadecimal.
pub(crate) fn is_hash(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    text.len() == 64 && text.bytes().all(is_digit)
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex)
    }
}
