use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const MAX: usize = 65_535;

fn read(body: &[u8], dialect: Dialect) -> Result<Option<String>, InvalidBody> {
    let text = Blocks::new(body, dialect)?.text(MAX)?;
    Ok(text.map(Cow::into_owned))
}

#[test]
fn texts_of_every_length_and_character() {
    let long = "0123456789abcdef".repeat(300);
    for dialect in [Dialect::Dubbo, Dialect::Native] {
        for text in [
            "",
            "a",
            "\0",
            "é",
            "文一路",
            "😀",
            "a\u{7ff}\u{800}\u{ffff}",
            &long,
        ] {
            let body = text_body(dialect, text);
            assert_eq!(read(&body, dialect).unwrap().as_deref(), Some(text));
        }
    }
}

#[test]
fn as_java_writes_them() {
    assert_eq!(
        text_body(Dialect::Dubbo, "a\0é"),
        b"\xac\xed\0\x05\x77\x0b\0\0\0\x03\0\x05a\xc0\x80\xc3\xa9"
    );
    // Blocks have at most 1024 bytes; one of up to 255 has a short head.
    let body = text_body(Dialect::Dubbo, &"x".repeat(1024));
    assert_eq!(body[..10], *b"\xac\xed\0\x05\x7a\0\0\x04\0\0");
    assert_eq!(body[4 + 5 + 1024..], *b"\x77\x06xxxxxx");
}

#[test]
fn null() {
    let body = b"\xac\xed\0\x05\x77\x04\xff\xff\xff\xff";
    assert_eq!(read(body, Dialect::Dubbo), Ok(None));
}

#[test]
fn blocks_may_end_anywhere() {
    let plain = text_body(Dialect::Dubbo, "文一路");
    let data = &plain[6..];
    for cut in 0..=data.len() {
        let (before, after) = data.split_at(cut);
        let mut body = STREAM_HEADER.to_vec();
        for block in [before, &[], after] {
            body.extend_from_slice(&[0x7a, 0, 0, 0, block.len() as u8]);
            body.extend_from_slice(block);
        }
        assert_eq!(
            read(&body, Dialect::Dubbo).unwrap().as_deref(),
            Some("文一路")
        );
    }
}

#[test]
fn truncated_at_every_byte() {
    let body = text_body(Dialect::Dubbo, "abc");
    for length in 0..body.len() {
        let invalid = read(&body[..length], Dialect::Dubbo).unwrap_err();
        assert_eq!(invalid, InvalidBodyKind::Truncated.at(length));
    }
}

#[test]
fn broken_streams() {
    for (body, kind) in [
        (&b"\xac\xed\0\x06\x77\0"[..], InvalidBodyKind::JavaHeader),
        (b"\xac\xed\0\x05\x74\0\x01a", InvalidBodyKind::NotText),
        (
            b"\xac\xed\0\x05\x7a\xff\xff\xff\xff",
            InvalidBodyKind::Length,
        ),
        (
            b"\xac\xed\0\x05\x77\x07\0\0\0\x01\0\x01\xff",
            InvalidBodyKind::Encoding,
        ),
        (
            b"\xac\xed\0\x05\x77\x08\0\0\0\x01\0\x02\xe6\x96",
            InvalidBodyKind::Encoding,
        ),
    ] {
        assert_eq!(read(body, Dialect::Dubbo).unwrap_err().kind, kind);
    }
}

#[test]
fn a_lone_surrogate_becomes_a_replacement_character() {
    let body = b"\xac\xed\0\x05\x77\x09\0\0\0\x01\0\x03\xed\xa0\x80";
    assert_eq!(
        read(body, Dialect::Dubbo).unwrap().as_deref(),
        Some("\u{fffd}")
    );
}
