use meshlane_hessian2::{Path, Scalar, Step, Text};

use super::*;
use crate::Limits;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn tokens(document: &[u8]) -> Tokens<'_> {
    Tokens::new(document, 0..document.len())
}

fn token(document: &[u8]) -> Token<'_> {
    let mut tokens = tokens(document);
    let token = tokens.next().unwrap();
    assert!(tokens.is_at_end(), "{document:02x?}");
    token
}

fn text(document: &[u8]) -> String {
    match token(document) {
        Token::Text(text) => text.decode(100).unwrap().into_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn integers() {
    for (document, expected) in [
        (&[0x00][..], 0),
        (&[0x2f], 47),
        (&[0xf0], -16),
        (&[0xff], -1),
        (&[0x30, 0x00], -2048),
        (&[0x38, 0x30], 48),
        (&[0x3f, 0xff], 2047),
        (&[0x40, 0x00, 0x00], -0x4_0000),
        (&[0x44, 0x08, 0x00], 2048),
        (&[0x47, 0xff, 0xff], 0x3_ffff),
        (&[0x48, 0x80, 0, 0, 0], i64::from(i32::MIN)),
        (&[0xd8], -8),
        (&[0xef], 15),
        (&[0xc8, 0x00], -2048),
        (&[0xd7, 0xff], 2047),
        (&[0xc0, 0x00, 0x00], -0x4_0000),
        (&[0xc7, 0xff, 0xff], 0x3_ffff),
        (&[0xbf, 0x7f, 0xff, 0xff, 0xff], i64::from(i32::MAX)),
        (&[0xbe, 0x80, 0, 0, 0, 0, 0, 0, 0], i64::MIN),
        (&[0xbd, 0xff], -1),
        (&[0xbc, 0x80, 0x00], -32768),
        (&[0xb8, 0x01], 1),
        (&[0xba, 0xd8], -8),
    ] {
        assert_eq!(token(document), Token::Int(expected), "{document:02x?}");
    }
}

#[test]
fn other_scalars() {
    assert_eq!(token(&[0xaf]), Token::Null);
    assert_eq!(token(&[0xb0]), Token::Bool(false));
    assert_eq!(token(&[0xb1]), Token::Bool(true));
    assert_eq!(token(&[0xb2]), Token::Double(0.0));
    assert_eq!(token(&[0xb3]), Token::Double(1.0));
    assert_eq!(token(&[0xb4, 0x05]), Token::Double(5.0));
    assert_eq!(token(&[0xb6, 0xf0]), Token::Double(-16.0));
    assert_eq!(token(&[0xb7, 0x3f, 0x80, 0, 0]), Token::Double(1.0));
    assert_eq!(
        token(&[0xb5, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]),
        Token::Double(1.5)
    );
    assert_eq!(token(&[0x91, 0x02, 7, 8]), Token::Binary(&[7, 8]));
    assert_eq!(token(&[0xab, 0, 0, 0, 0, 0, 0, 0, 9]), Token::Date(9));
    assert_eq!(token(&[0xac, 0, 0, 0, 9]), Token::Date(9_000));
    assert_eq!(token(&[0xad, 0, 0, 0, 9]), Token::Date(540_000));
    for document in [
        &[0x90, 0x38, 0x41][..],
        &[0xa7, 1, 2, 3, 0],
        &[0xa8, 7, 0xe8, 1, 2, 3, 4, 5, 0],
        &[0xa9, 7, 0xe8, 1, 2],
        &[0xaa, 7, 0xe8, 1, 2, 3, 4, 5, 0, 0x4a, b'Z'],
        &[0xae, 0x05, 0x06],
        &[0xb9, 0x02, 0x05],
        &[0xb9, 0x02, 0xbb, 0x01, 5],
        &[0xb9, 0x02, 0xba, 0xd8],
        &[0xbb, 0x02, 1, 2],
    ] {
        assert_eq!(token(document), Token::Other(document), "{document:02x?}");
    }
}

#[test]
fn texts_in_all_encodings() {
    assert_eq!(text(b"\x49"), "");
    assert_eq!(text(b"\x4cabc"), "abc");
    assert_eq!(text(b"\x4b\xe9\xff"), "éÿ");
    assert_eq!(text(b"\x79\x03abc"), "abc");
    assert_eq!(text("\x7a\x03文".as_bytes()), "文");
    assert_eq!(text(b"\x7c\x04\x87\x65\x00\x4e"), "文一");
    assert_eq!(text(b"\x7d\x04\x65\x87\x4e\x00"), "文一");
    assert_eq!(text(b"\x7b\x06\xff\xfe\x87\x65\x00\x4e"), "文一");
    assert_eq!(text(b"\x7b\x04\x65\x87\x4e\x00"), "文一");
    for broken in [&b"\x7a\x01\xff"[..], b"\x7c\x01\x41", b"\x7e\x01\x41"] {
        let Token::Text(text) = token(broken) else {
            panic!("no text");
        };
        let kind = text.decode(100).unwrap_err().kind;
        assert_eq!(kind, InvalidBodyKind::Encoding);
    }
}

#[test]
fn written_texts_are_read() {
    let long = "x".repeat(70_000);
    for written in ["", "bob", "文", &long[..47], &long[..48], &long] {
        let mut body = Vec::new();
        write_framed_text(&mut body, written);
        let mut reader = Reader::new(&body);
        let read = framed_text(&body, &mut reader, usize::MAX).unwrap();
        assert_eq!(read.as_deref(), Some(written));
        assert!(reader.is_at_end());
    }
}

#[test]
fn symbols_name_and_repeat_texts() {
    // {a(0): 1, a: 2}, written with the symbol the second time
    let document = b"\xa6\x7f\x4aa\x00\x01\x7f\x00\x02\xa5";
    let mut tokens = tokens(document);
    let mut names = Vec::new();
    while !tokens.is_at_end() {
        if let Token::Text(text) = tokens.next().unwrap() {
            names.push(text.decode(9).unwrap());
        }
    }
    assert_eq!(names, ["a", "a"]);
    let unknown = Tokens::new(b"\x7f\x05", 0..2).next().unwrap_err();
    assert_eq!(unknown.kind, InvalidBodyKind::BadReference);
}

/// `{"user": <type U>{"id": 7, "tags": ["a", "b"]}, "n": [[], {}, null]}`
const NESTED: &[u8] =
    b"\xa6\x4duser\x92\x4aU\x00\xa6\x7f\x4bid\x01\x07\x4dtags\x96\x4aa\x4ab\xa5\x4an\x97\x94\xa6\xa5\xaf\xa5";

fn selected(document: &[u8], steps: Vec<Step>) -> Option<Scalar<'_>> {
    select(
        document,
        0..document.len(),
        &Path::from(steps),
        &Limits::default(),
    )
    .unwrap()
}

fn field(name: &str) -> Step {
    Step::Field(name.into())
}

#[test]
fn scalars_are_found_by_path() {
    let texts = |texts: &[&'static str]| {
        let texts = texts.iter().map(|text| Scalar::Text(Text::from(*text)));
        Some(Scalar::List(texts.collect()))
    };
    for (steps, expected) in [
        (vec![field("user"), field("id")], Some(Scalar::Int(7))),
        (vec![field("user"), field("tags")], texts(&["a", "b"])),
        (
            vec![field("user"), field("tags"), Step::Element(1)],
            Some(Scalar::Text("b".into())),
        ),
        (vec![field("n"), Step::Element(0)], texts(&[])),
        (vec![field("n"), Step::Element(2)], Some(Scalar::Null)),
        (vec![field("n")], None),
        (vec![field("n"), Step::Element(3)], None),
        (vec![field("user")], None),
        (vec![field("absent")], None),
        (vec![Step::Element(0)], None),
        (vec![], None),
    ] {
        assert_eq!(selected(NESTED, steps.clone()), expected, "{steps:?}");
    }
}

#[test]
fn the_last_of_two_fields_counts() {
    let document = b"\xa6\x4aa\x01\x4aa\x02\xa5";
    assert_eq!(selected(document, vec![field("a")]), Some(Scalar::Int(2)));
}

#[test]
fn truncated_at_every_byte() {
    let skipped = |document: &[u8]| skip::skip(&mut tokens(document), 9);
    assert_eq!(skipped(NESTED), Ok(()));
    for length in 0..NESTED.len() {
        let invalid = skipped(&NESTED[..length]).unwrap_err();
        assert_eq!(invalid, InvalidBodyKind::Truncated.at(length));
    }
}

#[test]
fn broken_documents() {
    for (document, kind) in [
        (&b"\xa5"[..], InvalidBodyKind::UnknownTag),
        (b"\x95\xa5", InvalidBodyKind::UnknownTag),
        (b"\xa6\x4aa\xa5", InvalidBodyKind::UnknownTag),
        (b"\xa6\x92\x4aT\x00\xa5", InvalidBodyKind::UnknownTag),
        (b"\x80", InvalidBodyKind::UnknownTag),
        (b"\x93\x01", InvalidBodyKind::NotText),
        (b"\xa4\xff", InvalidBodyKind::Length),
        (b"\x91\xff", InvalidBodyKind::Length),
        (b"\xa4\x48\x7f\xff\xff\xff\x01", InvalidBodyKind::Truncated),
        (b"\x79\x48\x7f\xff\xff\xff", InvalidBodyKind::Truncated),
    ] {
        let invalid = skip::skip(&mut tokens(document), 9).unwrap_err();
        assert_eq!(invalid.kind, kind, "{document:02x?}");
    }
}

#[test]
fn any_depth_takes_no_stack() {
    for (opener, closer) in [(&b"\x95"[..], &b""[..]), (b"\xa6\x49", b"\xa5")] {
        let depth = 100_000;
        let mut document = opener.repeat(depth);
        document.push(0xaf);
        document.extend(closer.repeat(depth));
        assert_eq!(skip::skip(&mut tokens(&document), depth), Ok(()));
        let invalid = skip::skip(&mut tokens(&document), 512).unwrap_err();
        assert_eq!(invalid.kind, InvalidBodyKind::TooDeep);
    }
}
