//! `explain`: requests by flags, from HAR files and request files.

use expect_test::expect_file;
use meshlane::command::Exit;
use serde_json::json;

use crate::meshlane;

const CONFIG: &str = "tests/explain/shop.yaml";

fn expected(name: &str) -> expect_test::ExpectFile {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/explain");
    expect_file![format!("{directory}/{name}")]
}

#[test]
fn explains_for_people() {
    let outcome = meshlane(&[
        "explain",
        "-c",
        CONFIG,
        "--plugin",
        "edge",
        "-H",
        "x-user: alice",
        "-H",
        "x-mse-tag: mine",
        "-H",
        "baggage: a=1,mse-tag=mine",
        "-H",
        "x-meshlane-route: forged",
        "--cookie",
        "uid=b7",
        "--jwt-claim",
        "sub=u1",
        "https://shop.example/cart?beta=2",
    ]);
    assert_eq!(outcome.errors, "");
    assert_eq!(outcome.exit, Exit::Fine);
    expected("alice.expected").assert_eq(&outcome.output);
}

#[test]
fn explains_a_dubbo_call() {
    let outcome = meshlane(&[
        "explain",
        "-c",
        "tests/explain/dubbo.yaml",
        "--request",
        "tests/explain/call.yaml",
    ]);
    assert_eq!(outcome.errors, "");
    assert_eq!(outcome.exit, Exit::Fine);
    expected("dubbo.expected").assert_eq(&outcome.output);
}

#[test]
fn explains_chance() {
    let outcome = meshlane(&[
        "explain",
        "-c",
        CONFIG,
        "--plugin",
        "edge",
        "--random",
        "000102030405060708090a0b0c0d0e0f",
        "http://shop.example/",
    ]);
    expected("chance.expected").assert_eq(&outcome.output);
}

#[test]
fn explains_for_programs() {
    let outcome = meshlane(&[
        "explain",
        "-c",
        CONFIG,
        "--plugin",
        "edge",
        "--format",
        "json",
        "--random",
        "000102030405060708090a0b0c0d0e0f",
        "http://shop.example/",
    ]);
    let report = outcome.json();
    assert_eq!(report["proxy"], "gateway");
    let request = &report["requests"][0];
    assert_eq!(request["request"], "GET http://shop.example/");
    assert_eq!(request["random"], "000102030405060708090a0b0c0d0e0f");
    let plugin = &request["plugins"][0];
    assert_eq!(plugin["plugin"], "WasmPlugin demo/edge");
    assert_eq!(plugin["kind"], "traffic-tag");
    let tag = &plugin["tags"][0];
    assert_eq!(tag["name"], "x-mse-tag");
    assert_eq!(tag["rules"][0]["condition"]["truth"], "unknown");
}

#[test]
fn without_random_bytes_fresh_ones_are_taken_and_told() {
    let random = || {
        let outcome = meshlane(&[
            "explain",
            "-c",
            CONFIG,
            "--plugin",
            "edge",
            "--format",
            "json",
            "http://a/",
        ]);
        outcome.json()["requests"][0]["random"].clone()
    };
    assert_ne!(random(), random());
}

#[test]
fn the_workload_is_as_the_document_or_the_flags_say() {
    let tag = |extra: &[&str]| {
        let mut arguments = vec![
            "explain", "-c", CONFIG, "--plugin", "inner", "--format", "json",
        ];
        arguments.extend(extra);
        arguments.push("http://shop.example/");
        let report = meshlane(&arguments).json();
        report["requests"][0]["plugins"][0]["tags"][0]["value"].clone()
    };
    assert_eq!(tag(&[]), json!("shop-in-demo"));
    assert_eq!(tag(&["--label", "app=cart"]), json!("other"));
    assert_eq!(tag(&["--namespace", "prod"]), json!("other"));
}

#[test]
fn filters_of_a_bootstrap_are_explained_with_its_node() {
    for (plugin, value) in [("first", "shop"), ("second", "demo")] {
        let report = meshlane(&[
            "explain",
            "-c",
            "tests/explain/bootstrap.yaml",
            "--plugin",
            plugin,
            "--format",
            "json",
            "http://shop.example/",
        ])
        .json();
        assert_eq!(report["proxy"], "sidecar");
        assert_eq!(
            report["requests"][0]["plugins"][0]["tags"][0]["value"],
            value
        );
    }
}

#[test]
fn the_proxy_decides_what_happens_to_incoming_tags() {
    for (proxy, incoming) in [
        ("gateway", "incoming-stripped"),
        ("sidecar", "incoming-kept"),
    ] {
        let report = meshlane(&[
            "explain",
            "-c",
            CONFIG,
            "--plugin",
            "inner",
            "--format",
            "json",
            "--proxy",
            proxy,
            "-H",
            "x-inner: a",
            "http://shop.example/",
        ])
        .json();
        assert_eq!(
            report["requests"][0]["plugins"][0]["tags"][0]["incoming"],
            incoming
        );
    }
}

#[test]
fn every_request_of_a_har_file_is_explained() {
    let outcome = meshlane(&[
        "explain",
        "-c",
        CONFIG,
        "--plugin",
        "edge",
        "--har",
        "tests/explain/shop.har",
        "--random",
        "ffffffffffffffffffffffffffffffff",
    ]);
    assert_eq!(outcome.errors, "");
    expected("har.expected").assert_eq(&outcome.output);
}

#[test]
fn requests_come_from_files_too() {
    for file in ["tests/explain/requests.yaml", "tests/explain/request.json"] {
        let report = meshlane(&[
            "explain",
            "-c",
            CONFIG,
            "--plugin",
            "edge",
            "--format",
            "json",
            "--request",
            file,
        ])
        .json();
        for request in report["requests"].as_array().unwrap() {
            assert_eq!(
                request["plugins"][0]["tags"][0]["value"], "gray",
                "{file}: {request}"
            );
        }
    }
}

#[test]
fn grpc_requests_have_a_service_and_a_method() {
    let report = meshlane(&[
        "explain",
        "-c",
        CONFIG,
        "--plugin",
        "edge",
        "--format",
        "json",
        "--grpc",
        "http://shop.example/shop.v1.Cart/Get",
    ])
    .json();
    let request = &report["requests"][0];
    assert_eq!(
        request["request"],
        "POST http://shop.example/shop.v1.Cart/Get"
    );
    assert_eq!(request["plugins"][0]["tags"][0]["rule"], "grpc");
}

#[test]
fn what_cannot_be_explained_is_said() {
    for (arguments, exit, said) in [
        (
            vec!["-c", CONFIG, "http://a/"],
            Exit::Failed,
            "several proxies or listeners, choose one with --plugin: edge, inner",
        ),
        (
            vec!["-c", CONFIG, "--plugin", "egde", "http://a/"],
            Exit::Failed,
            "no plugin `egde`",
        ),
        (
            vec!["-c", CONFIG, "--plugin", "edge"],
            Exit::Failed,
            "give a request",
        ),
        (
            vec!["-c", CONFIG, "--plugin", "edge", "/cart"],
            Exit::Failed,
            "names no host",
        ),
        (
            vec!["-c", CONFIG, "--plugin", "edge", "--jwt", "[]", "http://a/"],
            Exit::Failed,
            "JSON object",
        ),
        (
            vec![
                "-c",
                CONFIG,
                "--plugin",
                "edge",
                "--random",
                "00",
                "http://a/",
            ],
            Exit::Failed,
            "16 bytes",
        ),
        (
            vec!["-c", CONFIG, "--plugin", "edge", "--har", CONFIG],
            Exit::Failed,
            "not a HAR file",
        ),
        (
            vec!["-c", CONFIG, "--plugin", "edge", "--request", CONFIG],
            Exit::Failed,
            "not a request",
        ),
        (
            vec!["-c", "no-such-file", "http://a/"],
            Exit::Failed,
            "cannot read",
        ),
        (
            vec!["-c", "tests/explain/others.yaml", "http://a/"],
            Exit::Failed,
            "no configuration",
        ),
        (
            vec!["-c", "tests/check/yaml-tab.yaml", "http://a/"],
            Exit::Failed,
            "not YAML",
        ),
        (
            vec!["-c", "tests/check/bootstrap-json-syntax.yaml", "http://a/"],
            Exit::Wrong,
            "not JSON",
        ),
        (
            vec!["-c", "tests/check/structure-keys.yaml", "http://a/"],
            Exit::Wrong,
            "unknown key `nam`",
        ),
    ] {
        let mut all = vec!["explain"];
        all.extend(&arguments);
        let outcome = meshlane(&all);
        assert_eq!(outcome.exit, exit, "{arguments:?}");
        let text = outcome.output + &outcome.errors;
        assert!(text.contains(said), "{arguments:?}: {text}");
    }
}
