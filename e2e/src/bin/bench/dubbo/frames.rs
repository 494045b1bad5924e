//! The calls: one request and one response frame of each size.

use std::rc::Rc;

use meshlane_e2e::dubbo::frame::Frame;

use super::scanner::{Layout, number};

/// How many bytes the text has that is the only argument, and the result.
pub(crate) const SIZES: [usize; 3] = [100, 1000, 64 * 1024];

/// The header of Dubbo frames.
pub(crate) const LAYOUT: Layout = Layout {
    header: 16,
    payload: |header| number(header.get(12..).unwrap_or_default()),
    wanted: |_| 0,
};

/// The interface that is called.
pub(crate) const INTERFACE: &str = "org.demo.Greeter";

/// Flag of requests.
pub(crate) const IS_REQUEST: u8 = 0x80;
/// Flag of events.
pub(crate) const IS_EVENT: u8 = 0x20;

/// A call of one size.
pub(crate) struct Call {
    /// The request frame.
    pub(crate) request: Vec<u8>,
    /// The response frame.
    pub(crate) response: Vec<u8>,
}

impl Call {
    /// A call as Java makes it.
    pub(crate) fn of_size(size: usize) -> Self {
        let argument = "0123456789".repeat(size.div_ceil(10));
        let argument = argument.get(..size).unwrap_or_default();
        let mut call = Vec::new();
        for head in ["2.0.2", INTERFACE, "0.0.0", "echo", "Ljava/lang/String;"] {
            text(&mut call, head);
        }
        text(&mut call, argument);
        call.push(b'H');
        for (name, value) in ATTACHMENTS {
            text(&mut call, name);
            text(&mut call, value);
        }
        call.push(b'Z');

        let mut result = vec![RESULT_WITH_ATTACHMENTS];
        text(&mut result, argument);
        result.push(b'H');
        text(&mut result, "dubbo");
        text(&mut result, "2.0.2");
        result.push(b'Z');
        Self {
            request: Frame::new(REQUEST, 0, 0, &call).bytes().to_vec(),
            response: Frame::new(RESPONSE, OK, 0, &result).bytes().to_vec(),
        }
    }

    /// The calls of all sizes.
    pub(crate) fn all() -> Rc<[Rc<Self>]> {
        SIZES.map(Self::of_size).map(Rc::new).into()
    }
}

/// Appends a frame with an id of its own.
pub(crate) fn push(out: &mut Vec<u8>, frame: &[u8], id: &[u8]) {
    let (Some(beginning), Some(rest)) = (frame.get(..4), frame.get(12..)) else {
        return;
    };
    out.extend_from_slice(beginning);
    out.extend_from_slice(id);
    out.extend_from_slice(rest);
}

/// Appends the answer to a heartbeat.
pub(crate) fn push_heartbeat_answer(out: &mut Vec<u8>, id: &[u8]) {
    push(
        out,
        Frame::new(RESPONSE | IS_EVENT, OK, 0, b"N").bytes(),
        id,
    );
}

/// A text of ASCII in Hessian 2.0, in chunks as Java writes it.
fn text(to: &mut Vec<u8>, text: &str) {
    let mut chunks = text.as_bytes().chunks(0x8000).peekable();
    while let Some(chunk) = chunks.next() {
        let length = u16::try_from(chunk.len()).unwrap_or_default().to_be_bytes();
        match (chunks.peek().is_some(), length) {
            (true, _) => to.push(b'R'),
            (false, [0, short @ ..32]) => to.push(short),
            (false, [high @ ..4, low]) => to.extend([0x30 + high, low]),
            (false, _) => to.push(b'S'),
        }
        if chunk.len() >= 1024 {
            to.extend(length);
        }
        to.extend(chunk);
    }
}

/// What Java attaches to a call.
const ATTACHMENTS: [(&str, &str); 5] = [
    ("path", INTERFACE),
    ("remote.application", "shop-consumer"),
    ("interface", INTERFACE),
    ("version", "0.0.0"),
    ("timeout", "10000"),
];
const REQUEST: u8 = 0xc2;
const RESPONSE: u8 = 0x02;
const OK: u8 = 20;
const RESULT_WITH_ATTACHMENTS: u8 = 0x94;

#[cfg(test)]
mod tests {
    use meshlane_dubbo::{Frame, FrameLimits, Limits, Progress, Wanted};

    use super::*;

    #[test]
    fn calls_are_read_by_the_codec() {
        for size in SIZES {
            let call = Call::of_size(size);
            let Progress::Complete(frame) = Frame::decode(&call.request, &FrameLimits::default())
            else {
                panic!("no frame");
            };
            let wanted = Wanted::new(vec!["timeout".to_owned()], Vec::new());
            let serialization = frame.header.serialization();
            let read =
                meshlane_dubbo::Call::read(serialization, frame.body, &wanted, &Limits::default());
            let read = read.unwrap();
            assert_eq!(read.service.interface, INTERFACE);
            assert!(read.attachments[0].is_some());
        }
    }
}
