//! `explain` of `rate-limit`: keys, bursts, queues, refusals.

use expect_test::expect_file;
use meshlane::command::Exit;
use serde_json::{Value, json};

use crate::{Outcome, meshlane, meshlane_with_input};

const CONFIG: &str = "tests/explain/limits.yaml";
const BURST: &str = "tests/explain/burst.yaml";

/// Explains the requests on standard input for programs.
const FROM_INPUT: [&str; 9] = [
    "explain",
    "-c",
    CONFIG,
    "--plugin",
    "limits",
    "--request",
    "-",
    "--format",
    "json",
];

fn explain(arguments: &[&str]) -> Outcome {
    let inbound = ["explain", "-c", CONFIG, "--direction", "inbound"];
    meshlane(&[inbound.as_slice(), arguments].concat())
}

fn assert_shown(name: &str, arguments: &[&str]) {
    let outcome = explain(arguments);
    assert_eq!(outcome.errors, "");
    assert_eq!(outcome.exit, Exit::Fine);
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/explain");
    expect_file![format!("{directory}/{name}.expected")].assert_eq(&outcome.output);
}

/// What the last plugin says of each request.
fn limited(arguments: &[&str]) -> Vec<Value> {
    let outcome = explain(&[arguments, &["--format", "json"]].concat());
    assert_eq!(outcome.errors, "", "{arguments:?}");
    let report = outcome.json();
    let requests = report["requests"].as_array().unwrap().iter();
    let last = requests.map(|request| request["plugins"].as_array().unwrap().last().unwrap());
    last.cloned().collect()
}

/// What a limit says of each request.
fn reasons(explained: &[Value], limit: &str) -> Vec<String> {
    let of = |explanation: &Value| {
        let mut limits = explanation["limits"].as_array().unwrap().iter();
        let limit = limits.find(|known| known["name"] == limit).unwrap();
        limit["reason"].as_str().unwrap().to_owned()
    };
    explained.iter().map(of).collect()
}

#[test]
fn requests_of_a_file_are_counted_together() {
    assert_shown("burst", &["--plugin", "limits", "--request", BURST]);
    let burst = limited(&["--plugin", "limits", "--request", BURST]);
    assert_eq!(
        reasons(&burst, "users"),
        [
            "limit-allowed",
            "limit-allowed",
            "limit-over",
            "limit-allowed",
            "limit-unlimited",
            "limit-key-absent",
        ]
    );
    // Each run begins with a proxy that has had no request.
    assert_eq!(burst, limited(&["--plugin", "limits", "--request", BURST]));
}

#[test]
fn those_that_wait_are_counted_until_it_is_their_turn() {
    let queue = limited(&[
        "--plugin",
        "limits",
        "--request",
        "tests/explain/queue.yaml",
    ]);
    assert_eq!(
        reasons(&queue, "imports"),
        [
            "limit-allowed",
            "limit-queued",
            "limit-queued",
            "limit-queue-full",
            "limit-queued",
        ]
    );
    let waits: Vec<_> = queue
        .iter()
        .map(|request| request["wait"].clone())
        .collect();
    assert_eq!(json!(waits), json!([0.0, 0.1, 0.2, 0.0, 0.05]));
}

#[test]
fn requests_without_a_time_come_at_once() {
    let request = "{authority: orders, path: /import, headers: [], jwt: {role: batch}}";
    let requests = format!("[{request}, {request}]");
    let report = meshlane_with_input(&FROM_INPUT, requests).json();
    let wait = |at: usize| report["requests"][at]["plugins"][0]["wait"].clone();
    assert_eq!((wait(0), wait(1)), (json!(0.0), json!(0.1)));
}

#[test]
fn limits_come_behind_lanes() {
    let tagged = ["-H", "x-mse-tag: gray", "-H", "x-user: bob"];
    let half = ["--label", "lane=gray", "http://orders/half"];
    assert_shown("limited-lane", &[tagged.as_slice(), &half].concat());
    let refused = limited(&["--label", "lane=gray", "http://orders/half"]);
    assert_eq!(refused[0]["kind"], "gray-release", "it goes no further");
}

#[test]
fn a_rate_limit_service_is_not_asked() {
    let everywhere = ["-H", "x-user: alice", "http://orders/everywhere"];
    let arguments = ["--plugin", "limits"];
    let arguments = [arguments.as_slice(), &everywhere].concat();
    let explained = limited(&arguments);
    assert_eq!(reasons(&explained, "everywhere"), ["limit-asked"]);
    assert_eq!(explained[0]["refused"], json!(null));
    let output = explain(&arguments).output;
    let said = "\n              it is not asked here: what it says is not known\n    key       header.x-user = alice\n";
    assert!(output.contains(said), "{output}");
}

/// A half of those over the limit: chance decides, and is told.
#[test]
fn a_share_of_those_over_a_limit_is_refused() {
    let requests = "[&a {authority: orders, path: /half, headers: [], time: 1800000000}, *a]";
    for (random, reason, status) in [
        ("00", "limit-over", json!(503)),
        ("ff", "limit-not-enforced", json!(null)),
    ] {
        let random = random.repeat(16);
        let arguments = [FROM_INPUT.as_slice(), &["--random", &random]].concat();
        let report = meshlane_with_input(&arguments, requests).json();
        let second = &report["requests"][1];
        assert_eq!(second["random"], json!(random));
        let plugin = &second["plugins"][0];
        assert_eq!(plugin["refused"], status);
        assert_eq!(reasons(std::slice::from_ref(plugin), "half"), [reason]);
    }
}

#[test]
fn a_bare_document_is_explained_and_checked_too() {
    let document = "limits: [{name: all, key: [source.ip], tokenBucket: {requests: 1}}]";
    let kind = ["--kind", "rate-limit"];
    let checked = meshlane_with_input(&[&["check", "-"], kind.as_slice()].concat(), document);
    assert_eq!(checked.exit, Exit::Fine, "{}", checked.output);
    let arguments = [
        "explain",
        "-c",
        "-",
        "--source-ip",
        "203.0.113.7",
        "http://a/",
    ];
    let outcome = meshlane_with_input(&[arguments.as_slice(), &kind].concat(), document);
    assert_eq!(outcome.errors, "");
    let key = "key       source.ip = 203.0.113.7\n";
    assert!(outcome.output.contains(key), "{}", outcome.output);
}

#[test]
fn a_call_of_dubbo_has_its_key() {
    let call = "{dubbo: {interface: a.B, method: m, attachments: {user: alice}}}";
    let config = "tests/explain/limits-dubbo.yaml";
    let outcome = meshlane_with_input(&["explain", "-c", config, "--request", "-"], call);
    assert_eq!(outcome.errors, "");
    let key = "key       dubbo.method = m, dubbo.attachment.user = alice\n";
    assert!(outcome.output.contains(key), "{}", outcome.output);
    let needs = r#"if the filter `dubbo` has expose: {attachments: ["user"]}"#;
    assert!(outcome.output.contains(needs), "{}", outcome.output);
}
