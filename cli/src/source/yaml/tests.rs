use super::*;
use serde_json::json;

fn one(text: &str) -> Node {
    let contents = parse(text);
    assert!(contents.syntax_error.is_none(), "{contents:?}");
    contents.documents.into_iter().next().unwrap()
}

fn codes(node: &Node) -> Vec<&'static str> {
    let mut codes = Vec::new();
    node.walk(&Default::default(), &mut |_, node| {
        codes.extend(node.oddities.iter().map(|oddity| oddity.code));
    });
    codes
}

#[test]
fn aliases_are_expanded_and_keep_the_place_of_the_anchor() {
    let text = "a: &x {k: 1}\nb: *x\n";
    let node = one(text);
    assert_eq!(node.to_json(), json!({"a": {"k": 1}, "b": {"k": 1}}));
    let alias = node.get("b").unwrap();
    assert_eq!(text.get(alias.span.clone()), Some("&x {k: 1}"));
}

#[test]
fn merge_keys_give_way_to_written_keys() {
    let node = one("base: &b {a: 1, b: 2}\nmore: &m {b: 3, c: 4}\nown:\n  <<: [*b, *m]\n  a: 9\n");
    assert_eq!(
        node.get("own").unwrap().to_json(),
        json!({"a": 9, "b": 2, "c": 4})
    );
    assert_eq!(codes(&one("a:\n  <<: 5\n")), ["yaml-merge"]);
}

#[test]
fn duplicate_keys_are_reported_with_the_first() {
    let node = one("a: 1\nb: 2\na: 3\n");
    assert_eq!(node.to_json(), json!({"a": 1, "b": 2}));
    assert_eq!(codes(&node), ["duplicate-key"]);
}

#[test]
fn keys_that_are_no_strings_have_a_defined_outcome() {
    let node = one("5: a\non: b\n? [x]\n: c\n");
    assert_eq!(node.to_json(), json!({"5": "a", "true": "b"}));
    assert_eq!(codes(&node), ["yaml-boolean", "yaml-key"]);
}

#[test]
fn tags_are_followed_or_refused() {
    assert_eq!(one("a: !!str 5\n").to_json(), json!({"a": "5"}));
    assert_eq!(one("a: !!int \"5\"\n").to_json(), json!({"a": 5}));
    assert_eq!(one("a: ! 5\n").to_json(), json!({"a": "5"}));
    assert!(parse("a: !!binary aGk=\n").syntax_error.is_some());
}

#[test]
fn tabs_get_a_note() {
    let error = parse("a:\n\tb: 1\n").syntax_error.unwrap();
    assert!(
        error.notes.iter().any(|note| note.contains("tab")),
        "{error:?}"
    );
}

#[test]
fn what_could_grow_without_bound_is_refused() {
    let deep = "[".repeat(10_000);
    assert!(parse(&deep).syntax_error.is_some());
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = level - 1;
        let list = vec![format!("*a{before}"); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    assert!(parse(&bomb).syntax_error.is_some());
}

#[test]
fn block_values_end_with_their_last_line() {
    let text = "a:\n  b: 1\n  c:\n  - x\n\n\nd: 2\n";
    let node = one(text);
    let a = node.get("a").unwrap();
    assert_eq!(text.get(a.span.clone()), Some("b: 1\n  c:\n  - x"));
}
