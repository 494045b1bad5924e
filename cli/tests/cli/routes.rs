//! `explain` of `tag-route`: services, health, localities, and plugins in a row.

use expect_test::expect_file;
use meshlane::command::Exit;
use serde_json::{Value, json};

use crate::{Outcome, meshlane, meshlane_with_input};

const CONFIG: &str = "tests/explain/routes.yaml";
const CLUSTERS: &str = "tests/explain/clusters.json";

fn explain(arguments: &[&str]) -> Outcome {
    let all = [&["explain", "-c", CONFIG], arguments].concat();
    let random = ["--random", "00000000000000000000000000000000"];
    meshlane(&[all.as_slice(), &random].concat())
}

fn assert_shown(name: &str, arguments: &[&str]) {
    let outcome = explain(arguments);
    assert_eq!(outcome.errors, "");
    assert_eq!(outcome.exit, Exit::Fine);
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/explain");
    expect_file![format!("{directory}/{name}.expected")].assert_eq(&outcome.output);
}

/// What the last plugin says.
fn routed(arguments: &[&str]) -> Value {
    let outcome = explain(&[arguments, &["--format", "json"]].concat());
    assert_eq!(outcome.errors, "", "{arguments:?}");
    let report = outcome.json();
    let plugins = report["requests"][0]["plugins"].as_array().unwrap();
    plugins.last().unwrap().clone()
}

#[test]
fn plugins_of_a_proxy_run_in_their_order() {
    let arguments = [
        "--health",
        CLUSTERS,
        "--locality",
        "east/a",
        "-H",
        "x-user: alice",
        "http://orders/?beta=1",
    ];
    assert_shown("routes", &arguments);
    // What the client says is stripped by the first, and the second never sees it.
    let url = ["-H", "x-mse-tag: gray", "http://stock.shop/"];
    assert_eq!(routed(&url)["destination"], "v1");
    let alone = [&["--plugin", "route"], url.as_slice()].concat();
    assert_eq!(routed(&alone)["routers"][0]["value"], "gray");
}

#[test]
fn a_service_is_enough_of_a_request() {
    let arguments = ["--plugin", "route", "--service", "orders", "-X", "PUT"];
    let outcome = explain(&[arguments.as_slice(), &["--format", "json"]].concat());
    let request = &outcome.json()["requests"][0];
    assert_eq!(request["request"], "PUT http://orders.shop/");
    assert_eq!(request["plugins"][0]["service"], "orders");
    assert_eq!(request["plugins"][0]["health"], "health-stale");
}

#[test]
fn last_resorts_and_refusals_are_shown() {
    let tagged = ["--plugin", "route", "-H", "x-mse-tag: gray"];
    assert_shown(
        "last-resort",
        &[&tagged, ["--service", "stock"].as_slice()].concat(),
    );
    assert_shown("refused", &["--plugin", "route", "http://orders/admin"]);
    assert_shown("unknown-service", &["--plugin", "tag", "http://orders/"]);
}

#[test]
fn health_and_locality_count() {
    let near = |arguments: &[&str]| {
        let all = [&["--plugin", "route"], arguments, &["http://orders/"]].concat();
        routed(&all)["destination"].clone()
    };
    assert_eq!(near(&["--locality", "east/b"]), "v1-b");
    assert_eq!(near(&["--label", "zone=b"]), "v1-b");
    assert_eq!(near(&["--locality", "east/a"]), "v1-a");
    let gray = ["--locality", "east/a", "-H", "x-mse-tag: gray"];
    assert_eq!(near(&gray), "gray-a");
    let gray = [gray.as_slice(), &["--health", CLUSTERS]].concat();
    assert_eq!(near(&gray), "v1-a");
    let unhealthy = routed(&[&gray, ["--plugin", "route", "http://orders/"].as_slice()].concat());
    assert_eq!(unhealthy["unhealthy"], json!(["gray-a"]));
    let endpoints = &unhealthy["endpoints"];
    assert_eq!(endpoints["gray-a"], json!({"healthy": 0, "total": 2}));
    assert_eq!(endpoints["v1-a"], json!({"healthy": 1, "total": 2}));
}

#[test]
fn a_bare_document_is_explained_too() {
    let document = "services: [{name: orders, hosts: [orders], destinations: [{name: v1}]}]";
    let arguments = ["explain", "-c", "-", "--kind", "tag-route"];
    let outcome = meshlane_with_input(
        &[arguments.as_slice(), &["--service", "orders"]].concat(),
        document,
    );
    assert_eq!(outcome.errors, "");
    assert!(
        outcome.output.contains("set     x-meshlane-route: v1\n"),
        "{}",
        outcome.output
    );
    let health = ["--health", CLUSTERS, "http://orders/"];
    let outcome = meshlane_with_input(&[arguments.as_slice(), &health].concat(), document);
    assert_eq!(outcome.exit, Exit::Failed);
    assert!(outcome.errors.contains("no `health`"), "{}", outcome.errors);
}

#[test]
fn a_call_of_dubbo_is_bridged_for_all_plugins() {
    let call =
        "{authority: orders, dubbo: {interface: a.B, method: m, attachments: {user: alice}}}";
    let arguments = [
        "explain",
        "-c",
        CONFIG,
        "--request",
        "-",
        "--format",
        "json",
    ];
    let report = meshlane_with_input(&arguments, call).json();
    let request = &report["requests"][0];
    assert_eq!(request["bridgeNeeds"], r#"expose: {attachments: ["user"]}"#);
    assert_eq!(request["plugins"][1]["routers"][1]["value"], "gray");
}

#[test]
fn what_cannot_be_explained_is_said() {
    for (arguments, said) in [
        (
            vec!["--service", "oders"],
            "no service `oders` (did you mean `orders`?); there are: orders, stock, others",
        ),
        (vec!["--service", "others"], "no host without `*`"),
        (
            vec!["--service", "orders", "http://stock.shop/"],
            "GET http://stock.shop/ is for stock, not for `orders`",
        ),
        (
            vec!["--plugin", "tag", "--service", "orders"],
            "--service is for `tag-route`",
        ),
        (
            vec!["--plugin", "tag", "--health", CLUSTERS, "http://a/"],
            "--health is for `tag-route`",
        ),
        (
            vec!["--health", CONFIG, "http://orders/"],
            "routes.yaml: not an answer of `/clusters?format=json`",
        ),
        (vec!["--health", "nothing", "http://orders/"], "cannot read"),
        (
            vec!["--locality", "a/b/c/d", "http://orders/"],
            "REGION/ZONE/SUBZONE",
        ),
        (vec![], "give a request"),
    ] {
        let outcome = explain(&arguments);
        assert_eq!(outcome.exit, Exit::Failed, "{arguments:?}");
        assert!(
            outcome.errors.contains(said),
            "{arguments:?}: {}",
            outcome.errors
        );
    }
}
