//! `migrate`: documents of ours made of those of others.

use expect_test::expect_file;
use meshlane::command::Exit;
use serde_json::{Value, json};

use crate::{Outcome, meshlane, meshlane_with_input, workspace};

/// Files in `tests/migrate` that are converted to the last line.
pub(crate) const CONVERTED: [&str; 7] = [
    "higress-wasm-plugin.yaml",
    "asm-traffic-label.yaml",
    "asm-lanes.yaml",
    "asm-lanes-weighted.yaml",
    "dubbo-rules.yaml",
    "sentinel-flow.json",
    "sentinel-param.json",
];

fn migrate(arguments: &[&str]) -> Outcome {
    meshlane(&[&["migrate"], arguments].concat())
}

fn migrate_text(arguments: &[&str], text: &str) -> Outcome {
    meshlane_with_input(&[&["migrate"], arguments, &["-"]].concat(), text)
}

/// What each file is converted to, and all that is said about it.
#[test]
fn files_are_converted_with_all_that_is_to_say() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/migrate");
    for (name, files, exit) in [
        (
            "higress-wasm-plugin",
            "higress-wasm-plugin.yaml",
            Exit::Fine,
        ),
        (
            "higress-traffic-tag-wrong",
            "higress-traffic-tag-wrong.yaml",
            Exit::Wrong,
        ),
        (
            "higress-traffic-tag-invalid",
            "higress-traffic-tag-invalid.yaml",
            Exit::Wrong,
        ),
        ("asm-traffic-label", "asm-traffic-label.yaml", Exit::Fine),
        (
            "asm-traffic-label-wrong",
            "asm-traffic-label-wrong.yaml",
            Exit::Wrong,
        ),
        ("asm-lanes", "asm-lanes.yaml", Exit::Fine),
        ("asm-lanes-weighted", "asm-lanes-weighted.yaml", Exit::Fine),
        ("asm-lanes-wrong", "asm-lanes-wrong.yaml", Exit::Wrong),
        ("dubbo-rules", "dubbo-rules.yaml", Exit::Fine),
        (
            "dubbo-rules-with-services",
            "--services dubbo-services.yaml dubbo-rules.yaml",
            Exit::Fine,
        ),
        ("dubbo-wrong", "dubbo-wrong.yaml", Exit::Wrong),
        ("sentinel-flow", "sentinel-flow.json", Exit::Fine),
        ("sentinel-param", "sentinel-param.json", Exit::Fine),
        ("sentinel-wrong", "sentinel-wrong.json", Exit::Wrong),
        ("sentinel-invalid", "sentinel-invalid.json", Exit::Wrong),
    ] {
        let arguments = files.split(' ').map(|argument| match argument {
            option if option.starts_with("--") => option.to_owned(),
            file => format!("tests/migrate/{file}"),
        });
        let arguments: Vec<_> = arguments.collect();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let outcome = migrate(&arguments);
        assert_eq!(outcome.exit, exit, "{name}: {}", outcome.errors);
        let all = format!("{}\n----- said -----\n\n{}", outcome.output, outcome.errors);
        expect_file![format!("{directory}/{name}.expected")].assert_eq(&all);
        if exit == Exit::Wrong {
            assert_eq!(outcome.output, "", "{name}");
        }
    }
}

/// What is printed can be used: `check` finds nothing wrong with the configuration in each document.
#[test]
fn configurations_pass_check() {
    let mut checked = 0;
    for file in CONVERTED {
        let outcome = migrate(&["--format", "json", &format!("tests/migrate/{file}")]);
        for document in outcome.json()["documents"].as_array().unwrap() {
            let outcome = meshlane_with_input(&["check", "-"], document.to_string());
            assert_eq!(outcome.exit, Exit::Fine, "{file}: {}", outcome.output);
            let sum = "checked 1 configuration in 1 file";
            assert!(outcome.output.contains(sum), "{file}: {}", outcome.output);
            checked += 1;
        }
    }
    assert_eq!(checked, 10);
}

/// The documents as YAML are those as JSON.
#[test]
fn yaml_and_json_are_the_same() {
    for file in [
        "higress-wasm-plugin.yaml",
        "dubbo-rules.yaml",
        "sentinel-flow.json",
    ] {
        let file = format!("tests/migrate/{file}");
        let yaml = meshlane::source::Source::new("all.yaml", migrate(&[&file]).output).read();
        assert!(yaml.syntax_error.is_none());
        let yaml: Vec<_> = yaml
            .documents
            .iter()
            .map(|document| document.to_json())
            .collect();
        let json = migrate(&["--format", "json", &file]).json();
        assert_eq!(doubles(&json!(yaml)), doubles(&json["documents"]));
    }
}

/// With numbers as the doubles that they are for filters.
fn doubles(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(doubles).collect(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(key, value)| (key.clone(), doubles(value)))
                .collect()
        }
        other => other.clone(),
    }
}

#[test]
fn what_is_said_is_told_to_programs_with_its_place() {
    let text =
        "{\"rules\": 1}\n---\nlimit_by_header: a\nlimit_keys:\n- {key: a, query_per_second: 0}\n";
    let outcome = migrate_text(&["--format", "json"], text);
    assert_eq!(outcome.exit, Exit::Wrong);
    let said = outcome.json();
    assert_eq!(said["documents"], json!([]));
    let error = &said["errors"][0];
    for (key, value) in [
        ("file", json!("<stdin>")),
        ("line", json!(5)),
        ("column", json!(3)),
        ("path", json!("limit_keys[0]")),
        ("code", json!("invalid-value")),
        ("severity", json!("error")),
        ("plugin", json!("Higress's key-rate-limit")),
    ] {
        assert_eq!(error[key], value, "{error:#}");
    }
}

#[test]
fn it_can_be_said_what_a_document_is() {
    let text = "{}";
    assert_eq!(migrate_text(&[], text).exit, Exit::Failed);
    let outcome = migrate_text(&["--from", "dubbo-tag-rule"], text);
    assert_eq!(outcome.exit, Exit::Wrong);
    assert!(
        outcome.errors.contains("key `tags` is missing"),
        "{}",
        outcome.errors
    );
    let text = "[]";
    let outcome = migrate_text(&["--from", "sentinel-flow"], text);
    assert_eq!((outcome.exit, outcome.output.as_str()), (Exit::Fine, ""));
}

#[test]
fn losses_can_be_denied() {
    let rules = r#"[{"resource": "HelloWorld", "count": 1}, {"resource": "/a", "count": 1}]"#;
    let outcome = migrate_text(&[], rules);
    assert_eq!(outcome.exit, Exit::Fine);
    assert!(outcome.output.contains("name: a"), "{}", outcome.output);
    assert_eq!(migrate_text(&["--deny-warnings"], rules).exit, Exit::Wrong);
    // What is kept in another way is no loss.
    let rules = r#"[{"resource": "/a", "count": 1}]"#;
    let outcome = migrate_text(&["--deny-warnings"], rules);
    assert_eq!(outcome.exit, Exit::Fine);
    assert!(
        outcome.errors.contains("kept-differently"),
        "{}",
        outcome.errors
    );
}

#[test]
fn options_tell_what_the_sources_do_not() {
    let rules = r#"[{"resource": "/a", "count": 1, "limitApp": "cart"}]"#;
    let outcome = migrate_text(&["--caller", "header.x-app", "--namespace", "shop"], rules);
    for part in ["attribute: header.x-app, exact: cart", "namespace: shop"] {
        assert!(outcome.output.contains(part), "{}", outcome.output);
    }
    // A namespace of the source's own stays.
    let outcome = migrate(&[
        "--namespace",
        "shop",
        "tests/migrate/asm-traffic-label.yaml",
    ]);
    assert!(
        outcome.output.contains("namespace: default"),
        "{}",
        outcome.output
    );
}

#[test]
fn what_cannot_be_converted_is_said() {
    let rules = "tests/migrate/dubbo-rules.yaml";
    for (arguments, said) in [
        (
            vec!["tests/explain/routes.yaml"],
            "nothing in tests/explain/routes.yaml is converted",
        ),
        (vec!["nothing.yaml"], "cannot read"),
        (vec!["tests/check/yaml-tab.yaml"], "not YAML"),
        (vec!["--services", rules, rules], "no services in it"),
        (vec!["--services", "nothing.yaml", rules], "cannot read"),
        (vec!["--from", "kong", rules], "invalid value 'kong'"),
        (vec!["--caller", "nobody", rules], "nobody"),
        (vec![], "FILE"),
    ] {
        let outcome = migrate(&arguments);
        assert_eq!(outcome.exit, Exit::Failed, "{arguments:?}");
        assert!(
            outcome.errors.contains(said),
            "{arguments:?}: {}",
            outcome.errors
        );
    }
}

/// Services that `tag-route` would refuse are a mistake in the services, and not one of the conversion.
#[test]
fn services_are_looked_at_before_rules() {
    let directory = std::env::temp_dir();
    let file = directory.join(format!("meshlane-services-{}.yaml", std::process::id()));
    let services = "services: [{name: a b, hosts: [a], destinations: [{name: v1}]}]";
    std::fs::write(&file, services).unwrap();
    let outcome = migrate(&[
        "--services",
        file.to_str().unwrap(),
        "tests/migrate/dubbo-rules.yaml",
    ]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(outcome.exit, Exit::Failed);
    let said = "does not accept these services:\nservices[0].name";
    assert!(outcome.errors.contains(said), "{}", outcome.errors);
}

/// A chain has room for so many routers; what has none is told.
#[test]
fn what_finds_no_room_is_said() {
    let conditions: String = (0..20)
        .map(|at| format!("- method=m{at} => env=e{at}\n"))
        .collect();
    let rule = format!("key: a\nconditions:\n{conditions}");
    let said = migrate_text(&["--format", "json"], &rule).json();
    let routers = &said["documents"][0]["spec"]["config"]["chains"]["default"];
    assert_eq!(routers.as_array().unwrap().len(), 16);
    let errors = migrate_text(&[], &rule).errors;
    assert!(
        errors.contains("the last 4 conditions are left out"),
        "{errors}"
    );
    let limits: Vec<_> = (0..150)
        .map(|at| json!({"resource": format!("/{at}"), "count": 1}))
        .collect();
    let said = migrate_text(&["--format", "json"], &json!(limits).to_string()).json();
    let documents = said["documents"].as_array().unwrap();
    let names: Vec<_> = documents
        .iter()
        .map(|document| &document["metadata"]["name"])
        .collect();
    assert_eq!(names, ["sentinel-flow", "sentinel-flow-2"]);
    let count = |at: usize| {
        documents[at]["spec"]["config"]["limits"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((count(0), count(1)), (100, 50));
}

/// In the guide a block `before` is followed by a block `after`, which is what comes of it. `UPDATE_EXPECT=1` writes it.
#[test]
fn the_guide_shows_what_is_printed() {
    let path = workspace().join("docs/guide/migrating.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut fresh = String::new();
    let mut rest = page.as_str();
    let mut shown = 0;
    while let Some((text, behind)) = rest.split_once(" before\n") {
        let (source, behind) = behind.split_once("```\n\n```yaml after\n").unwrap();
        let (_, behind) = behind.split_once("```\n").unwrap();
        let output = migrate_text(&[], source).output;
        assert!(!output.is_empty(), "{source}");
        fresh.push_str(&format!(
            "{text} before\n{source}```\n\n```yaml after\n{output}```\n"
        ));
        rest = behind;
        shown += 1;
    }
    fresh.push_str(rest);
    assert_eq!(shown, 7);
    expect_file![path].assert_eq(&fresh);
}
