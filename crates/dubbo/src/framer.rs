//! Finds frames in bytes that arrive in any pieces, without keeping bodies.

use crate::{FrameLimits, HEADER_LENGTH, Header, InvalidFrame, Progress};

/// Cuts a stream into frames; holds at most one header, never a body.
///
/// Feed it the bytes not yet consumed until it has no step left:
///
/// ```
/// use meshlane_dubbo::{FrameLimits, Framer, Serialization, Step, heartbeat_request};
///
/// let stream = heartbeat_request(7, Serialization::HESSIAN2);
/// let mut framer = Framer::new(FrameLimits::default());
/// let mut bodies = Vec::new();
/// for mut chunk in stream.chunks(5) {
///     while let Some(step) = framer.step(chunk) {
///         chunk = &chunk[step.consumed()..];
///         match step {
///             Step::Header { header, .. } => assert!(header.is_event()),
///             Step::Body { length, last } => bodies.push((length, last)),
///             Step::Invalid(invalid) => panic!("{invalid}"),
///         }
///     }
/// }
/// assert_eq!(bodies, [(1, true)]);
/// ```
#[derive(Debug, Clone)]
pub struct Framer {
    limits: FrameLimits,
    head: [u8; HEADER_LENGTH],
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// So many bytes of a header are kept.
    Head(usize),
    /// So many bytes of the body are to come.
    Body(u32),
    /// The stream is broken for good.
    Broken(InvalidFrame),
}

/// What a [`Framer`] found at the beginning of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A header is complete.
    Header {
        /// It.
        header: Header,
        /// How many bytes of this input belonged to it.
        consumed: usize,
    },
    /// The next bytes are of the body.
    Body {
        /// How many: zero only for an empty body.
        length: usize,
        /// Whether the frame ends with them.
        last: bool,
    },
    /// This is no frame, and the stream has no further one.
    Invalid(InvalidFrame),
}

impl Step {
    /// How many bytes of the input the step took.
    pub const fn consumed(&self) -> usize {
        match self {
            Self::Header { consumed, .. } => *consumed,
            Self::Body { length, .. } => *length,
            Self::Invalid(_) => 0,
        }
    }
}

impl Framer {
    /// At the beginning of a stream.
    pub const fn new(limits: FrameLimits) -> Self {
        Self {
            limits,
            head: [0; HEADER_LENGTH],
            state: State::Head(0),
        }
    }

    /// The next step, or nothing when all of the input was taken and more is needed.
    ///
    /// After a step drop [`Step::consumed`] bytes of the input and call again.
    /// A broken stream gives [`Step::Invalid`] once and then nothing, whatever comes.
    pub fn step(&mut self, input: &[u8]) -> Option<Step> {
        match self.state {
            State::Head(kept) => self.head_step(kept, input),
            State::Body(missing) => {
                if missing > 0 && input.is_empty() {
                    return None;
                }
                let available = u32::try_from(input.len()).unwrap_or(u32::MAX);
                let taken = missing.min(available);
                let last = taken == missing;
                self.state = if last {
                    State::Head(0)
                } else {
                    State::Body(missing - taken)
                };
                Some(Step::Body {
                    length: taken as usize,
                    last,
                })
            }
            State::Broken(_) => None,
        }
    }

    /// How many bytes of the frame at hand are still to come, at least; zero between frames.
    pub const fn missing(&self) -> usize {
        match self.state {
            State::Head(0) | State::Broken(_) => 0,
            State::Head(kept) => HEADER_LENGTH - kept,
            State::Body(missing) => missing as usize,
        }
    }

    /// What broke the stream, if something did.
    pub const fn invalid(&self) -> Option<InvalidFrame> {
        match self.state {
            State::Broken(invalid) => Some(invalid),
            State::Head(_) | State::Body(_) => None,
        }
    }

    fn head_step(&mut self, kept: usize, input: &[u8]) -> Option<Step> {
        // Straight from the input where the header is in one piece.
        let (progress, taken) = if kept == 0 && input.len() >= HEADER_LENGTH {
            (Header::decode(input, &self.limits), HEADER_LENGTH)
        } else {
            let mut filled = kept;
            for (to, from) in self.head.iter_mut().skip(kept).zip(input) {
                *to = *from;
                filled += 1;
            }
            self.state = State::Head(filled);
            let head = self.head.get(..filled).unwrap_or_default();
            (Header::decode(head, &self.limits), filled - kept)
        };
        match progress {
            Progress::Complete(header) => {
                self.state = State::Body(header.body_length);
                Some(Step::Header {
                    header,
                    consumed: taken,
                })
            }
            Progress::NeedMore(_) => None,
            Progress::Invalid(invalid) => {
                self.state = State::Broken(invalid);
                Some(Step::Invalid(invalid))
            }
        }
    }
}

#[cfg(test)]
mod tests;
