use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn read(serialization: u8, body: &[u8]) -> Result<ResultHead<'_>, Unreadable> {
    ResultHead::read(Serialization::new(serialization), body, &Limits::default())
}

#[test]
fn kinds_of_results() {
    for (number, kind) in (0..6).map(|number| (number, ResultKind::from_number(number).unwrap())) {
        assert_eq!(kind.number(), number);
        assert_eq!(kind.is_exception(), number % 3 == 0);
        assert_eq!(kind.has_value(), number % 3 == 1);
        assert_eq!(kind.has_attachments(), number >= 3);
        let hessian2 = [0x90 + number];
        let fastjson2 = [0, 0, 0, 2, 0xbd, number];
        let java = [0xac, 0xed, 0, 5, 0x77, 1, number];
        let json = [b'0' + number, b'\n'];
        for (serialization, body) in [
            (2, &hessian2[..]),
            (23, &fastjson2),
            (3, &java),
            (7, &java),
            (6, &json),
        ] {
            let head = read(serialization, body).unwrap();
            assert_eq!((head.kind, head.exception), (kind, None));
        }
    }
}

#[test]
fn classes_of_exceptions() {
    for (serialization, body) in [
        (2, &b"\x93C\x05a.Bad\x90\x60"[..]),
        (2, b"\x93M\x05a.BadZ"),
        (23, b"\0\0\0\x02\xbd\x03\0\0\x01\0\x92\x4ea.Bad\0\xa6"),
        (3, b"\xac\xed\0\x05\x77\x02\x03\x01sr\0\x05a.Bad"),
        (4, b"\xac\xed\0\x05\x77\x02\x03\x01sr\x01\0\x05a.Bad"),
        (7, b"\xac\xed\0\x05\x77\x01\x03sr\0\x05a.Bad"),
    ] {
        let head = read(serialization, body).unwrap();
        assert_eq!(head.kind, ResultKind::ExceptionWithAttachments);
        assert_eq!(head.exception.as_deref(), Some("a.Bad"), "{serialization}");
    }
}

#[test]
fn a_class_that_is_not_there_yet() {
    for (serialization, body) in [
        (2, &b"\x93C\x05a.B"[..]),
        (23, b"\0\0\0\x02\xbd\x03\0\0\x01\0\x92\x4ea.B"),
        (3, b"\xac\xed\0\x05\x77\x02\x03\x01sr\0\x05a.B"),
        (3, b"\xac\xed\0\x05\x77\x02\x03\x00"),
    ] {
        let head = read(serialization, body).unwrap();
        assert_eq!(head.exception, None, "{serialization}");
    }
}

#[test]
fn no_such_kind() {
    for (serialization, body, code) in [
        (2, &b"\x96"[..], "result-kind"),
        (2, b"\x8f", "result-kind"),
        (2, b"N", "unexpected-tag"),
        (2, b"", "truncated"),
        (23, b"\0\0\0\x02\xbd\x06", "result-kind"),
        (23, b"\0\0\0\x01\xaf", "result-kind"),
        (23, b"\0\0\0\x02\xbd", "truncated"),
        (3, b"\xac\xed\0\x05\x77\x01\x06", "result-kind"),
        (3, b"\xac\xed\0\x05\x74", "not-text"),
        (6, b"9\n", "result-kind"),
        (6, b"x\n", "result-kind"),
        (6, b"4", "truncated"),
        (8, b"\x94", "opaque-serialization"),
    ] {
        let error = read(serialization, body).unwrap_err();
        assert_eq!(error.code(), code, "{serialization} {body:02x?}");
    }
}
