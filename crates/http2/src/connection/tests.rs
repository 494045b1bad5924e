//! Two ends of our own, and bytes by hand.

use bytes::Bytes;

use crate::frame::PREFACE;
use crate::{Config, Connection, Event, HeaderBlock, HeaderBlockBuilder, StreamId};

mod flood;
mod flow;
mod malformed;
mod pair;
mod slices;
mod violation;

/// A frame by hand.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

fn settings(values: &[(u16, u32)]) -> Vec<u8> {
    let payload: Vec<u8> = values
        .iter()
        .flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()[..]].concat())
        .collect();
    frame(4, 0, 0, &payload)
}

fn window_update(stream: u32, increment: u32) -> Vec<u8> {
    frame(8, 0, stream, &increment.to_be_bytes())
}

fn request() -> HeaderBlock {
    HeaderBlockBuilder::new()
        .field(":method", "POST")
        .field(":scheme", "http")
        .field(":path", "/i/m")
        .finish()
}

fn response() -> HeaderBlock {
    HeaderBlockBuilder::new().field(":status", "200").finish()
}

fn trailers() -> HeaderBlock {
    HeaderBlockBuilder::new().field("grpc-status", "0").finish()
}

/// HEADERS of a request by hand.
fn headers(stream: u32, flags: u8) -> Vec<u8> {
    frame(1, flags | 4, stream, request().as_bytes())
}

/// A server that has seen preface, SETTINGS and the acknowledgement of its own; its first output is thrown away.
fn server(config: Config) -> Connection {
    let mut server = Connection::server(config);
    let hello = [&PREFACE[..], &settings(&[]), &frame(4, 1, 0, &[])].concat();
    server.handle_bytes(hello.into()).unwrap();
    drain(&mut server);
    while server.poll_event().is_some() {}
    server
}

/// The same of a client.
fn client(config: Config) -> Connection {
    let mut client = Connection::client(config);
    client
        .handle_bytes([settings(&[]), frame(4, 1, 0, &[])].concat().into())
        .unwrap();
    drain(&mut client);
    while client.poll_event().is_some() {}
    client
}

/// Everything there is to write.
fn drain(from: &mut Connection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(piece) = from.poll_output() {
        bytes.extend_from_slice(&piece);
    }
    assert!(!from.has_output());
    bytes
}

/// Kind, flags, stream and payload of each frame.
fn frames(mut bytes: &[u8]) -> Vec<(u8, u8, u32, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<9>() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        frames.push((head[3], head[4], stream, rest[..length].to_vec()));
        bytes = &rest[length..];
    }
    assert!(bytes.is_empty());
    frames
}

fn events(of: &mut Connection) -> Vec<Event> {
    std::iter::from_fn(|| of.poll_event()).collect()
}

fn id(of: u32) -> StreamId {
    StreamId(of)
}

/// A stream of numbers that look random.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }
}

/// Moves what there is in one direction, cut into pieces of up to `most` bytes.
fn flow(from: &mut Connection, to: &mut Connection, random: &mut Random, most: usize) -> bool {
    let mut bytes = Bytes::from(drain(from));
    let moved = !bytes.is_empty();
    while !bytes.is_empty() {
        let length = (random.next(most) + 1).min(bytes.len());
        to.handle_bytes(bytes.split_to(length)).unwrap();
    }
    moved
}
