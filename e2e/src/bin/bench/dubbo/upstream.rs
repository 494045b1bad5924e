//! Who answers behind Envoy.

use std::{
    cell::RefCell,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
};

use anyhow::{Context, Result};
use tokio::{net::TcpListener, task::LocalSet};

use super::{
    connection::{Connection, Peer},
    frames::{self, Call, IS_EVENT, IS_REQUEST},
    http2::{self, Bodies, Fields, Frame, Session},
    scanner::Scanner,
};

/// Accepts connections, each with a peer of its own, for as long as the set of tasks lives.
pub(crate) async fn serve<P: Peer + 'static>(
    tasks: &LocalSet,
    peer: impl Fn() -> P + 'static,
) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tasks.spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut connection) = Connection::new(stream, peer()) {
                // What goes wrong here is seen by the client, which gets no answer.
                tokio::task::spawn_local(async move { connection.run().await });
            }
        }
    });
    Ok(address)
}

/// A provider that answers each request by the response of the same size.
pub(crate) struct Provider {
    scanner: Scanner,
    calls: Rc<[Rc<Call>]>,
}

impl Provider {
    pub(crate) fn new(calls: Rc<[Rc<Call>]>) -> Self {
        Self {
            scanner: Scanner::new(&frames::LAYOUT),
            calls,
        }
    }
}

impl Peer for Provider {
    fn greet(&mut self, _out: &mut Vec<u8>) {}

    fn receive(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let calls = &self.calls;
        self.scanner.scan(bytes, |header, _, length| {
            let flags = header.get(2).copied().unwrap_or_default();
            let id = header.get(4..12).unwrap_or_default();
            if flags & IS_REQUEST == 0 {
                return Ok(());
            }
            if flags & IS_EVENT != 0 {
                frames::push_heartbeat_answer(out, id);
            } else {
                frames::push(out, response(calls, header.len() + length)?, id);
            }
            Ok(())
        })
    }

    fn is_content(&self) -> bool {
        false
    }
}

/// A server that takes request frames as bodies of HTTP/2, and answers in the same way.
pub(crate) struct Http2Server {
    scanner: Scanner,
    answers: Answers,
}

struct Answers {
    session: Session,
    fields: Fields,
    calls: Rc<[Rc<Call>]>,
    requests: Bodies,
    seen: Rc<RefCell<Fields>>,
}

impl Http2Server {
    /// Records the header blocks that it is sent.
    pub(crate) fn new(calls: Rc<[Rc<Call>]>, seen: Rc<RefCell<Fields>>) -> Self {
        Self {
            scanner: Scanner::new(&http2::LAYOUT),
            answers: Answers {
                session: Session::new(),
                fields: Fields::new(&[
                    (":status", "200"),
                    ("content-type", "application/dubbo2"),
                    ("dubbo-status", "20"),
                ]),
                calls,
                requests: Bodies::default(),
                seen,
            },
        }
    }
}

impl Answers {
    fn on_frame(
        &mut self,
        frame: Frame,
        payload: &[u8],
        length: usize,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        self.session.follow(frame, payload, length, out)?;
        if let Some(block) = http2::block(frame, payload) {
            self.seen.borrow_mut().record(block);
        }
        if let Some((beginning, length)) = self.requests.take(frame, payload, length) {
            let id = beginning.get(4..12).context("half a header")?;
            let response = response(&self.calls, length)?;
            self.session
                .send(out, frame.stream, &mut self.fields, response, id)?;
        }
        Ok(())
    }
}

impl Peer for Http2Server {
    fn greet(&mut self, out: &mut Vec<u8>) {
        self.answers.session.greet(out);
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let bytes = bytes.strip_prefix(http2::PREFACE).unwrap_or(bytes);
        let answers = &mut self.answers;
        self.scanner.scan(bytes, |header, payload, length| {
            answers.on_frame(Frame::of(header), payload, length, out)
        })
    }

    fn is_content(&self) -> bool {
        false
    }
}

/// The response to a request of this length.
fn response(calls: &[Rc<Call>], length: usize) -> Result<&[u8]> {
    let call = calls.iter().find(|call| call.request.len() == length);
    let call = call.with_context(|| format!("a request of {length} bytes"))?;
    Ok(&call.response)
}
