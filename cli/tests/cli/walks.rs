//! `explain --lane-group`: the way of a request through the services of lane groups.

use expect_test::expect_file;
use meshlane::command::Exit;
use serde_json::{Value, json};

use crate::{Outcome, meshlane, meshlane_with_input};

const GROUP: &str = "tests/explain/lane-groups.yaml";
const CALLS: &str = "web,order,stock,price,audit";

fn walk(arguments: &[&str]) -> Outcome {
    let random = ["--random", "00000000000000000000000000000000"];
    meshlane(&[&["explain", "--lane-group", GROUP], arguments, &random].concat())
}

/// A request of a user through all services.
fn user<'a>(header: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["--calls", CALLS, "-H", header], more].concat()
}

fn assert_shown(name: &str, outcome: &Outcome) {
    assert_eq!(outcome.errors, "");
    assert_eq!(outcome.exit, Exit::Fine);
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/explain");
    expect_file![format!("{directory}/{name}.expected")].assert_eq(&outcome.output);
}

/// The destinations of a request, and who refused it.
fn way(outcome: &Outcome) -> Vec<Value> {
    assert_eq!(outcome.errors, "");
    let requests = outcome.json()["requests"].take();
    let requests = requests.as_array().unwrap().iter();
    requests
        .map(|walk| {
            let hops = walk["hops"].as_array().unwrap().iter();
            let destinations: Vec<_> = hops.clone().map(|hop| &hop["destination"]).collect();
            let refused = hops.last().map(|hop| &hop["refused"]["reason"]);
            json!([destinations, refused])
        })
        .collect()
}

/// The way of a request as JSON tells it.
fn way_of(arguments: &[&str]) -> Vec<Value> {
    way(&walk(&[arguments, &["--format", "json"]].concat()))
}

#[test]
fn every_step_is_shown() {
    let gray = user("x-user: alice", &["https://shop.example/cart"]);
    assert_shown("walk-gray", &walk(&gray));
    assert_shown("walk-base", &walk(&user("x-mse-tag: gray", &[])));
}

#[test]
fn a_refusal_ends_the_way() {
    assert_shown("walk-refused", &walk(&user("x-user: robot", &[])));
}

#[test]
fn health_is_as_envoy_says() {
    let health = ["--health", "tests/explain/lane-clusters.json"];
    assert_shown("walk-health", &walk(&user("x-user: alice", &health)));
}

#[test]
fn chance_can_be_given_again() {
    let outcome = walk(&["--calls", "web", "http://web/beta/x"]);
    assert_shown("walk-chance", &outcome);
}

#[test]
fn programs_get_everything() {
    let arguments = user("x-user: alice", &["-H", "x-meshlane-route: x"]);
    let outcome = walk(&[arguments.as_slice(), &["--format", "json"]].concat());
    let walked = outcome.json()["requests"][0].take();
    assert_eq!(walked["request"], "GET http://web/");
    assert_eq!(walked["random"], Value::Null);
    let reserved = json!(["x-meshlane-route"]);
    assert_eq!(walked["reservedHeadersRemoved"], reserved);
    assert_eq!(walked["entry"][0]["rule"], "gray/testers");
    let hop = &walked["hops"][1];
    assert_eq!(hop["service"], "order");
    assert_eq!(hop["destination"], "base");
    assert_eq!(hop["route"]["reason"], "route-fell-back");
    let sent = json!({"value": "gray", "reason": "carried-by-correlation", "lane": "lane-own"});
    assert_eq!(hop["tags"][0]["sent"], sent);
}

/// All of them in the time that they say, and with what they say of the client.
#[test]
fn requests_come_from_files_too() {
    let requests = "
        - {time: 1798761600}
        - {time: 1798783201}
        - {time: 1798783201, jwt: {sub: u1}}
        - {time: 1798783201, authority: web, headers: [[x-user, alice]]}";
    let arguments = ["explain", "--lane-group", GROUP, "--calls", "web,order"];
    let options = ["--request", "-", "--format", "json"];
    let outcome = meshlane_with_input(&[arguments.as_slice(), &options].concat(), requests);
    let (gray, base) = (json!(["gray", "base"]), json!(["base", "base"]));
    let expected = [&gray, &base, &gray, &gray].map(|way| json!([way, null]));
    assert_eq!(way(&outcome), expected);
}

/// What a tag of Dubbo calls needs of the bridge in front.
#[test]
fn a_call_of_dubbo_comes_through_the_bridge() {
    let group = "
        {apiVersion: meshlane.dev/v1alpha1, kind: LaneGroup, metadata: {name: shop}, spec: {
          services: [{name: order, hosts: [order]}],
          lanes: [{name: gray, entry: [{when: {attribute: dubbo.attachment.user, exact: alice}}]}]}}
        ";
    let arguments = ["explain", "--lane-group", "-", "--calls", "order"];
    let request = ["--request", "tests/explain/lane-groups-call.yaml"];
    let options = ["--format", "json"];
    let all = [arguments.as_slice(), &request, &options].concat();
    let outcome = meshlane_with_input(&all, group);
    assert_eq!(way(&outcome), [json!([["gray"], null])]);
    let walked = outcome.json()["requests"][0].take();
    assert_eq!(walked["request"], "Dubbo call a.B.m");
    let needs = r#"expose: {attachments: ["user"]}"#;
    assert_eq!(walked["bridgeNeeds"], needs);
}

#[test]
fn groups_are_taken_together() {
    let more = "
        {apiVersion: meshlane.dev/v1alpha1, kind: LaneGroup, metadata: {name: more}, spec: {
          tag: x-more, label: more,
          services: [{name: find, hosts: [find], clusters: {base: find, canary: find-canary}}],
          lanes: [{name: canary, entry: [{users: {attribute: header.x-user, in: [alice]}}]}]}}
        ";
    let groups = ["explain", "--lane-group", GROUP, "--lane-group", "-"];
    let request = ["--calls", "web,find,order,find", "-H", "x-user: alice"];
    let format = ["--format", "json"];
    let all = [groups.as_slice(), &request, &format].concat();
    let expected = json!([["gray", "canary", "base", "canary"], null]);
    assert_eq!(way(&meshlane_with_input(&all, more)), [expected]);
}

#[test]
fn a_strict_lane_is_no_prison_inside() {
    let robot = ["--calls", "web,order,web", "-H", "x-user: robot"];
    let expected = json!([["load", "load", "load"], null]);
    assert_eq!(way_of(&robot), [expected]);
}

#[test]
fn a_wrong_group_is_shown_with_what_is_wrong() {
    let arguments = ["explain", "--lane-group", "tests/render/wrong-lanes.yaml"];
    let arguments = [arguments.as_slice(), &["--calls", "find"]].concat();
    let outcome = meshlane(&arguments);
    assert_eq!(outcome.exit, Exit::Wrong);
    assert!(outcome.output.contains("unknown service `fnd`"));
    let outcome = meshlane(&[arguments.as_slice(), &["--format", "json"]].concat());
    assert_eq!(outcome.exit, Exit::Wrong);
    assert_eq!(outcome.json()["errors"][0]["code"], "unknown-name");
}

#[test]
fn what_cannot_be_walked_is_said() {
    for (arguments, said) in [
        (
            vec!["--calls", "web,ordr"],
            "no service `ordr` (did you mean `order`?); there are: web, order",
        ),
        (vec!["--calls", "web,"], "no service ``"),
        (
            vec!["--calls", "audit"],
            "`audit` has no host without `*`, give a URL",
        ),
        (vec![], "--calls <SERVICES>"),
        (
            vec!["--calls", "web", "-c", GROUP],
            "'--lane-group <FILE>' cannot be used with '--config <FILE>'",
        ),
        (
            vec!["--calls", "web", "--label", "lane=gray"],
            "'--lane-group <FILE>' cannot be used with '--label <NAME=VALUE>'",
        ),
        (
            vec!["--calls", "web", "--health", "nothing.json"],
            "cannot read nothing.json",
        ),
        (
            vec!["--calls", "web", "--health", GROUP],
            "tests/explain/lane-groups.yaml: ",
        ),
    ] {
        let outcome = walk(&arguments);
        assert_eq!(outcome.exit, Exit::Failed, "{arguments:?}");
        assert!(
            outcome.errors.contains(said),
            "{arguments:?}: {}",
            outcome.errors
        );
    }
    let without = ["explain", "--lane-group", "tests/explain/shop.yaml"];
    let outcome = meshlane(&[without.as_slice(), &["--calls", "web"]].concat());
    assert_eq!(outcome.exit, Exit::Failed);
    assert!(outcome.errors.contains("no LaneGroup in"));
    let outcome = meshlane(&["explain", "-c", GROUP, "http://web/"]);
    assert!(outcome.errors.contains("give them with --lane-group"));
    let outcome = meshlane(&["explain", "--calls", "web", "http://web/"]);
    assert!(outcome.errors.contains("--lane-group <FILE>"));
    let without_health = "
        {apiVersion: meshlane.dev/v1alpha1, kind: LaneGroup, metadata: {name: a}, spec: {
          services: [{name: a, hosts: [a]}], lanes: [{name: gray}]}}
        ";
    let arguments = ["explain", "--lane-group", "-", "--calls", "a", "--health"];
    let arguments = [arguments.as_slice(), &["tests/explain/clusters.json"]].concat();
    let outcome = meshlane_with_input(&arguments, without_health);
    assert!(outcome.errors.contains("has no `health`"));
}
