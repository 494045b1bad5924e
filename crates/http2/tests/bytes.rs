//! Any bytes, to both roles. The fuzzer plays the same.
#![cfg(not(target_arch = "wasm32"))]

#[path = "bytes/hostile.rs"]
mod hostile;

use proptest::prelude::*;

/// Frames whose types, flags and streams often mean something.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let payload = proptest::collection::vec(any::<u8>(), 0..40);
    let frame =
        (0u8..12, any::<u8>(), 0u8..8, payload).prop_map(|(kind, flags, stream, payload)| {
            let length = u8::try_from(payload.len()).unwrap_or_default();
            [&[0, 0, length, kind, flags, 0, 0, 0, stream][..], &payload].concat()
        });
    proptest::collection::vec(frame, 0..20).prop_map(|frames| frames.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_have_an_outcome(first: u8, bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        hostile::play(&[&[first][..], &bytes].concat());
    }

    #[test]
    fn any_frames_have_an_outcome(first: u8, bytes in frames()) {
        hostile::play(&[&[first][..], &bytes].concat());
    }
}
