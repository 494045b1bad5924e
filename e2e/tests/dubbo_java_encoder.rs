//! What our Hessian2 encoder writes, Dubbo's own decoder reads.
#![allow(
    clippy::indexing_slicing,
    reason = "a test that looks at nothing fails"
)]

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    dubbo::{DubboVersion, Oracle},
    scene::{Scene, newest},
};
use meshlane_hessian2::{Class, Encoder, Text};
use serde_json::{Value, json};

/// How many bodies are tried.
const BODIES: u64 = 400;

/// Writes values, and at the same time what Java must say of them.
struct Writer {
    encoder: Encoder,
    random: u64,
    /// Lists, maps and objects so far.
    structures: u32,
}

#[tokio::test]
async fn dubbo_reads_what_we_write() -> Result<()> {
    let scene = Scene::new(newest())?;
    for version in [DubboVersion::V2_7, DubboVersion::V3_3] {
        let mut oracle = Oracle::start(&scene, version)?;
        for seed in 1..=BODIES {
            let mut writer = Writer::new(seed);
            let expected: Vec<Value> = (0..=seed % 4).map(|_| writer.value(4)).collect();
            let count = expected.len();
            // Java's list of the values is the first structure in its eyes.
            let expected = json!({"$collection": "java.util.ArrayList", "items": expected});
            let said = oracle.read(count, writer.encoder.as_bytes()).await?;
            compare(&expected, &said)
                .with_context(|| format!("body {seed}, Dubbo {version}:\n{expected}\n{said}"))?;
        }
    }
    scene.pass();
    Ok(())
}

/// Doubles and long texts are not written alike in both languages.
fn compare(expected: &Value, said: &Value) -> Result<()> {
    if let Some(double) = expected["$double"].as_str() {
        let said = said["$java.lang.Double"].as_str().context("no double")?;
        let (double, said): (f64, f64) =
            (double.parse()?, said.replace("Infinity", "inf").parse()?);
        ensure!(
            double.to_bits() == said.to_bits() || double.is_nan() && said.is_nan(),
            "{double}"
        );
        return Ok(());
    }
    if expected["$length"].is_number() {
        ensure!(expected["$length"] == said["length"], "another length");
        return Ok(());
    }
    match (expected, said) {
        (Value::Array(expected), Value::Array(said)) => {
            ensure!(expected.len() == said.len(), "{} elements", said.len());
            for (expected, said) in expected.iter().zip(said) {
                compare(expected, said)?;
            }
        }
        (Value::Object(expected), Value::Object(said)) => {
            ensure!(expected.keys().eq(said.keys()), "{:?}", said.keys());
            for (expected, said) in expected.values().zip(said.values()) {
                compare(expected, said)?;
            }
        }
        _ => ensure!(expected == said, "{expected} is not {said}"),
    }
    Ok(())
}

impl Writer {
    fn new(seed: u64) -> Self {
        Self {
            encoder: Encoder::new(),
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            structures: 0,
        }
    }

    /// Xorshift: the same values in each run.
    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random() % limit
    }

    fn value(&mut self, depth: u32) -> Value {
        let kinds = if depth == 0 { 8 } else { 13 };
        match self.below(kinds) {
            0 => {
                self.encoder.write_null();
                Value::Null
            }
            1 => {
                let value = self.below(2) == 0;
                self.encoder.write_bool(value);
                json!(value)
            }
            2 => {
                let value = self.number() as i32;
                self.encoder.write_int(value);
                json!(value)
            }
            3 => {
                let value = self.number();
                self.encoder.write_long(value);
                json!({"$java.lang.Long": value.to_string()})
            }
            4 => self.double(),
            5 => {
                let value = match self.below(2) {
                    0 => i64::from(self.number() as i32) * 60_000,
                    _ => self.number() >> 12,
                };
                self.encoder.write_date(value);
                json!({"$date": value.to_string()})
            }
            6 => self.text(),
            7 => self.bytes(),
            8 => {
                let kind = [None, Some("java.util.LinkedList")][self.below(2) as usize];
                self.list(depth, kind)
            }
            9 => self.map(depth),
            10 => self.address(),
            11 => self.node(depth),
            _ if self.structures > 0 => {
                let number = self.below(u64::from(self.structures)) as u32;
                self.encoder.write_reference(number);
                json!({"$ref": number + 1})
            }
            _ => self.text(),
        }
    }

    /// Of any length: every compact form occurs.
    fn number(&mut self) -> i64 {
        let bits = self.below(64);
        (self.random() as i64) >> bits
    }

    fn double(&mut self) -> Value {
        let value = match self.below(5) {
            0 => f64::from(self.number() as i8),
            1 => f64::from(self.number() as i16),
            2 => f64::from(self.number() as i32) * 0.001,
            3 => [f64::NAN, f64::INFINITY, -0.0, f64::MIN_POSITIVE, 0.1][self.below(5) as usize],
            _ => f64::from_bits(self.random()),
        };
        self.encoder.write_double(value);
        json!({"$double": value.to_string()})
    }

    fn text(&mut self) -> Value {
        if self.below(40) == 0 {
            // More than one chunk, and a pair of surrogates that may lie across their border.
            let length = 32_760 + self.below(20) as usize;
            let text = "x".repeat(length) + &"😀".repeat(10);
            self.encoder.write_str(&text);
            return json!({"$length": length + 20});
        }
        let length = self.below(100);
        let units: Vec<u16> = (0..length).map(|_| self.unit()).collect();
        self.encoder
            .write_text(&Text::from_units(units.iter().copied()));
        match String::from_utf16(&units) {
            Ok(text) => json!(text),
            Err(_) => json!({"$utf16": units}),
        }
    }

    fn unit(&mut self) -> u16 {
        let limit = [0x80, 0x800, 0x1_0000][self.below(3) as usize];
        self.below(limit) as u16
    }

    fn bytes(&mut self) -> Value {
        if self.below(40) == 0 {
            let length = 32_760 + self.below(20);
            self.encoder.write_binary(&vec![7; length as usize]);
            return json!({"$length": length});
        }
        let length = self.below(33);
        let bytes: Vec<u8> = (0..length).map(|_| self.random() as u8).collect();
        self.encoder.write_binary(&bytes);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        json!({"$bytes": hex, "length": length})
    }

    /// With its length: Java never writes the other kind, and often fails to read it.
    fn list(&mut self, depth: u32, kind: Option<&str>) -> Value {
        let length = self.below(12);
        let name = kind.map(Text::from);
        self.encoder.begin_list(name.as_ref(), length as u32);
        self.structures += 1;
        let items: Vec<Value> = (0..length).map(|_| self.value(depth - 1)).collect();
        json!({"$collection": kind.unwrap_or("java.util.ArrayList"), "items": items})
    }

    /// Of a type that keeps the order, but for one entry at most.
    fn map(&mut self, depth: u32) -> Value {
        let kind = "java.util.LinkedHashMap";
        let plain = self.below(4) == 0;
        let name = Text::from(kind);
        self.encoder.begin_map((!plain).then_some(&name));
        self.structures += 1;
        let length = if plain { 1 } else { self.below(6) };
        let entries: Vec<Value> = (0..length)
            .map(|number| {
                let key = format!("key-{number}");
                self.encoder.write_str(&key);
                json!([key, self.value(depth - 1)])
            })
            .collect();
        self.encoder.end();
        json!({"$map": if plain { "java.util.HashMap" } else { kind }, "entries": entries})
    }

    fn address(&mut self) -> Value {
        let name = "dev.meshlane.e2e.api.Address";
        self.begin_object(name, &["city", "street", "zip"]);
        let (city, street) = (self.text_or_null(), self.text_or_null());
        let zip = self.number() as i32;
        self.encoder.write_int(zip);
        json!({"$object": name, "fields": {"city": city, "street": street, "zip": zip}})
    }

    fn text_or_null(&mut self) -> Value {
        if self.below(3) == 0 {
            self.encoder.write_null();
            return Value::Null;
        }
        self.text()
    }

    /// One that refers to itself.
    fn node(&mut self, depth: u32) -> Value {
        let name = "dev.meshlane.e2e.api.Node";
        let number = self.structures;
        self.begin_object(name, &["label", "next", "self", "children"]);
        let label = self.text_or_null();
        let next = if depth > 1 && self.below(2) == 0 {
            self.node(depth - 1)
        } else {
            self.encoder.write_null();
            Value::Null
        };
        self.encoder.write_reference(number);
        let this = json!({"$ref": number + 1});
        // In the place of a field Java does not always heed the type.
        let children = self.list(1, None);
        json!({"$object": name, "fields": {"label": label, "next": next, "self": this, "children": children}})
    }

    fn begin_object(&mut self, name: &str, fields: &[&str]) {
        let class = Class {
            name: Text::from(name.to_owned()),
            fields: fields
                .iter()
                .map(|field| Text::from((*field).to_owned()))
                .collect(),
        };
        self.encoder.begin_object(&Arc::new(class));
        self.structures += 1;
    }
}
