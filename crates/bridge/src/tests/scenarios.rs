//! What a client and a provider see of each other.

use std::collections::BTreeSet;

use meshlane_diagnostics::Reason;
use meshlane_dubbo::{Event, Flags, Serialization, Status, heartbeat_request, readonly_event};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::chain::Chain;
use super::frames;
use crate::Note;

const SEEDS: std::ops::Range<u64> = 1..20;

#[test]
fn calls_arrive_and_are_answered_however_the_bytes_are_cut() {
    for seed in SEEDS {
        let mut chain = Chain::new(seed);
        chain.largest = 1 + seed as usize * 7;
        for id in 1..=30 {
            chain.send(frames::call(id, true, "hello", "bob", &[("k", "v")]));
        }
        chain.run();
        let answers = chain.client.responses();
        assert_eq!(answers.len(), 30, "seed {seed}: {:?}", chain.notes);
        let ids: BTreeSet<_> = answers.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, (1..=30).collect(), "seed {seed}");
        assert!(answers.iter().all(|(_, status)| *status == Status::OK));
        let frame = frames::call(1, true, "hello", "bob", &[("k", "v")]);
        for call in &chain.provider.frames {
            assert_eq!(call.body, frame[16..], "the body arrives as it was sent");
        }
        assert_eq!(chain.budget.held(), 0);
    }
}

#[test]
fn a_call_that_nobody_waits_for_is_not_answered() {
    let mut chain = Chain::new(3);
    chain.provide = |_| None;
    chain.send(frames::call(1, false, "fire", "x", &[]));
    chain.run();
    assert_eq!(chain.provider.frames.len(), 1);
    assert!(!chain.provider.frames[0].header.is_two_way());
    assert_eq!(chain.client.responses(), []);
    let ended = chain
        .notes
        .iter()
        .filter(|note| matches!(note, Note::CallEnded(_)));
    assert_eq!(ended.count(), 2, "both bridges are done with it");
}

#[test]
fn heartbeats_end_at_the_bridge() {
    let mut chain = Chain::new(5);
    chain.send(heartbeat_request(77, Serialization::HESSIAN2));
    chain.run();
    let answer = &chain.client.frames[0];
    assert_eq!(answer.header.request_id, 77);
    assert!(answer.header.is_event() && !answer.header.is_request());
    assert!(chain.provider.frames.is_empty());
    chain
        .provider
        .to_send
        .extend(heartbeat_request(78, Serialization::HESSIAN2));
    chain.send(frames::call(1, true, "hello", "bob", &[]));
    chain.run();
    assert_eq!(chain.client.responses(), [(1, Status::OK)]);
}

#[test]
fn a_provider_that_is_about_to_stop_drains_the_client() {
    let mut chain = Chain::new(7);
    chain.send(frames::call(1, true, "hello", "bob", &[]));
    chain.run();
    chain
        .provider
        .to_send
        .extend(readonly_event(9, Serialization::HESSIAN2));
    chain.run();
    let events = chain.client.frames.iter().filter_map(|frame| frame.event());
    assert!(
        events
            .into_iter()
            .any(|event| matches!(event, Event::ReadOnly))
    );
    // Calls of clients that have not heard of it yet are still taken.
    chain.send(frames::call(2, true, "hello", "bob", &[]));
    chain.run();
    assert!(chain.client.responses().contains(&(2, Status::OK)));
}

#[test]
fn a_failure_of_the_provider_arrives_as_it_was() {
    let mut chain = Chain::new(9);
    chain.provide = |frame| Some(frames::exhausted(frame.header.request_id));
    chain.send(frames::call(4, true, "hello", "bob", &[]));
    chain.run();
    let answer = &chain.client.frames[0];
    assert_eq!(answer.header.status, Status::SERVER_THREADPOOL_EXHAUSTED);
    assert_eq!(answer.message(), "Thread pool is EXHAUSTED!");
    let seen = chain.notes.iter().find_map(|note| match note {
        Note::CallEnded(ended) => Some((ended.http_status, ended.dubbo_status)),
        _ => None,
    });
    assert_eq!(seen, Some((Some(503), Some(100))));
}

#[test]
fn a_provider_that_dies_leaves_no_call_without_an_answer() {
    for seed in SEEDS {
        let mut chain = Chain::new(seed);
        chain.provide = |_| None;
        for id in 1..=5 {
            chain.send(frames::call(id, true, "slow", "bob", &[]));
        }
        chain.run();
        chain.provider_closes();
        chain.run();
        let answers = chain.client.responses();
        assert_eq!(answers.len(), 5);
        for frame in chain
            .client
            .frames
            .iter()
            .filter(|frame| !frame.header.is_event())
        {
            assert_eq!(frame.header.status, Status::SERVER_ERROR);
            let message = frame.message();
            assert!(
                message.contains("HTTP 503 (bridge-provider-closed)"),
                "{message}"
            );
            assert!(message.contains("dev.meshlane.Shop/slow"), "{message}");
        }
    }
}

#[test]
fn a_callback_argument_is_refused_with_a_reason() {
    let mut chain = Chain::new(11);
    let callback = [("sys_callback_arg-1", "4711")];
    chain.send(frames::call(1, true, "subscribe", "x", &callback));
    chain.run();
    assert!(chain.provider.frames.is_empty());
    let answer = &chain.client.frames[0];
    assert_eq!(answer.header.status, Status::BAD_REQUEST);
    assert!(answer.message().contains("bridge-callback-argument"));
}

#[test]
fn a_callback_of_the_provider_is_refused_on_its_connection() {
    let mut chain = Chain::new(13);
    chain.send(frames::call(1, true, "hello", "bob", &[]));
    chain.run();
    chain
        .provider
        .to_send
        .extend(frames::call(1, true, "changed", "x", &[]));
    chain.run();
    assert!(
        chain
            .notes
            .contains(&Note::Refused(Reason::BridgeCallbackArgument))
    );
    chain.send(frames::call(2, true, "hello", "bob", &[]));
    chain.run();
    assert!(chain.client.responses().contains(&(2, Status::OK)));
}

#[test]
fn an_unknown_serialization_passes_without_a_name() {
    let mut chain = Chain::new(15);
    let flags = Flags::request(Serialization::new(21), true);
    let frame = frames::frame(flags, Status(0), 6, b"opaque \xff\x00 bytes");
    chain.send(frame.clone());
    chain.run();
    assert_eq!(chain.provider.frames[0].body, frame[16..]);
    assert_eq!(chain.client.responses(), [(6, Status::OK)]);
}

#[test]
fn other_protocols_pass_untouched() {
    let mut chain = Chain::new(17);
    let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    chain.send(request.to_vec());
    for _ in 0..100 {
        chain.step();
    }
    assert!(!chain.to_http.is_bridging() && !chain.to_dubbo.is_bridging());
    let arrived: Vec<u8> = chain.provider.inbox.iter().copied().collect();
    assert!(request.ends_with(&arrived));
}

#[test]
fn bytes_that_stop_being_frames_end_the_connection() {
    let mut chain = Chain::new(19);
    chain.send(frames::call(1, true, "hello", "bob", &[]));
    chain.send(b"no frame at all, really not".to_vec());
    chain.run();
    assert_eq!(chain.to_http.close().unwrap().0, Reason::BridgeBrokenFrame);
}

#[test]
fn a_call_whose_caller_has_given_up_is_ended_with_the_next_bytes() {
    let mut chain = Chain::new(29);
    chain.provide = |frame| {
        let is_slow = frame.body.windows(4).any(|bytes| bytes == b"slow");
        (!is_slow).then(|| frames::value(frame.header.request_id, 5))
    };
    chain.send(frames::call(1, true, "slow", "x", &[("timeout", "700")]));
    chain.run();
    assert_eq!(chain.client.responses(), []);
    chain.now += std::time::Duration::from_millis(700);
    chain.send(frames::call(2, true, "hello", "x", &[("timeout", "700")]));
    chain.run();
    let expected = [(1, Status::CLIENT_TIMEOUT), (2, Status::OK)];
    let mut answers = chain.client.responses();
    answers.sort_by_key(|(id, _)| *id);
    assert_eq!(answers, expected);
    let given_up = |note: &&Note| matches!(note, Note::CallEnded(ended) if ended.reason.is_some());
    assert_eq!(
        chain.notes.iter().filter(given_up).count(),
        2,
        "on both sides"
    );
}
