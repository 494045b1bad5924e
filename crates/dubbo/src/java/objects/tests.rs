use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const OTHER: Object<'static> = Object::Other(b"");

/// Reads consecutive objects.
fn read(bytes: &[u8]) -> Result<Vec<Object<'_>>, InvalidBodyKind> {
    let mut reader = Reader::new(bytes);
    let mut objects = Objects::default();
    let mut found = Vec::new();
    while !reader.is_at_end() {
        let object = objects.object(&mut reader, &Limits::default());
        found.push(match object.map_err(|invalid| invalid.kind)? {
            Object::Other(_) => OTHER,
            object => object,
        });
    }
    Ok(found)
}

fn text(text: &'static str) -> Object<'static> {
    Object::Text(text.into())
}

/// A class without a superclass: `(types of fields)`, objects with their types.
fn class(name: &str, flags: u8, fields: &[u8]) -> Vec<u8> {
    let mut class = vec![0x72, 0, name.len() as u8];
    class.extend_from_slice(name.as_bytes());
    class.extend_from_slice(&[9; 8]);
    class.extend_from_slice(&[flags, 0, fields.len() as u8]);
    for field in fields {
        class.extend_from_slice(&[*field, 0, 1, b'f']);
        if b"L[".contains(field) {
            class.extend_from_slice(b"t\0\x03LX;");
        }
    }
    class.extend_from_slice(b"xp");
    class
}

#[test]
fn texts_null_and_references() {
    // q 007e0001: the second text
    let found = read(b"t\0\x01at\0\x01bpq\0~\0\x01|\0\0\0\0\0\0\0\x01c");
    let expected = [text("a"), text("b"), Object::Null, text("b"), text("c")];
    assert_eq!(found, Ok(expected.to_vec()));
}

#[test]
fn objects_of_all_kinds() {
    let plain = [b"s", &class("A", 2, b"IJZ")[..], &[1; 13]].concat();
    let nested = [b"s", &class("A", 2, b"BL[")[..], b"\x01t\0\x01ap"].concat();
    let written = [
        b"s",
        &class("A", 3, b"S")[..],
        b"\0\x01w\x02ab",
        b"t\0\x01ax",
    ]
    .concat();
    let external = [b"s", &class("A", 12, b"")[..], b"w\x01az\0\0\0\x02bcx"].concat();
    let numbers = [b"u", &class("[I", 2, b"")[..], b"\0\0\0\x02", &[7; 8]].concat();
    let array = [b"u", &class("[LA;", 2, b"")[..], b"\0\0\0\x02pt\0\x01a"].concat();
    let constant = [b"~", &class("E", 0x12, b"")[..], b"t\0\x03RED"].concat();
    let of_class = [b"v", &class("A", 2, b"")[..]].concat();
    let description = class("A", 2, b"");
    let proxy = [
        b"s}\0\0\0\x01\0\x01Ix",
        &class("P", 2, b"I")[..],
        b"\0\0\0\x01",
    ]
    .concat();
    for object in [
        plain,
        nested,
        written,
        external,
        numbers,
        array,
        constant,
        of_class,
        description,
        proxy,
    ] {
        let bytes = [&object[..], b"t\0\x01z"].concat();
        let found = read(&bytes);
        assert_eq!(found, Ok(vec![OTHER, text("z")]), "{object:02x?}");
        for length in 1..object.len() {
            let kind = read(&object[..length]).unwrap_err();
            assert_eq!(kind, InvalidBodyKind::Truncated, "{object:02x?} {length}");
        }
    }
}

#[test]
fn a_class_is_described_once() {
    // handles: 0 the class, 1 the first object
    let bytes = [
        b"s",
        &class("A", 2, b"I")[..],
        b"\0\0\0\x01sq\0~\0\0\0\0\0\x02q\0~\0\x01",
    ]
    .concat();
    assert_eq!(read(&bytes), Ok(vec![OTHER; 3]));
}

#[test]
fn broken_objects() {
    let not_a_class = [b"t\0\x01a", &b"sq\0~\0\0"[..]].concat();
    let no_data = [b"s", &class("A", 0, b"")[..]].concat();
    let old_external = [b"s", &class("A", 4, b"")[..]].concat();
    let constant_of_null = [b"~", &class("E", 0x12, b"")[..], b"p"].concat();
    let negative = [b"u", &class("[I", 2, b"")[..], b"\xff\xff\xff\xff"].concat();
    let many = [b"u", &class("[J", 2, b"")[..], b"\x7f\xff\xff\xff"].concat();
    let no_array = [b"u", &class("A", 2, b"")[..], b"\0\0\0\0"].concat();
    for (bytes, kind) in [
        (b"q\0~\0\0".to_vec(), InvalidBodyKind::BadReference),
        (b"q\0\0\0\0".to_vec(), InvalidBodyKind::BadReference),
        (not_a_class, InvalidBodyKind::BadReference),
        (b"y".to_vec(), InvalidBodyKind::UnknownTag),
        (b"w\x01a".to_vec(), InvalidBodyKind::UnknownTag),
        (b"sp".to_vec(), InvalidBodyKind::UnknownTag),
        (no_data, InvalidBodyKind::UnknownTag),
        (old_external, InvalidBodyKind::UnknownTag),
        (constant_of_null, InvalidBodyKind::NotText),
        (negative, InvalidBodyKind::Length),
        (many, InvalidBodyKind::Truncated),
        (no_array, InvalidBodyKind::UnknownTag),
        (b"|\xff\0\0\0\0\0\0\0".to_vec(), InvalidBodyKind::Length),
        (b"t\0\x01\xff".to_vec(), InvalidBodyKind::Encoding),
    ] {
        assert_eq!(read(&bytes), Err(kind), "{bytes:02x?}");
    }
}

#[test]
fn a_class_that_is_its_own_superclass() {
    let mut bytes = [b"s", &class("A", 2, b"")[..]].concat();
    bytes.pop();
    bytes.extend_from_slice(b"q\0~\0\0");
    assert_eq!(read(&bytes), Err(InvalidBodyKind::TooMuchWork));
}

#[test]
fn depth_takes_no_stack() {
    // Each object is the field of the one before.
    let mut bytes = [b"s", &class("A", 2, b"L")[..]].concat();
    bytes.extend(b"sq\0~\0\0".repeat(100_000));
    assert_eq!(read(&bytes), Err(InvalidBodyKind::TooDeep));
}

/// A map with this class, number of pairs and what follows it.
fn map(name: &str, count: u8, pairs: &[u8]) -> Result<usize, InvalidBodyKind> {
    let class = class(name, 3, b"FI");
    let bytes = [
        b"s",
        &class[..],
        &[0; 8],
        b"w\x08\0\0\0\x10\0\0\0",
        &[count],
        pairs,
    ]
    .concat();
    let mut found = 0;
    let mut reader = Reader::new(&bytes);
    let walked = Objects::default().map(&mut reader, &Limits::default(), |_, _, _| {
        found += 1;
        Ok(())
    });
    walked.map_err(|invalid| invalid.kind).map(|()| found)
}

#[test]
fn maps() {
    let name = "java.util.HashMap";
    assert_eq!(map(name, 0, b"x"), Ok(0));
    assert_eq!(map(name, 2, b"t\0\x01at\0\x01bq\0~\0\x03px"), Ok(2));
    // More pairs than the map says, and fewer.
    let pair = b"t\0\x01at\0\x01bx";
    assert_eq!(map(name, 0, pair), Err(InvalidBodyKind::Attachments));
    assert_eq!(map(name, 2, pair), Err(InvalidBodyKind::UnknownTag));
    assert_eq!(
        map("java.util.TreeMap", 0, b"x"),
        Err(InvalidBodyKind::Attachments)
    );
    let mut objects = Objects::default();
    for bytes in [&b"t\0\x01a"[..], b"q\0~\0\0", b"sp"] {
        let mut reader = Reader::new(bytes);
        let walked = objects.map(&mut reader, &Limits::default(), |_, _, _| Ok(()));
        assert!(walked.is_err());
    }
}
