//! The decision tables of `testdata/`, decided by `explain`.

use std::collections::BTreeMap;

use meshlane::command::Exit;
use meshlane::explain::{HeaderText, Request, explain};
use meshlane_attributes::{ProxyKind, Workload};
use meshlane_traffic_tag::Policy;
use serde::Deserialize;
use serde_json::Value;

use crate::{files, meshlane_with_input, workspace};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Table {
    name: String,
    #[serde(default)]
    proxy: Proxy,
    config: Value,
    cases: Vec<Case>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Proxy {
    id: String,
    labels: BTreeMap<String, String>,
    namespace: Option<String>,
    /// Of the listener, for those who play the table on a proxy.
    #[serde(rename = "direction")]
    _direction: Option<String>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    request: Request,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expected {
    tags: Vec<Value>,
    headers: BTreeMap<String, Option<HeaderText>>,
    /// How the only cookie begins; nothing when there must be none.
    set_cookie: Option<String>,
}

#[test]
fn explain_decides_as_the_tables_say() {
    let mut cases = 0;
    for path in files(&workspace().join("testdata/traffic-tag"), &["json"]) {
        let text = std::fs::read_to_string(&path).unwrap();
        let table: Table = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let workload = workload(&table.proxy);
        let policy = Policy::parse(table.config.to_string().as_bytes(), workload.proxy)
            .unwrap_or_else(|violations| panic!("{}: {violations}", table.name));
        assert_checked(&table);
        for case in &table.cases {
            assert_case(
                &policy,
                &workload,
                case,
                &format!("{}: {}", table.name, case.name),
            );
            cases += 1;
        }
    }
    assert!(cases > 0, "there are no decision tables");
}

/// What the filter accepts, `check` accepts.
fn assert_checked(table: &Table) {
    if table.config.is_null() {
        return;
    }
    let proxy = match table.proxy.id.split_once('~') {
        Some(("router", _)) => "gateway",
        Some((kind, _)) => kind,
        None => "bare",
    };
    let config = table.config.to_string();
    let outcome = meshlane_with_input(&["check", "--proxy", proxy, "-"], &config);
    assert_eq!(
        outcome.exit,
        Exit::Fine,
        "{}: {}",
        table.name,
        outcome.output
    );
}

fn workload(proxy: &Proxy) -> Workload {
    Workload {
        proxy: ProxyKind::from_node_id(&proxy.id),
        namespace: proxy.namespace.clone(),
        labels: proxy.labels.clone(),
        ..Workload::default()
    }
}

fn assert_case(policy: &Policy, workload: &Workload, case: &Case, name: &str) {
    let random = case.request.random_bytes().unwrap().unwrap_or_default();
    let explained = explain(policy, &case.request, workload, random);
    let explained = serde_json::to_value(&explained).unwrap();

    let tags = explained["tags"].as_array().unwrap();
    assert_eq!(tags.len(), case.expect.tags.len(), "{name}");
    for (tag, expected) in tags.iter().zip(&case.expect.tags) {
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&tag[key], value, "{name}: {key} of {}", tag["name"]);
        }
    }

    for (header, expected) in &case.expect.headers {
        assert_eq!(
            upstream(&explained, policy, &case.request, header),
            expected.as_ref().map(ToString::to_string),
            "{name}: header {header}"
        );
    }

    let cookies = explained["setCookies"].as_array().unwrap();
    match (&case.expect.set_cookie, cookies.as_slice()) {
        (None, []) => {}
        (Some(beginning), [cookie]) if cookie.as_str().unwrap().starts_with(beginning) => {}
        (expected, _) => panic!("{name}: expected {expected:?}, found {cookies:?}"),
    }
}

/// What the upstream sees for a header: what is written, otherwise what came.
fn upstream(explained: &Value, policy: &Policy, request: &Request, header: &str) -> Option<String> {
    let writes = explained["headers"].as_array().unwrap();
    if let Some(write) = writes.iter().find(|write| write["name"] == header) {
        return write["value"].as_str().map(str::to_owned);
    }
    let removed = explained["reservedHeadersRemoved"].as_array().unwrap();
    if removed.iter().any(|name| name == header) {
        return None;
    }
    let (facts, _) = request.facts(policy);
    let bytes = facts.headers.joined(header)?.into_owned();
    Some(HeaderText::from(bytes).to_string())
}
