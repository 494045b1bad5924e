//! Frames recorded between real peers: what is read of them is what their own decoders say.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may state what they expect, in their helpers as well"
)]

use std::sync::LazyLock;

use meshlane_dubbo::{
    ArgumentSelector, Call, CallHead, Change, Frame, FrameLimits, Framer, Header, Limits, Progress,
    ResultHead, Serialization, Step, Unreadable, Wanted, apply, error_message, spliced_length,
};
use meshlane_hessian2::{Path, Scalar};
use serde_json::Value;

/// A recorded frame.
struct Vector {
    bytes: Vec<u8>,
    expected: Value,
}

impl Vector {
    fn frame(&self) -> Frame<'_> {
        match Frame::decode(&self.bytes, &FrameLimits::default()) {
            Progress::Complete(frame) => {
                assert_eq!(frame.length(), self.bytes.len());
                frame
            }
            other => panic!("{other:?}: {}", self.expected),
        }
    }

    fn is_call(&self) -> bool {
        self.expected["request"] == true && self.expected["event"] == false
    }

    /// Whether this crate reads the attachments of the serialization.
    fn has_attachments(&self) -> bool {
        self.is_complete() || self.expected["serialization_id"] == 3
    }

    /// Whether this crate can change the attachments of the serialization.
    fn is_complete(&self) -> bool {
        [2, 23].contains(&self.expected["serialization_id"].as_u64().unwrap())
    }
}

fn vectors() -> &'static [Vector] {
    static VECTORS: LazyLock<Vec<Vector>> = LazyLock::new(read_vectors);
    &VECTORS
}

fn read_vectors() -> Vec<Vector> {
    include_str!("../../../testdata/dubbo/vectors.jsonl")
        .lines()
        .map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let digits = line["frame"].as_str().unwrap().as_bytes().chunks(2);
            let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
            Vector {
                bytes: digits.map(byte).collect(),
                expected: line["expected"].take(),
            }
        })
        .collect()
}

fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

#[test]
fn headers() {
    for vector in vectors() {
        let (header, expected) = (vector.frame().header, &vector.expected);
        assert_eq!(header.is_request(), expected["request"] == true);
        if header.is_request() {
            assert_eq!(header.is_two_way(), expected["two_way"] == true);
        } else {
            assert_eq!(expected["status"], header.status.number());
        }
        assert_eq!(header.is_event(), expected["event"] == true);
        assert_eq!(
            expected["serialization_id"],
            header.serialization().number()
        );
        let id = header.request_id.cast_signed().to_string();
        assert_eq!(text(&expected["request_id"]), Some(&*id));
        assert_eq!(expected["body_len"], header.body_length);
        assert_eq!(header.encode(), vector.bytes[..16]);
    }
}

#[test]
fn every_frame_cut_at_every_byte() {
    for vector in vectors() {
        let whole = vector.frame();
        let body_length = whole.body.len();
        for cut in 0..=vector.bytes.len() {
            let (before, after) = vector.bytes.split_at(cut);
            match Frame::decode(before, &FrameLimits::default()) {
                Progress::Complete(frame) => assert_eq!((cut, frame), (vector.bytes.len(), whole)),
                Progress::NeedMore(missing) => {
                    let expected = if cut < 16 { 16 } else { vector.bytes.len() };
                    assert_eq!(cut + missing, expected);
                }
                Progress::Invalid(invalid) => panic!("{invalid} at {cut}"),
            }
            let mut framer = Framer::new(FrameLimits::default());
            let (mut header, mut length, mut ends) = (None, 0, 0);
            for mut piece in [before, after] {
                while let Some(step) = framer.step(piece) {
                    piece = &piece[step.consumed()..];
                    match step {
                        Step::Header { header: found, .. } => header = Some(found),
                        Step::Body {
                            length: found,
                            last,
                        } => {
                            length += found;
                            ends += usize::from(last);
                        }
                        Step::Invalid(invalid) => panic!("{invalid} at {cut}"),
                    }
                }
            }
            assert_eq!((header, length, ends), (Some(whole.header), body_length, 1));
        }
    }
}

#[test]
fn one_stream_of_all_frames_in_pieces() {
    let vectors = vectors();
    let stream: Vec<u8> = vectors
        .iter()
        .flat_map(|vector| vector.bytes.clone())
        .collect();
    for length in [1, 7, 16, 17, 1000, 16_384] {
        let mut framer = Framer::new(FrameLimits::default());
        let mut headers = Vec::new();
        for mut piece in stream.chunks(length) {
            while let Some(step) = framer.step(piece) {
                piece = &piece[step.consumed()..];
                if let Step::Header { header, .. } = step {
                    headers.push(header);
                }
            }
        }
        let expected: Vec<Header> = vectors.iter().map(|vector| vector.frame().header).collect();
        assert!(headers == expected, "{length}");
    }
}

#[test]
fn heads_and_services_of_calls() {
    for vector in vectors().iter().filter(|vector| vector.is_call()) {
        let (frame, expected) = (vector.frame(), &vector.expected);
        let serialization = frame.header.serialization();
        let limits = Limits::default();
        let head = CallHead::read(serialization, frame.body, &limits).unwrap();
        assert_eq!(
            head.dubbo_version.as_deref(),
            text(&expected["dubbo_version"])
        );
        assert_eq!(Some(&*head.path), text(&expected["path"]));
        assert_eq!(head.version.as_deref(), text(&expected["version"]));
        assert_eq!(Some(&*head.method), text(&expected["method"]));
        assert_eq!(
            Some(&*head.param_types),
            text(&expected["param_types_desc"])
        );

        let call = Call::read(serialization, frame.body, &Wanted::default(), &limits).unwrap();
        assert_eq!(call.head, head);
        assert!(!call.service.ambiguous, "{expected}");
        let attachments = &expected["attachments"];
        if vector.has_attachments() {
            assert_eq!(call.service.group.as_deref(), text(&attachments["group"]));
            let mut names = attachments
                .as_object()
                .into_iter()
                .flat_map(|map| map.keys());
            let callback = names.any(|name| name.starts_with("sys_callback_arg-"));
            assert_eq!(call.callback, callback);
        }
        if serialization == Serialization::HESSIAN2 {
            let range = call.attachments_range.clone().unwrap();
            assert_eq!(expected["attachments_offset"], range.start + 16);
            assert_eq!(range.end, frame.body.len());
            let method = match &*head.method {
                "$invoke" | "$invokeAsync" => text(&expected["args"][0]),
                method => Some(method),
            };
            assert_eq!(Some(call.method()), method);
        }
    }
}

#[test]
fn every_text_attachment_is_found() {
    for vector in vectors()
        .iter()
        .filter(|vector| vector.is_call() && vector.has_attachments())
    {
        let frame = vector.frame();
        let Some(map) = vector.expected["attachments"].as_object() else {
            continue;
        };
        let wanted = Wanted::new(map.keys().cloned().collect(), Vec::new());
        let call = Call::read(
            frame.header.serialization(),
            frame.body,
            &wanted,
            &Limits::default(),
        );
        for ((name, expected), found) in map.iter().zip(call.unwrap().attachments) {
            match expected {
                Value::String(class) if class.starts_with('@') => {}
                Value::String(expected) => {
                    assert_eq!(
                        found,
                        Some(Scalar::Text(expected.as_str().into())),
                        "{name}"
                    );
                }
                Value::Number(expected) => {
                    let expected = i32::try_from(expected.as_i64().unwrap()).unwrap();
                    assert_eq!(found, Some(Scalar::Int(expected)), "{name}");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn every_scalar_argument_is_found() {
    for vector in vectors().iter().filter(|vector| vector.is_call()) {
        let (Some(arguments), frame) = (vector.expected["args"].as_array(), vector.frame()) else {
            continue;
        };
        if vector.expected["method"]
            .as_str()
            .unwrap()
            .starts_with("$invoke")
        {
            continue;
        }
        let selectors = (0..arguments.len()).map(|argument| ArgumentSelector {
            argument: argument.try_into().unwrap(),
            path: Path::default(),
        });
        let wanted = Wanted::new(Vec::new(), selectors.collect());
        let call = Call::read(
            Serialization::HESSIAN2,
            frame.body,
            &wanted,
            &Limits::default(),
        );
        for (expected, found) in arguments.iter().zip(call.unwrap().arguments) {
            match expected {
                Value::String(expected) => {
                    assert_eq!(found, Some(Scalar::Text(expected.as_str().into())));
                }
                Value::Bool(expected) => assert_eq!(found, Some(Scalar::Bool(*expected))),
                Value::Null => assert_eq!(found, Some(Scalar::Null)),
                Value::Number(expected) => {
                    let expected = i32::try_from(expected.as_i64().unwrap()).unwrap();
                    assert_eq!(found, Some(Scalar::Int(expected)));
                }
                Value::Object(expected) if expected.contains_key("$long") => {
                    let expected = expected["$long"].as_str().unwrap().parse().unwrap();
                    assert_eq!(found, Some(Scalar::Long(expected)));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn a_tag_comes_and_goes_and_leaves_no_trace() {
    let limits = Limits::default();
    let wanted = Wanted::new(vec!["x-test-tag".to_owned()], Vec::new());
    for vector in vectors().iter().filter(|vector| vector.is_call()) {
        let frame = vector.frame();
        let serialization = frame.header.serialization();
        let splice = |body: &[u8], value| {
            let call = Call::read(serialization, body, &wanted, &limits).unwrap();
            let name = "x-test-tag";
            let edits = call.splice(body, &[Change { name, value }], &limits)?;
            let spliced = apply(body, &edits);
            assert_eq!(spliced.len(), spliced_length(body.len(), &edits));
            let call = Call::read(serialization, &spliced, &wanted, &limits).unwrap();
            let value = value.map(|value| Scalar::Text(value.into()));
            assert_eq!(call.attachments, [value]);
            Ok::<_, Unreadable>(spliced)
        };
        if !vector.is_complete() {
            assert!(splice(frame.body, Some("gray")).is_err());
            continue;
        }
        let tagged = splice(frame.body, Some("gray")).unwrap();
        let changed = splice(&tagged, Some("文😀")).unwrap();
        assert_eq!(splice(&changed, None).unwrap(), frame.body);
    }
}

#[test]
fn kinds_of_results_and_messages() {
    for vector in vectors() {
        let (frame, expected) = (vector.frame(), &vector.expected);
        if expected["request"] == true || expected["event"] == true {
            continue;
        }
        let serialization = frame.header.serialization();
        let response = match &expected["response"] {
            Value::Null => expected,
            response => response,
        };
        if expected["status"] != 20 {
            let message = error_message(serialization, frame.body).unwrap();
            assert_eq!(message.as_deref(), text(&response["message"]));
            continue;
        }
        // The first bytes are enough.
        let begin = &frame.body[..frame.body.len().min(200)];
        let head = ResultHead::read(serialization, begin, &Limits::default()).unwrap();
        // Dubbo's decoder could not read one of them back.
        if !response["kind_id"].is_null() {
            assert_eq!(response["kind_id"], head.kind.number());
        }
        assert_eq!(
            head.exception.is_some(),
            head.kind.is_exception(),
            "{expected}"
        );
        if let Some(class) = text(&response["exception"]["$obj"]) {
            assert_eq!(head.exception.as_deref(), Some(class));
        }
    }
}

#[test]
fn cut_short_bodies_are_refused_and_never_panic() {
    let wanted = Wanted::default();
    let limits = Limits::default();
    for vector in vectors().iter().filter(|vector| vector.bytes.len() < 350) {
        let frame = vector.frame();
        let serialization = frame.header.serialization();
        for length in 0..frame.body.len() {
            let body = &frame.body[..length];
            let call = Call::read(serialization, body, &wanted, &limits);
            if vector.is_call() {
                assert!(call.is_err(), "{length}: {}", vector.expected);
            }
            let _ = ResultHead::read(serialization, body, &limits);
            let _ = error_message(serialization, body);
        }
    }
}
