use meshlane::documents::Kind;
use meshlane_decision_tables::tag_route::{Expect, Step};
use serde_json::{Value, json};

use super::{Explained, explain_tables};

#[test]
fn explain_routes_as_the_tables_say() {
    explain_tables(Kind::TagRoute, assert_case);
}

fn assert_case(explained: Explained<'_, Expect>) {
    let Explained {
        case: found,
        decided,
        name,
        ..
    } = explained;
    let expect = &found.expect;
    for (key, expected) in [
        ("service", json!(expect.service)),
        ("destination", json!(expect.destination)),
        ("reason", json!(expect.reason)),
        ("health", json!(expect.health)),
    ] {
        assert_eq!(decided[key], expected, "{name}: {key}");
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let routers = decided["routers"].as_array().unwrap().iter();
    let reached = routers.filter(|router| router["reason"] != "router-not-reached");
    let steps: Vec<_> = reached
        .map(|router| Step {
            router: text(&router["name"]).unwrap(),
            reason: text(&router["reason"]).unwrap(),
            value: text(&router["value"]),
            left: router["after"].as_array().unwrap().len(),
        })
        .collect();
    assert_eq!(steps, expect.steps, "{name}: steps");
}
