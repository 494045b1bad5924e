//! Raw bytes to one end that answers, and what must hold whatever they are.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by tests and the fuzzer"
)]

use std::time::Duration;

use bytes::Bytes;
use meshlane_http2::{Config, Connection, ErrorCode, Event, HeaderBlock, HeaderBlockBuilder};

/// The first byte says which end, whether it has been greeted, how the rest is cut, and how the end behaves.
pub(crate) fn play(bytes: &[u8]) {
    let Some((&first, bytes)) = bytes.split_first() else {
        return;
    };
    let bit = |n: u32| first >> n & 1 == 1;
    let config = Config {
        initial_window_size: if bit(0) { 100 } else { 70_000 },
        max_concurrent_streams: 4,
        max_header_list_size: 1_000,
        ..Config::default()
    };
    let server = bit(1);
    let mut end = if server {
        Connection::server(config)
    } else {
        Connection::client(config)
    };
    let mut written = Written {
        preface: !server,
        ..Written::default()
    };
    if bit(2) {
        let preface: &[u8] = if server {
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        } else {
            b""
        };
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0];
        end.handle_bytes([preface, &settings].concat().into())
            .expect("a greeting");
    }
    if !server {
        for end_stream in [true, false] {
            let id = end.open_stream(request(), end_stream).expect("a stream");
            end.send_data(id, Bytes::from(vec![1; 3_000]), false);
        }
    }
    let cut = [1, 3, 50, usize::MAX][usize::from(first >> 3 & 3)];
    let mut taken = 0;
    let mut events = 0;
    for (n, chunk) in bytes.chunks(cut.min(bytes.len().max(1))).enumerate() {
        end.handle_time(Duration::from_millis(n as u64));
        let result = end.handle_bytes(Bytes::copy_from_slice(chunk));
        taken += chunk.len();
        while let Some(event) = end.poll_event() {
            events += 1;
            react(&mut end, event, bit(5), bit(6));
        }
        // No event is made of less than a frame, but for the pieces of a body and the ends of what GOAWAY refuses.
        assert!(events <= taken + 10);
        assert!(end.open_streams() <= 6);
        assert!(end.queued_bytes() <= 6_000 + events * 50_000);
        if !bit(7) || result.is_err() {
            while let Some(piece) = end.poll_output() {
                written.take(&piece);
            }
            assert!(!end.has_output());
            assert!(written.rest.is_empty(), "whole frames");
        }
        if let Err(error) = result {
            assert_eq!(error.code, error.kind.error_code());
            assert_eq!(written.goaway, Some(error.code.0));
            assert!(end.is_going_away() && end.open_streams() == 0 && end.queued_bytes() == 0);
            assert_eq!(end.handle_bytes(Bytes::from_static(b"x")), Err(error));
            assert!(end.poll_output().is_none() && end.poll_event().is_none());
            return;
        }
    }
}

fn react(end: &mut Connection, event: Event, grants: bool, resets: bool) {
    match event {
        Event::Headers { id, headers, .. } => {
            assert!(headers.list_size() <= 1_000);
            assert_eq!(headers.iter().count(), headers.len());
            end.send_headers(
                id,
                HeaderBlockBuilder::new().field(":status", "200").finish(),
                false,
            );
            end.send_data(id, Bytes::from(vec![1; 50_000]), headers.len() > 4);
        }
        Event::Data {
            id,
            data,
            end: last,
        } => {
            if resets && data.len() % 3 == 2 {
                end.send_reset(id, ErrorCode::CANCEL);
            } else if grants {
                end.grant(id, u32::try_from(data.len()).expect("a frame"));
            }
            if last {
                end.send_data(id, Bytes::new(), true);
            }
        }
        Event::Trailers { id, .. } => {
            end.send_headers(id, HeaderBlockBuilder::new().field("x", "y").finish(), true);
            end.set_initial_window(id.value());
        }
        Event::GoAway { .. } => end.send_goaway(None, ErrorCode::NO_ERROR, b"bye"),
        Event::PeerSettings => end.send_ping([1; 8]),
        Event::Reset { .. } | Event::Pong { .. } | Event::SettingsAcknowledged => {}
    }
}

/// Reads what an end writes.
#[derive(Default)]
struct Written {
    preface: bool,
    rest: Vec<u8>,
    goaway: Option<u32>,
}

impl Written {
    fn take(&mut self, piece: &[u8]) {
        assert!(!piece.is_empty());
        self.rest.extend_from_slice(piece);
        if std::mem::take(&mut self.preface) {
            self.rest.drain(..24);
        }
        loop {
            let Some(&[l0, l1, l2, kind, ..]) = self.rest.first_chunk::<9>() else {
                return;
            };
            let length = u32::from_be_bytes([0, l0, l1, l2]) as usize;
            assert!(length <= 0xff_ffff);
            if self.rest.len() < 9 + length {
                return;
            }
            let frame: Vec<u8> = self.rest.drain(..9 + length).collect();
            if kind == 7 {
                self.goaway = Some(u32::from_be_bytes([
                    frame[13], frame[14], frame[15], frame[16],
                ]));
            }
        }
    }
}

fn request() -> HeaderBlock {
    HeaderBlockBuilder::new()
        .field(":method", "POST")
        .field(":scheme", "http")
        .field(":path", "/")
        .finish()
}
