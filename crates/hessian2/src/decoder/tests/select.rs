//! Scalars at paths.

use super::*;
use crate::{MAX_LIST, Step};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A path as `name.0.other`.
fn path(written: &str) -> Path {
    let steps = written.split('.').filter(|step| !step.is_empty());
    steps
        .map(|step| match step.parse() {
            Ok(index) => Step::Element(index),
            Err(_) => Step::Field(step.to_owned()),
        })
        .collect()
}

/// What is found in the last value of a body.
fn select(body: &str, paths: &[&str]) -> Vec<Option<Scalar<'static>>> {
    let body = bytes(body);
    let paths: Vec<Path> = paths.iter().map(|written| path(written)).collect();
    let mut decoder = Decoder::new(&body, &Limits::default());
    loop {
        let mut after = decoder.clone();
        after.skip_value().unwrap();
        if after.is_at_end() {
            break;
        }
        decoder = after;
    }
    let mut found = vec![None; paths.len()];
    let mut last = None;
    decoder
        .select_value(&paths, &mut |index, scalar| {
            assert!(last < Some(index), "in the order of the paths");
            last = Some(index);
            found[index] = Some(owned(scalar));
        })
        .unwrap();
    assert!(decoder.is_at_end());
    found
}

fn owned(scalar: Scalar<'_>) -> Scalar<'static> {
    match scalar {
        Scalar::Null => Scalar::Null,
        Scalar::Bool(value) => Scalar::Bool(value),
        Scalar::Int(value) => Scalar::Int(value),
        Scalar::Long(value) => Scalar::Long(value),
        Scalar::Double(value) => Scalar::Double(value),
        Scalar::Date(value) => Scalar::Date(value),
        Scalar::Text(text) => Scalar::Text(text.into_owned()),
        Scalar::List(list) => Scalar::List(list.into_iter().map(owned).collect()),
    }
}

fn one(body: &str, path: &str) -> Option<Scalar<'static>> {
    select(body, &[path]).remove(0)
}

fn text(text: &'static str) -> Option<Scalar<'static>> {
    Some(Scalar::Text(text.into()))
}

fn int(value: i32) -> Option<Scalar<'static>> {
    Some(Scalar::Int(value))
}

#[test]
fn the_empty_path_is_the_value_itself() {
    for (body, expected) in [
        ("4e", Some(Scalar::Null)),
        ("54", Some(Scalar::Bool(true))),
        ("91", int(1)),
        ("e1", Some(Scalar::Long(1))),
        ("5c", Some(Scalar::Double(1.0))),
        ("4b 00000001", Some(Scalar::Date(60_000))),
        ("03 'abc'", text("abc")),
        ("21 00", None),
        ("48 5a", None),
    ] {
        assert_eq!(one(body, ""), expected, "{body}");
        let body = bytes(body);
        let mut decoder = Decoder::new(&body, &Limits::default());
        assert_eq!(decoder.read_scalar(), Ok(expected));
        assert!(decoder.is_at_end());
    }
}

#[test]
fn fields_and_elements_are_found_in_one_pass() {
    // {user: Person(name: "bob", tags: [7, {k: true}]), 1: "one"}
    let body = "48 04 'user' 43 06 'Person' 92 04 'name' 04 'tags' 60 03 'bob' \
                7a 97 48 01 'k' 54 5a 91 03 'one' 5a";
    let found = select(
        body,
        &[
            "user.tags.1.k",
            "user.name",
            "user.tags.0",
            "user.none",
            "user.tags.2",
            "user.tags.name",
            "user.name.x",
            "user.0",
            "1",
            "user.name",
            "",
        ],
    );
    let expected = [
        Some(Scalar::Bool(true)),
        text("bob"),
        int(7),
        None,
        None,
        None,
        None,
        None,
        None,
        text("bob"),
        None,
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_last_entry_of_a_key_counts() {
    assert_eq!(one("48 01 'k' 91 01 'k' 92 5a", "k"), int(2));
    let replaced = "48 01 'k' 48 01 'x' 91 5a 01 'k' 48 5a 5a";
    assert_eq!(one(replaced, "k.x"), None);
    let by_a_reference = "79 95 48 01 'k' 91 01 'k' 51 90 5a";
    assert_eq!(
        one(by_a_reference, "k"),
        Some(Scalar::List(vec![Scalar::Int(5)]))
    );
    let of_a_reference = "79 95 48 01 'k' 51 90 01 'k' 91 5a";
    assert_eq!(one(of_a_reference, "k"), int(1));
}

#[test]
fn enum_constants_and_the_like_are_texts() {
    let color = "43 05 'Color' 91 04 'name' 60 03 'RED'";
    assert_eq!(one(color, ""), text("RED"));
    assert_eq!(one(color, "name"), text("RED"));
    let decimal = "43 14 'java.math.BigDecimal' 91 05 'value' 60 04 '1.50'";
    assert_eq!(one(decimal, ""), text("1.50"));
    for other in [
        "43 01 'A' 91 05 'other' 60 01 'x'",
        "43 01 'A' 91 04 'name' 60 91",
        "43 01 'A' 92 04 'name' 01 'x' 60 01 'n' 91",
        "43 01 'A' 90 60",
    ] {
        assert_eq!(one(other, ""), None, "{other}");
    }
}

#[test]
fn lists_of_scalars_are_found() {
    let list = |elements: Vec<Scalar<'static>>| Some(Scalar::List(elements));
    let numbers = || vec![Scalar::Int(1), Scalar::Int(2)];
    assert_eq!(one("7a 91 92", ""), list(numbers()));
    assert_eq!(one("57 91 92 5a", ""), list(numbers()));
    assert_eq!(one("72 04 '[int' 91 92", ""), list(numbers()));
    assert_eq!(one("48 01 'k' 7a 91 92 5a", "k"), list(numbers()));
    assert_eq!(one("78", ""), list(vec![]));
    assert_eq!(one("79 79 90", ""), None, "a list in a list");
    assert_eq!(one("7a 91 20", ""), None, "bytes in a list");
    // Enum constants, one of them twice.
    let colors = "7b 43 05 'Color' 91 04 'name' 60 03 'RED' 60 04 'BLUE' 51 91";
    let names = ["RED", "BLUE", "RED"].map(|name| text(name).unwrap());
    assert_eq!(one(colors, ""), list(names.to_vec()));
    let other = "7a 48 5a 51 91";
    assert_eq!(one(other, ""), None);
    let itself = "79 51 90";
    assert_eq!(one(itself, ""), None);
}

#[test]
fn long_lists_are_not_found() {
    let list = |length: usize| format!("58 c8 {length:02x} {}", "91 ".repeat(length));
    assert!(one(&list(MAX_LIST), "").is_some());
    assert!(one(&list(MAX_LIST + 1), "").is_none());
    assert_eq!(one(&list(MAX_LIST + 1), "64"), int(1));
}

#[test]
fn references_are_followed() {
    let class = "43 01 'N' 92 01 'v' 04 'next'";
    // To an earlier value of the body.
    assert_eq!(
        one(&format!("{class} 60 95 4e 60 96 51 90"), "next.v"),
        int(5)
    );
    // To the value itself, whose field comes later.
    let circle = "43 01 'N' 92 04 'next' 01 'v' 60 51 90 97";
    let found = select(circle, &["next.next.next.v", "next.v", "v", "next"]);
    assert_eq!(found, [int(7), int(7), int(7), None]);
    // From one to another.
    let chain = format!("{class} 60 91 4e 60 92 51 90 60 93 51 91");
    let found = select(&chain, &["next.next.v", "next.v", "next.next.next", "v"]);
    assert_eq!(found, [int(1), int(2), Some(Scalar::Null), int(3)]);
    // The value is nothing but a reference.
    assert_eq!(one("48 01 'k' 91 5a 51 90", "k"), int(1));
    assert_eq!(one("7a 91 92 51 90", "1"), int(2));
    // Class definitions on the way are not defined again.
    let defining = format!("79 {class} 60 91 4e 43 01 'B' 91 01 'w' 61 51 90");
    assert_eq!(one(&defining, "w.0.v"), int(1));
    // Into the part of the value that follows the reference, where there is another class.
    let ahead = "48 01 'a' 51 90 01 'b' 43 01 'B' 91 01 'w' 60 99 5a";
    assert_eq!(one(ahead, "a.b.w"), int(9));
}

#[test]
fn a_reference_out_of_a_map_that_was_entered_finds_nothing_new() {
    let body = bytes("48 01 'a' 51 90 01 'b' 91 5a");
    let mut decoder = Decoder::new(&body, &Limits::default());
    assert_eq!(decoder.enter_map(), Ok(true));
    decoder.skip_value().unwrap();
    let mut found = Vec::new();
    decoder
        .select_value(&[path("b")], &mut |_, scalar| found.push(scalar))
        .unwrap();
    assert_eq!(found, []);
    assert_eq!(decoder.offset(), 5);
}

#[test]
fn texts_with_half_a_pair_are_no_names() {
    let body = "48 01 eda0bd 91 01 'k' 02 eda0bd 'x' 5a";
    let found = one(body, "k").unwrap();
    let Scalar::Text(text) = found else {
        panic!("no text");
    };
    assert_eq!(text.units().collect::<Vec<_>>(), [0xd83d, 0x78]);
}
