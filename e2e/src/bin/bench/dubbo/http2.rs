//! As much of HTTP/2 as a fast peer needs that knows who it speaks with.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::scanner::{Layout, number};

/// What a client sends first.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The header of HTTP/2 frames.
pub(crate) const LAYOUT: Layout = Layout {
    header: 9,
    payload: |header| number(header.get(..3).unwrap_or_default()),
    wanted: |header| match header.get(3) {
        Some(&DATA) => 16,
        _ => 4096,
    },
};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
pub(crate) const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
/// Flags that put something before the header block.
const PADDED_OR_PRIORITY: u8 = 0x28;

/// A frame as it came.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
}

impl Frame {
    pub(crate) fn of(header: &[u8]) -> Self {
        let byte = |place| header.get(place).copied().unwrap_or_default();
        let stream = number(header.get(5..).unwrap_or_default());
        Self {
            kind: byte(3),
            flags: byte(4),
            stream: u32::try_from(stream).unwrap_or_default() & 0x7fff_ffff,
        }
    }

    pub(crate) fn ends_stream(self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }
}

/// What both sides know about a connection.
pub(crate) struct Session {
    /// Whether the peer's SETTINGS have come.
    pub(crate) is_greeted: bool,
    /// What may be sent on a new stream.
    stream_window: usize,
    /// What may be sent on the connection.
    window: usize,
    /// What has come since the last update.
    received: usize,
}

impl Session {
    pub(crate) fn new() -> Self {
        Self {
            is_greeted: false,
            stream_window: DEFAULT_WINDOW,
            window: DEFAULT_WINDOW,
            received: 0,
        }
    }

    /// SETTINGS, and a window that lasts.
    pub(crate) fn greet(&self, out: &mut Vec<u8>) {
        let mut settings = Vec::new();
        let ours = [
            (MAX_CONCURRENT_STREAMS, 10_000),
            (INITIAL_WINDOW_SIZE, LARGEST_WINDOW),
        ];
        for (name, value) in ours {
            settings.extend(name.to_be_bytes());
            settings.extend(value.to_be_bytes());
        }
        push(out, SETTINGS, 0, 0, &settings);
        let more = LARGEST_WINDOW - DEFAULT_WINDOW as u32;
        push(out, WINDOW_UPDATE, 0, 0, &more.to_be_bytes());
    }

    /// Follows what every frame does to the connection.
    pub(crate) fn follow(
        &mut self,
        frame: Frame,
        payload: &[u8],
        length: usize,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        match frame.kind {
            DATA => {
                self.received += length;
                if self.received > 1 << 30 {
                    let update = u32::try_from(self.received)?.to_be_bytes();
                    push(out, WINDOW_UPDATE, 0, 0, &update);
                    self.received = 0;
                }
            }
            SETTINGS if frame.flags & ACK == 0 => {
                self.is_greeted = true;
                for setting in payload.chunks_exact(6) {
                    let (name, value) = setting.split_at(2);
                    if u16::try_from(number(name))? == INITIAL_WINDOW_SIZE {
                        self.stream_window = number(value);
                    }
                }
                push(out, SETTINGS, ACK, 0, &[]);
            }
            PING if frame.flags & ACK == 0 => push(out, PING, ACK, 0, payload),
            WINDOW_UPDATE if frame.stream == 0 => self.window += number(payload),
            RST_STREAM | GOAWAY => ensure!(false, "Envoy gave up: {:?} {payload:?}", frame.kind),
            _ => {}
        }
        Ok(())
    }

    /// Sends a message: headers and a Dubbo frame with this id.
    pub(crate) fn send(
        &mut self,
        out: &mut Vec<u8>,
        stream: u32,
        fields: &mut Fields,
        frame: &[u8],
        id: &[u8],
    ) -> Result<()> {
        ensure!(
            frame.len() <= self.stream_window && frame.len() <= self.window,
            "Envoy's windows ({} and {}) are too small for {} bytes",
            self.stream_window,
            self.window,
            frame.len()
        );
        self.window -= frame.len();
        push(out, HEADERS, END_HEADERS, stream, fields.next());
        let mut parts = frame.chunks(MAX_FRAME).peekable();
        let mut is_first = true;
        while let Some(part) = parts.next() {
            let flags = if parts.peek().is_none() {
                END_STREAM
            } else {
                0
            };
            push_header(out, part.len(), DATA, flags, stream);
            if is_first {
                super::frames::push(out, part, id);
            } else {
                out.extend_from_slice(part);
            }
            is_first = false;
        }
        Ok(())
    }
}

/// What has come of bodies that are not complete: the first bytes of each, and its length so far.
#[derive(Default)]
pub(crate) struct Bodies(BTreeMap<u32, (Vec<u8>, usize)>);

impl Bodies {
    /// Takes a frame; when it ends its stream, this is the beginning of the body and its length.
    pub(crate) fn take(
        &mut self,
        frame: Frame,
        payload: &[u8],
        length: usize,
    ) -> Option<(Vec<u8>, usize)> {
        if frame.kind == DATA {
            let (beginning, so_far) = self.0.entry(frame.stream).or_default();
            if beginning.is_empty() {
                beginning.extend_from_slice(payload);
            }
            *so_far += length;
        }
        let ended = frame.ends_stream();
        ended.then(|| self.0.remove(&frame.stream).unwrap_or_default())
    }
}

/// A header list that is sent again and again on one connection.
#[derive(Clone, Default)]
pub(crate) struct Fields {
    /// The first block: each field in full, to be kept in the peer's header table.
    first: Vec<u8>,
    /// References to what the peer has kept.
    again: Vec<u8>,
    is_kept: bool,
}

impl Fields {
    /// A list that is sent in full once, as all libraries do.
    pub(crate) fn new(fields: &[(&str, &str)]) -> Self {
        let mut first = Vec::new();
        for (name, value) in fields {
            first.push(0x40);
            for text in [name, value] {
                // Lengths here are below 127.
                first.push(u8::try_from(text.len()).unwrap_or_default() & 0x7f);
                first.extend(text.as_bytes());
            }
        }
        let places = 62_u8..62_u8.saturating_add(u8::try_from(fields.len()).unwrap_or(u8::MAX));
        Self {
            first,
            // What came last is kept in front.
            again: places.rev().map(|place| 0x80 | place).collect(),
            is_kept: false,
        }
    }

    /// Records a block as somebody else sends it on a connection.
    pub(crate) fn record(&mut self, block: &[u8]) {
        let place = if self.first.is_empty() {
            &mut self.first
        } else {
            &mut self.again
        };
        block.clone_into(place);
    }

    fn next(&mut self) -> &[u8] {
        if std::mem::replace(&mut self.is_kept, true) {
            &self.again
        } else {
            &self.first
        }
    }
}

/// The header block of a HEADERS frame.
pub(crate) fn block(frame: Frame, payload: &[u8]) -> Option<&[u8]> {
    let is_plain = frame.flags & PADDED_OR_PRIORITY == 0 && frame.flags & END_HEADERS != 0;
    (frame.kind == HEADERS && is_plain).then_some(payload)
}

fn push(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    push_header(out, payload.len(), kind, flags, stream);
    out.extend_from_slice(payload);
}

fn push_header(out: &mut Vec<u8>, length: usize, kind: u8, flags: u8, stream: u32) {
    let length = u32::try_from(length).unwrap_or_default().to_be_bytes();
    out.extend(length.iter().skip(1));
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
}

const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;
const DEFAULT_WINDOW: usize = 65_535;
const LARGEST_WINDOW: u32 = 0x7fff_ffff;
const MAX_FRAME: usize = 16_384;
