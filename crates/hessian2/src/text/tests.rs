use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn wire(bytes: &[u8]) -> Text<'_> {
    Text::from_wire(Cow::Borrowed(bytes), true)
}

#[test]
fn a_pair_of_surrogates_is_one_character() {
    let text = wire(b"a\xed\xa0\xbd\xed\xb8\x80b\xed\xa0\xbd\xed\xb8\x81");
    assert_eq!(text, "a😀b😁");
    assert_eq!(text, Text::from("a😀b😁"));
}

#[test]
fn lone_surrogates_are_kept() {
    for (bytes, units) in [
        (&b"x\xed\xa0\xbd"[..], vec![0x78, 0xd83d]),
        (b"\xed\xb8\x80x", vec![0xde00, 0x78]),
        (b"\xed\xb8\x80\xed\xa0\xbd", vec![0xde00, 0xd83d]),
        (
            b"\xed\xa0\xbd\xed\xa0\xbd\xed\xb8\x80",
            vec![0xd83d, 0xd83d, 0xde00],
        ),
    ] {
        let text = wire(bytes);
        assert_eq!(text.as_str(), None);
        assert_eq!(text.units().collect::<Vec<_>>(), units);
        assert_eq!(text, Text::from_units(units));
        assert_eq!(text.clone().into_str(), None);
    }
    assert_eq!(wire(b"x\xed\xa0\xbdy").into_str_lossy(), "x\u{fffd}y");
}

#[test]
fn characters_before_the_surrogates_are_left_alone() {
    // U+D7FF is led by 0xed as well.
    let text = wire("\u{d7ff}\u{d000}é中".as_bytes());
    assert!(matches!(text.0, Repr::Unicode(Cow::Borrowed(_))));
    assert_eq!(text, "\u{d7ff}\u{d000}é中");
}

#[test]
fn units_are_those_of_java() {
    for text in ["", "ascii", "é中\u{7ff}\u{800}\u{ffff}", "a😀\u{10ffff}"] {
        let units: Vec<u16> = text.encode_utf16().collect();
        assert_eq!(Text::from(text).units().collect::<Vec<_>>(), units);
        assert_eq!(Text::from_units(units), text);
    }
    assert!(Text::from("").is_empty());
}

#[test]
fn debug_output_shows_lone_surrogates_as_units() {
    assert_eq!(format!("{:?}", Text::from("a")), "\"a\"");
    assert_eq!(format!("{:?}", wire(b"\xed\xa0\xbd")), "[55357]");
}
