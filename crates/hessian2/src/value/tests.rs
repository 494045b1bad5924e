use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn class(name: &'static str, fields: &[&'static str]) -> Arc<Class<'static>> {
    Arc::new(Class {
        name: name.into(),
        fields: fields.iter().map(|field| (*field).into()).collect(),
    })
}

const LIST: Node<'static> = Node::List {
    type_name: None,
    fixed: true,
};
const MAP: Node<'static> = Node::Map { type_name: None };

fn sample() -> Value<'static> {
    let class = class("Person", &["name", "tags", "age"]);
    let mut builder = ValueBuilder::new();
    builder.push(Node::Object { class });
    builder.push(Node::Text("alice".into()));
    builder.push(LIST);
    builder.push(Node::Int(1)).push(MAP).end().push(Node::Null);
    builder.end();
    builder.push(Node::Int(30));
    builder.end();
    builder.finish().unwrap()
}

#[test]
fn children_come_in_order() {
    let value = sample();
    let children: Vec<_> = value.root().children().map(|item| item.node()).collect();
    assert_eq!(children.len(), 3);
    assert_eq!(children[0], &Node::Text("alice".into()));
    assert_eq!(children[1], &LIST);
    assert_eq!(children[2], &Node::Int(30));
    let tags = value.root().field("tags").unwrap();
    let tags: Vec<_> = tags.children().map(|item| item.node().clone()).collect();
    assert_eq!(tags, [Node::Int(1), MAP, Node::Null]);
}

#[test]
fn fields_are_found_by_name_and_the_last_one_counts() {
    let value = sample();
    assert_eq!(value.root().field("age").unwrap().node(), &Node::Int(30));
    assert!(value.root().field("none").is_none());

    let mut builder = ValueBuilder::new();
    builder.push(MAP);
    for number in [1, 2] {
        builder.push(Node::Text("key".into()));
        builder.push(Node::Int(number));
    }
    builder.push(Node::Int(7)).push(Node::Int(3)).end();
    let map = builder.finish().unwrap();
    assert_eq!(map.root().field("key").unwrap().node(), &Node::Int(2));
}

#[test]
fn what_is_not_whole_is_no_value() {
    assert!(ValueBuilder::new().finish().is_none(), "nothing");
    type Build = fn(&mut ValueBuilder<'static>);
    let table: [(&str, Build); 6] = [
        ("two values", |b| {
            b.push(Node::Null).push(Node::Null);
        }),
        ("not ended", |b| {
            b.push(LIST);
        }),
        ("ended twice", |b| {
            b.push(LIST).end().end();
        }),
        ("key without value", |b| {
            b.push(MAP).push(Node::Null).end();
        }),
        ("missing field", |b| {
            let class = class("A", &["x"]);
            b.push(Node::Object { class }).end();
        }),
        ("after the end", |b| {
            b.push(LIST).end().push(LIST).end();
        }),
    ];
    for (name, build) in table {
        let mut builder = ValueBuilder::new();
        build(&mut builder);
        assert!(builder.finish().is_none(), "{name}");
    }
}

#[test]
fn doubles_are_equal_when_their_bits_are() {
    assert_eq!(Node::Double(f64::NAN), Node::Double(f64::NAN));
    assert_ne!(Node::Double(0.0), Node::Double(-0.0));
}

#[test]
fn depth_costs_no_stack() {
    let mut builder = ValueBuilder::new();
    for _ in 0..200_000 {
        builder.push(LIST);
    }
    for _ in 0..200_000 {
        builder.end();
    }
    let value = builder.finish().unwrap();
    assert_eq!(value, value.clone().into_owned());
    assert!(format!("{value:?}").len() > 200_000);
}
