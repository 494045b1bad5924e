//! A language of commands in which every sequence of bytes means something, and what must hold whatever is said.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by tests and the fuzzer"
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use meshlane_http2::{
    Config, Connection, ErrorCode, Event, FloodLimits, HeaderBlock, HeaderBlockBuilder,
    ResetReason, StreamErrorKind, StreamId,
};

/// Plays commands on a client and a server. Neither breaks a rule, so neither may see an error; every body arrives as
/// it was sent, up to a reset; and what is accounted for is what there is.
pub(crate) fn play(bytes: &[u8]) {
    let mut script = Script(bytes);
    let limits = FloodLimits {
        resets: u32::MAX,
        pings: u32::MAX,
        settings: u32::MAX,
        empty: u32::MAX,
        control: u32::MAX,
        replies: u32::MAX,
        ..FloodLimits::default()
    };
    let initial_window_size = [0, 1, 100, 65_535, 1 << 20][script.below(5)];
    let config = Config {
        initial_window_size,
        max_concurrent_streams: 8,
        limits,
        ..Config::default()
    };
    let mut ends = [
        End::new(Connection::client(config.clone())),
        End::new(Connection::server(config)),
    ];
    while !script.0.is_empty() {
        let at = script.below(2);
        let command = script.below(12);
        if command < 5 {
            let cut = [1, 9, 100, 1_000_000][script.below(4)];
            carry(&mut ends, at, cut);
        } else {
            ends[at].command(command, &mut script, at == 0);
        }
        for end in &ends {
            end.check();
        }
    }
    settle(&mut ends);
}

/// Ends every body, grants every window, and carries bytes until nothing moves: then nothing is left.
fn settle(ends: &mut [End; 2]) {
    for end in ends.iter_mut() {
        for (id, stream) in &mut end.streams {
            if !stream.ended {
                stream.ended = true;
                stream.answered = true;
                if !stream.headers_sent {
                    end.connection.send_headers(*id, response(), false);
                    stream.headers_sent = true;
                }
                end.connection.send_data(*id, Bytes::new(), true);
            }
        }
    }
    loop {
        let mut moved = false;
        for at in [0, 1] {
            ends[at].grant_all();
            moved |= carry(ends, at, 1_000_000);
            ends[at].check();
        }
        // Requests that arrived only now are answered.
        let server = &mut ends[1];
        for (id, stream) in server
            .streams
            .iter_mut()
            .filter(|(_, stream)| !stream.answered)
        {
            stream.answered = true;
            stream.ended = true;
            server.connection.send_headers(*id, response(), true);
            moved = true;
        }
        if !moved {
            break;
        }
    }
    for at in [0, 1] {
        let end = &ends[at];
        assert_eq!(
            (end.connection.queued_bytes(), end.connection.open_streams()),
            (0, 0)
        );
        for (id, stream) in &end.streams {
            let peer = &ends[1 - at].streams;
            if let Some(other) = peer.get(id)
                && !stream.reset
                && !other.reset
            {
                assert_eq!(stream.sent, other.received, "stream {id}");
                assert!(other.peer_ended, "stream {id}");
            }
        }
    }
}

/// Moves what one end has to write to the other, in pieces.
fn carry(ends: &mut [End; 2], from: usize, cut: usize) -> bool {
    let mut output = Vec::new();
    while let Some(piece) = ends[from].connection.poll_output() {
        assert!(!piece.is_empty());
        output.extend_from_slice(&piece);
    }
    let end = &ends[from];
    assert!(!end.connection.has_output());
    let queued: usize = end
        .streams
        .keys()
        .map(|id| end.connection.queued_bytes_of(*id))
        .sum();
    assert_eq!(end.connection.queued_bytes(), queued);
    let mut output = Bytes::from(output);
    let moved = !output.is_empty();
    // Small cuts only of what is not long, to keep this quick.
    let cut = cut.max(output.len() / 200);
    while !output.is_empty() {
        let piece = output.split_to(cut.min(output.len()));
        ends[1 - from]
            .connection
            .handle_bytes(piece)
            .expect("the other end keeps to the rules");
        ends[1 - from].take_events();
    }
    moved
}

struct End {
    connection: Connection,
    streams: BTreeMap<StreamId, Stream>,
    pings: usize,
}

#[derive(Default)]
struct Stream {
    sent: usize,
    received: usize,
    held: u32,
    headers_sent: bool,
    answered: bool,
    ended: bool,
    peer_ended: bool,
    reset: bool,
}

impl End {
    fn new(connection: Connection) -> Self {
        Self {
            connection,
            streams: BTreeMap::new(),
            pings: 0,
        }
    }

    fn command(&mut self, command: usize, script: &mut Script<'_>, client: bool) {
        if command == 5 && client {
            if let Ok(id) = self.connection.open_stream(request(), false) {
                self.streams.insert(
                    id,
                    Stream {
                        headers_sent: true,
                        answered: true,
                        ..Stream::default()
                    },
                );
            }
            return;
        }
        if command == 6 {
            self.connection
                .set_initial_window([0, 1, 1_000, 70_000, 0x7fff_ffff][script.below(5)]);
            return;
        }
        if command == 7 {
            self.connection.send_ping([7; 8]);
            self.pings += 1;
            return;
        }
        let nth = script.below(self.streams.len().max(1));
        let Some((&id, stream)) = self.streams.iter_mut().nth(nth) else {
            return;
        };
        match command {
            8 | 9 if !stream.ended => {
                if !stream.headers_sent {
                    stream.headers_sent = true;
                    stream.answered = true;
                    self.connection.send_headers(id, response(), false);
                }
                let length = [0, 1, 100, 1_023, 1_024, 20_000, 100_000][script.below(7)];
                stream.ended = script.below(4) == 0;
                let data: Vec<u8> = (stream.sent..stream.sent + length).map(pattern).collect();
                if !stream.reset {
                    stream.sent += length;
                }
                let trailers = stream.ended && script.below(2) == 0;
                self.connection
                    .send_data(id, data.into(), stream.ended && !trailers);
                if trailers {
                    self.connection.send_headers(
                        id,
                        HeaderBlockBuilder::new().field("x", "y").finish(),
                        true,
                    );
                }
            }
            10 => {
                let n = stream.held.min([1, 100, u32::MAX][script.below(3)]);
                stream.held -= n;
                self.connection.grant(id, n);
            }
            11 if script.below(4) == 0 => {
                stream.reset = true;
                stream.ended = true;
                stream.answered = true;
                self.connection.send_reset(id, ErrorCode::CANCEL);
                assert_eq!(self.connection.queued_bytes_of(id), 0);
            }
            _ => {}
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            match event {
                Event::Headers { id, end, .. } => {
                    let stream = self.streams.entry(id).or_default();
                    assert!(!stream.peer_ended);
                    stream.peer_ended = end;
                }
                Event::Data { id, data, end } => {
                    let stream = self.streams.get_mut(&id).unwrap();
                    assert!(!stream.peer_ended && (end || !data.is_empty()));
                    for byte in &data {
                        assert_eq!(*byte, pattern(stream.received));
                        stream.received += 1;
                    }
                    stream.held += data.len() as u32;
                    stream.peer_ended = end;
                }
                Event::Trailers { id, .. } => {
                    let stream = self.streams.get_mut(&id).unwrap();
                    assert!(!stream.peer_ended);
                    stream.peer_ended = true;
                }
                // Before it knows how many streams the server allows, a client may open more.
                Event::Reset {
                    id,
                    reason: ResetReason::Violation(StreamErrorKind::Refused),
                    ..
                } => {
                    assert!(!self.streams.contains_key(&id));
                }
                Event::Reset { id, reason, .. } => {
                    assert!(matches!(reason, ResetReason::Peer), "{reason:?}");
                    let stream = self.streams.get_mut(&id).unwrap();
                    stream.reset = true;
                    stream.ended = true;
                    stream.answered = true;
                }
                Event::Pong { .. } => {
                    self.pings = self.pings.checked_sub(1).expect("a ping for each pong")
                }
                Event::PeerSettings | Event::SettingsAcknowledged => {}
                Event::GoAway { .. } => panic!("nobody goes away"),
            }
        }
    }

    fn grant_all(&mut self) {
        for (id, stream) in &mut self.streams {
            stream.held = 0;
            self.connection.grant(*id, 1 << 20);
        }
    }

    fn check(&self) {
        let queued: usize = self
            .streams
            .keys()
            .map(|id| self.connection.queued_bytes_of(*id))
            .sum();
        assert!(self.connection.queued_bytes() >= queued);
        // More than the server allows, before the client knows how many that is.
        assert!(self.connection.open_streams() <= 100);
    }
}

/// Reads numbers from the bytes; zeros when they end.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn below(&mut self, limit: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        usize::from(*first) % limit
    }
}

fn pattern(at: usize) -> u8 {
    (at % 251) as u8
}

fn request() -> HeaderBlock {
    HeaderBlockBuilder::new()
        .field(":method", "POST")
        .field(":scheme", "http")
        .field(":path", "/")
        .finish()
}

fn response() -> HeaderBlock {
    HeaderBlockBuilder::new().field(":status", "200").finish()
}
