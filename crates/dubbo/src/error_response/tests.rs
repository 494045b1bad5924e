use super::*;
use crate::{Frame, FrameLimits, Progress};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn body(serialization: u8, message: &str) -> Vec<u8> {
    let serialization = Serialization::new(serialization);
    let bytes = error_response(7, serialization, Status::SERVER_TIMEOUT, message);
    let Progress::Complete(frame) = Frame::decode(&bytes, &FrameLimits::default()) else {
        panic!("no frame");
    };
    assert_eq!(frame.length(), bytes.len());
    assert_eq!(frame.header.flags, Flags(writable(serialization).number()));
    assert_eq!(frame.header.status, Status(31));
    assert_eq!(frame.header.request_id, 7);
    frame.body.to_vec()
}

#[test]
fn one_text_as_java_reads_it() {
    for (serialization, expected) in [
        (2, &b"\x04gone"[..]),
        (3, b"\xac\xed\0\x05\x77\x0a\0\0\0\x04\0\x04gone"),
        (4, b"\xac\xed\0\x05\x77\x0a\0\0\0\x04\0\x04gone"),
        (7, b"\xac\xed\0\x05\x77\x06\0\x04gone"),
        (6, b"\"gone\"\n"),
        (23, b"\0\0\0\x05\x4dgone"),
        (8, b"\x04gone"),
    ] {
        assert_eq!(body(serialization, "gone"), expected, "{serialization}");
    }
}

#[test]
fn messages_come_back() {
    for number in [2, 3, 4, 7, 23] {
        let serialization = Serialization::new(number);
        for message in ["", "a \"quoted\"\nline\0", "文一路 😀"] {
            let body = body(number, message);
            let read = error_message(serialization, &body).unwrap();
            assert_eq!(read.as_deref(), Some(message), "{number}");
        }
    }
}

#[test]
fn json_is_one_line() {
    assert_eq!(
        body(6, "a \"b\"\\\r\n\u{2028}文"),
        "\"a \\\"b\\\"\\\\\\u000d\\u000a\\u2028文\"\n".as_bytes()
    );
}

#[test]
fn long_messages_are_cut_between_characters() {
    let long = format!("x{}", "文".repeat(2_000));
    for number in [2, 3, 7, 23] {
        let body = body(number, &long);
        let read = error_message(Serialization::new(number), &body).unwrap();
        let read = read.unwrap();
        assert_eq!(read.len(), 1 + 4_095);
        assert!(long.starts_with(&*read));
    }
}

#[test]
fn null_and_broken_messages() {
    assert_eq!(error_message(Serialization::HESSIAN2, b"N"), Ok(None));
    assert_eq!(
        error_message(Serialization::FASTJSON2, b"\0\0\0\x01\xaf"),
        Ok(None)
    );
    for (number, body, code) in [
        (2, &b"\x91"[..], "unexpected-tag"),
        (2, b"\x05gon", "truncated"),
        (23, b"\0\0\0\x01\x01", "not-text"),
        (23, b"\xff\xff\xff\xff", "length"),
        (23, b"\0\0\0\x02\x49\x49", "length"),
        (3, b"gone", "java-header"),
        (8, b"gone", "opaque-serialization"),
    ] {
        let error = error_message(Serialization::new(number), body).unwrap_err();
        assert_eq!(error.code(), code, "{number} {body:02x?}");
    }
}
