//! What is over a limit ends in an error with a name.

use meshlane_diagnostics::Reason;
use meshlane_dubbo::Status;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::chain::Chain;
use super::frames;
use crate::Note;

#[test]
fn a_frame_that_is_too_long_is_skipped_and_answered() {
    let mut chain = Chain::with(1, |policy| policy.limits.max_frame_bytes = 70_000, |_| {});
    chain.send(frames::call(1, true, "upload", &"a".repeat(100_000), &[]));
    chain.send(frames::call(2, true, "hello", "bob", &[]));
    chain.run();
    let mut answers = chain.client.responses();
    answers.sort_by_key(|(id, _)| *id);
    assert_eq!(answers, [(1, Status::BAD_REQUEST), (2, Status::OK)]);
    assert!(
        chain
            .notes
            .contains(&Note::Refused(Reason::BridgeFrameTooLarge))
    );
}

#[test]
fn a_response_that_is_too_long_is_skipped_and_answered() {
    let mut chain = Chain::with(2, |_| {}, |policy| policy.limits.max_frame_bytes = 70_000);
    chain.provide = |frame| {
        let id = frame.header.request_id;
        Some(frames::value(
            id,
            if frame.body.len() > 200 { 100_000 } else { 5 },
        ))
    };
    chain.send(frames::call(1, true, "download", &"a".repeat(300), &[]));
    chain.send(frames::call(2, true, "hello", "bob", &[]));
    chain.run();
    let mut answers = chain.client.responses();
    answers.sort_by_key(|(id, _)| *id);
    assert_eq!(answers, [(1, Status::SERVER_ERROR), (2, Status::OK)]);
    let message = chain
        .client
        .frames
        .iter()
        .find(|frame| frame.header.request_id == 1);
    assert!(
        message
            .unwrap()
            .message()
            .contains("bridge-frame-too-large")
    );
}

#[test]
fn a_full_buffer_refuses_the_newest_call() {
    let mut chain = Chain::with(
        3,
        |policy| policy.limits.max_buffered_bytes = 200_000,
        |_| {},
    );
    chain.send(frames::call(1, true, "upload", &"a".repeat(150_000), &[]));
    chain.send(frames::call(2, true, "upload", &"a".repeat(250_000), &[]));
    chain.run();
    let mut answers = chain.client.responses();
    answers.sort_by_key(|(id, _)| *id);
    assert_eq!(
        answers,
        [(1, Status::OK), (2, Status::SERVER_THREADPOOL_EXHAUSTED)]
    );
    assert_eq!(chain.budget.held(), 0);
}

#[test]
fn a_full_queue_refuses_the_newest_call() {
    let mut chain = Chain::with(
        5,
        |policy| {
            policy.limits.max_concurrent_calls = 2;
            policy.limits.max_queued_calls = 3;
        },
        |_| {},
    );
    chain.provide = |_| None;
    for id in 1..=8 {
        chain.send(frames::call(id, true, "slow", "bob", &[]));
    }
    chain.run();
    let refused = [6, 7, 8].map(|id| (id, Status::SERVER_THREADPOOL_EXHAUSTED));
    assert_eq!(chain.client.responses(), refused);
}
