#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use bytes::Bytes;

use super::*;
use crate::{ErrorCode, Refused, ResetReason};

/// Moves bytes both ways until nothing moves.
fn settle(client: &mut Connection, server: &mut Connection, random: &mut Random, most: usize) {
    loop {
        let there = flow(client, server, random, most);
        let back = flow(server, client, random, most);
        if !there && !back {
            return;
        }
    }
}

pub(super) fn pair(random: &mut Random, most: usize) -> (Connection, Connection) {
    let (mut client, mut server) = (
        Connection::client(Config::default()),
        Connection::server(Config::default()),
    );
    settle(&mut client, &mut server, random, most);
    assert_eq!(
        events(&mut client),
        [Event::PeerSettings, Event::SettingsAcknowledged]
    );
    assert_eq!(
        events(&mut server),
        [Event::PeerSettings, Event::SettingsAcknowledged]
    );
    (client, server)
}

/// The body of one stream, and how it ended.
#[derive(Default)]
struct Message {
    headers: usize,
    body: Vec<u8>,
    ends: usize,
    trailers: usize,
}

impl Message {
    fn take(&mut self, event: Event) {
        match event {
            Event::Headers { end, .. } => {
                self.headers += 1;
                self.ends += usize::from(end);
            }
            Event::Data { data, end, .. } => {
                self.body.extend_from_slice(&data);
                self.ends += usize::from(end);
            }
            Event::Trailers { .. } => {
                self.trailers += 1;
                self.ends += 1;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_call_is_four_frames() {
    let mut random = Random(1);
    let (mut client, mut server) = pair(&mut random, 100);
    let stream = client.open_stream(request(), false).unwrap();
    client.send_data(stream, Bytes::from_static(b"ping"), true);
    let output = client.poll_output().unwrap();
    assert_eq!(client.poll_output(), None, "small calls are one piece");
    assert_eq!(
        frames(&output)
            .iter()
            .map(|f| (f.0, f.1))
            .collect::<Vec<_>>(),
        [(1, 4), (0, 1)]
    );
    server.handle_bytes(output).unwrap();
    let Some(Event::Headers {
        id,
        headers,
        end: false,
    }) = server.poll_event()
    else {
        panic!()
    };
    assert_eq!(headers.path(), Some(&b"/i/m"[..]));
    assert_eq!(
        server.poll_event(),
        Some(Event::Data {
            id,
            data: Bytes::from_static(b"ping"),
            end: true
        })
    );
    server.send_headers(id, response(), false);
    server.send_data(id, Bytes::from_static(b"pong"), true);
    assert_eq!(server.queued_bytes(), 4);
    flow(&mut server, &mut client, &mut random, 5);
    assert_eq!((server.queued_bytes(), server.open_streams()), (0, 0));
    let Some(Event::Headers { headers, .. }) = client.poll_event() else {
        panic!()
    };
    assert_eq!(headers.status(), Some(200));
    let mut message = Message::default();
    events(&mut client)
        .into_iter()
        .for_each(|event| message.take(event));
    assert_eq!((message.body.as_slice(), message.ends), (&b"pong"[..], 1));
    assert_eq!(client.open_streams(), 0);
}

#[test]
fn many_streams_with_random_bodies_at_random_cuts() {
    for (seed, most) in [(1, 1), (2, 7), (3, 100), (4, 5_000), (5, 100_000)] {
        let mut random = Random(seed);
        let (mut client, mut server) = pair(&mut random, most);
        let streams = if most < 10 { 5 } else { 200 };
        let mut sent = Vec::new();
        let mut got: Vec<Message> = Vec::new();
        for _ in 0..streams {
            let size = if most < 10 {
                random.next(2_000)
            } else {
                random.next(100_000)
            };
            let body = Bytes::from((0..size).map(|n| n as u8).collect::<Vec<u8>>());
            let stream = client.open_stream(request(), false).unwrap();
            let cut = random.next(size + 1);
            client.send_data(stream, body.slice(..cut), false);
            let with_trailers = random.next(2) == 0;
            client.send_data(stream, body.slice(cut..), !with_trailers);
            if with_trailers {
                client.send_headers(stream, trailers(), true);
            }
            sent.push((stream, body, with_trailers));
            got.push(Message::default());
        }
        loop {
            settle(&mut client, &mut server, &mut random, most);
            let batch = events(&mut server);
            if batch.is_empty() {
                break;
            }
            for event in batch {
                let (Event::Headers { id, .. }
                | Event::Data { id, .. }
                | Event::Trailers { id, .. }) = &event
                else {
                    panic!()
                };
                let id = *id;
                if let Event::Data { data, .. } = &event {
                    server.grant(id, data.len() as u32);
                }
                got[id.value() as usize / 2].take(event);
            }
        }
        for ((stream, body, with_trailers), message) in sent.iter().zip(&got) {
            assert_eq!((message.headers, message.ends), (1, 1), "{stream}");
            assert_eq!(message.trailers, usize::from(*with_trailers));
            assert!(message.body == *body);
        }
        assert_eq!((client.queued_bytes(), client.open_streams()), (0, streams));
        for (stream, ..) in sent {
            server.send_headers(stream, response(), true);
        }
        settle(&mut client, &mut server, &mut random, most);
        assert_eq!((server.open_streams(), client.open_streams()), (0, 0));
    }
}

#[test]
fn streams_take_turns() {
    let mut client = client(Config::default());
    client
        .handle_bytes(
            [settings(&[(4, 1 << 20)]), window_update(0, 1 << 20)]
                .concat()
                .into(),
        )
        .unwrap();
    drain(&mut client);
    let first = client.open_stream(request(), false).unwrap();
    let second = client.open_stream(request(), false).unwrap();
    client.send_data(first, Bytes::from(vec![1; 50_000]), true);
    client.send_data(second, Bytes::from(vec![2; 20_000]), true);
    let order: Vec<u32> = frames(&drain(&mut client))
        .iter()
        .filter(|f| f.0 == 0)
        .map(|f| f.2)
        .collect();
    assert_eq!(order, [1, 3, 1, 3, 1, 1]);
}

#[test]
fn informational_responses_are_skipped() {
    let mut client = client(Config::default());
    client.open_stream(request(), true).unwrap();
    let informational = HeaderBlockBuilder::new()
        .field(":status", "103")
        .field("link", "x")
        .finish();
    let bytes = [
        frame(1, 4, 1, informational.as_bytes()),
        frame(1, 5, 1, response().as_bytes()),
    ]
    .concat();
    client.handle_bytes(bytes.into()).unwrap();
    let events = events(&mut client);
    assert!(
        matches!(&events[..], [Event::Headers { headers, end: true, .. }] if headers.status() == Some(200))
    );
    assert_eq!(client.open_streams(), 0);
}

#[test]
fn resets_end_both_ends() {
    let mut random = Random(1);
    let (mut client, mut server) = pair(&mut random, 10);
    let stream = client.open_stream(request(), false).unwrap();
    client.send_data(stream, Bytes::from(vec![0; 100_000]), true);
    settle(&mut client, &mut server, &mut random, 1_000);
    assert_eq!(client.queued_bytes(), 100_000 - 65_535);
    events(&mut server);
    server.send_reset(stream, ErrorCode::CANCEL);
    assert_eq!(server.open_streams(), 0);
    settle(&mut client, &mut server, &mut random, 1_000);
    assert_eq!(
        events(&mut client),
        [Event::Reset {
            id: stream,
            code: ErrorCode::CANCEL,
            reason: ResetReason::Peer
        }]
    );
    assert_eq!(
        (
            client.queued_bytes(),
            client.queued_bytes_of(stream),
            client.open_streams()
        ),
        (0, 0, 0)
    );
    // Commands on what is gone do nothing.
    client.send_data(stream, Bytes::from_static(b"x"), true);
    client.send_headers(stream, trailers(), true);
    client.send_reset(stream, ErrorCode::CANCEL);
    client.grant(stream, 5);
    assert!(drain(&mut client).is_empty());
}

#[test]
fn goaway_ends_what_the_peer_did_not_see() {
    let mut random = Random(1);
    let (mut client, mut server) = pair(&mut random, 10);
    let first = client.open_stream(request(), true).unwrap();
    settle(&mut client, &mut server, &mut random, 10);
    let second = client.open_stream(request(), true).unwrap();
    server.send_goaway(Some(0x7fff_ffff), ErrorCode::NO_ERROR, b"");
    server.send_goaway(None, ErrorCode::NO_ERROR, b"bye");
    events(&mut server);
    settle(&mut client, &mut server, &mut random, 10);
    let refused = ErrorCode::REFUSED_STREAM;
    assert_eq!(
        events(&mut client),
        [
            Event::GoAway {
                last: 0x7fff_ffff,
                code: ErrorCode::NO_ERROR,
                debug: Bytes::new()
            },
            Event::GoAway {
                last: 1,
                code: ErrorCode::NO_ERROR,
                debug: Bytes::from_static(b"bye")
            },
            Event::Reset {
                id: second,
                code: refused,
                reason: ResetReason::GoAway
            },
        ]
    );
    assert_eq!(events(&mut server), [], "the second stream was refused");
    assert!(client.is_going_away());
    assert_eq!(client.open_stream(request(), true), Err(Refused::GoingAway));
    server.send_headers(first, response(), true);
    settle(&mut client, &mut server, &mut random, 10);
    assert!(matches!(events(&mut client)[..], [Event::Headers { .. }]));
}

#[test]
fn pings_come_back() {
    let mut random = Random(1);
    let (mut client, mut server) = pair(&mut random, 10);
    client.send_ping(*b"12345678");
    settle(&mut client, &mut server, &mut random, 3);
    assert_eq!(
        events(&mut client),
        [Event::Pong {
            payload: *b"12345678"
        }]
    );
}

#[test]
fn no_more_streams_than_the_peer_allows() {
    let mut random = Random(1);
    let mut client = Connection::client(Config::default());
    let mut server = Connection::server(Config {
        max_concurrent_streams: 2,
        ..Config::default()
    });
    assert_eq!(client.peer_max_concurrent_streams(), 100);
    settle(&mut client, &mut server, &mut random, 10);
    assert_eq!(client.peer_max_concurrent_streams(), 2);
    let first = client.open_stream(request(), true).unwrap();
    client.open_stream(request(), true).unwrap();
    assert_eq!(
        client.open_stream(request(), true),
        Err(Refused::MaxConcurrentStreams)
    );
    settle(&mut client, &mut server, &mut random, 10);
    server.send_headers(first, response(), true);
    settle(&mut client, &mut server, &mut random, 10);
    assert!(client.open_stream(request(), true).is_ok());
}

#[test]
fn long_header_lists_go_on_in_continuations() {
    let mut random = Random(1);
    let (mut client, mut server) = pair(&mut random, 10);
    let block = HeaderBlockBuilder::new()
        .block(&request())
        .field("x", "y".repeat(40_000))
        .finish();
    client.open_stream(block, true).unwrap();
    let bytes = drain(&mut client);
    assert_eq!(
        frames(&bytes)
            .iter()
            .map(|f| (f.0, f.1))
            .collect::<Vec<_>>(),
        [(1, 1), (9, 0), (9, 4)]
    );
    for piece in bytes.chunks(1_000) {
        server.handle_bytes(Bytes::copy_from_slice(piece)).unwrap();
    }
    let Some(Event::Headers {
        headers, end: true, ..
    }) = server.poll_event()
    else {
        panic!()
    };
    assert_eq!(headers.get(b"x").map(<[u8]>::len), Some(40_000));
}
