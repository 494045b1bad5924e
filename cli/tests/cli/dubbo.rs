//! `meshlane dubbo decode`

use meshlane::command::Exit;
use serde_json::{Value, json};

use crate::{Outcome, meshlane, meshlane_with_input, workspace};

/// Decodes what is on standard input.
fn decode(arguments: &[&str], input: &[u8]) -> Outcome {
    let command = [&["dubbo", "decode", "-"], arguments].concat();
    meshlane_with_input(&command, input)
}

/// The objects that were printed.
fn objects(outcome: &Outcome) -> Vec<Value> {
    let lines = outcome.output.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The recorded frames: in hexadecimal, and what they mean.
fn vectors() -> Vec<(String, Value)> {
    let path = workspace().join("testdata/dubbo/vectors.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let frame = line["frame"].as_str().unwrap().to_owned();
            (frame, line["expected"].take())
        })
        .collect()
}

/// Whether two values are the same, however doubles are written.
fn same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            let double = |object: &serde_json::Map<String, Value>| {
                let text = object.get("$double")?.as_str()?;
                text.parse::<f64>().ok()
            };
            match (double(found), double(expected)) {
                (Some(found), Some(expected)) => found.total_cmp(&expected).is_eq(),
                _ => {
                    found.len() == expected.len()
                        && found.iter().all(|(name, found)| {
                            expected
                                .get(name)
                                .is_some_and(|expected| same(found, expected))
                        })
                }
            }
        }
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| same(a, b))
        }
        _ => found == expected,
    }
}

#[test]
fn recorded_frames_mean_what_their_peers_meant() {
    let vectors = vectors();
    let stream: Vec<u8> = vectors.iter().flat_map(|(frame, _)| bytes(frame)).collect();
    let outcome = decode(&["--format", "json"], &stream);
    assert_eq!(outcome.exit, Exit::Fine);
    let objects = objects(&outcome);
    assert_eq!(objects.len(), vectors.len());
    for (mut found, (_, expected)) in objects.into_iter().zip(vectors) {
        let name = found.as_object_mut().unwrap().remove("file");
        assert_eq!(name, Some(json!("<stdin>")));
        if expected["serialization_id"] == 2 {
            assert!(same(&found, &expected), "{found}\n{expected}");
            continue;
        }
        for (name, expected) in expected.as_object().unwrap() {
            let found = match &**name {
                "kind_id" | "message" => &found["response"][name],
                "attachments" => match (&found[name], &found["response"][name]) {
                    (Value::Null, Value::Null) => continue,
                    (Value::Null, found) | (found, _) => {
                        same_attachments(found, expected);
                        continue;
                    }
                },
                _ => &found[name],
            };
            assert_eq!(found, expected, "{name}");
        }
    }
}

/// Of values that are not texts, Dubbo said the class only.
fn same_attachments(found: &Value, expected: &Value) {
    let (found, expected) = (found.as_object().unwrap(), expected.as_object().unwrap());
    assert!(found.keys().eq(expected.keys()) || found.len() == expected.len());
    for (name, expected) in expected {
        let is_class = expected.as_str().is_some_and(|text| text.starts_with('@'));
        assert!(is_class || found[name] == *expected, "{name}");
    }
}

#[test]
fn hexadecimal_digits_are_read_like_bytes() {
    for (frame, _) in vectors().iter().take(20) {
        let raw = decode(&["--format", "json"], &bytes(frame));
        assert_eq!(raw.exit, Exit::Fine);
        let spaced: String = frame
            .as_bytes()
            .chunks(2)
            .flat_map(|pair| [char::from(pair[0]), char::from(pair[1]), ' '])
            .collect();
        for text in [frame.clone(), format!("{frame}\n"), spaced.to_uppercase()] {
            assert_eq!(
                decode(&["--format", "json"], text.as_bytes()).output,
                raw.output
            );
        }
    }
}

#[test]
fn every_frame_cut_short_is_an_error_with_its_place() {
    let (frame, _) = &vectors()[0];
    let frame = bytes(frame);
    for length in 1..frame.len() {
        let outcome = decode(&["--format", "json"], &frame[..length]);
        assert_eq!(outcome.exit, Exit::Wrong);
        let object = outcome.json();
        assert_eq!(object["kind"], "truncated");
        assert_eq!(object["offset"], length);
        assert!(object["error"].is_string());
    }
    assert_eq!(decode(&[], b"").exit, Exit::Fine);
}

#[test]
fn bodies_cut_short_are_errors_and_the_next_frame_is_read() {
    let (frame, expected) = &vectors()[0];
    let frame = bytes(frame);
    for length in 0..frame.len() - 16 {
        let mut stream = frame[..16 + length].to_vec();
        stream[12..16].copy_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
        stream.extend_from_slice(&frame);
        let outcome = decode(&["--format", "json"], &stream);
        assert_eq!(outcome.exit, Exit::Wrong);
        let objects = objects(&outcome);
        assert_eq!(objects.len(), 2, "{length}");
        assert_eq!(objects[0]["kind"], "truncated");
        assert_eq!(objects[0]["request_id"], expected["request_id"]);
        assert!(objects[0]["offset"].as_u64().unwrap() >= 16);
        assert_eq!(objects[1]["args"], expected["args"]);
    }
}

#[test]
fn broken_files_and_what_is_said_of_them() {
    let header = |body: &[u8], length: u32| {
        [
            b"\xda\xbb\xc2\0\0\0\0\0\0\0\0\x07",
            &length.to_be_bytes()[..],
            body,
        ]
        .concat()
    };
    let call = |rest: &[u8]| {
        let head = b"\x052.0.2\x03a.A\x051.0.0\x01m\x12Ljava/lang/Object;";
        let body = [head, rest].concat();
        let length = u32::try_from(body.len()).unwrap();
        header(&body, length)
    };
    for (file, kind, offset) in [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "bad-magic", 0),
        (b"dabbc".to_vec(), "odd-digits", 2),
        (header(b"", 0x8000_0000), "negative-length", 12),
        (header(b"", 0x7fff_ffff), "truncated", 16),
        (header(b"\x01a\xff", 3), "unexpected-tag", 18),
        (call(b"\x4f\x90"), "bad-class", 53),
        (call(b"\x51\x95"), "bad-reference", 53),
        (call(b"N\x91"), "attachments", 54),
        (call(&b"U".repeat(100_000)), "unexpected-tag", 54),
        (call(&b"\x79".repeat(100_000)), "too-deep", 0),
        (call(&b"H".repeat(100_000)), "too-deep", 0),
        (call(b"C\x01C\x49\x7f\xff\xff\xff"), "too-many-fields", 0),
        (call(b"V\x05[long\x49\x7f\xff\xff\xff"), "truncated", 0),
        (call(b"S\xff\xffabc"), "truncated", 0),
    ] {
        let outcome = decode(&["--format", "json"], &file);
        assert_eq!(outcome.exit, Exit::Wrong);
        let object = objects(&outcome).pop().unwrap();
        let shown = &file[..file.len().min(80)];
        assert_eq!(object["kind"], kind, "{shown:02x?} {object}");
        if offset > 0 {
            assert_eq!(object["offset"], offset, "{shown:02x?} {object}");
        }
        let human = decode(&[], &file);
        assert_eq!(human.exit, Exit::Wrong);
        assert!(human.output.contains(kind), "{}", human.output);
    }
}

#[test]
fn the_next_file_is_read_when_one_is_broken() {
    let good = workspace().join("cli/tests/dubbo/calls.hex");
    let broken = workspace().join("LICENSE");
    let (good, broken) = (good.to_str().unwrap(), broken.to_str().unwrap());
    let outcome = meshlane(&["dubbo", "decode", "--format", "json", broken, good]);
    assert_eq!(outcome.exit, Exit::Wrong);
    assert!(objects(&outcome).len() > 1);
    let outcome = meshlane(&["dubbo", "decode", "/absent", good]);
    assert_eq!(outcome.exit, Exit::Failed);
    assert!(outcome.errors.contains("cannot read /absent"));
    assert!(outcome.output.contains("RichService"));
}

#[test]
fn frames_as_people_read_them() {
    let outcome = meshlane(&["dubbo", "decode", "tests/dubbo/calls.hex"]);
    assert_eq!(outcome.exit, Exit::Fine);
    expect_test::expect_file!["../dubbo/calls.expected"].assert_eq(&outcome.output);
}
