//! Bodies that do not fit into the windows that are open.

use meshlane_dubbo::Status;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::chain::Chain;
use super::frames;
use crate::Policy;

const MIB: usize = 1024 * 1024;
/// Longer than the first window.
const LONG: usize = 400 * 1024;

#[test]
fn the_first_request_may_be_longer_than_the_initial_window() {
    for seed in 1..10 {
        let mut chain = Chain::new(seed);
        let argument = "a".repeat(300_000);
        chain.send(frames::call(1, true, "upload", &argument, &[]));
        chain.run();
        assert_eq!(chain.client.responses(), [(1, Status::OK)], "seed {seed}");
        assert!(chain.provider.frames[0].body.len() > 300_000);
    }
}

#[test]
fn long_requests_arrive_whole_one_after_the_other() {
    let mut chain = Chain::new(21);
    let argument = "a".repeat(MIB);
    for id in 1..=4 {
        chain.send(frames::call(id, true, "upload", &argument, &[]));
    }
    chain.run();
    assert_eq!(chain.client.responses().len(), 4);
    let whole = chain
        .provider
        .frames
        .iter()
        .all(|call| call.body.len() > MIB);
    assert!(whole && chain.provider.frames.len() == 4);
    assert_eq!(chain.budget.held(), 0);
}

#[test]
fn long_responses_arrive_whole_and_unmixed() {
    for seed in 1..6 {
        let mut chain = Chain::new(seed);
        chain.provide = |frame| {
            let id = frame.header.request_id;
            let is_long = frame.body.windows(4).any(|bytes| bytes == b"long");
            Some(frames::value(id, if is_long { LONG } else { 10 }))
        };
        for id in 1..=12 {
            let argument = if id % 2 == 0 { "long" } else { "short" };
            chain.send(frames::call(id, true, "download", argument, &[]));
        }
        chain.run();
        let mut answers = chain.client.responses();
        answers.sort_by_key(|(id, _)| *id);
        let expected: Vec<_> = (1..=12).map(|id| (id, Status::OK)).collect();
        assert_eq!(answers, expected, "seed {seed}");
        for frame in &chain.client.frames {
            let id = frame.header.request_id;
            let expected = frames::value(id, if id % 2 == 0 { LONG } else { 10 });
            assert!(frame.body == expected[16..], "seed {seed}, call {id}");
        }
        assert_eq!(chain.budget.held(), 0);
    }
}

#[test]
fn a_client_that_does_not_read_makes_nothing_grow_beyond_the_windows() {
    let small = |policy: &mut Policy| policy.limits.max_buffered_bytes = 4 * MIB;
    let mut chain = Chain::with(23, small, small);
    chain.provide = |frame| Some(frames::value(frame.header.request_id, MIB / 2));
    chain.client.is_stuck = true;
    for id in 1..=32 {
        chain.send(frames::call(id, true, "download", "x", &[]));
    }
    let mut most = 0;
    while chain.step() {
        most = most.max(chain.budget.held());
    }
    // toHttp holds a window for each call; toDubbo holds what the peer's windows do not take.
    let bound = 32 * 256 * 1024 + 4 * MIB + MIB;
    assert!(most < bound, "{most} bytes held");
    chain.client.is_stuck = false;
    chain.run();
    let mut answers = chain.client.responses();
    answers.sort_by_key(|(id, _)| *id);
    let ids: Vec<_> = answers.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, (1..=32).collect::<Vec<_>>(), "every call ends");
    let whole = answers.iter().filter(|(_, status)| *status == Status::OK);
    assert!(whole.count() > 4, "{answers:?}");
    for frame in &chain.client.frames {
        if frame.header.status != Status::OK {
            assert!(frame.message().contains("bridge-buffer-full"));
        }
    }
}

#[test]
fn a_thousand_calls_at_once() {
    let mut chain = Chain::new(25);
    for id in 1..=1000 {
        chain.send(frames::call(id, true, "hello", "bob", &[]));
    }
    chain.run();
    let answers = chain.client.responses();
    assert_eq!(answers.len(), 1000);
    assert!(answers.iter().all(|(_, status)| *status == Status::OK));
}

#[test]
fn more_calls_than_streams_wait_for_their_turn() {
    let mut chain = Chain::with(27, |_| {}, |policy| policy.limits.max_concurrent_calls = 10);
    for id in 1..=40 {
        chain.send(frames::call(id, true, "hello", "bob", &[]));
    }
    chain.run();
    let answers = chain.client.responses();
    assert_eq!(answers.len(), 40);
    assert!(answers.iter().all(|(_, status)| *status == Status::OK));
}
