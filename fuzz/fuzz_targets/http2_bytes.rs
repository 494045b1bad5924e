//! Any bytes to either end of an HTTP/2 connection: a defined outcome, whole frames as answers, bounded memory.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/http2/tests/bytes/hostile.rs"]
mod hostile;

fuzz_target!(|bytes: &[u8]| hostile::play(bytes));
