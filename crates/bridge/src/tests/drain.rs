//! A connection manager that goes away.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use meshlane_diagnostics::Reason;
use meshlane_dubbo::{Event as DubboEvent, HEADER_LENGTH, Header, Progress, Status};
use meshlane_http2::{Config, Connection, ErrorCode, Event, HeaderBlockBuilder, StreamId};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::frames;
use crate::{Bridge, Budget, ConnectionFacts, FRAME_LIMITS, Mode, Policy, Verdict, frame_length};

/// The bridge behind a client, and the HTTP/2 side of a connection manager.
struct Pair {
    bridge: Bridge,
    manager: Connection,
    streams: Vec<StreamId>,
    answers: Vec<u8>,
}

impl Pair {
    fn new() -> Self {
        let policy = Rc::new(Policy::with_defaults(Mode::ToHttp));
        let destination = "10.0.0.1:20880".to_owned();
        let mut pair = Self {
            bridge: Bridge::new(policy, ConnectionFacts { destination }, Budget::new()),
            manager: Connection::server(Config::default()),
            streams: Vec::new(),
            answers: Vec::new(),
        };
        pair.call(1);
        pair.pass();
        pair
    }

    fn call(&mut self, id: u64) {
        let frame = frames::call(id, true, "hello", "x", &[]);
        let verdict = self
            .bridge
            .handle_downstream(frame.into(), false, Duration::ZERO);
        assert_eq!(verdict, Verdict::Replaced);
        while let Some(bytes) = self.bridge.poll_to_upstream() {
            self.manager.handle_bytes(bytes).unwrap();
        }
        while let Some(event) = self.manager.poll_event() {
            if let Event::Headers { id, .. } = event {
                self.streams.push(id);
            }
        }
    }

    fn answer(&mut self, stream: StreamId, id: u64) {
        let block = HeaderBlockBuilder::new()
            .field(":status", "200")
            .field("content-type", "application/dubbo2")
            .finish();
        self.manager.send_headers(stream, block, false);
        let frame = frames::value(id, 5);
        self.manager.send_data(stream, frame.into(), true);
    }

    /// What the manager wrote passes the bridge.
    fn pass(&mut self) {
        let written: Vec<u8> = std::iter::from_fn(|| self.manager.poll_output())
            .flatten()
            .collect();
        let verdict = self
            .bridge
            .handle_upstream(Bytes::from(written), false, Duration::ZERO);
        assert_eq!(verdict, Verdict::Replaced);
        while let Some(bytes) = self.bridge.poll_to_downstream() {
            self.answers.extend_from_slice(&bytes);
        }
    }

    /// The calls that were answered since the last time, and how often the client was asked to leave.
    fn answered(&mut self) -> (Vec<(u64, Status)>, usize) {
        let bytes = std::mem::take(&mut self.answers);
        let (mut rest, mut calls, mut readonly) = (&bytes[..], Vec::new(), 0);
        while let Progress::Complete(header) = Header::decode(rest, &FRAME_LIMITS) {
            let (frame, after) = rest.split_at(frame_length(&header));
            rest = after;
            let body = &frame[HEADER_LENGTH..];
            let event = DubboEvent::read(header.serialization(), body);
            if !header.is_event() {
                calls.push((header.request_id, header.status));
            } else if event == DubboEvent::ReadOnly {
                readonly += 1;
            }
        }
        (calls, readonly)
    }
}

#[test]
fn calls_after_the_last_goaway_wait_for_those_on_their_way() {
    let mut pair = Pair::new();
    pair.manager.send_goaway(None, ErrorCode::NO_ERROR, b"");
    pair.pass();
    assert_eq!(pair.answered(), (vec![], 1), "READONLY");
    pair.call(2);
    pair.call(3);
    pair.pass();
    // An error now would have the client try again here.
    assert_eq!(pair.answered(), (vec![], 0));
    assert_eq!(pair.bridge.close(), None);
    pair.answer(pair.streams[0], 1);
    pair.pass();
    let (mut calls, readonly) = pair.answered();
    calls.sort_by_key(|(id, _)| *id);
    let expected = [
        (1, Status::OK),
        (2, Status::CHANNEL_INACTIVE),
        (3, Status::CHANNEL_INACTIVE),
    ];
    assert_eq!((&calls[..], readonly), (&expected[..], 0));
    let reason = pair.bridge.close().map(|close| close.0);
    assert_eq!(reason, Some(Reason::BridgeGoingAway));
}

#[test]
fn an_announced_goaway_takes_calls_until_it_counts() {
    let mut pair = Pair::new();
    pair.manager
        .send_goaway(Some(0x7fff_ffff), ErrorCode::NO_ERROR, b"");
    pair.pass();
    pair.call(2);
    assert_eq!(pair.streams.len(), 2);
    for (id, stream) in [1, 2].into_iter().zip(pair.streams.clone()) {
        pair.answer(stream, id);
    }
    pair.pass();
    let expected = vec![(1, Status::OK), (2, Status::OK)];
    assert_eq!(pair.answered(), (expected, 1));
    assert_eq!(pair.bridge.close(), None);
    pair.manager.send_goaway(None, ErrorCode::NO_ERROR, b"");
    pair.pass();
    let reason = pair.bridge.close().map(|close| close.0);
    assert_eq!(reason, Some(Reason::BridgeGoingAway));
}
