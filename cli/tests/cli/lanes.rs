//! `explain` of `gray-release`: directions, lanes, and the request that caused a call.

use expect_test::expect_file;
use meshlane::command::Exit;
use serde_json::{Value, json};

use crate::{Outcome, meshlane, meshlane_with_input};

const CONFIG: &str = "tests/explain/lanes.yaml";
const BOOTSTRAP: &str = "tests/explain/lanes-bootstrap.yaml";

/// A request with an identifier.
const REQUEST: [&str; 3] = ["-H", "x-request-id: r-1", "http://orders/"];

fn explain(config: &str, arguments: &[&str]) -> Outcome {
    let random = ["--random", "00000000000000000000000000000000"];
    meshlane(&[&["explain", "-c", config], arguments, &random].concat())
}

fn assert_shown(name: &str, arguments: &[&str]) {
    let outcome = explain(CONFIG, &[arguments, &REQUEST].concat());
    assert_eq!(outcome.errors, "");
    assert_eq!(outcome.exit, Exit::Fine);
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/explain");
    expect_file![format!("{directory}/{name}.expected")].assert_eq(&outcome.output);
}

/// What the plugins say of a request.
fn decided(config: &str, arguments: &[&str]) -> Value {
    let outcome = explain(config, &[arguments, &["--format", "json"]].concat());
    assert_eq!(outcome.errors, "", "{arguments:?}");
    outcome.json()["requests"][0]["plugins"].take()
}

#[test]
fn requests_to_the_application_are_shown() {
    let tagged = ["--direction", "inbound", "-H", "x-mse-tag: gray"];
    let inbound = |label| [&tagged, ["--label", label].as_slice()].concat();
    assert_shown("lane-own", &inbound("lane=gray"));
    assert_shown("lane-other", &inbound("lane=blue"));
    let closed = ["--direction", "inbound", "-H", "x-mse-tag: gone"];
    let closed = [&closed, ["--label", "lane=gray"].as_slice()].concat();
    assert_shown("lane-rerouted", &closed);
}

/// Also the plugins behind that go by the tag.
#[test]
fn calls_from_the_application_are_shown() {
    let caused = ["--direction", "outbound", "--remembered", "x-mse-tag=gray"];
    assert_shown("lane-call", &caused);
    let unknown = ["--direction", "outbound", "--plugin", "lanes"];
    assert_shown("lane-miss", &unknown);
}

#[test]
fn what_is_remembered_counts_for_its_tag_alone() {
    let outbound = |remembered: &[&str], labels: &[&str]| {
        let arguments = ["--direction", "outbound", "--plugin", "lanes"];
        let plugins = decided(
            CONFIG,
            &[&arguments, remembered, labels, REQUEST.as_slice()].concat(),
        );
        let tags = plugins[0]["tags"].as_array().unwrap().iter();
        let tags: Vec<_> = tags
            .map(|tag| json!([tag["value"], tag["reason"]]))
            .collect();
        json!(tags)
    };
    let label = ["--label", "team=a"];
    assert_eq!(
        outbound(&["--remembered", "X-MSE-Tag=gray"], &label),
        json!([
            ["gray", "carried-by-correlation"],
            ["a", "carried-by-label"]
        ])
    );
    assert_eq!(
        outbound(&["--remembered", "x-team="], &label),
        json!([[null, "carried-nothing"], [null, "carried-untagged"]])
    );
    assert_eq!(
        outbound(
            &["--remembered", "x-team=b", "--remembered", "x-mse-tag=gone"],
            &[]
        ),
        json!([
            [null, "carried-by-correlation"],
            ["b", "carried-by-correlation"]
        ])
    );
}

#[test]
fn programs_get_everything() {
    let arguments = ["--direction", "inbound", "--label", "lane=blue"];
    let request = ["-H", "x-mse-tag: blue", "-H", "b3: 0000000000000007-1"];
    let all = [arguments.as_slice(), &request, &REQUEST].concat();
    let plugin = decided(CONFIG, &all)[0].take();
    assert_eq!(plugin["kind"], "gray-release");
    assert_eq!(plugin["direction"], "inbound");
    assert_eq!(plugin["keys"], json!(["request:r-1", "trace:7"]));
    assert_eq!(plugin["refused"], Value::Null);
    let answer = json!([{"name": "x-lane", "value": "blue"}]);
    assert_eq!(plugin["responseHeaders"], answer);
    let tag = &plugin["tags"][0];
    assert_eq!(tag["lane"], "lane-own");
    assert_eq!(tag["workload"], json!({"label": "lane", "value": "blue"}));
    assert_eq!(tag["exempt"]["truth"], "false");
}

/// The listener's direction, that of the document, and that of the command line.
#[test]
fn the_direction_is_as_the_documents_say() {
    let direction = |arguments: &[&str]| {
        let plugins = decided(BOOTSTRAP, &[arguments, &REQUEST].concat());
        json!([plugins[0]["direction"], plugins[0]["tags"][0]["lane"]])
    };
    let inbound = json!(["inbound", "lane-untagged-refused"]);
    let outbound = json!(["outbound", "lane-baseline"]);
    assert_eq!(direction(&["--plugin", "in"]), inbound);
    assert_eq!(direction(&["--plugin", "out"]), outbound);
    assert_eq!(direction(&["--direction", "inbound"]), inbound);
    assert_eq!(direction(&["--direction", "outbound"]), outbound);
    let document = "{direction: outbound, tags: [{name: x-mse-tag}]}\n---\n\
                    {direction: inbound, tags: [{name: x-mse-tag}]}";
    for given in ["inbound", "outbound"] {
        let arguments = ["explain", "-c", "-", "--kind", "gray-release"];
        let arguments = [&arguments, ["--direction", given].as_slice(), &REQUEST].concat();
        let outcome = meshlane_with_input(&arguments, document);
        assert_eq!(outcome.errors, "");
        let title = format!("\n  {given}, ");
        assert!(outcome.output.contains(&title), "{}", outcome.output);
    }
}

#[test]
fn a_call_of_dubbo_is_recognised_by_its_attachments() {
    let call = "{authority: orders, dubbo: {interface: a.B, method: m, attachments: {x-call: c1}}}";
    let arguments = ["explain", "-c", CONFIG, "--request", "-"];
    let options = ["--direction", "outbound", "--remembered", "x-mse-tag=gray"];
    let format = ["--format", "json"];
    let all = [arguments.as_slice(), &options, &format].concat();
    let report = meshlane_with_input(&all, call).json();
    let request = &report["requests"][0];
    assert_eq!(request["bridgeNeeds"], r#"carriers: {names: ["x-call"]}"#);
    let plugin = &request["plugins"][0];
    assert_eq!(plugin["keys"], json!(["x-call:c1"]));
    let headers = plugin["headers"].as_array().unwrap();
    let attachment = json!({"name": "dubbo.tag", "value": "gray"});
    assert!(headers.contains(&attachment), "{headers:?}");
}

#[test]
fn what_cannot_be_explained_is_said() {
    let outbound = ["--direction", "outbound"];
    for (config, arguments, said) in [
        (
            CONFIG,
            vec!["--plugin", "lanes"],
            "nothing says which way the requests of WasmPlugin shop/lanes go: give --direction inbound",
        ),
        (
            CONFIG,
            vec![],
            "choose one with --plugin: lanes, routes (or",
        ),
        (
            CONFIG,
            vec!["--direction", "inbound", "--plugin", "routes"],
            "no plugin here sees inbound requests: routes",
        ),
        (
            BOOTSTRAP,
            vec!["--direction", "inbound", "--plugin", "out"],
            "no plugin here sees inbound requests: out",
        ),
        (
            BOOTSTRAP,
            vec!["--plugin", "in", "--remembered", "x-mse-tag=gray"],
            "--remembered is for calls that leave the application",
        ),
        (
            CONFIG,
            [outbound.as_slice(), &["--remembered", "x-mse-tga=gray"]].concat(),
            "has a tag `x-mse-tga` (did you mean `x-mse-tag`?); there are: x-mse-tag, x-team",
        ),
        (
            CONFIG,
            [
                &outbound,
                ["--plugin", "routes", "--remembered", "a=b"].as_slice(),
            ]
            .concat(),
            "--remembered is for `gray-release`, and no plugin here is one",
        ),
        (
            CONFIG,
            vec!["--remembered", "x-mse-tag"],
            "expected TAG=VALUE, or TAG= for a request without the tag",
        ),
        (
            CONFIG,
            vec!["--remembered", "x-mse-tag=a b"],
            "the value is not a tag value: 1 to 128",
        ),
        (CONFIG, vec!["--direction", "up"], "inbound, outbound"),
    ] {
        let outcome = explain(config, &[arguments.as_slice(), &REQUEST].concat());
        assert_eq!(outcome.exit, Exit::Failed, "{arguments:?}");
        assert!(
            outcome.errors.contains(said),
            "{arguments:?}: {}",
            outcome.errors
        );
    }
}
