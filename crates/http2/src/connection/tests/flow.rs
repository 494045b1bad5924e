#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use bytes::Bytes;

use super::*;
use crate::ConnectionErrorKind;

const MAX: i64 = 0x7fff_ffff;

/// A client with one request whose body waits: nothing may go out beyond the windows.
fn sender(body: usize) -> (Connection, StreamId) {
    let mut client = client(Config::default());
    let stream = client.open_stream(request(), false).unwrap();
    drain(&mut client);
    client.send_data(stream, Bytes::from(vec![0; body]), true);
    (client, stream)
}

/// Body bytes that go out now, and whether the body ends with them.
fn sent(client: &mut Connection) -> (usize, bool) {
    let data: Vec<_> = frames(&drain(client))
        .into_iter()
        .filter(|frame| frame.0 == 0)
        .collect();
    (
        data.iter().map(|frame| frame.3.len()).sum(),
        data.iter().any(|frame| frame.1 & 1 != 0),
    )
}

#[test]
fn both_windows_bound_what_goes_out() {
    let (mut client, stream) = sender(200_000);
    assert_eq!(sent(&mut client), (65_535, false));
    assert_eq!(client.queued_bytes(), 134_465);
    client.handle_bytes(window_update(1, 1_000).into()).unwrap();
    assert_eq!(
        sent(&mut client),
        (0, false),
        "the connection has no window"
    );
    client.handle_bytes(window_update(0, 400).into()).unwrap();
    assert_eq!(sent(&mut client), (400, false));
    client
        .handle_bytes(window_update(0, 1 << 20).into())
        .unwrap();
    assert_eq!(sent(&mut client), (600, false));
    client
        .handle_bytes(window_update(1, 1 << 20).into())
        .unwrap();
    assert_eq!(sent(&mut client), (133_465, true));
    assert_eq!(client.queued_bytes_of(stream), 0);
}

#[test]
fn frames_keep_to_the_size_of_the_peer() {
    let (mut client, _) = sender(60_000);
    client
        .handle_bytes(settings(&[(5, 20_000)]).into())
        .unwrap();
    let lengths: Vec<usize> = frames(&drain(&mut client))
        .iter()
        .filter(|f| f.0 == 0)
        .map(|f| f.3.len())
        .collect();
    assert_eq!(lengths, [20_000, 20_000, 20_000]);
}

#[test]
fn a_window_may_become_negative() {
    let (mut client, _) = sender(100_000);
    client
        .handle_bytes(window_update(0, 1 << 20).into())
        .unwrap();
    assert_eq!(sent(&mut client), (65_535, false));
    // 65,535 were sent of 10: 65,525 have to come back first.
    client.handle_bytes(settings(&[(4, 10)]).into()).unwrap();
    client
        .handle_bytes(window_update(1, 65_525).into())
        .unwrap();
    assert_eq!(sent(&mut client), (0, false));
    client.handle_bytes(window_update(1, 1).into()).unwrap();
    assert_eq!(sent(&mut client), (1, false));
    client.handle_bytes(settings(&[(4, 110)]).into()).unwrap();
    assert_eq!(sent(&mut client), (100, false));
}

#[test]
fn an_empty_end_needs_no_window() {
    let (mut client, stream) = sender(65_535);
    assert_eq!(sent(&mut client), (65_535, true));
    let other = client.open_stream(request(), false).unwrap();
    client.send_data(other, Bytes::new(), true);
    assert_eq!(sent(&mut client), (0, true));
    let third = client.open_stream(request(), false).unwrap();
    client.send_data(third, Bytes::from_static(b"x"), false);
    client.send_data(third, Bytes::new(), true);
    assert_eq!(sent(&mut client), (0, false));
    client.handle_bytes(window_update(0, 1).into()).unwrap();
    assert_eq!(sent(&mut client), (1, true));
    assert!(client.queued_bytes() == 0 && stream.value() == 1);
}

#[test]
fn small_pieces_share_a_frame() {
    let mut client = client(Config::default());
    let stream = client.open_stream(request(), false).unwrap();
    for _ in 0..10 {
        client.send_data(stream, Bytes::from(vec![1; 2_000]), false);
    }
    client.send_data(stream, Bytes::new(), true);
    let data: Vec<_> = frames(&drain(&mut client))
        .into_iter()
        .filter(|f| f.0 == 0)
        .map(|f| (f.3.len(), f.1))
        .collect();
    assert_eq!(data, [(16_384, 0), (3_616, 1)]);
}

#[test]
fn a_peer_keeps_to_the_window_or_is_gone() {
    let mut server = server(Config {
        initial_window_size: 1_000,
        ..Config::default()
    });
    server
        .handle_bytes([headers(1, 0), frame(0, 0, 1, &[0; 600])].concat().into())
        .unwrap();
    assert_eq!(server.stream_window(id(1)), 400);
    server.grant(id(1), 100);
    assert_eq!(server.stream_window(id(1)), 500);
    assert_eq!(
        frames(&drain(&mut server)),
        [(8, 0, 1, 100u32.to_be_bytes().to_vec())]
    );
    server
        .handle_bytes(frame(0, 0, 1, &[0; 500]).into())
        .unwrap();
    let error = server
        .handle_bytes(frame(0, 0, 1, &[0; 1]).into())
        .unwrap_err();
    assert_eq!(error.kind, ConnectionErrorKind::WindowExceeded);
    assert_eq!(error.code.name(), Some("flow-control-error"));
}

/// Until it acknowledges a smaller window, a peer may use the larger; from when a larger one is sent, it may use that.
#[test]
fn settings_in_flight_are_seen_from_both_sides() {
    let mut server = Connection::server(Config {
        initial_window_size: 10,
        ..Config::default()
    });
    server
        .handle_bytes(
            [&PREFACE[..], &settings(&[]), &headers(1, 0)]
                .concat()
                .into(),
        )
        .unwrap();
    assert_eq!(server.stream_window(id(1)), 65_535);
    server
        .handle_bytes(
            [frame(0, 0, 1, &[0; 16_384]), frame(4, 1, 0, &[])]
                .concat()
                .into(),
        )
        .unwrap();
    assert_eq!(server.stream_window(id(1)), 10 - 16_384);
    server.grant(id(1), 20_000);
    assert_eq!(server.stream_window(id(1)), 3_626);
    drain(&mut server);

    server.set_initial_window(2_000);
    server.set_initial_window(3_000);
    server.set_initial_window(4_000);
    assert_eq!(server.stream_window(id(1)), 3_626 + 1_990);
    assert_eq!(
        frames(&drain(&mut server)),
        [(4, 0, 0, [0, 4, 0, 0, 7, 0xd0].to_vec())]
    );
    server.handle_bytes(frame(4, 1, 0, &[]).into()).unwrap();
    // The second was replaced by the third, which is in flight now.
    assert_eq!(
        frames(&drain(&mut server)),
        [(4, 0, 0, [0, 4, 0, 0, 15, 0xa0].to_vec())]
    );
    assert_eq!(server.stream_window(id(1)), 3_626 + 3_990);
    server.handle_bytes(frame(4, 1, 0, &[]).into()).unwrap();
    server.set_initial_window(0);
    assert_eq!(server.stream_window(id(1)), 3_626 + 3_990);
    server.handle_bytes(frame(4, 1, 0, &[]).into()).unwrap();
    assert_eq!(server.stream_window(id(1)), 3_616);
}

/// An empty frame is the one that a negative window lets through.
#[test]
fn an_empty_end_is_taken_with_a_negative_window() {
    let mut server = server(Config::default());
    server
        .handle_bytes([headers(1, 0), frame(0, 0, 1, b"x")].concat().into())
        .unwrap();
    server.set_initial_window(0);
    server.handle_bytes(frame(4, 1, 0, &[]).into()).unwrap();
    assert_eq!(server.stream_window(id(1)), -1);
    server.handle_bytes(frame(0, 1, 1, b"").into()).unwrap();
    assert!(matches!(
        events(&mut server).last(),
        Some(Event::Data { end: true, .. })
    ));
}

#[test]
fn windows_never_grow_above_their_maximum() {
    let mut server = server(Config {
        initial_window_size: 10,
        ..Config::default()
    });
    server.handle_bytes(headers(1, 0).into()).unwrap();
    server.grant(id(1), u32::MAX);
    assert_eq!(server.stream_window(id(1)), MAX);
    server.grant(id(1), 5);
    assert_eq!(
        frames(&drain(&mut server)),
        [(8, 0, 1, 0x7fff_fff5u32.to_be_bytes().to_vec())]
    );
    // A larger initial window would be too much for this stream.
    server.set_initial_window(1_000);
    assert!(drain(&mut server).is_empty());
    assert_eq!(server.stream_window(id(1)), MAX);
}

#[test]
fn padding_counts_and_is_granted_back() {
    let mut server = server(Config {
        initial_window_size: 1_000,
        ..Config::default()
    });
    let padded = [&[99][..], &[1; 400], &[0; 99]].concat();
    server
        .handle_bytes([headers(1, 0), frame(0, 8, 1, &padded)].concat().into())
        .unwrap();
    assert_eq!(server.stream_window(id(1)), 600);
    assert_eq!(
        frames(&drain(&mut server)),
        [(8, 0, 1, 100u32.to_be_bytes().to_vec())]
    );
    let data: usize = events(&mut server)
        .iter()
        .map(|e| {
            if let Event::Data { data, .. } = e {
                data.len()
            } else {
                0
            }
        })
        .sum();
    assert_eq!(data, 400);
    // One by one, too.
    let mut server = super::server(Config::default());
    for byte in [headers(1, 0), frame(0, 9, 1, &padded)].concat() {
        server.handle_bytes(vec![byte].into()).unwrap();
    }
    let events = events(&mut server);
    assert_eq!(events.len(), 401);
    assert!(matches!(events.last(), Some(Event::Data { end: true, .. })));
}

#[test]
fn the_window_of_the_connection_is_replenished_for_ever() {
    let (max_frame_size, size) = (1 << 20, 1u32 << 20);
    let mut server = server(Config {
        initial_window_size: 0x7fff_ffff,
        max_frame_size,
        ..Config::default()
    });
    server.handle_bytes(headers(1, 0).into()).unwrap();
    drain(&mut server);
    let data = Bytes::from(frame(0, 0, 1, &vec![0; size as usize]));
    let mut told = 0u64;
    // 5 GiB.
    for _ in 0..(5u64 << 30) / u64::from(size) {
        server.handle_bytes(data.clone()).unwrap();
        server.poll_event();
        server.poll_event();
        server.grant(id(1), size);
        while let Some(piece) = server.poll_output() {
            for (kind, _, stream, payload) in frames(&piece) {
                if (kind, stream) == (8, 0) {
                    told += u64::from(u32::from_be_bytes(payload.try_into().unwrap()));
                }
            }
        }
    }
    assert!(told > 4 << 30);
}

#[test]
fn data_on_a_stream_reset_here_still_counts_for_the_connection() {
    let mut server = server(Config::default());
    server.handle_bytes(headers(1, 0).into()).unwrap();
    server.send_reset(id(1), crate::ErrorCode::CANCEL);
    drain(&mut server);
    events(&mut server);
    let before = server.receive_window;
    server
        .handle_bytes(
            [
                frame(0, 0, 1, &[0; 100]),
                frame(1, 5, 1, trailers().as_bytes()),
            ]
            .concat()
            .into(),
        )
        .unwrap();
    assert_eq!(before - server.receive_window, 100);
    assert!(drain(&mut server).is_empty() && events(&mut server).is_empty());
}
