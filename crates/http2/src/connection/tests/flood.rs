//! A peer that costs more than it is worth. Each attack ends in an error of its own, and memory stays bounded.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::time::Duration;

use super::*;
use crate::{ConnectionErrorKind as Kind, FloodLimits};

/// Repeats frames until the connection ends; returns how often that went well. Output is taken if `reads`.
fn attack(
    server: &mut Connection,
    most: u32,
    reads: bool,
    mut next: impl FnMut(u32) -> Vec<u8>,
) -> (u32, Kind) {
    for n in 0..most {
        if let Err(error) = server.handle_bytes(next(n).into()) {
            assert_eq!(error.code.name(), Some("enhance-your-calm"));
            return (n, error.kind);
        }
        while server.poll_event().is_some() {}
        if reads {
            drain(server);
        }
    }
    panic!("never ended");
}

fn odd(n: u32) -> u32 {
    n * 2 + 1
}

/// CVE-2023-44487.
#[test]
fn rapid_reset() {
    let attacker = |n| [headers(odd(n), 1), frame(3, 0, odd(n), &[0, 0, 0, 8])].concat();
    assert_eq!(
        attack(&mut server(Config::default()), 5_000, true, attacker),
        (1_000, Kind::ResetFlood)
    );
}

/// CVE-2025-8671: the server is made to reset.
#[test]
fn made_you_reset() {
    let attacker = |n| [headers(odd(n), 1), window_update(odd(n), 0)].concat();
    assert_eq!(
        attack(&mut server(Config::default()), 5_000, true, attacker),
        (1_000, Kind::ResetFlood)
    );
}

#[test]
fn resets_are_forgiven_for_work_and_with_time() {
    let mut server = server(Config::default());
    let mut second = 0;
    for n in 0..10_000 {
        let id = id(odd(n));
        server.handle_bytes(headers(odd(n), 1).into()).unwrap();
        if n % 2 == 0 {
            server.send_headers(id, response(), true);
        } else {
            server
                .handle_bytes(frame(3, 0, odd(n), &[0; 4]).into())
                .unwrap();
        }
        drain(&mut server);
    }
    // Thirty resets each second, and never an answer: a service that is down.
    for n in 10_000..40_000 {
        if n % 30 == 0 {
            second += 1;
            server.handle_time(Duration::from_secs(second));
        }
        server
            .handle_bytes(
                [headers(odd(n), 1), frame(3, 0, odd(n), &[0; 4])]
                    .concat()
                    .into(),
            )
            .unwrap();
        drain(&mut server);
    }
}

#[test]
fn refused_streams() {
    let mut server = server(Config {
        max_concurrent_streams: 1,
        ..Config::default()
    });
    server.handle_bytes(headers(1, 0).into()).unwrap();
    assert_eq!(
        attack(&mut server, 5_000, true, |n| headers(odd(n + 1), 1)),
        (1_000, Kind::ResetFlood)
    );
}

#[test]
fn data_on_closed_streams() {
    let mut server = server(Config::default());
    server.handle_bytes(headers(1, 1).into()).unwrap();
    server.send_headers(id(1), response(), true);
    assert_eq!(
        attack(&mut server, 5_000, true, |_| frame(0, 0, 1, b"x")),
        (1_000, Kind::ResetFlood)
    );
}

/// What is ignored is no work that would make up for anything.
#[test]
fn frames_on_streams_reset_here() {
    for attacker in [frame(0, 0, 1, b"x"), frame(1, 5, 1, trailers().as_bytes())] {
        let mut server = server(Config::default());
        server.handle_bytes(headers(1, 0).into()).unwrap();
        server.send_reset(id(1), crate::ErrorCode::CANCEL);
        assert_eq!(
            attack(&mut server, 20_000, true, |_| attacker.clone()),
            (10_000, Kind::ControlFlood)
        );
    }
}

/// CVE-2019-9512 and CVE-2019-9515.
#[test]
fn pings_and_settings() {
    let ping = |_| frame(6, 0, 0, &[0; 8]);
    assert_eq!(
        attack(&mut server(Config::default()), 5_000, true, ping),
        (1_000, Kind::PingFlood)
    );
    let empty = |_| settings(&[]);
    assert_eq!(
        attack(&mut server(Config::default()), 5_000, true, empty),
        (200, Kind::SettingsFlood)
    );
}

/// With useful work in between no counter fills up; but what waits to be sent does.
#[test]
fn a_peer_that_does_not_read() {
    let mut server = server(Config {
        initial_window_size: 1 << 30,
        ..Config::default()
    });
    server.handle_bytes(headers(1, 0).into()).unwrap();
    let attacker = |_| [frame(6, 0, 0, &[0; 8]), frame(0, 0, 1, b"x")].concat();
    assert_eq!(
        attack(&mut server, 5_000, false, attacker),
        (1_000, Kind::ReplyFlood)
    );
    assert!(drain(&mut server).len() < 20_000);
}

/// CVE-2019-9518.
#[test]
fn empty_frames() {
    let mut opened = server(Config::default());
    opened.handle_bytes(headers(1, 0).into()).unwrap();
    assert_eq!(
        attack(&mut opened, 5_000, true, |_| frame(0, 0, 1, b"")),
        (1_000, Kind::EmptyFrameFlood)
    );
    let mut padded = server(Config {
        initial_window_size: 1 << 30,
        ..Config::default()
    });
    padded.handle_bytes(headers(1, 0).into()).unwrap();
    let attacker = |_| frame(0, 8, 1, &[3, 0, 0, 0]);
    assert_eq!(
        attack(&mut padded, 5_000, true, attacker),
        (1_000, Kind::EmptyFrameFlood)
    );
    let mut client = client(Config::default());
    client.open_stream(request(), true).unwrap();
    let informational = HeaderBlockBuilder::new().field(":status", "102").finish();
    let attacker = |_| frame(1, 4, 1, informational.as_bytes());
    assert_eq!(
        attack(&mut client, 5_000, true, attacker),
        (1_000, Kind::EmptyFrameFlood)
    );
}

/// CVE-2019-9513 and frames without effect.
#[test]
fn control_frames() {
    for attacker in [
        frame(2, 0, 5, &[0, 0, 0, 3, 1]),
        frame(99, 0, 0, b"xyz"),
        frame(7, 0, 0, &[0; 8]),
        frame(6, 1, 0, &[0; 8]),
        window_update(0, 1),
    ] {
        let ends = attack(&mut server(Config::default()), 20_000, true, |_| {
            attacker.clone()
        });
        assert_eq!(ends, (10_000, Kind::ControlFlood));
    }
}

/// CVE-2024-27316, CVE-2023-45288 and their likes.
#[test]
fn continuations() {
    let mut many = server(Config::default());
    many.handle_bytes(frame(1, 0, 1, request().as_bytes()).into())
        .unwrap();
    assert_eq!(
        attack(&mut many, 5_000, true, |_| frame(9, 0, 1, b"\x40")),
        (32, Kind::ContinuationFlood)
    );
    let mut large = server(Config::default());
    large
        .handle_bytes(frame(1, 0, 1, request().as_bytes()).into())
        .unwrap();
    assert_eq!(
        attack(&mut large, 5_000, true, |_| frame(9, 0, 1, &[0x40; 16_000])),
        (8, Kind::HeaderBlockTooLong)
    );
}

/// One entry of 4,000 octets, and 12,000 references to it: 48 MB if somebody kept them.
#[test]
fn header_bomb() {
    let mut server = Connection::server(Config::default());
    server
        .handle_bytes([&PREFACE[..], &settings(&[])].concat().into())
        .unwrap();
    let mut block = request().as_bytes().to_vec();
    block.extend([0x40, 1, b'x', 0x7f, 0xa1, 0x1e]);
    block.extend([b'y'; 4_000]);
    block.extend([0xbe; 12_000]);
    server.handle_bytes(frame(1, 5, 1, &block).into()).unwrap();
    let events = events(&mut server);
    assert!(
        matches!(events[..], [Event::PeerSettings, Event::Reset { .. }]),
        "{events:?}"
    );
}

#[test]
fn limits_are_configuration() {
    let limits = FloodLimits {
        pings: 3,
        ..FloodLimits::default()
    };
    let mut server = server(Config {
        limits,
        ..Config::default()
    });
    assert_eq!(
        attack(&mut server, 10, true, |_| frame(6, 0, 0, &[0; 8])),
        (3, Kind::PingFlood)
    );
}

/// What a connection holds does not grow with what a peer sent.
#[test]
fn nothing_is_remembered_for_ever() {
    let mut server = server(Config::default());
    for n in 0..20_000 {
        server.handle_time(Duration::from_secs(u64::from(n)));
        let stream = id(odd(n));
        server
            .handle_bytes(
                [headers(odd(n), 0), frame(0, 0, odd(n), &[1; 2_000])]
                    .concat()
                    .into(),
            )
            .unwrap();
        server.send_headers(stream, response(), false);
        server.send_data(stream, Bytes::from(vec![1; 70_000]), true);
        match n % 3 {
            0 => server.send_reset(stream, crate::ErrorCode::CANCEL),
            1 => server
                .handle_bytes(frame(3, 0, odd(n), &[0; 4]).into())
                .unwrap(),
            _ => server
                .handle_bytes(window_update(odd(n), 0).into())
                .unwrap(),
        }
        drain(&mut server);
        while server.poll_event().is_some() {}
        assert_eq!((server.queued_bytes(), server.open_streams()), (0, 0));
        assert!(server.reset_here.len() <= 1_024 && server.ready.len() + server.waiting.len() == 0);
        assert!(server.granted.is_empty() && server.streams.slots() <= 2);
    }
}
