//! Clients: some calls on their way all the time, each answer checked.

use std::rc::Rc;

use anyhow::{Result, ensure};

use super::{
    connection::Peer,
    frames::{self, Call, IS_EVENT, IS_REQUEST},
    http2::{self, Bodies, Fields, Frame, Session},
    scanner::Scanner,
};

/// How many calls are on their way on each connection.
const AT_ONCE: usize = 8;

/// A client that can be told to make calls.
pub(crate) trait Client: Peer {
    /// Makes so many calls from now on.
    fn start(&mut self, call: &Rc<Call>, calls: usize, out: &mut Vec<u8>) -> Result<()>;
}

/// What has to be done, and what is left of it.
struct Work {
    call: Rc<Call>,
    to_send: usize,
    to_receive: usize,
    next_id: u64,
}

impl Work {
    fn new() -> Self {
        Self {
            call: Rc::new(Call::of_size(0)),
            to_send: 0,
            to_receive: 0,
            next_id: 1,
        }
    }

    fn start(&mut self, call: &Rc<Call>, calls: usize) {
        self.call = Rc::clone(call);
        self.to_send = calls;
        self.to_receive = calls;
    }

    /// The id of the next call, if there is another one to be made.
    fn next(&mut self) -> Option<[u8; 8]> {
        self.to_send = self.to_send.checked_sub(1)?;
        self.next_id += 1;
        Some(self.next_id.to_be_bytes())
    }

    /// Checks an answer by its header and length.
    fn check(&mut self, header: &[u8], length: usize) -> Result<()> {
        ensure!(
            header.get(..4) == self.call.response.get(..4) && length == self.call.response.len(),
            "not the answer: {length} bytes, {header:02x?}"
        );
        self.to_receive -= 1;
        Ok(())
    }
}

/// A client that speaks Dubbo.
pub(crate) struct DubboClient {
    scanner: Scanner,
    work: Work,
}

impl DubboClient {
    pub(crate) fn new() -> Self {
        Self {
            scanner: Scanner::new(&frames::LAYOUT),
            work: Work::new(),
        }
    }
}

impl Client for DubboClient {
    fn start(&mut self, call: &Rc<Call>, calls: usize, out: &mut Vec<u8>) -> Result<()> {
        self.work.start(call, calls);
        for id in std::iter::from_fn(|| self.work.next())
            .take(AT_ONCE)
            .collect::<Vec<_>>()
        {
            frames::push(out, &self.work.call.request, &id);
        }
        Ok(())
    }
}

impl Peer for DubboClient {
    fn greet(&mut self, _out: &mut Vec<u8>) {}

    fn receive(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let work = &mut self.work;
        self.scanner.scan(bytes, |header, _, length| {
            let flags = header.get(2).copied().unwrap_or_default();
            if flags & IS_EVENT != 0 {
                if flags & IS_REQUEST != 0 {
                    frames::push_heartbeat_answer(out, header.get(4..12).unwrap_or_default());
                }
                return Ok(());
            }
            work.check(header, header.len() + length)?;
            if let Some(id) = work.next() {
                frames::push(out, &work.call.request, &id);
            }
            Ok(())
        })
    }

    fn is_content(&self) -> bool {
        self.work.to_receive == 0
    }
}

/// A client that speaks HTTP/2, with the same frames as bodies.
pub(crate) struct Http2Client {
    scanner: Scanner,
    calls: Calls,
}

struct Calls {
    session: Session,
    fields: Fields,
    work: Work,
    next_stream: u32,
    answers: Bodies,
}

impl Http2Client {
    pub(crate) fn new(fields: Fields) -> Self {
        Self {
            scanner: Scanner::new(&http2::LAYOUT),
            calls: Calls {
                session: Session::new(),
                fields,
                work: Work::new(),
                next_stream: 1,
                answers: Bodies::default(),
            },
        }
    }
}

impl Calls {
    fn send_next(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let Some(id) = self.work.next() else {
            return Ok(());
        };
        let stream = self.next_stream;
        self.next_stream += 2;
        let request = &self.work.call.request;
        self.session
            .send(out, stream, &mut self.fields, request, &id)
    }

    fn on_frame(
        &mut self,
        frame: Frame,
        payload: &[u8],
        length: usize,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        self.session.follow(frame, payload, length, out)?;
        if let Some((beginning, length)) = self.answers.take(frame, payload, length) {
            self.work.check(&beginning, length)?;
            self.send_next(out)?;
        }
        Ok(())
    }
}

impl Client for Http2Client {
    fn start(&mut self, call: &Rc<Call>, calls: usize, out: &mut Vec<u8>) -> Result<()> {
        self.calls.work.start(call, calls);
        for _ in 0..AT_ONCE {
            self.calls.send_next(out)?;
        }
        Ok(())
    }
}

impl Peer for Http2Client {
    fn greet(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(http2::PREFACE);
        self.calls.session.greet(out);
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let calls = &mut self.calls;
        self.scanner.scan(bytes, |header, payload, length| {
            calls.on_frame(Frame::of(header), payload, length, out)
        })
    }

    fn is_content(&self) -> bool {
        self.calls.session.is_greeted && self.calls.work.to_receive == 0
    }
}
