//! Any values, built as the bytes say: what is written is read again, and written the same.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use meshlane_hessian2::{Class, Decoder, Encoder, Limits, Node, Text, Value, ValueBuilder};

fuzz_target!(|bytes: &[u8]| {
    let mut source = Unstructured::new(bytes);
    let mut containers = 0;
    let mut values = Vec::new();
    while !source.is_empty() && values.len() < 20 {
        let Ok(value) = build(&mut source, &mut containers) else {
            break;
        };
        values.push(value);
    }
    let mut encoder = Encoder::new();
    for value in &values {
        encoder.write_value(value);
    }
    let body = encoder.into_bytes();
    let mut decoder = Decoder::new(&body, &Limits::default());
    let mut again = Encoder::new();
    for value in &values {
        let mut skipping = decoder.clone();
        let decoded = decoder.read_value().expect("what was written");
        assert_eq!(&decoded, value);
        again.write_value(&decoded.into_owned());
        skipping.skip_value().expect("what was read");
        assert_eq!(skipping.offset(), decoder.offset());
    }
    assert!(decoder.is_at_end());
    assert_eq!(again.into_bytes(), body);
});

/// A value, made whole where the bytes end or leave something out.
fn build(source: &mut Unstructured<'_>, containers: &mut u32) -> Result<Value<'static>> {
    let mut builder = ValueBuilder::new();
    // The lists, maps and objects that have not ended, and how many values are in each.
    let mut open: Vec<(Node<'static>, usize)> = Vec::new();
    loop {
        let full = match open.last() {
            Some((Node::Object { class }, children)) => *children == class.fields.len(),
            _ => false,
        };
        let ends = full || source.is_empty() || open.len() > 100 || source.ratio(1, 4)?;
        match open.pop_if(|_| ends) {
            Some((node, children)) => {
                let missing = match node {
                    Node::Map { .. } => children % 2,
                    Node::Object { class } => class.fields.len() - children,
                    _ => 0,
                };
                for _ in 0..missing {
                    builder.push(Node::Null);
                }
                builder.end();
            }
            None => {
                if let Some((_, children)) = open.last_mut() {
                    *children += 1;
                }
                let node = node(source, *containers)?;
                if matches!(
                    node,
                    Node::List { .. } | Node::Map { .. } | Node::Object { .. }
                ) {
                    *containers += 1;
                    open.push((node.clone(), 0));
                }
                builder.push(node);
            }
        }
        if open.is_empty() {
            return Ok(builder.finish().expect("a whole value"));
        }
    }
}

fn node(source: &mut Unstructured<'_>, containers: u32) -> Result<Node<'static>> {
    Ok(match source.int_in_range(0..=15)? {
        0 => Node::Bool(source.arbitrary()?),
        1 => Node::Int(source.arbitrary()?),
        2 => Node::Int(source.int_in_range(-300_000..=300_000)?),
        3 => Node::Long(source.arbitrary()?),
        4 => Node::Long(source.int_in_range(-300_000..=300_000)?),
        5 => Node::Double(f64::from_bits(source.arbitrary()?)),
        6 => Node::Double(0.001 * f64::from(source.arbitrary::<i32>()?)),
        7 => Node::Date(source.arbitrary()?),
        8 => Node::Date(i64::from(source.arbitrary::<i32>()?) * 60_000),
        9 => Node::Text(text(source)?),
        10 => Node::Binary(vec![7; length(source)?].into()),
        11 if containers > 0 => Node::Reference(source.int_in_range(0..=containers - 1)?),
        12 => Node::List {
            type_name: type_name(source)?,
            fixed: source.arbitrary()?,
        },
        13 => Node::Map {
            type_name: type_name(source)?,
        },
        14 => {
            let name = name(source)?;
            let fields = (0..source.int_in_range(0..=4)?).map(|_| crate::name(source));
            let fields = fields.collect::<Result<_>>()?;
            Node::Object {
                class: Arc::new(Class { name, fields }),
            }
        }
        _ => Node::Null,
    })
}

fn type_name(source: &mut Unstructured<'_>) -> Result<Option<Arc<Text<'static>>>> {
    Ok(if source.arbitrary()? {
        Some(Arc::new(name(source)?))
    } else {
        None
    })
}

fn text(source: &mut Unstructured<'_>) -> Result<Text<'static>> {
    if source.arbitrary()? {
        return name(source);
    }
    let part = *source.choose(&["a", "中", "😀", "a😀"])?;
    Ok(Text::from(part.repeat(length(source)?)))
}

/// A short text, often the same.
fn name(source: &mut Unstructured<'_>) -> Result<Text<'static>> {
    Ok(match source.int_in_range(0..=3)? {
        0 => Text::from(source.arbitrary::<String>()?),
        1 => {
            let units =
                (0..source.int_in_range(0..=8)?).map(|_| source.int_in_range(0xd7fe..=0xe001));
            Text::from_units(units.collect::<Result<Vec<u16>>>()?)
        }
        _ => Text::from(*source.choose(&["A", "B", "name", "value"])?),
    })
}

/// A length at which the form changes, or a short one.
fn length(source: &mut Unstructured<'_>) -> Result<usize> {
    match source.int_in_range(0..=31)? {
        0 => source.int_in_range(1022..=1025),
        1 => source.int_in_range(0x7ffe..=0x8002),
        short => Ok(short),
    }
}
