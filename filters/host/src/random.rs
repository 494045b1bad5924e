//! Randomness.

use crate::abi;

/// Random bytes, from Envoy's cryptographic generator (WASI `random_get`).
pub fn random_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    if !abi::random(&mut bytes) {
        log::error!("the host gives no random bytes");
    }
    bytes
}
