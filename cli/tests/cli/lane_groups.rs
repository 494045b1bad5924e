//! `render lanes`: the configurations of the filters, made of lane groups.

use expect_test::expect_file;
use meshlane::command::Exit;
use meshlane::source::Source;
use serde_json::{Value, json};

use crate::{Outcome, meshlane, meshlane_with_input};

const SHOP: &str = "tests/render/lanes.yaml";
const MORE: &str = "tests/render/more-lanes.yaml";

/// The filters, with the proxies that they are for.
const FILTERS: [(&str, &[&str]); 3] = [
    ("traffic-tag", &["gateway"]),
    ("tag-route", &["gateway", "sidecar"]),
    ("gray-release", &["sidecar"]),
];

fn expected(name: &str) -> expect_test::ExpectFile {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/render");
    expect_file![format!("{directory}/{name}.expected")]
}

fn render(arguments: &[&str]) -> Outcome {
    meshlane(&[&["render", "lanes"], arguments].concat())
}

/// What is printed when nothing is to say.
fn rendered(arguments: &[&str]) -> String {
    let outcome = render(arguments);
    assert_eq!(outcome.errors, "", "{arguments:?}");
    assert_eq!(outcome.exit, Exit::Fine, "{arguments:?}");
    outcome.output
}

#[test]
fn configurations_follow_from_a_group() {
    expected("lanes.yaml").assert_eq(&rendered(&[SHOP]));
}

#[test]
fn groups_of_several_files_are_taken_together() {
    expected("more-lanes.yaml").assert_eq(&rendered(&[SHOP, MORE]));
}

/// Without a warning too.
#[test]
fn what_is_rendered_passes_check() {
    for files in [vec![SHOP], vec![MORE], vec![SHOP, MORE]] {
        for (filter, proxies) in FILTERS {
            for format in ["yaml", "json"] {
                let options = ["--filter", filter, "--format", format];
                let text = rendered(&[&options, files.as_slice()].concat());
                for proxy in proxies {
                    let check = ["check", "--deny-warnings", "--kind", filter, "--proxy"];
                    let outcome =
                        meshlane_with_input(&[&check, &[*proxy, "-"][..]].concat(), &text);
                    assert_eq!(outcome.exit, Exit::Fine, "{filter}: {}", outcome.output);
                    let sum = "checked 1 configuration in 1 file; nothing is wrong\n";
                    assert_eq!(outcome.output, sum);
                }
            }
        }
    }
}

/// As JSON, as YAML, and one by one.
#[test]
fn all_that_is_printed_is_the_same() {
    let all: Value = serde_json::from_str(&rendered(&["--format", "json", SHOP, MORE])).unwrap();
    let texts = rendered(&[SHOP, MORE]);
    let mut texts = texts.split("---\n");
    for (filter, _) in FILTERS {
        let options = ["--filter", filter, SHOP, MORE];
        let one = rendered(&[&["--format", "json"], options.as_slice()].concat());
        let one: Value = serde_json::from_str(&one).unwrap();
        assert_eq!(one, all[filter]);
        let text = rendered(&options);
        assert_eq!(texts.next(), Some(text.as_str()));
        assert!(text.starts_with(&format!("# {filter}, for ")), "{text}");
        let contents = Source::new("", text).read();
        let read = contents.documents.first().unwrap().to_json();
        assert_eq!(numbers(&read), numbers(&one));
    }
    assert_eq!(texts.next(), None);
}

/// With all numbers as the doubles that they are for filters.
fn numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(numbers).collect(),
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(key, value)| (key.clone(), numbers(value)));
            Value::Object(members.collect())
        }
        other => other.clone(),
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (name, files) in [
        ("wrong-lanes.yaml", vec!["tests/render/wrong-lanes.yaml"]),
        (
            "apart-lanes.yaml",
            vec![SHOP, "tests/render/apart-lanes.yaml"],
        ),
    ] {
        let outcome = render(&files);
        assert_eq!(outcome.output, "", "{name}");
        assert_eq!(outcome.exit, Exit::Wrong, "{name}");
        expected(name).assert_eq(&outcome.errors);
    }
}

#[test]
fn what_cannot_be_rendered_is_said() {
    for (arguments, said) in [
        (
            vec!["tests/explain/routes.yaml", "tests/render/shop.yaml"],
            "no LaneGroup in tests/explain/routes.yaml, tests/render/shop.yaml",
        ),
        (vec!["nothing.yaml"], "cannot read"),
        (vec!["tests/check/yaml-tab.yaml"], "not YAML"),
        (
            vec!["--filter", "dubbo", SHOP],
            "traffic-tag, tag-route, gray-release",
        ),
        (vec![], "FILE"),
    ] {
        let outcome = render(&arguments);
        assert_eq!(outcome.exit, Exit::Failed, "{arguments:?}");
        assert!(
            outcome.errors.contains(said),
            "{arguments:?}: {}",
            outcome.errors
        );
    }
}
