//! One bridge between two peers that send whatever they like: no panic, and nothing held beyond its limits.
//!
//! The first byte chooses the mode and small or default limits. Then follow operations: a byte whose lowest bit says
//! which side sends, whose second whether it ends with that, and the rest with the next byte how much.
#![no_main]

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use meshlane_bridge::{Bridge, Budget, ConnectionFacts, Mode, Policy};

/// What a bridge may hold beyond `maxBufferedBytes`: the windows of streams whose turn has not come, see the guide.
const WINDOWS: usize = 40 * 1024 * 1024;

fuzz_target!(|input: &[u8]| {
    let Some((first, mut operations)) = input.split_first() else {
        return;
    };
    let mode = if first & 1 == 0 {
        Mode::ToHttp
    } else {
        Mode::ToDubbo
    };
    let mut policy = Policy::with_defaults(mode);
    if first & 2 == 0 {
        policy.limits.max_frame_bytes = 4096;
        policy.limits.max_buffered_bytes = 8192;
        policy.limits.max_concurrent_calls = 4;
        policy.limits.max_queued_calls = 4;
    }
    let limit = policy.limits.max_buffered_bytes;
    let budget = Budget::new();
    let facts = ConnectionFacts {
        destination: "10.0.0.1:20880".to_owned(),
    };
    let mut bridge = Bridge::new(Rc::new(policy), facts, budget.clone());
    // What makes the bridge take the connection for one of its own.
    let beginning: &[u8] = match mode {
        Mode::ToHttp => b"\xda\xbb",
        _ => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    };
    let mut unread = beginning.to_vec();
    let mut now = Duration::ZERO;
    while let [operation, length, rest @ ..] = operations {
        let length = (usize::from(operation >> 2) << 8 | usize::from(*length)).min(rest.len());
        let (bytes, rest) = rest.split_at(length);
        operations = rest;
        now += Duration::from_millis(1);
        let end = operation & 2 != 0;
        if operation & 1 == 0 {
            unread.extend_from_slice(bytes);
            let verdict = bridge.handle_downstream(Bytes::from(unread.clone()), end, now);
            if verdict != meshlane_bridge::Verdict::Wait {
                unread.clear();
            }
            while bridge.poll_to_upstream().is_some() {}
        } else {
            let _ = bridge.handle_upstream(Bytes::copy_from_slice(bytes), end, now);
            while bridge.poll_to_downstream().is_some() {}
        }
        while bridge.poll_note().is_some() {}
        assert!(budget.held() <= limit + WINDOWS + input.len());
    }
    drop(bridge);
    assert_eq!(budget.held(), 0);
});
