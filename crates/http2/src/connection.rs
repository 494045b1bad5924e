use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::frame::{self, DEFAULT_WINDOW, MAX_31, PREFACE, flag, setting};
use crate::hpack::Decoder;
use crate::{Config, ConnectionError, ErrorCode, Event, StreamId};

mod control;
mod data;
mod flood;
mod header;
mod output;
mod receive;
mod send;
mod settings;
mod streams;
#[cfg(test)]
mod tests;

use flood::Flood;
use header::PartialBlock;
use output::Output;
use receive::Reading;
use settings::{LARGEST_FRAME, LocalWindow, PeerSettings};
use streams::{Item, Local, Remote, Stream, Streams};

/// One end of an HTTP/2 connection: bytes in, events out; commands in, bytes out.
///
/// Call [`handle_bytes`](Self::handle_bytes) with what arrived, then [`poll_event`](Self::poll_event) until it has
/// nothing more, give commands, and at last write all that [`poll_output`](Self::poll_output) returns.
#[derive(Debug)]
pub struct Connection {
    role: Role,
    config: Config,
    flood: Flood,
    /// Set when the connection is dead.
    dead: Option<ConnectionError>,
    events: VecDeque<Event>,
    output: Output,

    reading: Reading,
    /// A header block that CONTINUATION frames go on with.
    block: Option<PartialBlock>,
    decoder: Decoder,
    /// The peer's SETTINGS have arrived.
    greeted: bool,
    peer: PeerSettings,
    window: LocalWindow,
    /// What the peer may still send on the connection.
    receive_window: i64,
    /// What this side may still send on the connection.
    send_window: i64,

    streams: Streams,
    /// Streams that were reset here: what the peer had sent before it knew is ignored.
    reset_here: VecDeque<u32>,
    /// The number of the next stream to open (client).
    next_id: u32,
    /// The highest stream the peer opened (server).
    last_seen: u32,
    /// The highest of them that was not refused by GOAWAY.
    last_accepted: u32,
    /// What the last GOAWAY of this side said.
    goaway_sent: Option<u32>,
    /// What the last GOAWAY of the peer said.
    goaway_received: Option<u32>,
    pings: u32,

    /// The first header block of this side has gone out.
    encoded: bool,
    /// Streams with something that can be sent now, in turn.
    ready: VecDeque<u32>,
    /// Streams that wait for the window of the connection.
    waiting: VecDeque<u32>,
    /// Streams with grants to be told.
    granted: Vec<u32>,
    queued: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Client,
    Server,
}

impl Connection {
    /// The end that opens streams. Preface, SETTINGS and a connection WINDOW_UPDATE are queued at once.
    #[must_use]
    pub fn client(config: Config) -> Self {
        Self::new(Role::Client, config)
    }

    /// The end that answers. SETTINGS and a connection WINDOW_UPDATE are queued at once.
    #[must_use]
    pub fn server(config: Config) -> Self {
        Self::new(Role::Server, config)
    }

    fn new(role: Role, mut config: Config) -> Self {
        config.initial_window_size = config.initial_window_size.min(MAX_31);
        config.max_frame_size = config
            .max_frame_size
            .clamp(frame::DEFAULT_FRAME_SIZE, LARGEST_FRAME);
        let mut output = Output::new();
        let to = output.frames();
        if role == Role::Client {
            to.extend_from_slice(PREFACE);
        }
        let settings = [
            (setting::INITIAL_WINDOW_SIZE, config.initial_window_size),
            (setting::MAX_FRAME_SIZE, config.max_frame_size),
            (setting::MAX_HEADER_LIST_SIZE, config.max_header_list_size),
            match role {
                Role::Client => (setting::ENABLE_PUSH, 0),
                Role::Server => (
                    setting::MAX_CONCURRENT_STREAMS,
                    config.max_concurrent_streams,
                ),
            },
        ];
        frame::put_settings(to, &settings);
        // Streams are what is bounded; the window of the connection is never what a peer waits for.
        frame::put_window_update(to, 0, MAX_31 - DEFAULT_WINDOW);
        Self {
            role,
            flood: Flood::new(config.limits.clone()),
            dead: None,
            events: VecDeque::new(),
            output,
            reading: Reading::new(role == Role::Server),
            block: None,
            decoder: Decoder::new(),
            greeted: false,
            peer: PeerSettings::new(),
            window: LocalWindow::new(config.initial_window_size),
            config,
            receive_window: i64::from(MAX_31),
            send_window: i64::from(DEFAULT_WINDOW),
            streams: Streams::default(),
            reset_here: VecDeque::new(),
            next_id: 1,
            last_seen: 0,
            last_accepted: 0,
            goaway_sent: None,
            goaway_received: None,
            pings: 0,
            encoded: false,
            ready: VecDeque::new(),
            waiting: VecDeque::new(),
            granted: Vec::new(),
            queued: 0,
        }
    }

    /// Takes what the peer sent, cut anywhere. After an error a GOAWAY is queued and the connection is dead: commands and
    /// further input are ignored (the same error is returned again); earlier events can still be polled.
    ///
    /// # Errors
    /// The peer broke the protocol or a limit.
    pub fn handle_bytes(&mut self, mut input: Bytes) -> Result<(), ConnectionError> {
        if let Some(error) = self.dead {
            return Err(error);
        }
        let chunk = input.len();
        while !input.is_empty() {
            if let Err(kind) = self.read(&mut input, chunk) {
                let error = ConnectionError::from(kind);
                self.die(error);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Tells the time, from any fixed start. Optional: each second forgives a peer what
    /// [`FloodLimits`](crate::FloodLimits) says, so that a long life with few streams is not taken for an attack.
    pub fn handle_time(&mut self, now: Duration) {
        self.flood.forgive(now);
    }

    /// What the peer did. Events of a stream that a command reset meanwhile may still come.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next piece to write, in order. All that it returns is within the peer's windows.
    pub fn poll_output(&mut self) -> Option<Bytes> {
        self.put_window_updates();
        self.fill_output();
        let (piece, payload) = self.output.next()?;
        self.queued = self.queued.saturating_sub(payload);
        Some(piece)
    }

    /// Whether [`poll_output`](Self::poll_output) has something to return. True at times for nothing, when bodies wait
    /// for windows, but not any more after `poll_output` returned `None`.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
            || !self.granted.is_empty()
            || !self.ready.is_empty()
            || self.owes_window()
    }

    /// Asks for a [`Event::Pong`].
    pub fn send_ping(&mut self, payload: [u8; 8]) {
        if self.dead.is_none() {
            self.pings = self.pings.saturating_add(1);
            frame::put_ping(self.output.frames(), 0, payload);
        }
    }

    /// Says that streams above `last` will not be acted on (2^31-1: none is refused yet). Streams of the peer above the
    /// lowest `last` sent are ignored from then on. `last` = `None`: the highest stream seen.
    pub fn send_goaway(&mut self, last: Option<u32>, code: ErrorCode, debug: &[u8]) {
        if self.dead.is_some() {
            return;
        }
        // "Endpoints MUST NOT increase the value they send in the last stream identifier" (§6.8).
        let last = last
            .unwrap_or(self.last_accepted)
            .min(self.goaway_sent.unwrap_or(MAX_31));
        self.goaway_sent = Some(last);
        let debug = debug.get(..MAX_DEBUG).unwrap_or(debug);
        frame::put_goaway(self.output.frames(), last, code, debug);
    }

    /// Lets the peer send `n` more bytes on the stream; its window saturates at 2^31-1.
    pub fn grant(&mut self, id: StreamId, n: u32) {
        let largest = self.window.largest_asked();
        let Some(stream) = self
            .streams
            .get_mut(id.0)
            .filter(|stream| stream.remote != Remote::Closed)
        else {
            return;
        };
        let room = i64::from(MAX_31) - largest - stream.received;
        let Ok(n) = u32::try_from(room.clamp(0, i64::from(n))) else {
            return;
        };
        if n == 0 {
            return;
        }
        stream.received += i64::from(n);
        if stream.untold == 0 {
            self.granted.push(id.0);
        }
        stream.untold += n;
    }

    /// Changes the window of new streams, and of open ones by the difference. In force when the peer acknowledges it.
    /// While an earlier change is in flight this one waits, and replaces one that waits.
    pub fn set_initial_window(&mut self, n: u32) {
        if self.dead.is_some() {
            return;
        }
        // No stream may end up with more than 2^31-1.
        let mut most = i64::from(n.min(MAX_31));
        self.streams
            .for_each(|_, stream| most = most.min(i64::from(MAX_31) - stream.received));
        if let Some(window) = u32::try_from(most)
            .ok()
            .and_then(|window| self.window.change(window))
        {
            self.put_initial_window(window);
        }
    }

    /// What the peer may still send on the stream, whichever of our SETTINGS in flight it has seen. Negative after the
    /// initial window shrank; 0 when the stream is gone or the peer has ended it.
    #[must_use]
    pub fn stream_window(&self, id: StreamId) -> i64 {
        match self.streams.get(id.0) {
            Some(stream) if stream.remote != Remote::Closed => {
                self.window.largest() + stream.received
            }
            _ => 0,
        }
    }

    /// Body bytes of all streams that were accepted by [`send_data`](Self::send_data) and not yet returned by
    /// [`poll_output`](Self::poll_output).
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.queued
    }

    /// The same of one stream, less what is in frames that `poll_output` returns next.
    #[must_use]
    pub fn queued_bytes_of(&self, id: StreamId) -> usize {
        self.streams.get(id.0).map_or(0, |stream| stream.queued)
    }

    /// Whether the peer has said that it takes (client) or opens (server) no more streams soon, or the connection is dead.
    /// After a GOAWAY that names 2^31-1 streams can still be opened, until the next one.
    #[must_use]
    pub fn is_going_away(&self) -> bool {
        self.dead.is_some() || self.goaway_received.is_some()
    }

    /// Streams that are open in at least one direction.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.streams.len()
    }

    /// Streams the peer lets this side have open: 100 until its SETTINGS arrive.
    #[must_use]
    pub fn peer_max_concurrent_streams(&self) -> u32 {
        self.peer.max_concurrent_streams
    }

    /// The longest header list the peer says it takes, as it counts it: names, values and 32 for each field.
    #[must_use]
    pub fn peer_max_header_list_size(&self) -> u32 {
        self.peer.max_header_list_size
    }

    fn die(&mut self, error: ConnectionError) {
        self.send_goaway(None, error.code, error.kind.code().as_bytes());
        self.dead = Some(error);
        self.streams.remove_all();
        self.ready.clear();
        self.waiting.clear();
        self.granted.clear();
        self.block = None;
        self.reading = Reading::new(false);
        self.queued = self.output.payload_bytes();
    }

    /// Forgets a stream that ended in both directions.
    fn complete(&mut self, id: u32) {
        self.forget(id);
        self.flood.completed();
    }

    fn forget(&mut self, id: u32) {
        if let Some((queued, scheduled)) = self.streams.remove(id) {
            self.queued = self.queued.saturating_sub(queued);
            if scheduled {
                self.ready.retain(|other| *other != id);
                self.waiting.retain(|other| *other != id);
            }
        }
    }

    /// Ends a stream by RST_STREAM, and remembers that.
    fn reset(&mut self, id: u32) {
        self.forget(id);
        if self.reset_here.len() >= REMEMBERED_RESETS {
            self.reset_here.pop_front();
        }
        self.reset_here.push_back(id);
    }
}

/// Why a stream cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// As many streams are open as the peer allows: wait for one to end.
    #[error("max-concurrent-streams")]
    MaxConcurrentStreams,
    /// The peer sent GOAWAY, or the connection is dead.
    #[error("going-away")]
    GoingAway,
    /// All stream numbers are used up: the connection must be replaced.
    #[error("ids-exhausted")]
    IdsExhausted,
}

/// Text in a GOAWAY of this side.
const MAX_DEBUG: usize = 1_024;

/// Streams reset here of which frames are ignored without an answer.
const REMEMBERED_RESETS: usize = 1_024;
