//! Responses that say why there is no result.

use std::borrow::Cow;

use crate::event::writable;
use crate::frame::write_frame;
use crate::reader::Reader;
use crate::{
    Flags, InvalidBody, InvalidBodyKind, Limits, Serialization, Status, Unreadable, java, jsonb,
};

/// The longest message of an error response in bytes of UTF-8.
pub const MAX_MESSAGE: usize = 4096;

/// A response without a result: the body is one text in the client's serialization.
///
/// The Java client (2.6 to 3.3) reads exactly one text (`DubboCodec.decodeBody`:
/// `res.setErrorMessage(in.readUTF())`) and throws an `RpcException` with it: for the statuses
/// 30 and 31 a timeout, for 25 a serialization error, for all others a network error
/// (`DefaultFuture.doReceived`).
///
/// The message is cut at [`MAX_MESSAGE`]. Of a serialization that this crate cannot write,
/// the response is in Hessian2.
pub fn error_response(
    request_id: u64,
    serialization: Serialization,
    status: Status,
    message: &str,
) -> Vec<u8> {
    let serialization = writable(serialization);
    let message = cut(message);
    let body = match serialization {
        Serialization::FASTJSON => json_body(message),
        Serialization::FASTJSON2 => {
            let mut body = Vec::with_capacity(message.len() + 10);
            jsonb::write_framed_text(&mut body, message);
            body
        }
        _ => match java::Dialect::of(serialization) {
            Some(dialect) => java::text_body(dialect, message),
            None => hessian2_body(message),
        },
    };
    write_frame(Flags::response(serialization), status, request_id, &body)
}

/// The message in the body of a response whose status is not [`Status::OK`].
///
/// Null is no message, but not an error; Java shows it as `null`.
pub fn error_message(
    serialization: Serialization,
    body: &[u8],
) -> Result<Option<Cow<'_, str>>, Unreadable> {
    // The body is in memory already; Java's messages hold whole stack traces.
    let limits = &Limits {
        max_text: usize::MAX,
        ..Limits::default()
    };
    let message = match serialization {
        Serialization::HESSIAN2 => {
            let mut decoder = meshlane_hessian2::Decoder::new(body, &limits.values);
            let message = decoder.read_optional_text().map_err(InvalidBody::from)?;
            message.map(meshlane_hessian2::Text::into_str_lossy)
        }
        Serialization::FASTJSON2 => {
            jsonb::framed_text(body, &mut Reader::new(body), limits.max_text)?
        }
        _ => {
            let dialect = java::Dialect::of(serialization);
            let dialect = dialect.ok_or(Unreadable::Serialization(serialization))?;
            java::Blocks::new(body, dialect)?.text(limits.max_text)?
        }
    };
    match message {
        Some(message) if message.len() > limits.max_text => {
            Err(InvalidBodyKind::TextTooLong.at(0).into())
        }
        message => Ok(message),
    }
}

/// At most [`MAX_MESSAGE`] bytes of the message, whole characters.
fn cut(message: &str) -> &str {
    let end = message.floor_char_boundary(MAX_MESSAGE);
    message.get(..end).unwrap_or_default()
}

fn hessian2_body(message: &str) -> Vec<u8> {
    let mut encoder = meshlane_hessian2::Encoder::new();
    encoder.write_str(message);
    encoder.into_bytes()
}

/// A line of JSON: fastjson's reader takes a line for a value.
fn json_body(message: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(message.len() + 3);
    body.push(b'"');
    for char in message.chars() {
        match char {
            '"' | '\\' => body.extend_from_slice(&[b'\\', char as u8]),
            // Control characters, and U+2028 and U+2029, which old readers take for line ends.
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                body.extend_from_slice(format!("\\u{:04x}", u32::from(char)).as_bytes());
            }
            _ => body.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    body.extend_from_slice(b"\"\n");
    body
}

#[cfg(test)]
mod tests;
