use meshlane::documents::Kind;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Explained, explain_tables};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    service: Value,
    destination: Value,
    reason: Value,
    health: Value,
    steps: Vec<Value>,
}

#[test]
fn explain_routes_as_the_tables_say() {
    explain_tables(Kind::TagRoute, assert_case);
}

fn assert_case(explained: Explained<'_, Expected>) {
    let Explained {
        case: found,
        decided,
        name,
        ..
    } = explained;
    let expect = &found.expect;
    for (key, expected) in [
        ("service", &expect.service),
        ("destination", &expect.destination),
        ("reason", &expect.reason),
        ("health", &expect.health),
    ] {
        assert_eq!(&decided[key], expected, "{name}: {key}");
    }
    let routers = decided["routers"].as_array().unwrap().iter();
    let reached = routers.filter(|router| router["reason"] != "router-not-reached");
    let steps: Vec<_> = reached
        .map(|router| {
            json!({
                "router": router["name"],
                "reason": router["reason"],
                "value": router["value"],
                "left": router["after"].as_array().unwrap().len(),
            })
        })
        .collect();
    assert_eq!(steps, expect.steps, "{name}: steps");
}
