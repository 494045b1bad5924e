//! Two ends and any sequence of commands, with bytes that are cut anywhere. The fuzzer plays the same.
#![cfg(not(target_arch = "wasm32"))]

#[path = "pair/operations.rs"]
mod operations;

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_sent_arrives(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600)) {
        operations::play(&bytes);
    }
}
