//! What a provider does about a call.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::{HEADER, fill};
use crate::{
    dubbo::frame::Frame,
    wire::{OK, RESPONSE, text},
};

/// The steps of an answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub(super) after: Option<Gate>,
    pub(super) steps: Vec<Step>,
}

/// Something that the writer of a connection does.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Writes bytes.
    Write(Bytes),
    /// Writes nothing, of other answers neither, until a gate opens.
    Wait(Gate),
    /// Ends the connection by a TCP reset.
    Cut,
    /// Ends the connection in order.
    Close,
}

/// Holds answers back until a scenario lets them go.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// A gate that is shut.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Opens it for good.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub(super) async fn passed(&self) {
        let mut gate = self.0.subscribe();
        // The sender is in `self`, so it is not gone.
        let _ = gate.wait_for(|is_open| *is_open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Answer {
    /// No answer.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Any bytes.
    pub fn raw(bytes: impl Into<Bytes>) -> Self {
        Self::nothing().then(bytes)
    }

    /// The body of the call as a value.
    pub fn echo(call: &Frame) -> Self {
        Self::raw(echo_of(call).bytes().to_vec())
    }

    /// A response whose frame is exactly so many bytes long; what is in it follows from the length.
    pub fn sized(call: &Frame, length: usize) -> Self {
        Self::raw(sized_response(call.id(), length).bytes().to_vec())
    }

    /// A response with the body of another one, which is not copied: for many long ones.
    pub fn shared(call: &Frame, response: &Bytes) -> Self {
        let mut header = response.slice(..HEADER).to_vec();
        for (to, from) in header.iter_mut().skip(4).zip(call.id().to_be_bytes()) {
            *to = from;
        }
        Self::raw(header).then(response.slice(HEADER..))
    }

    /// An error of the provider's.
    pub fn error(call: &Frame, status: u8, message: &str) -> Self {
        let mut body = Vec::new();
        text(&mut body, message);
        let response = Frame::new(RESPONSE, status, call.id(), &body);
        Self::raw(response.bytes().to_vec())
    }

    /// The same answer, once a gate is open; other answers go first.
    pub fn after(mut self, gate: &Gate) -> Self {
        self.after = Some(gate.clone());
        self
    }

    /// Writes more.
    pub fn then(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Write(bytes.into()))
    }

    /// Stops here until a gate is open, and with it the connection.
    pub fn wait(self, gate: &Gate) -> Self {
        self.step(Step::Wait(gate.clone()))
    }

    /// Resets the connection after that.
    pub fn cut(self) -> Self {
        self.step(Step::Cut)
    }

    /// Closes the connection after that.
    pub fn close(self) -> Self {
        self.step(Step::Close)
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// What [`Answer::echo`] answers.
pub fn echo_of(call: &Frame) -> Frame {
    const CHUNK: usize = 0x8000;
    let mut body = vec![0x91];
    let mut chunks = call.body().chunks(CHUNK).peekable();
    while let Some(chunk) = chunks.next() {
        body.push(if chunks.peek().is_some() { b'A' } else { b'B' });
        body.extend(u16::try_from(chunk.len()).unwrap_or_default().to_be_bytes());
        body.extend(chunk);
    }
    Frame::new(RESPONSE, OK, call.id(), &body)
}

/// What [`Answer::sized`] answers.
pub fn sized_response(id: u64, length: usize) -> Frame {
    let mut body = vec![0x91];
    fill(&mut body, length as u64, length.saturating_sub(HEADER + 1));
    Frame::new(RESPONSE, OK, id, &body)
}
