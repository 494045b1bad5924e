use std::sync::Arc;

use super::*;
use crate::{Decoder, Limits};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(not(target_arch = "wasm32"))]
mod round_trip;

fn written(write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut encoder = Encoder::new();
    write(&mut encoder);
    encoder.into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn ints_take_as_few_bytes_as_in_java() {
    for (value, expected) in [
        (0, "90"),
        (-16, "80"),
        (47, "bf"),
        (-17, "c7ef"),
        (48, "c830"),
        (-2048, "c000"),
        (2047, "cfff"),
        (-2049, "d3f7ff"),
        (2048, "d40800"),
        (-262_144, "d00000"),
        (262_143, "d7ffff"),
        (262_144, "4900040000"),
        (i32::MIN, "4980000000"),
        (i32::MAX, "497fffffff"),
    ] {
        assert_eq!(hex(&written(|e| e.write_int(value))), expected, "{value}");
    }
}

#[test]
fn longs_take_as_few_bytes_as_in_java() {
    for (value, expected) in [
        (0, "e0"),
        (-8, "d8"),
        (15, "ef"),
        (-9, "f7f7"),
        (16, "f810"),
        (-2048, "f000"),
        (2047, "ffff"),
        (2048, "3c0800"),
        (-262_144, "380000"),
        (262_143, "3fffff"),
        (262_144, "5900040000"),
        (-2_147_483_648, "5980000000"),
        (2_147_483_647, "597fffffff"),
        (2_147_483_648, "4c0000000080000000"),
        (i64::MIN, "4c8000000000000000"),
    ] {
        assert_eq!(hex(&written(|e| e.write_long(value))), expected, "{value}");
    }
}

#[test]
fn doubles_take_as_few_bytes_as_keep_every_bit() {
    for (value, expected) in [
        (0.0, "5b"),
        (1.0, "5c"),
        (-128.0, "5d80"),
        (127.0, "5d7f"),
        (-32_768.0, "5e8000"),
        (32_767.0, "5e7fff"),
        (12.25, "5f00002fda"),
        (-0.001, "5fffffffff"),
        (32_768.0, "5f01f40000"),
        (-0.0, "448000000000000000"),
        (0.1 + 0.2, "443fd3333333333334"),
        (f64::INFINITY, "447ff0000000000000"),
        (f64::NAN, "447ff8000000000000"),
    ] {
        let body = written(|e| e.write_double(value));
        assert_eq!(hex(&body), expected, "{value}");
    }
}

#[test]
fn dates_on_the_minute_are_short() {
    for (value, expected) in [
        (894_621_060_000, "4b00e3838f"),
        (894_621_091_000, "4a000000d04b9284b8"),
        (-60_000, "4bffffffff"),
        (-1, "4affffffffffffffff"),
        (i64::from(i32::MAX) * 60_000, "4b7fffffff"),
        ((i64::from(i32::MAX) + 1) * 60_000, "4a0000754930a20000"),
    ] {
        let body = written(|e| e.write_date(value));
        let decoded = Decoder::new(&body, &Limits::default()).read_value();
        assert_eq!(decoded.unwrap().root().node(), &Node::Date(value));
        let (tag, _) = expected.split_at(2);
        assert_eq!(&hex(&body)[..2], tag, "{value}");
    }
}

#[test]
fn texts_are_written_as_java_writes_them() {
    let text = |text: &str| hex(&written(|e| e.write_str(text)));
    assert_eq!(text(""), "00");
    assert_eq!(text("ab"), "026162");
    assert_eq!(text("é中"), "02c3a9e4b8ad");
    // A character beyond U+FFFF is two surrogates of three bytes.
    assert_eq!(text("😀"), "02eda0bdedb880");
    assert_eq!(&text(&"x".repeat(31))[..2], "1f");
    assert_eq!(&text(&"x".repeat(32))[..4], "3020");
    assert_eq!(&text(&"x".repeat(1023))[..4], "33ff");
    assert_eq!(&text(&"x".repeat(1024))[..6], "530400");
    assert_eq!(&text(&"x".repeat(0x8000))[..6], "538000");
    assert_eq!(&text(&"x".repeat(0x8001))[..6], "528000");
    let lone = Text::from_units([0x61, 0xde00]);
    assert_eq!(hex(&written(|e| e.write_text(&lone))), "0261edb880");
}

#[test]
fn a_chunk_does_not_end_within_a_pair() {
    let text = format!("{}😀", "中".repeat(0x7fff));
    let body = written(|e| e.write_str(&text));
    assert_eq!(body[..3], [b'R', 0x7f, 0xff]);
    let mut decoder = Decoder::new(&body, &Limits::default());
    assert_eq!(decoder.read_text().unwrap(), text.as_str());
}

#[test]
fn binaries_are_short_or_in_chunks() {
    let head = |length: usize, digits: usize| {
        let body = written(|e| e.write_binary(&vec![0; length]));
        hex(&body)[..digits].to_owned()
    };
    assert_eq!(head(0, 2), "20");
    assert_eq!(head(15, 2), "2f");
    assert_eq!(head(16, 4), "3410");
    assert_eq!(head(1023, 4), "37ff");
    assert_eq!(head(1024, 6), "420400");
    assert_eq!(head(0x8000, 6), "428000");
    assert_eq!(head(0x8001, 6), "418000");
}

#[test]
fn lists_and_maps() {
    let name = Text::from("T");
    let body = written(|e| {
        e.begin_list(None, 1);
        e.begin_list(Some(&name), 0);
        e.begin_list(Some(&name), 8);
        for _ in 0..8 {
            e.write_bool(true);
        }
        e.begin_variable_list(Some(&name));
        e.end();
        e.begin_variable_list(None);
        e.end();
        e.begin_map(None);
        e.end();
        e.begin_map(Some(&Text::from("M")));
        e.write_null();
        e.write_reference(1);
        e.end();
    });
    let expected = "79 700154 569098 5454545454545454 55905a 575a 485a 4d014d4e51915a";
    assert_eq!(hex(&body), expected.replace(' ', ""));
}

#[test]
fn classes_are_defined_once_and_told_apart_by_their_fields() {
    let class = |name: &'static str, fields: &[&'static str]| {
        let fields = fields.iter().map(|field| (*field).into()).collect();
        Arc::new(Class {
            name: name.into(),
            fields,
        })
    };
    let body = written(|e| {
        e.begin_object(&class("A", &["x"]));
        e.begin_object(&class("A", &[]));
        e.begin_object(&class("A", &["x"]));
        e.write_null();
    });
    assert_eq!(hex(&body), "43014191017860430141906160".to_owned() + "4e");
}
