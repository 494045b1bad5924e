//! Every form of every value. The examples are those of the specification where it has some.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn null_and_booleans() {
    assert_eq!(node("4e"), Node::Null);
    assert_eq!(node("54"), Node::Bool(true));
    assert_eq!(node("46"), Node::Bool(false));
}

#[test]
fn ints() {
    for (written, value) in [
        ("90", 0),
        ("80", -16),
        ("bf", 47),
        ("c8 00", 0),
        ("c0 00", -2048),
        ("c7 00", -256),
        ("cf ff", 2047),
        ("d4 00 00", 0),
        ("d0 00 00", -262_144),
        ("d7 ff ff", 262_143),
        ("49 00 00 00 00", 0),
        ("49 00 00 01 2c", 300),
        ("49 80 00 00 00", i32::MIN),
        ("49 7f ff ff ff", i32::MAX),
    ] {
        assert_eq!(node(written), Node::Int(value), "{written}");
        let body = bytes(written);
        assert_eq!(
            Decoder::new(&body, &Limits::default()).read_int(),
            Ok(value)
        );
    }
}

#[test]
fn longs() {
    for (written, value) in [
        ("e0", 0),
        ("d8", -8),
        ("ef", 15),
        ("f8 00", 0),
        ("f0 00", -2048),
        ("f7 00", -256),
        ("ff ff", 2047),
        ("3c 00 00", 0),
        ("38 00 00", -262_144),
        ("3f ff ff", 262_143),
        ("59 00 00 00 00", 0),
        ("59 80 00 00 00", -2_147_483_648),
        ("4c 00 00 00 00 00 00 01 2c", 300),
        ("4c 80 00 00 00 00 00 00 00", i64::MIN),
    ] {
        assert_eq!(node(written), Node::Long(value), "{written}");
    }
}

#[test]
fn doubles() {
    for (written, value) in [
        ("5b", 0.0),
        ("5c", 1.0),
        ("5d 00", 0.0),
        ("5d 80", -128.0),
        ("5d 7f", 127.0),
        ("5e 00 00", 0.0),
        ("5e 80 00", -32_768.0),
        ("5e 7f ff", 32_767.0),
        ("44 40 28 80 00 00 00 00 00", 12.25),
        ("44 80 00 00 00 00 00 00 00", -0.0),
        ("44 7f f0 00 00 00 00 00 00", f64::INFINITY),
    ] {
        assert_eq!(node(written), Node::Double(value), "{written}");
    }
}

#[test]
fn the_short_double_counts_thousandths() {
    // Not a 32-bit float, whatever the specification says: this is what peers write.
    assert_eq!(node("5f 00 00 2f da"), Node::Double(12.25));
    assert_eq!(node("5f ff ff ff ff"), Node::Double(-0.001));
}

#[test]
fn dates() {
    for (written, milliseconds) in [
        ("4a 00 00 00 d0 4b 92 84 b8", 894_621_091_000),
        ("4b 00 e3 83 8f", 894_621_060_000),
        ("4b ff ff ff ff", -60_000),
        ("4a ff ff ff ff ff ff ff ff", -1),
    ] {
        assert_eq!(node(written), Node::Date(milliseconds), "{written}");
    }
}

#[test]
fn texts() {
    for (written, text) in [
        ("00", ""),
        ("05 'hello'", "hello"),
        ("01 c383", "\u{c3}"),
        ("53 0005 'hello'", "hello"),
        ("30 05 'hello'", "hello"),
        ("52 0002 'he' 03 'llo'", "hello"),
        ("52 0002 'he' 52 0002 'll' 53 0001 'o'", "hello"),
        ("52 0000 00", ""),
        ("52 0002 'he' 30 03 'llo'", "hello"),
        ("02 e4b8ade69687", "中文"),
        ("02 f09f9880", "😀"),
        ("02 eda0bdedb880", "😀"),
        ("52 0001 eda0bd 01 edb880", "😀"),
    ] {
        assert_eq!(node(written), Node::Text(text.into()), "{written}");
        let body = bytes(written);
        let mut decoder = Decoder::new(&body, &Limits::default());
        assert_eq!(decoder.read_text().unwrap(), text);
        assert!(decoder.is_at_end());
    }
    let long = format!("33 ff '{}'", "x".repeat(1023));
    assert_eq!(node(&long), Node::Text("x".repeat(1023).into()));
}

#[test]
fn texts_with_half_a_pair_are_kept_as_they_are() {
    let Node::Text(text) = node("03 'a' eda0bd 'b'") else {
        panic!("no text");
    };
    assert_eq!(text.as_str(), None);
    assert_eq!(text.units().collect::<Vec<_>>(), [0x61, 0xd83d, 0x62]);
}

#[test]
fn texts_and_binaries_in_one_chunk_are_borrowed() {
    let body = bytes("05 'hello' 02 e4b8ade69687 22 ff00");
    let values = read_all(&body).unwrap();
    let borrowed = |range: std::ops::Range<usize>| body[range].as_ptr();
    let place = |value: &Value<'_>| match value.root().node() {
        Node::Text(text) => text.as_str().unwrap().as_ptr(),
        Node::Binary(bytes) => bytes.as_ptr(),
        _ => panic!("neither"),
    };
    assert_eq!(place(&values[0]), borrowed(1..6));
    assert_eq!(place(&values[1]), borrowed(7..13));
    assert_eq!(place(&values[2]), borrowed(14..16));
}

#[test]
fn binaries() {
    for (written, content) in [
        ("20", ""),
        ("23 010203", "010203"),
        ("34 03 010203", "010203"),
        ("42 0003 010203", "010203"),
        ("41 0001 01 22 0203", "010203"),
        ("41 0001 01 41 0001 02 34 01 03", "010203"),
        ("41 0000 42 0000", ""),
    ] {
        let content = bytes(content);
        assert_eq!(node(written), Node::Binary(content.into()), "{written}");
    }
}

/// The nodes of a value in order, and the types of its lists and maps.
fn shape(written: &str) -> String {
    fn show(item: crate::Item<'_, '_>) -> String {
        let parts: Vec<_> = item.children().map(show).collect();
        let parts = parts.join(" ");
        let name = |text: Option<&Text<'_>>| text.map_or("-", |t| t.as_str().unwrap()).to_owned();
        match item.node() {
            Node::List { type_name, fixed } => {
                let mark = if *fixed { "" } else { ".." };
                format!("{}[{parts}{mark}]", name(type_name.as_deref()))
            }
            Node::Map { type_name } => format!("{}{{{parts}}}", name(type_name.as_deref())),
            Node::Object { class } => format!("{}({parts})", name(Some(&class.name))),
            Node::Int(value) => value.to_string(),
            Node::Text(text) => name(Some(text)),
            Node::Reference(number) => format!("#{number}"),
            other => format!("{other:?}"),
        }
    }
    let body = bytes(written);
    let values = read_all(&body).unwrap_or_else(|invalid| panic!("{written}: {invalid}"));
    let shown: Vec<_> = values.iter().map(|value| show(value.root())).collect();
    shown.join(" ")
}

#[test]
fn lists() {
    for (written, expected) in [
        ("55 04 '[int' 90 91 5a", "[int[0 1..]"),
        ("56 04 '[int' 92 90 91", "[int[0 1]"),
        ("57 90 91 5a", "-[0 1..]"),
        ("57 5a", "-[..]"),
        ("58 92 90 91", "-[0 1]"),
        ("58 90", "-[]"),
        ("72 04 '[int' 90 91", "[int[0 1]"),
        ("70 04 '[int'", "[int[]"),
        ("7a 90 91", "-[0 1]"),
        ("7f 90 91 92 93 94 95 96", "-[0 1 2 3 4 5 6]"),
        ("79 79 78", "-[-[-[]]]"),
    ] {
        assert_eq!(shape(written), expected, "{written}");
    }
}

#[test]
fn maps() {
    for (written, expected) in [
        ("48 91 03 'fee' 5a", "-{1 fee}"),
        ("4d 03 'Car' 01 'a' 91 5a", "Car{a 1}"),
        ("48 5a", "-{}"),
        ("48 48 5a 79 90 5a", "-{-{} -[0]}"),
    ] {
        assert_eq!(shape(written), expected, "{written}");
    }
}

#[test]
fn types_are_named_once_and_then_by_number() {
    let written = "71 01 'A' 90 71 01 'B' 91 71 90 92 4d 91 5a 56 90 91 93";
    assert_eq!(shape(written), "A[0] B[1] A[2] B{} A[3]");
}

#[test]
fn objects() {
    // The specification's Car, once by number and once directly.
    let class = "43 0b 'example.Car' 92 05 'color' 05 'model'";
    let written = format!("{class} 4f 90 03 'red' 91 60 05 'green' 92");
    assert_eq!(shape(&written), "example.Car(red 1) example.Car(green 2)");
    assert_eq!(shape("43 01 'E' 90 60 60"), "E() E()");
}

#[test]
fn a_class_may_be_defined_before_any_value() {
    assert_eq!(shape("7a 43 01 'A' 91 01 'x' 90 60 95"), "-[0 A(5)]");
    let nested = "43 01 'A' 91 01 'x' 60 43 01 'B' 90 61";
    assert_eq!(shape(nested), "A(B())");
    let twice = "43 01 'A' 90 43 01 'B' 90 61 60";
    assert_eq!(shape(twice), "B() A()");
    let key = "48 43 01 'A' 90 60 43 01 'B' 90 61 5a";
    assert_eq!(shape(key), "-{A() B()}");
}

#[test]
fn the_seventeenth_class_has_a_number_of_its_own() {
    let mut written = String::new();
    let mut expected = Vec::new();
    for number in 0..18 {
        written += &format!("43 02 '{number:02}' 90 4f {:02x} ", 0x90 + number);
        expected.push(format!("{number:02}()"));
    }
    assert_eq!(shape(&written), expected.join(" "));
}

#[test]
fn references_count_lists_maps_and_objects_of_the_whole_body() {
    let class = "43 01 'N' 91 04 'next'";
    assert_eq!(shape(&format!("{class} 60 51 90")), "N(#0)");
    let written = format!("78 48 91 79 51 90 5a {class} 60 51 92 51 93");
    assert_eq!(shape(&written), "-[] -{1 -[#0]} N(#2) #3");
}
