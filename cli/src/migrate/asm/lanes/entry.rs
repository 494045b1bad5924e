//! Who enters a lane.

use meshlane_conditions::config::Condition;
use meshlane_diagnostics::Place;
use serde_json::{Map, Value, json};

use super::source::{GroupSpec, LaneSpec, RequestMatch, StringMatch};
use crate::migrate::condition::{all, exact, prefix, regex, violations};
use crate::migrate::document::pruned;
use crate::migrate::report::Report;

/// The entries of a lane. `share` is how much of the requests the lanes before it have.
pub(super) fn entries(
    group_name: &str,
    group: &GroupSpec,
    lane: &LaneSpec,
    share: &mut f64,
    report: &mut Report,
) -> Vec<Value> {
    let root = Place::root();
    let spec = root.key("spec");
    let mut entries = Vec::new();
    let place = spec.key("ingressRules");
    let is_weighted = group.is_weighted();
    if is_weighted && !lane.ingress_rules.is_empty() {
        report.changed(
            &place,
            "the group goes by weights, not by rules",
            "they are left out",
        );
    }
    for (index, rule) in lane.ingress_rules.iter().enumerate() {
        if is_weighted {
            break;
        }
        let place = place.index(index);
        let none = RequestMatch::default();
        let matched = rule.matches.as_ref().unwrap_or(&none);
        let Some(mut entry) = requests(&rule.hosts, matched, &place.key("match"), report) else {
            continue;
        };
        if let Some(name) = &rule.name {
            let name = crate::migrate::name::identifier(name);
            entry.insert("name".to_owned(), json!(name));
        }
        if rule.online == Some(false) {
            entry.insert("enabled".to_owned(), json!(false));
        }
        entries.push(Value::Object(entry));
    }
    let Some(weight) = &lane.ingress_weight else {
        return entries;
    };
    let place = spec.key("ingressWeight");
    if !is_weighted {
        report.changed(
            &place,
            "the group goes by rules, not by weights",
            "it is left out",
        );
        return entries;
    }
    *share += weight.weight;
    if weight.weight < 0.0 || *share > 100.0 {
        report.wrong(
            &place.key("weight"),
            "a weight is from 0 to 100, and so is their sum",
        );
        return entries;
    }
    report.changed(
        &place,
        "each request is drawn anew in ASM",
        "a browser stays where it is, by a cookie; shares of clients without cookies go by another attribute. Choose a `salt` that clients do not know",
    );
    let hosts = group.weighted().map(|rule| rule.hosts.as_slice());
    let hosts = hosts.unwrap_or_default();
    let none = [RequestMatch::default()];
    let matches = group.weighted().map(|rule| rule.request_matches.as_slice());
    let matches = matches
        .filter(|matches| !matches.is_empty())
        .unwrap_or(&none);
    // Shares of one salt lie one above the other: who is in that of a lane before is in this one too, and enters the former.
    let by = json!({ "stickyCookie": { "name": "meshlane-lane" } });
    let share = json!({ "by": by, "salt": format!("asm-{group_name}"), "percent": *share });
    for matched in matches {
        if let Some(mut entry) = requests(hosts, matched, &place, report) {
            entry.insert("share".to_owned(), share.clone());
            entries.push(Value::Object(entry));
        }
    }
    entries
}

/// The requests that hosts, a path and headers stand for.
fn requests(
    hosts: &[String],
    matched: &RequestMatch,
    place: &Place<'_>,
    report: &mut Report,
) -> Option<Map<String, Value>> {
    let mut entry = Map::new();
    if !hosts.is_empty() && !hosts.iter().any(|host| host == "*") {
        entry.insert("hosts".to_owned(), json!(hosts));
    }
    let mut conditions = Vec::new();
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    if let Some(uri) = &matched.uri {
        if let Some(path) = given(&uri.exact) {
            entry.insert("paths".to_owned(), json!([{ "exact": path }]));
        } else if let Some(path) = given(&uri.prefix) {
            entry.insert("paths".to_owned(), json!([{ "prefix": path }]));
        } else if let Some(pattern) = given(&uri.regex) {
            conditions.push(checked(regex("path", pattern), &place.key("uri"), report)?);
        }
    }
    for (name, expected) in &matched.headers {
        let headers = place.key("headers");
        if let Some(condition) = header(name, expected) {
            conditions.push(checked(condition, &headers.key(name), report)?);
        }
    }
    if let Some(when) = all(conditions) {
        entry.insert("when".to_owned(), pruned(json!(when)));
    }
    Some(entry)
}

fn header(name: &str, expected: &StringMatch) -> Option<Condition> {
    let attribute = format!("header.{}", name.to_ascii_lowercase());
    let StringMatch {
        exact: word,
        prefix: start,
        regex: pattern,
    } = expected;
    if let Some(word) = word {
        Some(exact(attribute, word))
    } else if let Some(start) = start {
        Some(prefix(attribute, start))
    } else {
        pattern.as_ref().map(|pattern| regex(attribute, pattern))
    }
}

/// The condition, where a filter accepts it.
fn checked(condition: Condition, place: &Place<'_>, report: &mut Report) -> Option<Condition> {
    let Some(problem) = violations(&condition) else {
        return Some(condition);
    };
    report.lost(
        place,
        format!("a filter does not accept this: {problem}"),
        "the entry is left out; write the condition in another way",
    );
    None
}
