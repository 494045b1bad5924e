//! What is written is read again.

use proptest::prelude::*;

use super::*;
use crate::ValueBuilder;

/// A part of a program that builds values.
#[derive(Debug, Clone)]
enum Part {
    Leaf(Node<'static>),
    Reference(u32),
    Open(Node<'static>),
    End,
}

fn text() -> impl Strategy<Value = Text<'static>> {
    prop_oneof![
        any::<String>().prop_map(Text::from),
        // Many surrogates, in pairs and alone.
        prop::collection::vec(prop_oneof![any::<u16>(), 0xd7fe..0xe002_u16], 0..20)
            .prop_map(Text::from_units),
        (0x7ffe..0x8003_usize, "[a中😀]")
            .prop_map(|(length, part)| Text::from(part.repeat(length))),
        (0..1100_usize).prop_map(|length| Text::from("x".repeat(length))),
    ]
}

fn leaf() -> impl Strategy<Value = Node<'static>> {
    prop_oneof![
        Just(Node::Null),
        any::<bool>().prop_map(Node::Bool),
        any::<i32>().prop_map(Node::Int),
        (-300_000..300_000).prop_map(Node::Int),
        any::<i64>().prop_map(Node::Long),
        (-300_000..300_000_i64).prop_map(Node::Long),
        any::<u64>().prop_map(|bits| Node::Double(f64::from_bits(bits))),
        any::<i32>().prop_map(|mills| Node::Double(0.001 * f64::from(mills))),
        any::<i16>().prop_map(|whole| Node::Double(f64::from(whole))),
        any::<i64>().prop_map(Node::Date),
        any::<i32>().prop_map(|minutes| Node::Date(i64::from(minutes) * 60_000)),
        text().prop_map(Node::Text),
        (0..70_000_usize).prop_map(|length| Node::Binary(vec![7; length].into())),
        (0..40_usize).prop_map(|length| Node::Binary(vec![7; length].into())),
    ]
}

fn container() -> impl Strategy<Value = Node<'static>> {
    let type_name = || prop::option::of("[A-E]".prop_map(|name| Arc::new(Text::from(name))));
    let class = ("[A-E]", prop::collection::vec("[a-e]", 0..4)).prop_map(|(name, fields)| {
        Arc::new(Class {
            name: name.into(),
            fields: fields.into_iter().map(Text::from).collect(),
        })
    });
    prop_oneof![
        (type_name(), any::<bool>()).prop_map(|(type_name, fixed)| Node::List { type_name, fixed }),
        type_name().prop_map(|type_name| Node::Map { type_name }),
        class.prop_map(|class| Node::Object { class }),
    ]
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        4 => leaf().prop_map(Part::Leaf),
        1 => any::<u32>().prop_map(Part::Reference),
        3 => container().prop_map(Part::Open),
        2 => Just(Part::End),
    ]
}

/// The values of a body that a program builds, made whole where it leaves something out.
fn build(parts: Vec<Part>) -> Vec<Value<'static>> {
    let mut values = Vec::new();
    let mut builder = ValueBuilder::new();
    // What is missing: for a list as many as there are, for a map as many as make pairs.
    let mut open: Vec<(Node<'static>, usize)> = Vec::new();
    let mut containers = 0;
    for part in parts.into_iter().chain(std::iter::repeat_n(Part::End, 200)) {
        match part {
            Part::End => {
                let Some((node, children)) = open.pop() else {
                    continue;
                };
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
            part => {
                let full = match open.last() {
                    Some((Node::Object { class }, children)) => *children == class.fields.len(),
                    _ => false,
                };
                if full {
                    continue;
                }
                if let Some((_, children)) = open.last_mut() {
                    *children += 1;
                }
                let node = match part {
                    Part::Leaf(node) => node,
                    Part::Reference(number) if containers > 0 => {
                        Node::Reference(number % containers)
                    }
                    Part::Open(node) => {
                        containers += 1;
                        open.push((node.clone(), 0));
                        node
                    }
                    _ => Node::Null,
                };
                builder.push(node);
            }
        }
        if open.is_empty() {
            let built = std::mem::take(&mut builder);
            values.push(built.finish().expect("a whole value"));
        }
    }
    values
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_written_is_read_again(parts in prop::collection::vec(part(), 0..60)) {
        let values = build(parts);
        let mut encoder = Encoder::new();
        for value in &values {
            encoder.write_value(value);
        }
        let body = encoder.into_bytes();
        let mut decoder = Decoder::new(&body, &Limits::default());
        let mut again = Encoder::new();
        for value in &values {
            let mut skipping = decoder.clone();
            let decoded = decoder.read_value().unwrap();
            prop_assert_eq!(&decoded, value);
            again.write_value(&decoded);
            skipping.skip_value().unwrap();
            prop_assert_eq!(skipping.offset(), decoder.offset());
        }
        prop_assert!(decoder.is_at_end());
        prop_assert_eq!(again.into_bytes(), body);
    }

    #[test]
    fn any_bytes_end_in_a_defined_way(body in prop::collection::vec(any::<u8>(), 0..100)) {
        let mut reading = Decoder::new(&body, &Limits::default());
        let mut skipping = reading.clone();
        let mut selecting = reading.clone();
        loop {
            let read = reading.read_value().map(|_| ());
            prop_assert_eq!(skipping.skip_value(), read);
            prop_assert_eq!(selecting.read_scalar().map(|_| ()), read);
            prop_assert_eq!(skipping.offset(), reading.offset());
            if read.is_err() {
                break;
            }
        }
    }
}
