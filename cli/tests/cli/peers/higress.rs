//! Configurations of Higress's traffic-tag, beside the plugin itself.

use std::collections::{BTreeMap, BTreeSet};

use meshlane_attributes::{ProxyKind, RequestFacts, StaticFacts, Workload};
use meshlane_traffic_tag::Policy;
use serde::Deserialize;
use serde_json::Value;

use super::{Random, is_kept, lines, migrated};

/// A configuration, and what the plugin did with requests.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    config: Value,
    requests: Vec<Request>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    headers: Vec<(String, String)>,
    /// The headers of tags; all that may be, where they are drawn.
    tags: BTreeSet<BTreeMap<String, String>>,
}

#[test]
fn configurations_decide_as_the_plugin_does() {
    let mut wrong = Vec::new();
    let (mut configurations, mut requests, mut tagged) = (0, 0, 0);
    for (number, recorded) in lines::<Recorded>("higress.jsonl").into_iter().enumerate() {
        let migration = migrated("config.json", &recorded.config.to_string(), None);
        assert!(is_kept(&migration), "{}", recorded.config);
        configurations += 1;
        let document = migration.documents.first();
        let policy = document.map(|document| {
            let config = document.config.to_string();
            let policy = Policy::parse(config.as_bytes(), ProxyKind::Gateway);
            policy.unwrap_or_else(|violations| panic!("{violations}\n{config}"))
        });
        for request in &recorded.requests {
            requests += 1;
            tagged += usize::from(request.tags.iter().any(|tags| !tags.is_empty()));
            let found = tags(policy.as_ref(), request);
            if found != request.tags {
                wrong.push(format!(
                    "line {}: {:?}\nthe plugin {:?}\nours {found:?}\n{}",
                    number + 1,
                    request.headers,
                    request.tags,
                    recorded.config
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ, the first ones:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(5)].join("\n")
    );
    println!("{configurations} configurations, {requests} requests, {tagged} with tags");
    assert!(configurations == 400 && requests == 4_000 && tagged > 2_000);
}

/// The tags of a request; all that may be.
fn tags(policy: Option<&Policy>, request: &Request) -> BTreeSet<BTreeMap<String, String>> {
    let headers = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let facts = StaticFacts::with_headers(headers);
    let workload = Workload {
        proxy: ProxyKind::Gateway,
        ..Workload::default()
    };
    let mut random = Random::new();
    let mut draw = || {
        let mut tags = BTreeMap::new();
        for name in ["x-mse-tag", "x-lane"] {
            let own = facts.headers().joined(name);
            tags.extend(
                own.map(|own| (name.to_owned(), String::from_utf8_lossy(&own).into_owned())),
            );
        }
        let Some(policy) = policy else {
            return tags;
        };
        let decision = policy.decide(&facts, &workload, &mut || random.bytes());
        for (tag, decided) in policy.tags().iter().zip(&decision.tags) {
            tags.remove(tag.name());
            let value = decided.value.as_ref();
            tags.extend(value.map(|value| (tag.name().to_owned(), value.as_str().to_owned())));
        }
        tags
    };
    let draws = if request.tags.len() > 1 { 200 } else { 16 };
    (0..draws).map(|_| draw()).collect()
}
