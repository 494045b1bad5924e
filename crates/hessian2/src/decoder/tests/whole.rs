//! The decoder's other ways to read.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn decoder(body: &[u8]) -> Decoder<'_> {
    Decoder::new(body, &Limits::default())
}

#[test]
fn the_kind_of_the_next_value_is_known_from_its_tag() {
    for tag in 0..=u8::MAX {
        let body = [tag; 1];
        let peeked = decoder(&body).peek().map_err(|invalid| invalid.kind);
        let mut reading = decoder(&body);
        let unknown = Err(InvalidKind::UnknownTag);
        match reading.read_value() {
            Err(invalid) if invalid.kind == InvalidKind::UnknownTag => assert_eq!(peeked, unknown),
            _ => assert_ne!(peeked, unknown, "{tag:02x}"),
        }
    }
    let truncated = Err(InvalidKind::Truncated);
    assert_eq!(decoder(b"").peek().map_err(|i| i.kind), truncated);
}

#[test]
fn a_text_may_be_null_where_that_is_asked_for() {
    let body = bytes("4e 02 'ab' 91");
    let mut decoder = decoder(&body);
    assert_eq!(decoder.read_optional_text(), Ok(None));
    assert_eq!(decoder.read_optional_text(), Ok(Some("ab".into())));
    let unexpected = Invalid::new(4, InvalidKind::UnexpectedTag);
    assert_eq!(decoder.clone().read_optional_text(), Err(unexpected));
    assert_eq!(decoder.clone().read_text(), Err(unexpected));
    assert_eq!(decoder.read_int(), Ok(1));
    assert!(decoder.is_at_end());
}

#[test]
fn an_int_is_no_long() {
    let body = bytes("e1");
    let unexpected = Invalid::new(0, InvalidKind::UnexpectedTag);
    assert_eq!(decoder(&body).read_int(), Err(unexpected));
}

#[test]
fn a_map_can_be_gone_through() {
    let body = bytes("48 01 'a' 91 01 'b' 7a 90 90 5a 4e 90");
    let mut decoder = decoder(&body);
    assert_eq!(decoder.enter_map(), Ok(true));
    let mut entries = Vec::new();
    while !decoder.leave_map().unwrap() {
        let begin = decoder.offset();
        let key = decoder.read_text().unwrap().into_str().unwrap();
        decoder.skip_value().unwrap();
        entries.push((key, begin..decoder.offset()));
    }
    assert_eq!(entries, [("a".into(), 1..4), ("b".into(), 4..9)]);
    assert_eq!(decoder.offset(), 10);
    assert_eq!(decoder.enter_map(), Ok(false), "null");
    let unexpected = Invalid::new(11, InvalidKind::UnexpectedTag);
    assert_eq!(decoder.enter_map(), Err(unexpected));
}

#[test]
fn the_class_of_the_next_object_can_be_asked_for() {
    let class = "43 07 'a.Error' 91 01 'm'";
    for (written, expected) in [
        (format!("{class} 60 90"), Some("a.Error")),
        ("4d 01 'M' 5a".into(), Some("M")),
        ("71 01 'L' 90".into(), Some("L")),
        ("48 5a".into(), None),
        ("79 90".into(), None),
        ("03 'abc'".into(), None),
        ("4e".into(), None),
    ] {
        let body = bytes(&written);
        let mut decoder = decoder(&body);
        let name = decoder.next_type_name().unwrap();
        assert_eq!(name.as_ref().and_then(Text::as_str), expected, "{written}");
        // Asking changes nothing.
        assert_eq!(decoder.next_type_name().unwrap(), name);
        decoder.read_value().unwrap();
        assert!(decoder.is_at_end());
    }
}

#[test]
fn what_was_skipped_is_known_to_what_comes_after() {
    let body = bytes("43 01 'A' 91 01 'x' 60 90 71 01 'T' 90 60 91 71 90 92 51 91");
    let mut decoder = decoder(&body);
    decoder.skip_value().unwrap();
    decoder.skip_value().unwrap();
    let object = decoder.read_value().unwrap();
    assert_eq!(object.root().field("x").unwrap().node(), &Node::Int(1));
    let list = decoder.read_value().unwrap();
    let Node::List { type_name, .. } = list.root().node() else {
        panic!("no list");
    };
    assert_eq!(type_name.as_deref(), Some(&"T".into()));
    let reference = decoder.read_value().unwrap();
    assert_eq!(reference.root().node(), &Node::Reference(1));
}

#[test]
fn a_body_cut_anywhere_is_truncated() {
    let class = "43 01 'A' 92 01 'x' 01 'y'";
    let body = bytes(&format!(
        "48 01 'a' {class} 60 52 0001 'x' 53 0002 e4b8ad 'b' 41 0001 00 34 01 00 \
         01 'd' 44 0000000000000000 01 'i' 4900000000 01 'l' 4c0000000000000000 \
         01 'm' 4d 01 'T' 5a 01 'v' 56 90 93 90 c800 d40000 01 'q' 51 90 \
         01 'u' 55 90 5b 5c 5d00 5e0000 5f00000000 5a 01 '4' 02 f09f9880 01 'o' 4f 90 4e 4e \
         01 't' 4a0000000000000000 4b00000000 58 91 57 5a 30 02 'ab' 59 00000000 3c0000 f800 54 46 \
         5a"
    ));
    assert!(read(&body).is_ok());
    for cut in 0..body.len() {
        let mut reading = decoder(&body[..cut]);
        let invalid = reading.read_value().unwrap_err();
        assert_eq!(invalid.kind, InvalidKind::Truncated, "{cut}: {invalid}");
        assert!(invalid.offset <= cut);
        assert_eq!(decoder(&body[..cut]).skip_value(), Err(invalid));
        assert_eq!(decoder(&body[..cut]).read_scalar(), Err(invalid));
    }
}
