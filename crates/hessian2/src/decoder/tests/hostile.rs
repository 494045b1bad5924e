//! Bytes that mean harm: each ends in a defined error, early.

use super::*;
use crate::Step;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The error of a body, the same for all ways to read it.
fn refused(body: &[u8], limits: &Limits) -> (usize, InvalidKind) {
    let mut reading = Decoder::new(body, limits);
    let invalid = loop {
        match reading.read_value() {
            Ok(_) => assert!(!reading.is_at_end(), "nothing is wrong"),
            Err(invalid) => break invalid,
        }
    };
    let mut skipping = Decoder::new(body, limits);
    let skipped = loop {
        if let Err(invalid) = skipping.skip_value() {
            break invalid;
        }
    };
    assert_eq!(skipped, invalid);
    let path = Path::from(vec![Step::Field("x".into())]);
    let mut selecting = Decoder::new(body, limits);
    let selected = loop {
        let paths = [path.clone(), Path::default()];
        if let Err(invalid) = selecting.select_value(&paths, &mut |_, _| ()) {
            break invalid;
        }
    };
    assert_eq!(selected, invalid);
    (invalid.offset, invalid.kind)
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    use InvalidKind::*;
    for (written, offset, kind) in [
        ("", 0, Truncated),
        ("40", 0, UnknownTag),
        ("45", 0, UnknownTag),
        ("47", 0, UnknownTag),
        ("50", 0, UnknownTag),
        ("5a", 0, UnknownTag),
        ("48 01 'k' 5a", 3, UnknownTag),
        ("79 5a", 1, UnknownTag),
        ("57 43 01 'A' 90 5a", 5, UnknownTag),
        ("51 90", 0, BadReference),
        ("51 8f", 0, BadReference),
        ("51 49 7fffffff", 0, BadReference),
        ("79 51 91", 1, BadReference),
        ("7a 51 91 78", 1, BadReference),
        ("51 e0", 1, UnexpectedTag),
        ("60", 0, BadClass),
        ("4f 90", 0, BadClass),
        ("4f 8f", 1, NegativeLength),
        ("43 01 'A' 90 61", 4, BadClass),
        ("43 01 'A' 91 01 'f' 43 01 'B' 8f", 9, NegativeLength),
        ("43 01 'A' 49 80000000", 3, NegativeLength),
        ("43 01 'A' 49 7fffffff", 3, TooManyFields),
        ("43 01 'A' bf 01 'f'", 3, Truncated),
        ("43 4e 90", 1, UnexpectedTag),
        ("43 01 'A' 01 'x'", 3, UnexpectedTag),
        ("43 01 'A' 91 90", 4, UnexpectedTag),
        ("58 8f", 1, NegativeLength),
        ("58 49 7fffffff", 0, Truncated),
        ("56 01 'T' 49 ffffffff", 3, NegativeLength),
        ("56 90 90", 1, BadType),
        ("4d 8f", 1, BadType),
        ("4d 01 'T' 5a 4d 91", 5, BadType),
        ("55 4e", 1, UnexpectedTag),
        ("01 80", 1, MalformedText),
        ("02 'a' ff", 2, MalformedText),
        ("01 f09f9880", 1, MalformedText),
        ("01 c080", 1, MalformedText),
        ("52 0001 'a' 91", 4, UnexpectedTag),
        ("41 0001 00 01 'a'", 4, UnexpectedTag),
        ("53 ffff 'abc'", 3, Truncated),
        ("42 ffff 00", 3, Truncated),
    ] {
        let found = refused(&bytes(written), &Limits::default());
        assert_eq!(found, (offset, kind), "{written}");
    }
}

#[test]
fn depth_is_limited_and_costs_no_stack() {
    let limits = Limits::default();
    let nested = |opening: &[u8], levels: usize, closing: &[u8]| {
        [opening.repeat(levels), vec![b'N'], closing.repeat(levels)].concat()
    };
    let depth = 1024;
    for (opening, closing) in [
        (&[0x79][..], &[][..]),
        (&[0x57], b"Z"),
        (b"HN", b"Z"),
        (b"X\x91", b""),
    ] {
        let just = nested(opening, depth, closing);
        assert!(read(&just).is_ok());
        let path = Path::from(vec![Step::Element(0); 5000]);
        let mut found = 0;
        let mut decoder = Decoder::new(&just, &limits);
        decoder
            .select_value(&[path], &mut |_, _| found += 1)
            .unwrap();
        assert_eq!(found, 0);
        for levels in [depth + 1, 100_000] {
            let deep = nested(opening, levels, closing);
            let place = (depth * opening.len(), InvalidKind::TooDeep);
            assert_eq!(refused(&deep, &limits), place);
        }
    }
    let mut objects = bytes("43 01 'A' 91 01 'x'");
    let before = objects.len();
    objects.extend([0x60; 100_000]);
    let place = (before + depth, InvalidKind::TooDeep);
    assert_eq!(refused(&objects, &limits), place);
}

#[test]
fn a_depth_without_limit_costs_no_stack_either() {
    let limits = Limits {
        depth: u32::MAX,
        ..Limits::default()
    };
    let body = [vec![0x79; 100_000], vec![b'N']].concat();
    let value = Decoder::new(&body, &limits).read_value().unwrap();
    assert_eq!(value.clone(), value);
    assert!(format!("{value:?}").len() > 100_000);
    let mut encoder = Encoder::new();
    encoder.write_value(&value);
    assert_eq!(encoder.as_bytes(), body);
    let path = Path::from(vec![Step::Element(0); 100_000]);
    let mut found = Vec::new();
    Decoder::new(&body, &limits)
        .select_value(&[path], &mut |_, scalar| found.push(scalar))
        .unwrap();
    assert_eq!(found, [Scalar::Null]);
}

#[test]
fn counts_and_lengths_are_limited() {
    use InvalidKind::*;
    let limits = Limits {
        depth: 3,
        values: 4,
        length: 40,
        classes: 2,
        fields: 2,
        types: 2,
        work: 1 << 20,
    };
    let text = |length: usize| format!("30 {length:02x} '{}'", "x".repeat(length));
    let chunked = format!("52 0028 '{}' 01 'x'", "x".repeat(40));
    for (written, offset, kind) in [
        ("79 79 79 78".to_owned(), 3, TooDeep),
        (text(41), 0, TooLong),
        (chunked, 0, TooLong),
        (format!("34 29 {}", "00".repeat(41)), 0, TooLong),
        ("43 00 90 43 00 90 43 00 90 60".into(), 7, TooManyClasses),
        ("43 00 93 00 00 00 60".into(), 2, TooManyFields),
        ("70 00 70 00 70 00".into(), 5, TooManyTypes),
    ] {
        assert_eq!(
            refused(&bytes(&written), &limits),
            (offset, kind),
            "{written}"
        );
    }
    let enough = bytes(&format!("79 79 78 {}", text(40)));
    let mut decoder = Decoder::new(&enough, &limits);
    assert!(decoder.read_value().is_ok());
    assert!(decoder.read_value().is_ok());
    // Values are counted when they are built only.
    let too_many = bytes("7b 90 90 90 90");
    assert!(Decoder::new(&too_many, &limits).skip_value().is_ok());
    assert!(Decoder::new(&too_many, &limits).read_value().is_ok());
    let too_many = bytes("7c 90 90 90 90");
    let invalid = Decoder::new(&too_many, &limits).read_value().unwrap_err();
    assert_eq!(invalid.kind, TooManyValues);
}

#[test]
fn a_short_text_is_held_to_the_limit_too() {
    let limits = Limits {
        length: 3,
        ..Limits::default()
    };
    for written in ["04 'abcd'", "79 04 'abcd'", "24 00000000", "79 24 00000000"] {
        let (_, kind) = refused(&bytes(written), &limits);
        assert_eq!(kind, InvalidKind::TooLong, "{written}");
    }
}

#[test]
fn work_is_limited() {
    let limits = Limits {
        work: 1000,
        ..Limits::default()
    };
    let mut body = bytes("58 49 00002000");
    body.extend([0x90; 0x2000]);
    let (_, kind) = refused(&body, &limits);
    assert_eq!(kind, InvalidKind::TooMuchWork);
    let mut text = bytes("53 ffff");
    text.extend([b'a'; 0xffff]);
    let (_, kind) = refused(&text, &limits);
    assert_eq!(kind, InvalidKind::TooMuchWork);
}

#[test]
fn reading_once_takes_no_more_steps_than_bytes() {
    for written in [
        "7a 90 05 'hello'",
        "43 01 'A' 92 01 'x' 01 'y' 60 00 00",
        "52 0000 52 0000 00",
        "41 0000 20",
    ] {
        let body = bytes(written);
        let limits = Limits {
            work: u64::try_from(body.len()).unwrap(),
            ..Limits::default()
        };
        assert_eq!(
            Decoder::new(&body, &limits).skip_value(),
            Ok(()),
            "{written}"
        );
    }
}

#[test]
fn following_references_cannot_be_made_to_cost_much() {
    // Each level holds the level before twice, and is walked again for every step of every path.
    let mut body = bytes("43 01 'A' 92 01 'x' 01 'y'");
    body.extend([0x60; 500]);
    for level in (0..500_u16).rev() {
        body.extend(b"Q\xd4");
        body.extend((level / 2).to_be_bytes());
        body.extend(b"Q\xd4");
        body.extend((level / 2).to_be_bytes());
    }
    let paths: Vec<Path> = (0..400)
        .map(|seed: usize| {
            let step = |bit: usize| if seed >> (bit % 9) & 1 == 0 { "x" } else { "y" };
            (0..200).map(|bit| Step::Field(step(bit).into())).collect()
        })
        .collect();
    let mut decoder = Decoder::new(&body, &Limits::default());
    let before = decoder.work;
    let outcome = decoder.select_value(&paths, &mut |_, _| ());
    assert_eq!(outcome.unwrap_err().kind, InvalidKind::TooMuchWork);
    assert!(before <= 8 * body.len() as u64 + (16 << 10));
}
