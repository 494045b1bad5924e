#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{Decoder, Fields, Invalid, encode_field};
use crate::HeaderBlockBuilder;

#[derive(Default)]
struct List(Vec<(String, String)>);

impl Fields for List {
    fn push(&mut self, name: &[u8], value: &[u8]) {
        self.0.push((
            String::from_utf8(name.to_vec()).unwrap(),
            String::from_utf8(value.to_vec()).unwrap(),
        ));
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn decode(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<(String, String)>, Invalid> {
    let mut list = List::default();
    decoder.decode(block, &mut list)?;
    Ok(list.0)
}

/// Decodes blocks one after the other and compares with `name: value` lines.
fn vectors(decoder: &mut Decoder, blocks: &[(&str, &str)]) {
    for (block, expected) in blocks {
        let lines: Vec<String> = decode(decoder, &hex(block))
            .unwrap()
            .into_iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        assert_eq!(lines.join("\n"), *expected, "{block}");
    }
}

const FIRST: &str = ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com";
const SECOND: &str =
    ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\ncache-control: no-cache";
const THIRD: &str = ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\ncustom-key: custom-value";

/// RFC 7541, Appendix C.2: one field in each representation.
#[test]
fn representations() {
    for vector in [
        (
            "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
            "custom-key: custom-header",
        ),
        ("040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path"),
        (
            "1008 7061 7373 776f 7264 0673 6563 7265 74",
            "password: secret",
        ),
        ("82", ":method: GET"),
    ] {
        vectors(&mut Decoder::new(), &[vector]);
    }
}

/// RFC 7541, Appendix C.3 and C.4: requests, plain and Huffman coded.
#[test]
fn requests() {
    vectors(
        &mut Decoder::new(),
        &[
            ("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", FIRST),
            ("8286 84be 5808 6e6f 2d63 6163 6865", SECOND),
            (
                "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
                THIRD,
            ),
        ],
    );
    vectors(
        &mut Decoder::new(),
        &[
            ("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", FIRST),
            ("8286 84be 5886 a8eb 1064 9cbf", SECOND),
            (
                "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
                THIRD,
            ),
        ],
    );
}

/// RFC 7541, Appendix C.5 and C.6: responses with a table of 256 octets, so that entries are evicted.
#[test]
fn responses_with_eviction() {
    let first = ":status: 302\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\nlocation: https://www.example.com";
    let second = ":status: 307\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\nlocation: https://www.example.com";
    let third = ":status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT\nlocation: https://www.example.com\n\
        content-encoding: gzip\nset-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
    for blocks in [
        [
            "3fe101 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32
             3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
            "4803 3330 37c1 c0bf",
            "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738
             666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33
             3630 303b 2076 6572 7369 6f6e 3d31",
        ],
        [
            "3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad
             1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
            "4883 640e ffc1 c0bf",
            "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7
             b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
        ],
    ] {
        vectors(&mut Decoder::new(), &[(blocks[0], first), (blocks[1], second), (blocks[2], third)]);
    }
}

#[test]
fn what_is_broken_is_named() {
    for (block, expected) in [
        ("80", Invalid::Index),
        ("be", Invalid::Index),
        ("ff ff ff ff ff ff", Invalid::Integer),
        ("7f ff ff ff ff 7f", Invalid::Integer),
        // 0x3f alone made three published decoders panic (RUSTSEC-2023-0085).
        ("3f", Invalid::Truncated),
        ("ff", Invalid::Truncated),
        ("00", Invalid::Truncated),
        ("40", Invalid::Truncated),
        ("00 7f ff ff ff 7f", Invalid::Truncated),
        ("00 03 61 62", Invalid::Truncated),
        ("00 01 61", Invalid::Truncated),
        ("00 01 61 05 61", Invalid::Truncated),
        // More than 4,096.
        ("3f e2 1f", Invalid::TableSize),
        // Behind a field; three in a row.
        ("82 20", Invalid::TableSize),
        ("20 20 20 82", Invalid::TableSize),
        // Padding: of zeros, of eight ones, EOS.
        ("00 81 18 00", Invalid::Huffman),
        ("00 82 1f ff 00", Invalid::Huffman),
        ("00 84 ff ff ff ff 00", Invalid::Huffman),
        ("00 85 ff ff ff ff ff 00", Invalid::Huffman),
    ] {
        assert_eq!(
            decode(&mut Decoder::new(), &hex(block)),
            Err(expected),
            "{block}"
        );
    }
}

#[test]
fn a_table_of_no_size_remembers_nothing() {
    let mut decoder = Decoder::new();
    decode(&mut decoder, &hex("4001 6101 62")).unwrap();
    assert_eq!(
        decode(&mut decoder, &hex("be")).unwrap(),
        [("a".to_owned(), "b".to_owned())]
    );
    // An encoder may still say "with indexing"; the table stays empty.
    assert_eq!(
        decode(&mut decoder, &hex("20 4001 6101 62")).unwrap().len(),
        1
    );
    assert_eq!(decode(&mut decoder, &hex("be")), Err(Invalid::Index));
}

#[test]
fn a_name_may_be_evicted_by_its_own_entry() {
    let mut decoder = Decoder::new();
    // A table of 40 octets holds one entry of 33 or so.
    decode(&mut decoder, &hex("3f 09 4001 6101 62")).unwrap();
    assert_eq!(
        decode(&mut decoder, &hex("7e 01 63")).unwrap(),
        [("a".to_owned(), "c".to_owned())]
    );
    assert_eq!(
        decode(&mut decoder, &hex("be")).unwrap(),
        [("a".to_owned(), "c".to_owned())]
    );
    // An entry longer than the table empties it.
    decode(&mut decoder, &hex("7e 08 3030 3030 3030 3030")).unwrap();
    assert_eq!(decode(&mut decoder, &hex("be")), Err(Invalid::Index));
}

#[test]
fn the_encoder_uses_the_static_table_and_literals() {
    let block = HeaderBlockBuilder::new()
        .field(":method", "POST")
        .field(":path", "/x")
        .field(":status", "200")
        .field("content-type", "application/dubbo2")
        .field("accept-encoding", "gzip, deflate")
        .field("x-long", "v".repeat(300))
        .field("www-authenticate", "")
        .finish();
    assert_eq!(&block.as_bytes()[..5], &[0x83, 0x04, 2, b'/', b'x']);
    let list = decode(&mut Decoder::new(), block.as_bytes()).unwrap();
    assert_eq!(list.len(), 7);
    assert_eq!(list[4], ("accept-encoding".into(), "gzip, deflate".into()));
    assert_eq!(list[5], ("x-long".into(), "v".repeat(300)));
    assert_eq!(list[6], ("www-authenticate".into(), String::new()));
}

#[test]
fn names_and_values_of_all_lengths_round_trip() {
    for length in (0..300).chain([16_382, 16_383, 16_384, 70_000]) {
        let (name, value) = ("n".repeat(length.max(1)), "v".repeat(length));
        let mut block = bytes::BytesMut::new();
        encode_field(name.as_bytes(), value.as_bytes(), &mut block);
        assert_eq!(
            decode(&mut Decoder::new(), &block).unwrap(),
            [(name, value)]
        );
    }
}
