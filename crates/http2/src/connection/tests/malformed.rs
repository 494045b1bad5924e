//! What RFC 9113 forbids on one stream: it is reset, and the connection lives.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::{ResetReason, StreamErrorKind as Stream};

/// A header list and what is wrong with it; `None`: nothing.
#[test]
fn malformed_requests_are_reset() {
    let base = || HeaderBlockBuilder::new().block(&request());
    let plain = HeaderBlockBuilder::new;
    let cases: Vec<(HeaderBlockBuilder, Option<Stream>)> = vec![
        (base(), None),
        (
            base()
                .field("te", "trailers")
                .field("x", "")
                .field("x!#$%&'*+-.^_`|~", "a\tb \u{fc}"),
            None,
        ),
        (
            plain()
                .field(":method", "CONNECT")
                .field(":authority", "a:1"),
            None,
        ),
        (base().field("X", "a"), Some(Stream::FieldName)),
        (base().field("", "a"), Some(Stream::FieldName)),
        (base().field("a b", "a"), Some(Stream::FieldName)),
        (base().field("a:b", "a"), Some(Stream::FieldName)),
        (base().field("\u{fc}", "a"), Some(Stream::FieldName)),
        (base().field("x", "a\r\nb"), Some(Stream::FieldValue)),
        (base().field("x", "a\0"), Some(Stream::FieldValue)),
        (base().field("x", " a"), Some(Stream::FieldValue)),
        (base().field("x", "a\t"), Some(Stream::FieldValue)),
        (
            base().field("connection", "close"),
            Some(Stream::ConnectionHeader),
        ),
        (
            base().field("transfer-encoding", "chunked"),
            Some(Stream::ConnectionHeader),
        ),
        (
            base().field("keep-alive", "1"),
            Some(Stream::ConnectionHeader),
        ),
        (
            base().field("proxy-connection", "1"),
            Some(Stream::ConnectionHeader),
        ),
        (
            base().field("upgrade", "h2c"),
            Some(Stream::ConnectionHeader),
        ),
        (base().field("te", "gzip"), Some(Stream::ConnectionHeader)),
        (base().field(":method", "GET"), Some(Stream::PseudoHeader)),
        (base().field(":unknown", "x"), Some(Stream::PseudoHeader)),
        (
            base().field(":protocol", "websocket"),
            Some(Stream::PseudoHeader),
        ),
        (base().field(":status", "200"), Some(Stream::PseudoHeader)),
        (
            base().field("x", "y").field(":authority", "a"),
            Some(Stream::PseudoHeader),
        ),
        (
            plain().field(":method", "GET").field(":scheme", "http"),
            Some(Stream::PseudoHeader),
        ),
        (
            plain().field(":method", "GET").field(":path", "/"),
            Some(Stream::PseudoHeader),
        ),
        (
            plain().field(":scheme", "http").field(":path", "/"),
            Some(Stream::PseudoHeader),
        ),
        (
            plain()
                .field(":method", "GET")
                .field(":scheme", "http")
                .field(":path", ""),
            Some(Stream::PseudoHeader),
        ),
        (
            plain()
                .field(":method", "CONNECT")
                .field(":scheme", "http")
                .field(":path", "/"),
            Some(Stream::PseudoHeader),
        ),
        (plain(), Some(Stream::PseudoHeader)),
        (
            base().field("content-length", "x"),
            Some(Stream::ContentLength),
        ),
        (
            base().field("content-length", "+1"),
            Some(Stream::ContentLength),
        ),
        (
            base().field("content-length", "99999999999999999999999"),
            Some(Stream::ContentLength),
        ),
        (
            base()
                .field("content-length", "1")
                .field("content-length", "2"),
            Some(Stream::ContentLength),
        ),
        (
            base().field("x", "y".repeat(70_000)),
            Some(Stream::HeaderListTooLong),
        ),
    ];
    for (number, (block, expected)) in cases.into_iter().enumerate() {
        let mut server = server(Config {
            max_frame_size: 100_000,
            ..Config::default()
        });
        let block = block.finish();
        server
            .handle_bytes(frame(1, 5, 1, block.as_bytes()).into())
            .unwrap();
        match (events(&mut server).as_slice(), expected) {
            ([Event::Headers { .. }], None) => {}
            ([Event::Reset { code, reason, .. }], Some(kind)) => {
                assert_eq!(
                    (*code, *reason),
                    (kind.error_code(), ResetReason::Violation(kind)),
                    "{number}"
                );
                assert_eq!(
                    frames(&drain(&mut server)),
                    [(3, 0, 1, kind.error_code().0.to_be_bytes().to_vec())]
                );
                assert_eq!(server.open_streams(), 0);
            }
            (events, expected) => panic!("{number}: {events:?}, not {expected:?}"),
        }
        // The connection lives, and its table is in step.
        server.handle_bytes(headers(3, 1).into()).unwrap();
        assert!(matches!(events(&mut server)[..], [Event::Headers { .. }]));
    }
}

/// Frames on stream 1 of a server behind a request, and how the stream ends.
#[test]
fn what_ends_a_stream() {
    let length = |length: &str| {
        let block = HeaderBlockBuilder::new()
            .block(&request())
            .field("content-length", length)
            .finish();
        frame(1, 4, 1, block.as_bytes())
    };
    let open = headers(1, 0);
    let ended = headers(1, 1);
    let trailers = trailers();
    let trailers = trailers.as_bytes();
    for (what, frames, kind) in [
        (
            "DATA behind the end",
            [ended.clone(), frame(0, 0, 1, b"x")],
            Stream::Closed,
        ),
        (
            "HEADERS behind the end",
            [ended.clone(), frame(1, 5, 1, trailers)],
            Stream::Closed,
        ),
        (
            "trailers that do not end",
            [open.clone(), frame(1, 4, 1, trailers)],
            Stream::Sequence,
        ),
        (
            "pseudo header in trailers",
            [open.clone(), headers(1, 1)],
            Stream::PseudoHeader,
        ),
        (
            "WINDOW_UPDATE of 0",
            [open.clone(), window_update(1, 0)],
            Stream::WindowIncrement,
        ),
        (
            "WINDOW_UPDATE that overflows",
            [open, window_update(1, 0x7fff_ffff)],
            Stream::WindowOverflow,
        ),
        (
            "more than content-length",
            [length("3"), frame(0, 0, 1, b"abcd")],
            Stream::ContentLength,
        ),
        (
            "less than content-length",
            [length("3"), frame(0, 1, 1, b"ab")],
            Stream::ContentLength,
        ),
        (
            "trailers before content-length",
            [length("3"), frame(1, 5, 1, trailers)],
            Stream::ContentLength,
        ),
    ] {
        let mut server = server(Config::default());
        server.handle_bytes(frames.concat().into()).unwrap();
        let (code, reason) = (kind.error_code(), ResetReason::Violation(kind));
        assert_eq!(
            events(&mut server).last(),
            Some(&Event::Reset {
                id: id(1),
                code,
                reason
            }),
            "{what}"
        );
        assert_eq!(
            super::frames(&drain(&mut server)),
            [(3, 0, 1, code.0.to_be_bytes().to_vec())],
            "{what}"
        );
    }
}

#[test]
fn malformed_responses_are_reset() {
    let status = |status: &str| HeaderBlockBuilder::new().field(":status", status).finish();
    let headers = |block: HeaderBlock, flags: u8| frame(1, 4 | flags, 1, block.as_bytes());
    for (bytes, kind) in [
        (headers(status("20"), 0), Stream::PseudoHeader),
        (headers(status("2000"), 0), Stream::PseudoHeader),
        (headers(status("099"), 0), Stream::PseudoHeader),
        (headers(status("abc"), 0), Stream::PseudoHeader),
        (headers(request(), 0), Stream::PseudoHeader),
        (headers(trailers(), 0), Stream::PseudoHeader),
        (headers(status("100"), 1), Stream::Sequence),
        (headers(status("101"), 0), Stream::Sequence),
        (frame(0, 0, 1, b"x"), Stream::Sequence),
    ] {
        let mut client = client(Config::default());
        client.open_stream(request(), true).unwrap();
        client.handle_bytes(bytes.into()).unwrap();
        let (code, reason) = (kind.error_code(), ResetReason::Violation(kind));
        assert_eq!(
            events(&mut client),
            [Event::Reset {
                id: id(1),
                code,
                reason
            }]
        );
    }
    // A response to HEAD, and one without a body, may tell a length.
    let mut client = client(Config::default());
    client.open_stream(request(), true).unwrap();
    let block = HeaderBlockBuilder::new()
        .field(":status", "304")
        .field("content-length", "5")
        .finish();
    client.handle_bytes(headers(block, 1).into()).unwrap();
    assert!(matches!(
        events(&mut client)[..],
        [Event::Headers { end: true, .. }]
    ));
}
