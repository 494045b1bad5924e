//! Frames as a Java peer writes them.

use meshlane_dubbo::{Flags, Header, Serialization, Status};

/// A request frame: `dev.meshlane.Shop.METHOD(String)` with one argument and attachments.
pub(crate) fn call(
    id: u64,
    two_way: bool,
    method: &str,
    argument: &str,
    pairs: &[(&str, &str)],
) -> Vec<u8> {
    let mut body = Vec::new();
    for head in [
        "2.0.2",
        "dev.meshlane.Shop",
        "1.0.0",
        method,
        "Ljava/lang/String;",
        argument,
    ] {
        text(&mut body, head);
    }
    body.push(b'H');
    for (name, value) in pairs {
        text(&mut body, name);
        text(&mut body, value);
    }
    body.push(b'Z');
    frame(
        Flags::request(Serialization::HESSIAN2, two_way),
        Status(0),
        id,
        &body,
    )
}

/// A response frame whose value is a text of so many bytes.
pub(crate) fn value(id: u64, length: usize) -> Vec<u8> {
    let mut body = vec![0x91];
    text(&mut body, &"v".repeat(length));
    frame(
        Flags::response(Serialization::HESSIAN2),
        Status::OK,
        id,
        &body,
    )
}

/// A response frame that says that the provider has no thread left.
pub(crate) fn exhausted(id: u64) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, "Thread pool is EXHAUSTED!");
    let status = Status::SERVER_THREADPOOL_EXHAUSTED;
    frame(Flags::response(Serialization::HESSIAN2), status, id, &body)
}

pub(crate) fn frame(flags: Flags, status: Status, request_id: u64, body: &[u8]) -> Vec<u8> {
    let header = Header {
        flags,
        status,
        request_id,
        body_length: u32::try_from(body.len()).unwrap(),
    };
    let mut frame = header.encode().to_vec();
    frame.extend_from_slice(body);
    frame
}

/// A text in ASCII as Hessian2 writes it, in chunks where it is long.
fn text(body: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while rest.len() > 0x8000 {
        let (chunk, after) = rest.split_at(0x8000);
        body.extend_from_slice(&[b'R', 0x80, 0x00]);
        body.extend_from_slice(chunk);
        rest = after;
    }
    match rest.len() {
        short @ 0..32 => body.push(short as u8),
        long => {
            body.push(b'S');
            body.extend_from_slice(&(long as u16).to_be_bytes());
        }
    }
    body.extend_from_slice(rest);
}
