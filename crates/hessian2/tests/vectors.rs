//! Bodies recorded between real peers: every value in them is what another decoder says, whichever way it is read.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may state what they expect, in their helpers as well"
)]

use meshlane_hessian2::{Decoder, Encoder, InvalidKind, Item, Limits, Node, Text, Value};
use serde_json::{Value as Json, json};

/// The body of a recorded frame, and what its values are.
struct Vector {
    body: Vec<u8>,
    expected: Vec<Json>,
}

impl Vector {
    fn values(&self) -> Vec<Value<'_>> {
        let mut decoder = Decoder::new(&self.body, &Limits::default());
        let mut values = Vec::new();
        while !decoder.is_at_end() {
            values.push(decoder.read_value().unwrap());
        }
        values
    }
}

const HEADER_LENGTH: usize = 16;

fn vectors() -> impl Iterator<Item = Vector> {
    let lines = include_str!("../../../testdata/dubbo/vectors.jsonl").lines();
    let lines = lines.map(|line| serde_json::from_str::<Json>(line).unwrap());
    let hessian2 = lines.filter(|line| line["expected"]["serialization_id"] == 2);
    hessian2.map(|line| {
        let digits = line["frame"].as_str().unwrap().as_bytes().chunks(2);
        let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        Vector {
            body: digits.skip(HEADER_LENGTH).map(byte).collect(),
            expected: expected_values(&line["expected"]),
        }
    })
}

/// The values of a body in order.
fn expected_values(frame: &Json) -> Vec<Json> {
    if frame["event"] == true {
        let data = frame["event_data"].clone();
        return if frame["body_len"] == 0 {
            vec![]
        } else {
            vec![data]
        };
    }
    if frame["request"] == true {
        let head = [
            "dubbo_version",
            "path",
            "version",
            "method",
            "param_types_desc",
        ];
        let mut values = head.map(|name| frame[name].clone()).to_vec();
        values.extend(frame["args"].as_array().unwrap().iter().cloned());
        values.push(map_of(&frame["attachments"]));
        return values;
    }
    let response = &frame["response"];
    if frame["status"] != 20 {
        return vec![response["message"].clone()];
    }
    let mut values = vec![response["kind_id"].clone()];
    let result = response.get("value").or(response.get("exception"));
    values.extend(result.cloned());
    if response["kind_id"].as_i64() >= Some(3) {
        values.push(map_of(&response["attachments"]));
    }
    values
}

/// Attachments are given by name.
fn map_of(attachments: &Json) -> Json {
    let Some(attachments) = attachments.as_object() else {
        return Json::Null;
    };
    let entries: Vec<_> = attachments.iter().map(|(k, v)| json!([k, v])).collect();
    json!({"$attachments": entries})
}

fn assert_is(item: Item<'_, '_>, expected: &Json) {
    match (item.node(), expected) {
        (Node::Null, Json::Null) => {}
        (Node::Bool(value), Json::Bool(expected)) => assert_eq!(value, expected),
        (Node::Int(value), Json::Number(_)) => assert_eq!(expected.as_i64(), Some((*value).into())),
        (Node::Text(text), Json::String(expected)) => assert_eq!(text, expected.as_str()),
        (Node::Text(text), _) => assert_is_long_or_odd(text, expected),
        (Node::Long(value), _) => assert_eq!(expected["$long"], value.to_string()),
        (Node::Date(value), _) => assert_eq!(expected["$date"], *value),
        (Node::Reference(number), _) => assert_eq!(expected["$ref"], *number),
        (Node::Double(value), _) => {
            let expected: f64 = expected["$double"].as_str().unwrap().parse().unwrap();
            assert!(value == &expected || value.is_nan() && expected.is_nan());
        }
        (Node::Binary(bytes), _) => match expected["$bin"].as_str() {
            Some(digits) => {
                let found: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(found, digits);
            }
            None => assert_eq!(expected["len"], bytes.len()),
        },
        (Node::List { type_name, fixed }, _) => {
            assert_eq!(expected["var"], !fixed);
            assert_eq!(expected["type"].as_str(), name(type_name.as_deref()));
            assert_are(item, expected["$list"].as_array().unwrap().iter());
        }
        (Node::Map { type_name }, _) => {
            if let Some(entries) = expected["$attachments"].as_array() {
                for entry in entries {
                    let field = item.field(entry[0].as_str().unwrap()).unwrap();
                    assert_is(field, &entry[1]);
                }
                assert_eq!(item.children().count(), 2 * entries.len());
                return;
            }
            assert_eq!(expected["type"].as_str(), name(type_name.as_deref()));
            let entries = expected["$map"].as_array().unwrap().iter();
            assert_are(item, entries.flat_map(|entry| [&entry[0], &entry[1]]));
        }
        (Node::Object { class }, _) => {
            assert_eq!(expected["$obj"].as_str(), class.name.as_str());
            let fields = expected["fields"].as_array().unwrap();
            let names = fields.iter().map(|field| field[0].as_str());
            assert!(names.eq(class.fields.iter().map(Text::as_str)));
            assert_are(item, fields.iter().map(|field| &field[1]));
        }
        (node, _) => panic!("{node:?} for {expected}"),
    }
}

fn assert_are<'e>(item: Item<'_, '_>, mut expected: impl Iterator<Item = &'e Json>) {
    for child in item.children() {
        assert_is(child, expected.next().unwrap());
    }
    assert_eq!(expected.next(), None);
}

/// A text that is given by its length and begin, or by its units.
fn assert_is_long_or_odd(text: &Text<'_>, expected: &Json) {
    if let Some(units) = expected["$utf16"].as_array() {
        let units = units.iter().map(|unit| unit.as_u64());
        assert!(text.units().map(|unit| Some(unit.into())).eq(units));
        return;
    }
    assert_eq!(expected["utf16_len"], text.units().count(), "{expected}");
    let prefix = expected["prefix"].as_str().unwrap();
    let text = text.clone().into_str_lossy();
    let shown = text.replace(char::REPLACEMENT_CHARACTER, "?");
    assert!(shown.starts_with(prefix), "{prefix}");
}

fn name<'t>(text: Option<&'t Text<'_>>) -> Option<&'t str> {
    text.map(|text| text.as_str().unwrap())
}

#[test]
fn every_value_is_read() {
    let mut count = 0;
    for vector in vectors() {
        let values = vector.values();
        assert_eq!(values.len(), vector.expected.len());
        for (value, expected) in values.iter().zip(&vector.expected) {
            assert_is(value.root(), expected);
        }
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn every_value_is_skipped_and_written_again() {
    for vector in vectors() {
        let values = vector.values();
        let mut skipping = Decoder::new(&vector.body, &Limits::default());
        let mut encoder = Encoder::new();
        for value in &values {
            skipping.skip_value().unwrap();
            encoder.write_value(value);
        }
        assert!(skipping.is_at_end());
        let mut again = Decoder::new(encoder.as_bytes(), &Limits::default());
        for value in &values {
            assert_eq!(&again.read_value().unwrap(), value);
        }
        assert!(again.is_at_end());
    }
}

#[test]
fn every_body_that_is_cut_is_truncated() {
    for vector in vectors().filter(|vector| vector.body.len() < 1000) {
        for cut in 0..vector.body.len() {
            let mut skipping = Decoder::new(&vector.body[..cut], &Limits::default());
            let invalid = loop {
                if let Err(invalid) = skipping.skip_value() {
                    break invalid;
                }
            };
            assert_eq!(invalid.kind, InvalidKind::Truncated, "{cut}: {invalid}");
        }
    }
}
