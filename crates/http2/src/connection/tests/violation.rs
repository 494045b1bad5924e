//! What RFC 9113 forbids, each with what it says shall follow.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::{ConnectionErrorKind as Kind, ErrorCode, ResetReason, StreamErrorKind as Stream};

/// Bytes to a server that has been greeted, and the error that ends the connection.
#[test]
fn what_ends_a_connection() {
    let block = request();
    let block = block.as_bytes();
    let padded = |padding: u8| [&[padding][..], block].concat();
    let open = headers(1, 0);
    let with = |rest: Vec<u8>| [open.clone(), rest].concat();
    let cases: Vec<(&str, Vec<u8>, Kind)> = vec![
        ("DATA on stream 0", frame(0, 0, 0, b"x"), Kind::StreamId),
        (
            "DATA on an idle stream",
            frame(0, 0, 1, b"x"),
            Kind::IdleStream,
        ),
        (
            "DATA longer than a frame may be",
            frame(0, 0, 1, &[0; 16_385]),
            Kind::FrameSize,
        ),
        (
            "DATA padded, but without pad length",
            with(frame(0, 8, 1, b"")),
            Kind::FrameSize,
        ),
        (
            "DATA with more padding than payload",
            with(frame(0, 8, 1, b"\x05abcd")),
            Kind::Padding,
        ),
        ("HEADERS on stream 0", headers(0, 0), Kind::StreamId),
        ("HEADERS on an even stream", headers(2, 0), Kind::StreamId),
        (
            "HEADERS on a lower, even stream",
            [headers(5, 0), headers(4, 0)].concat(),
            Kind::IdleStream,
        ),
        (
            "HEADERS with more padding than payload",
            frame(1, 0xc, 1, &padded(200)),
            Kind::Padding,
        ),
        (
            "HEADERS padded, but without pad length",
            frame(1, 0xc, 1, b""),
            Kind::FrameSize,
        ),
        (
            "HEADERS too short for their priority",
            frame(1, 0x24, 1, b"1234"),
            Kind::FrameSize,
        ),
        (
            "HEADERS that cannot be decoded",
            frame(1, 4, 1, &[0x80]),
            Kind::Compression,
        ),
        (
            "another frame inside of a header block",
            [frame(1, 0, 1, block), frame(6, 0, 0, &[0; 8])].concat(),
            Kind::ContinuationExpected,
        ),
        (
            "an unknown frame inside of a header block",
            [frame(1, 0, 1, block), frame(99, 0, 0, b"")].concat(),
            Kind::ContinuationExpected,
        ),
        (
            "CONTINUATION of another stream",
            [frame(1, 0, 1, block), frame(9, 4, 3, b"")].concat(),
            Kind::ContinuationExpected,
        ),
        (
            "CONTINUATION without HEADERS",
            frame(9, 4, 1, block),
            Kind::ContinuationUnexpected,
        ),
        (
            "CONTINUATION behind the end of headers",
            with(frame(9, 4, 1, b"")),
            Kind::ContinuationUnexpected,
        ),
        (
            "PRIORITY on stream 0",
            frame(2, 0, 0, &[0; 5]),
            Kind::StreamId,
        ),
        (
            "PRIORITY of a wrong length",
            frame(2, 0, 1, &[0; 4]),
            Kind::FrameSize,
        ),
        (
            "RST_STREAM on stream 0",
            frame(3, 0, 0, &[0; 4]),
            Kind::StreamId,
        ),
        (
            "RST_STREAM on an idle stream",
            frame(3, 0, 1, &[0; 4]),
            Kind::IdleStream,
        ),
        (
            "RST_STREAM of a wrong length",
            with(frame(3, 0, 1, &[0; 5])),
            Kind::FrameSize,
        ),
        ("SETTINGS on a stream", frame(4, 0, 1, b""), Kind::StreamId),
        (
            "SETTINGS of a wrong length",
            frame(4, 0, 0, &[0; 7]),
            Kind::FrameSize,
        ),
        (
            "SETTINGS acknowledged with a payload",
            frame(4, 1, 0, &[0; 6]),
            Kind::FrameSize,
        ),
        (
            "SETTINGS acknowledged that were not sent",
            frame(4, 1, 0, b""),
            Kind::SettingsAck,
        ),
        (
            "SETTINGS: push of 2",
            settings(&[(2, 2)]),
            Kind::SettingsValue,
        ),
        (
            "SETTINGS: window of 2^31",
            settings(&[(4, 1 << 31)]),
            Kind::SettingsWindow,
        ),
        (
            "SETTINGS: window that overflows a stream's",
            with([window_update(1, 0x7fff_0000), settings(&[(4, 0x1_0000)])].concat()),
            Kind::SettingsWindow,
        ),
        (
            "SETTINGS: frame size too small",
            settings(&[(5, 16_383)]),
            Kind::SettingsValue,
        ),
        (
            "SETTINGS: frame size too large",
            settings(&[(5, 1 << 24)]),
            Kind::SettingsValue,
        ),
        (
            "PUSH_PROMISE",
            with(frame(5, 4, 1, &[0; 8])),
            Kind::PushPromise,
        ),
        ("PING on a stream", frame(6, 0, 1, &[0; 8]), Kind::StreamId),
        (
            "PING of a wrong length",
            frame(6, 0, 0, &[0; 7]),
            Kind::FrameSize,
        ),
        (
            "GOAWAY on a stream",
            frame(7, 0, 1, &[0; 8]),
            Kind::StreamId,
        ),
        (
            "GOAWAY of a wrong length",
            frame(7, 0, 0, &[0; 7]),
            Kind::FrameSize,
        ),
        (
            "WINDOW_UPDATE of a wrong length",
            frame(8, 0, 0, &[0; 3]),
            Kind::FrameSize,
        ),
        (
            "WINDOW_UPDATE of 0 on the connection",
            window_update(0, 0),
            Kind::WindowIncrement,
        ),
        (
            "WINDOW_UPDATE that overflows the connection's",
            window_update(0, 0x7fff_ffff),
            Kind::WindowOverflow,
        ),
        (
            "WINDOW_UPDATE on an idle stream",
            window_update(1, 1),
            Kind::IdleStream,
        ),
        (
            "DATA beyond the window of the stream",
            [
                open.clone(),
                [frame(0, 0, 1, &[0; 16_384])].concat().repeat(4),
            ]
            .concat(),
            Kind::WindowExceeded,
        ),
    ];
    for (what, bytes, kind) in cases {
        for cut in [1, 10, bytes.len()] {
            let mut server = server(Config::default());
            let result = bytes
                .chunks(cut)
                .try_for_each(|chunk| server.handle_bytes(Bytes::copy_from_slice(chunk)));
            let error = result.expect_err(what);
            assert_eq!(
                (error.kind, error.code),
                (kind, kind.error_code()),
                "{what}"
            );
            let output = frames(&drain(&mut server));
            let (last, _, _, payload) = output.last().unwrap();
            assert_eq!(
                (*last, &payload[4..8]),
                (7, &kind.error_code().0.to_be_bytes()[..]),
                "{what}"
            );
            // Dead: nothing has an effect any more.
            assert_eq!(server.handle_bytes(Bytes::from_static(b"x")), Err(error));
            server.send_ping([0; 8]);
            server.set_initial_window(5);
            server.send_goaway(None, ErrorCode::NO_ERROR, b"");
            assert!(
                server.is_going_away()
                    && server.open_streams() == 0
                    && drain(&mut server).is_empty()
            );
        }
    }
}

#[test]
fn what_a_client_does_not_take() {
    let cases: Vec<(&str, Vec<u8>, Kind)> = vec![
        (
            "SETTINGS: push of 1",
            settings(&[(2, 1)]),
            Kind::SettingsValue,
        ),
        (
            "HEADERS on a stream it did not open",
            frame(1, 4, 3, response().as_bytes()),
            Kind::IdleStream,
        ),
        (
            "HEADERS on an even stream",
            frame(1, 4, 2, response().as_bytes()),
            Kind::IdleStream,
        ),
        ("PUSH_PROMISE", frame(5, 4, 1, &[0; 8]), Kind::PushPromise),
    ];
    for (what, bytes, kind) in cases {
        let mut client = client(Config::default());
        client.open_stream(request(), true).unwrap();
        assert_eq!(
            client.handle_bytes(bytes.into()).map_err(|e| e.kind),
            Err(kind),
            "{what}"
        );
    }
}

#[test]
fn how_a_connection_begins() {
    for (bytes, kind) in [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), Kind::Preface),
        (b"PRI * HTTP/2.0\r\n\r\nSMx".to_vec(), Kind::Preface),
        (
            [&PREFACE[..], &frame(6, 0, 0, &[0; 8])].concat(),
            Kind::MissingSettings,
        ),
        (
            [&PREFACE[..], &frame(4, 1, 0, &[])].concat(),
            Kind::MissingSettings,
        ),
    ] {
        for cut in [1, 100] {
            let mut server = Connection::server(Config::default());
            let result = bytes
                .chunks(cut)
                .try_for_each(|chunk| server.handle_bytes(Bytes::copy_from_slice(chunk)));
            assert_eq!(result.map_err(|e| e.kind), Err(kind));
        }
    }
    let mut client = Connection::client(Config::default());
    assert_eq!(
        client
            .handle_bytes(headers(1, 0).into())
            .map_err(|e| e.kind),
        Err(Kind::MissingSettings)
    );
}

/// Frames that a peer may send on a stream that has ended, or that mean nothing.
#[test]
fn what_is_tolerated() {
    let mut server = server(Config::default());
    let bytes = [
        // PRIORITY anywhere, unknown frames with and without payload, unknown settings, unknown flags.
        frame(2, 0, 77, &[0; 5]),
        frame(99, 0xff, 1, &[1; 300]),
        frame(10, 0, 0, b""),
        settings(&[(99, 5), (8, 1), (1, 0), (1, 100_000)]),
        frame(1, 0xd5, 1, request().as_bytes()),
        // The reserved bit.
        window_update(0x8000_0000, 0x8000_0001),
    ];
    server.handle_bytes(bytes.concat().into()).unwrap();
    server.send_headers(id(1), response(), true);
    assert_eq!(server.open_streams(), 0);
    let late = [
        window_update(1, 5),
        frame(3, 0, 1, &[0; 4]),
        frame(2, 0, 1, &[0; 5]),
    ];
    server.handle_bytes(late.concat().into()).unwrap();
    drain(&mut server);
    // DATA of somebody who was not told: the stream is closed, the connection lives.
    server.handle_bytes(frame(0, 1, 1, b"x").into()).unwrap();
    assert_eq!(frames(&drain(&mut server)), [(3, 0, 1, vec![0, 0, 0, 5])]);
}

#[test]
fn streams_beyond_the_limit_are_refused() {
    let mut server = server(Config {
        max_concurrent_streams: 1,
        ..Config::default()
    });
    server
        .handle_bytes(
            [headers(1, 0), headers(3, 0), frame(0, 1, 3, b"x")]
                .concat()
                .into(),
        )
        .unwrap();
    let reset = Event::Reset {
        id: id(3),
        code: ErrorCode::REFUSED_STREAM,
        reason: ResetReason::Violation(Stream::Refused),
    };
    assert_eq!(events(&mut server)[1..], [reset]);
    server.send_reset(id(1), ErrorCode::NO_ERROR);
    server.handle_bytes(headers(5, 1).into()).unwrap();
    assert!(matches!(events(&mut server)[..], [Event::Headers { .. }]));
}
