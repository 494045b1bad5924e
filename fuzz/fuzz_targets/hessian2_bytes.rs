//! Bytes as a Hessian 2.0 body: reading, skipping and selecting agree on where it ends and why, and selection finds what
//! a search of the decoded values finds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshlane_hessian2::{
    Decoder, Encoder, InvalidKind, Item, Limits, MAX_LIST, Node, Path, Scalar, Step, Value,
};

fuzz_target!(|body: &[u8]| {
    for limits in [Limits::default(), SMALL] {
        let mut reading = Decoder::new(body, &limits);
        let mut skipping = Decoder::new(body, &limits);
        let mut values = Vec::new();
        while !reading.is_at_end() {
            let selecting = skipping.clone();
            let read = reading.read_value();
            if matches!(&read, Err(invalid) if invalid.kind == InvalidKind::TooManyValues) {
                break;
            }
            assert_eq!(skipping.skip_value(), read.clone().map(|_| ()));
            assert_eq!(skipping.offset(), reading.offset());
            match read {
                Ok(value) => values.push(value),
                Err(invalid) => {
                    assert!(invalid.offset <= body.len());
                    break;
                }
            }
            assert_selection(selecting, &values, skipping.offset());
        }
        assert_round_trip(&values);
    }
});

const SMALL: Limits = Limits {
    depth: 4,
    values: 64,
    length: 16,
    classes: 2,
    fields: 3,
    types: 2,
    work: 256,
};

fn assert_round_trip(values: &[Value<'_>]) {
    let mut encoder = Encoder::new();
    for value in values {
        encoder.write_value(value);
    }
    let body = encoder.into_bytes();
    let mut decoder = Decoder::new(&body, &Limits::default());
    for value in values {
        assert_eq!(&decoder.read_value().expect("what was written"), value);
    }
    assert!(decoder.is_at_end());
}

/// Selects from the last of the values, which the decoder is about to read, along paths that lead somewhere and one that
/// does not.
fn assert_selection(mut decoder: Decoder<'_>, values: &[Value<'_>], end: usize) {
    let Some(value) = values.last() else { return };
    let mut paths = vec![Path::from(vec![Step::Field("no such".into())])];
    collect_paths(values, value.root(), &mut Vec::new(), &mut paths);
    let mut found = vec![None; paths.len()];
    let selected = decoder.select_value(&paths, &mut |index, scalar| {
        assert!(found[index].replace(scalar).is_none());
    });
    if let Err(invalid) = selected {
        // The value is in order, so only its back references can be too much.
        assert_eq!(invalid.kind, InvalidKind::TooMuchWork);
        return;
    }
    assert_eq!(decoder.offset(), end);
    for (path, found) in paths.iter().zip(found) {
        let expected = search(values, value.root(), path.steps());
        // As text, because no number is not equal to itself.
        assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{path:?}");
    }
}

fn collect_paths(
    values: &[Value<'_>],
    item: Item<'_, '_>,
    steps: &mut Vec<Step>,
    paths: &mut Vec<Path>,
) {
    if paths.len() == 40 {
        return;
    }
    paths.push(Path::from(steps.clone()));
    if steps.len() == 5 {
        return;
    }
    let item = resolve(values, item);
    let children: Vec<_> = item.children().collect();
    let mut go = |step, child| {
        steps.push(step);
        collect_paths(values, child, steps, paths);
        steps.pop();
    };
    match item.node() {
        Node::List { .. } => {
            for (index, child) in (0..).zip(children).take(4) {
                go(Step::Element(index), child);
            }
        }
        Node::Map { .. } => {
            for entry in children.chunks(2) {
                if let Node::Text(key) = entry[0].node() {
                    if let Some(key) = key.as_str() {
                        go(Step::Field(key.to_owned()), entry[1]);
                    }
                }
            }
        }
        Node::Object { class } => {
            for (field, child) in class.fields.iter().zip(children) {
                if let Some(field) = field.as_str() {
                    go(Step::Field(field.to_owned()), child);
                }
            }
        }
        _ => {}
    }
}

fn search<'a>(values: &[Value<'a>], item: Item<'_, 'a>, steps: &[Step]) -> Option<Scalar<'a>> {
    let Some((step, steps)) = steps.split_first() else {
        return scalar(values, item, true);
    };
    let item = resolve(values, item);
    let child = match (step, item.node()) {
        (Step::Field(name), _) => item.field(name)?,
        (Step::Element(index), Node::List { .. }) => item.children().nth(*index as usize)?,
        _ => return None,
    };
    search(values, child, steps)
}

fn scalar<'a>(values: &[Value<'a>], item: Item<'_, 'a>, lists: bool) -> Option<Scalar<'a>> {
    let item = resolve(values, item);
    Some(match item.node() {
        Node::Null => Scalar::Null,
        Node::Bool(value) => Scalar::Bool(*value),
        Node::Int(value) => Scalar::Int(*value),
        Node::Long(value) => Scalar::Long(*value),
        Node::Double(value) => Scalar::Double(*value),
        Node::Date(value) => Scalar::Date(*value),
        Node::Text(text) => Scalar::Text(text.clone()),
        Node::Object { class } => match class.fields.as_slice() {
            [field] if *field == "name" || *field == "value" => {
                match item.children().next()?.node() {
                    Node::Text(text) => Scalar::Text(text.clone()),
                    _ => return None,
                }
            }
            _ => return None,
        },
        Node::List { .. } if lists && item.children().count() <= MAX_LIST => {
            let elements = item
                .children()
                .map(|element| scalar(values, element, false));
            Scalar::List(elements.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// What a back reference stands for.
fn resolve<'v, 'a>(values: &'v [Value<'a>], item: Item<'v, 'a>) -> Item<'v, 'a> {
    let Node::Reference(number) = item.node() else {
        return item;
    };
    let mut left = *number;
    let mut around: Vec<_> = values.iter().rev().map(Value::root).collect();
    while let Some(item) = around.pop() {
        if matches!(
            item.node(),
            Node::List { .. } | Node::Map { .. } | Node::Object { .. }
        ) {
            if left == 0 {
                return item;
            }
            left -= 1;
        }
        let inside = around.len();
        around.extend(item.children());
        around[inside..].reverse();
    }
    panic!("a reference to nothing: {number}");
}
