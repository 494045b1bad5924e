//! Dubbo peers made of bytes: a provider and a client that do what no real one would, too.
//!
//! Bodies are Hessian 2.0, written by hand and deliberately not by our codec.

use anyhow::{Result, bail, ensure};

pub use self::{
    client::WireClient,
    provider::{WireProvider, hello},
};
use crate::dubbo::frame::Frame;

mod client;
mod provider;

/// The interface that calls name when they do not say.
pub const INTERFACE: &str = "org.demo.Greeter";

/// The flags of a two-way request in Hessian 2.0.
pub const REQUEST: u8 = 0xc2;
/// The flags of a one-way request.
pub const ONE_WAY: u8 = 0x82;
/// The flags of a heartbeat that wants an answer.
pub const HEARTBEAT: u8 = 0xe2;
/// An event that wants no answer.
pub const ONE_WAY_EVENT: u8 = 0xa2;
/// The flags of a response.
pub const RESPONSE: u8 = 0x02;
/// The flags of the answer to a heartbeat.
pub const HEARTBEAT_ANSWER: u8 = 0x22;
/// The status of a response that is fine.
pub const OK: u8 = 20;
/// The status of a response to a request that could not be read.
pub const BAD_REQUEST: u8 = 40;

/// A call of a method with one text argument.
pub fn call(id: u64, method: &str, argument: &str) -> Frame {
    call_with(id, method, argument, &[])
}

/// A call with attachments.
pub fn call_with(id: u64, method: &str, argument: &str, attachments: &[(&str, &str)]) -> Frame {
    Frame::new(
        REQUEST,
        0,
        id,
        &body(INTERFACE, method, argument, attachments),
    )
}

/// The body of a call.
pub fn body(
    interface: &str,
    method: &str,
    argument: &str,
    attachments: &[(&str, &str)],
) -> Vec<u8> {
    let mut body = Vec::new();
    for head in ["2.0.2", interface, "0.0.0", method, "Ljava/lang/String;"] {
        text(&mut body, head);
    }
    text(&mut body, argument);
    body.push(b'H');
    for (name, value) in [("path", interface), ("interface", interface)]
        .iter()
        .chain(attachments)
    {
        text(&mut body, name);
        text(&mut body, value);
    }
    body.push(b'Z');
    body
}

/// A heartbeat.
pub fn heartbeat(id: u64) -> Frame {
    Frame::new(HEARTBEAT, 0, id, b"N")
}

/// A text in Hessian 2.0: in chunks of ASCII.
pub fn text(to: &mut Vec<u8>, text: &str) {
    const CHUNK: usize = 0x8000;
    let mut rest = text.as_bytes();
    while rest.len() > CHUNK {
        let (chunk, after) = rest.split_at(CHUNK);
        to.push(b'R');
        to.extend(0x8000_u16.to_be_bytes());
        to.extend(chunk);
        rest = after;
    }
    match u8::try_from(rest.len()) {
        Ok(length @ ..32) => to.push(length),
        _ => {
            to.push(b'S');
            to.extend(u16::try_from(rest.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    to.extend(rest);
}

/// Takes a text of ASCII off the front.
pub fn take_text(from: &mut &[u8]) -> Result<String> {
    let mut text = Vec::new();
    loop {
        let tag = take(from, 1)?.first().copied().unwrap_or_default();
        let (length, last) = match tag {
            0..32 => (usize::from(tag), true),
            0x30..0x34 => (number(&[tag - 0x30]) << 8 | number(take(from, 1)?), true),
            b'S' => (number(take(from, 2)?), true),
            b'R' => (number(take(from, 2)?), false),
            other => bail!("no text: {other:#x}"),
        };
        text.extend_from_slice(take(from, length)?);
        if last {
            return Ok(String::from_utf8(text)?);
        }
    }
}

/// The text of an answer: the value of a good one, the message of an error.
pub fn answer_text(answer: &Frame) -> Result<String> {
    let mut body = answer.body();
    if answer.status() == OK {
        let kind = take(&mut body, 1)?;
        ensure!(matches!(kind, [0x91 | 0x94]), "a result of kind {kind:?}");
    }
    take_text(&mut body)
}

fn take<'a>(from: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let Some((taken, rest)) = from.split_at_checked(length) else {
        bail!("{length} bytes are more than the {} there are", from.len());
    };
    *from = rest;
    Ok(taken)
}

fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}
