//! Both bridges between a client and a provider that keep the protocol: however the bytes are cut and whichever pipe
//! moves first, each call is answered once, by what the provider said.
//!
//! Each pair of input bytes is an operation: a call of some length is sent, or a pipe moves some bytes.
#![no_main]

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use meshlane_bridge::{Bridge, Budget, ConnectionFacts, Mode, Policy, Verdict};
use std::time::Duration;

const HEADER: usize = 16;

struct Chain {
    to_http: Bridge,
    to_dubbo: Bridge,
    /// client → toHttp → toDubbo → provider, and back.
    pipes: [VecDeque<u8>; 6],
    unread: [Vec<u8>; 2],
    sent: BTreeMap<u64, usize>,
    answered: BTreeMap<u64, usize>,
    received: [Vec<u8>; 2],
}

fuzz_target!(|input: &[u8]| {
    let budget = Budget::new();
    let bridge = |mode| {
        let facts = ConnectionFacts {
            destination: "10.0.0.1:20880".to_owned(),
        };
        Bridge::new(Rc::new(Policy::with_defaults(mode)), facts, budget.clone())
    };
    let mut chain = Chain {
        to_http: bridge(Mode::ToHttp),
        to_dubbo: bridge(Mode::ToDubbo),
        pipes: Default::default(),
        unread: Default::default(),
        sent: BTreeMap::new(),
        answered: BTreeMap::new(),
        received: Default::default(),
    };
    let (mut calls, mut long) = (0, 0);
    for operation in input.chunks_exact(2).take(500) {
        let amount = usize::from(operation[1]);
        match operation[0] % 8 {
            6 | 7 if calls < 32 => {
                calls += 1;
                // Two at most are longer than the first window: their bytes are what takes the time.
                let length = match operation[0] & 0x38 {
                    0x38 if long < 2 => {
                        long += 1;
                        (256 << 10) + 256 * amount
                    }
                    0x38 | 0x30 => 64 * amount,
                    _ => amount,
                };
                chain.send(calls, length);
            }
            pipe => chain.step(usize::from(pipe) % 6, 1 + amount * amount),
        }
    }
    for _ in 0..1_000_000 {
        let Some(pipe) = (0..6).find(|pipe| !chain.pipes[*pipe].is_empty()) else {
            break;
        };
        chain.step(pipe, usize::MAX);
    }
    assert_eq!(
        chain.answered, chain.sent,
        "every call is answered by its own answer"
    );
    drop(chain);
    assert_eq!(budget.held(), 0);
});

impl Chain {
    /// A call in a serialization that the bridge does not look into: any bytes will do.
    fn send(&mut self, id: u64, length: usize) {
        self.sent.insert(id, length);
        self.pipes[0].extend(frame(0x80 | 0x40 | 21, 0, id, length));
    }

    fn step(&mut self, pipe: usize, most: usize) {
        let length = self.pipes[pipe].len().min(most);
        if length == 0 {
            return;
        }
        let data: Vec<u8> = self.pipes[pipe].drain(..length).collect();
        match pipe {
            0 | 1 => {
                let bridge = if pipe == 0 {
                    &mut self.to_http
                } else {
                    &mut self.to_dubbo
                };
                self.unread[pipe].extend_from_slice(&data);
                let data = Bytes::from(self.unread[pipe].clone());
                if bridge.handle_downstream(data, false, Duration::ZERO) == Verdict::Wait {
                    return;
                }
                self.unread[pipe].clear();
                while let Some(piece) = bridge.poll_to_upstream() {
                    self.pipes[pipe + 1].extend(piece);
                }
            }
            2 => self.provider_reads(&data),
            3 | 4 => {
                let bridge = if pipe == 3 {
                    &mut self.to_dubbo
                } else {
                    &mut self.to_http
                };
                assert_eq!(
                    bridge.handle_upstream(data.into(), false, Duration::ZERO),
                    Verdict::Replaced
                );
                while let Some(piece) = bridge.poll_to_downstream() {
                    self.pipes[pipe + 1].extend(piece);
                }
            }
            _ => self.client_reads(&data),
        }
    }

    /// The provider answers with as many bytes as it was sent.
    fn provider_reads(&mut self, data: &[u8]) {
        for (flags, id, length) in frames(&mut self.received[0], data) {
            if flags & 0x20 != 0 {
                self.pipes[3].extend(heartbeat(id));
            } else {
                self.pipes[3].extend(frame(21, 20, id, length));
            }
        }
    }

    fn client_reads(&mut self, data: &[u8]) {
        for (flags, id, length) in frames(&mut self.received[1], data) {
            if flags & 0xe0 == 0xe0 {
                self.pipes[0].extend(heartbeat(id));
            } else {
                assert_eq!(self.answered.insert(id, length), None, "answered twice");
            }
        }
    }
}

fn heartbeat(id: u64) -> Vec<u8> {
    frame(0x20 | 2, 20, id, 1)
}

fn frame(flags: u8, status: u8, id: u64, length: usize) -> Vec<u8> {
    let mut frame = vec![0xda, 0xbb, flags, status];
    frame.extend_from_slice(&id.to_be_bytes());
    frame.extend_from_slice(&(length as u32).to_be_bytes());
    frame.resize(HEADER + length, b'N');
    frame
}

/// The frames that are complete now: flags, id, length of the body.
fn frames(received: &mut Vec<u8>, data: &[u8]) -> Vec<(u8, u64, usize)> {
    received.extend_from_slice(data);
    let mut frames = Vec::new();
    let mut at = 0;
    while let Some(header) = received.get(at..at + HEADER) {
        assert_eq!(header[..2], [0xda, 0xbb], "frames are not mixed up");
        let length = u32::from_be_bytes(header[12..].try_into().unwrap()) as usize;
        if received.len() < at + HEADER + length {
            break;
        }
        let id = u64::from_be_bytes(header[4..12].try_into().unwrap());
        frames.push((header[2], id, length));
        at += HEADER + length;
    }
    received.drain(..at);
    frames
}
