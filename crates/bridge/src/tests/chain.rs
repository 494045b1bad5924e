use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use meshlane_dubbo::{
    Event, FrameLimits, HEADER_LENGTH, Header, Progress, Status, heartbeat_response,
};

use super::frames;
use crate::{Bridge, Budget, ConnectionFacts, Mode, Note, Policy, Verdict};

/// client ⇄ toHttp ⇄ toDubbo ⇄ provider.
pub(super) struct Chain {
    pub(super) to_http: Bridge,
    pub(super) to_dubbo: Bridge,
    pub(super) budget: Budget,
    pub(super) notes: Vec<Note>,
    pub(super) client: Peer,
    pub(super) provider: Peer,
    /// Bytes between the two bridges.
    pub(super) forth: VecDeque<u8>,
    pub(super) back: VecDeque<u8>,
    /// Bytes that a bridge left where they were.
    unread_of_client: Vec<u8>,
    unread_of_bridge: Vec<u8>,
    /// How the bytes are cut, and which pipe moves next.
    random: u64,
    pub(super) largest: usize,
    pub(super) now: Duration,
    /// What the provider does with a call.
    pub(super) provide: fn(&Frame) -> Option<Vec<u8>>,
}

/// One end: the bytes that it has yet to send, and the frames that it was sent.
#[derive(Default)]
pub(super) struct Peer {
    pub(super) to_send: VecDeque<u8>,
    received: Vec<u8>,
    pub(super) frames: Vec<Frame>,
    pub(super) answers_heartbeats: bool,
    /// Reads nothing while this is set.
    pub(super) is_stuck: bool,
    pub(super) inbox: VecDeque<u8>,
}

/// A frame that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) header: Header,
    pub(super) body: Vec<u8>,
}

impl Chain {
    pub(super) fn new(seed: u64) -> Self {
        Self::with(seed, |_| {}, |_| {})
    }

    pub(super) fn with(
        seed: u64,
        to_http: impl FnOnce(&mut Policy),
        to_dubbo: impl FnOnce(&mut Policy),
    ) -> Self {
        let budget = Budget::new();
        let bridge = |mode, adapt: Box<dyn FnOnce(&mut Policy) + '_>| {
            let mut policy = Policy::with_defaults(mode);
            adapt(&mut policy);
            let destination = "10.0.0.1:20880".to_owned();
            Bridge::new(
                Rc::new(policy),
                ConnectionFacts { destination },
                budget.clone(),
            )
        };
        let peer = || Peer {
            answers_heartbeats: true,
            ..Peer::default()
        };
        Self {
            to_http: bridge(Mode::ToHttp, Box::new(to_http)),
            to_dubbo: bridge(Mode::ToDubbo, Box::new(to_dubbo)),
            notes: Vec::new(),
            client: peer(),
            provider: peer(),
            forth: VecDeque::new(),
            back: VecDeque::new(),
            unread_of_client: Vec::new(),
            unread_of_bridge: Vec::new(),
            random: seed | 1,
            largest: 70_000,
            now: Duration::ZERO,
            provide: |frame| Some(frames::value(frame.header.request_id, 5)),
            budget,
        }
    }

    /// The client sends a frame.
    pub(super) fn send(&mut self, frame: Vec<u8>) {
        self.client.to_send.extend(frame);
    }

    /// Moves bytes until none are left.
    pub(super) fn run(&mut self) {
        for _ in 0..1_000_000 {
            if !self.step() {
                return;
            }
        }
        panic!("bytes never come to rest");
    }

    /// Moves some bytes of some pipe; false when there are none.
    pub(super) fn step(&mut self) -> bool {
        let ready = [
            !self.client.to_send.is_empty(),
            !self.forth.is_empty(),
            !self.provider.to_send.is_empty(),
            !self.back.is_empty(),
            !self.provider.is_stuck && !self.provider.inbox.is_empty(),
            !self.client.is_stuck && !self.client.inbox.is_empty(),
        ];
        if !ready.contains(&true) {
            return false;
        }
        let mut pipe = self.next_random() as usize % ready.len();
        while !ready[pipe] {
            pipe = (pipe + 1) % ready.len();
        }
        let most = 1 + self.next_random() as usize % self.largest;
        self.now += Duration::from_micros(10);
        match pipe {
            0 => self.client_to_bridge(most),
            1 => self.bridge_to_bridge(most),
            2 => self.provider_to_bridge(most),
            3 => self.bridge_back(most),
            4 => self.provider_reads(most),
            _ => self.client_reads(most),
        }
        while let Some(note) = self
            .to_http
            .poll_note()
            .or_else(|| self.to_dubbo.poll_note())
        {
            self.notes.push(note);
        }
        true
    }

    fn client_to_bridge(&mut self, most: usize) {
        let data = take_after(&mut self.unread_of_client, &mut self.client.to_send, most);
        match self
            .to_http
            .handle_downstream(data.clone(), false, self.now)
        {
            Verdict::Replaced => {
                while let Some(piece) = self.to_http.poll_to_upstream() {
                    self.forth.extend(piece);
                }
            }
            Verdict::Untouched => self.forth.extend(data),
            Verdict::Wait => self.unread_of_client = data.to_vec(),
        }
    }

    fn bridge_to_bridge(&mut self, most: usize) {
        let data = take_after(&mut self.unread_of_bridge, &mut self.forth, most);
        match self
            .to_dubbo
            .handle_downstream(data.clone(), false, self.now)
        {
            Verdict::Replaced => {
                while let Some(piece) = self.to_dubbo.poll_to_upstream() {
                    self.provider.inbox.extend(piece);
                }
            }
            Verdict::Untouched => self.provider.inbox.extend(data),
            Verdict::Wait => self.unread_of_bridge = data.to_vec(),
        }
    }

    fn provider_to_bridge(&mut self, most: usize) {
        let data = take(&mut self.provider.to_send, most);
        match self.to_dubbo.handle_upstream(data.clone(), false, self.now) {
            Verdict::Replaced => {
                while let Some(piece) = self.to_dubbo.poll_to_downstream() {
                    self.back.extend(piece);
                }
            }
            _ => self.back.extend(data),
        }
    }

    fn bridge_back(&mut self, most: usize) {
        let data = take(&mut self.back, most);
        match self.to_http.handle_upstream(data.clone(), false, self.now) {
            Verdict::Replaced => {
                while let Some(piece) = self.to_http.poll_to_downstream() {
                    self.client.inbox.extend(piece);
                }
            }
            _ => self.client.inbox.extend(data),
        }
    }

    fn provider_reads(&mut self, most: usize) {
        for frame in self.provider.read(most) {
            if frame.header.is_request() && !frame.header.is_event() {
                if let Some(answer) = (self.provide)(&frame) {
                    self.provider.to_send.extend(answer);
                }
                self.provider.frames.push(frame);
            }
        }
    }

    fn client_reads(&mut self, most: usize) {
        let frames = self.client.read(most);
        self.client.frames.extend(frames);
    }

    /// The provider's connection ends.
    pub(super) fn provider_closes(&mut self) {
        let _ = self.to_dubbo.handle_upstream(Bytes::new(), true, self.now);
        while let Some(piece) = self.to_dubbo.poll_to_downstream() {
            self.back.extend(piece);
        }
    }

    /// xorshift64*
    fn next_random(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    }
}

impl Peer {
    /// Reads some bytes; answers heartbeats; returns all other frames that are complete now.
    fn read(&mut self, most: usize) -> Vec<Frame> {
        self.received
            .extend_from_slice(&take(&mut self.inbox, most));
        let mut frames = Vec::new();
        let mut at = 0;
        while let Progress::Complete(header) =
            Header::decode(&self.received[at..], &FrameLimits { max_body: 1 << 30 })
        {
            let end = at + HEADER_LENGTH + header.body_length as usize;
            let Some(body) = self.received.get(at + HEADER_LENGTH..end) else {
                break;
            };
            let body = body.to_vec();
            at = end;
            if header.is_event() && header.is_request() && header.is_two_way() {
                if self.answers_heartbeats {
                    self.to_send.extend(heartbeat_response(
                        header.request_id,
                        header.serialization(),
                    ));
                }
            } else {
                frames.push(Frame { header, body });
            }
        }
        self.received.drain(..at);
        frames
    }

    /// The ids and statuses of the responses that arrived.
    pub(super) fn responses(&self) -> Vec<(u64, Status)> {
        let responses = self.frames.iter().map(|frame| &frame.header);
        let responses = responses.filter(|header| !header.is_request() && !header.is_event());
        responses
            .map(|header| (header.request_id, header.status))
            .collect()
    }
}

impl Frame {
    /// The message of an error response.
    pub(super) fn message(&self) -> String {
        meshlane_dubbo::error_message(self.header.serialization(), &self.body)
            .unwrap()
            .unwrap()
            .into_owned()
    }

    pub(super) fn event(&self) -> Option<Event> {
        let is_event = self.header.is_event();
        is_event.then(|| Event::read(self.header.serialization(), &self.body))
    }
}

fn take(pipe: &mut VecDeque<u8>, most: usize) -> Bytes {
    let length = pipe.len().min(most);
    pipe.drain(..length).collect::<Vec<_>>().into()
}

/// Bytes that were left unread, and some more.
fn take_after(unread: &mut Vec<u8>, pipe: &mut VecDeque<u8>, most: usize) -> Bytes {
    unread.extend_from_slice(&take(pipe, most));
    std::mem::take(unread).into()
}
