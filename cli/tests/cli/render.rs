//! `render inventory`: services made of DestinationRules.

use expect_test::expect_file;
use meshlane::command::Exit;

use crate::{Outcome, meshlane, meshlane_with_input};

fn expected(name: &str) -> expect_test::ExpectFile {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/render");
    expect_file![format!("{directory}/{name}.expected")]
}

fn render(arguments: &[&str]) -> Outcome {
    meshlane(&[&["render", "inventory"], arguments].concat())
}

#[test]
fn subsets_become_destinations() {
    let outcome = render(&["tests/render/shop.yaml"]);
    assert_eq!(outcome.errors, "");
    assert_eq!(outcome.exit, Exit::Fine);
    expected("shop.yaml").assert_eq(&outcome.output);
    assert_checked(&outcome.output);
}

#[test]
fn ports_can_be_said() {
    let rule = "
        {apiVersion: networking.istio.io/v1beta1, kind: DestinationRule, metadata: {name: a},
         spec: {host: a, subsets: [{name: v1, labels: {version: v1}}]}}";
    let arguments = ["render", "inventory", "--port", "80", "--port", "81", "-"];
    let outcome = meshlane_with_input(&arguments, rule);
    assert_eq!(outcome.errors, "");
    assert_checked(&outcome.output);
    for line in [
        "- name: a.default/80",
        "    cluster: \"outbound|81|v1|a.default.svc.cluster.local\"",
    ] {
        assert!(outcome.output.contains(line), "{}", outcome.output);
    }
}

/// What was rendered is accepted, without a warning.
fn assert_checked(inventory: &str) {
    let arguments = ["check", "--deny-warnings", "--kind", "tag-route", "-"];
    let outcome = meshlane_with_input(&arguments, inventory);
    assert_eq!(outcome.exit, Exit::Fine, "{}", outcome.output);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (file, exit) in [("wrong.yaml", Exit::Wrong), ("no-port.yaml", Exit::Wrong)] {
        let outcome = render(&[&format!("tests/render/{file}")]);
        assert_eq!(outcome.output, "", "{file}");
        assert_eq!(outcome.exit, exit, "{file}");
        expected(file).assert_eq(&outcome.errors);
    }
}

#[test]
fn what_cannot_be_rendered_is_said() {
    for (arguments, said) in [
        (
            vec!["tests/explain/routes.yaml"],
            "no DestinationRule with subsets in tests/explain",
        ),
        (vec!["nothing.yaml"], "cannot read"),
        (vec!["tests/check/yaml-tab.yaml"], "not YAML"),
        (vec!["--port", "0", "-"], "--port"),
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
