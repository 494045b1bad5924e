//! Any commands to both ends of an HTTP/2 connection, with bytes cut anywhere: what is sent arrives, and what is
//! accounted for is what there is.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/http2/tests/pair/operations.rs"]
mod operations;

fuzz_target!(|bytes: &[u8]| operations::play(bytes));
