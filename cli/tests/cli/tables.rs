//! The decision tables of `testdata/`, decided by `explain`.

mod gray_release;
mod tag_route;
mod traffic_tag;

use std::collections::BTreeMap;

use meshlane::command::Exit;
use meshlane::documents::Kind;
use meshlane::explain::{Deciding, HeaderText, Proxy, Request, explain};
use meshlane::policy::Policy;
use meshlane_decision_tables::HeaderValue;
use meshlane_gray_release::Remembered;
use meshlane_gray_release::config::Direction;
use meshlane_tag_route::{ClusterHealth, Snapshot};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{files, meshlane_with_input, workspace};

/// A table whose requests are read as those of a file of requests.
type Table<E> = meshlane_decision_tables::Table<E, Request>;

/// A case of it.
type Case<E> = meshlane_decision_tables::Case<E, Request>;

/// A case that was explained.
struct Explained<'t, E> {
    case: &'t Case<E>,
    proxy: &'t Proxy,
    /// What the plugin did.
    decided: Value,
    /// What to call the case.
    name: String,
}

/// Explains the cases of every table of a filter.
fn explain_tables<E: DeserializeOwned>(kind: Kind, assert: impl Fn(Explained<'_, E>)) {
    let folder = workspace().join("testdata").join(kind.as_str());
    let mut cases = 0;
    for path in files(&folder, &["json"]) {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let table = Table::<E>::parse(name, &text).unwrap_or_else(|error| panic!("{error}"));
        let mut proxy = proxy(&table, kind);
        assert_checked(&table, kind);
        for case in &table.cases {
            proxy.remembered = remembered(case, &proxy);
            let random = case.request.random_bytes().unwrap().unwrap_or_default();
            let explained = explain(&proxy, &case.request, random);
            let mut explained = serde_json::to_value(&explained).unwrap();
            assert(Explained {
                case,
                proxy: &proxy,
                decided: explained["plugins"][0].take(),
                name: format!("{}: {}", table.name, case.name),
            });
            cases += 1;
        }
    }
    assert!(
        cases > 0,
        "there are no decision tables of {}",
        kind.as_str()
    );
}

fn proxy<E: DeserializeOwned>(table: &Table<E>, kind: Kind) -> Proxy {
    let workload = table.proxy.workload();
    let policy = Policy::parse(kind, &table.document(), workload.proxy);
    let policy = policy.unwrap_or_else(|violations| panic!("{}: {violations}", table.name));
    Proxy {
        workload,
        clusters: table.health.as_ref().map(snapshot),
        plugins: vec![Deciding {
            plugin: table.name.clone(),
            policy: policy.unwrap(),
        }],
        direction: match table.proxy.direction.as_str() {
            "inbound" => Some(Direction::Inbound),
            "outbound" => Some(Direction::Outbound),
            _ => None,
        },
        ..Proxy::default()
    }
}

/// What the proxy remembers of the request that causes that of a case, when the case can be recognised by it. `explain` is told
/// this by whoever asks.
fn remembered<E>(case: &Case<E>, proxy: &Proxy) -> Option<Remembered> {
    let (cause, Policy::GrayRelease(policy)) = (case.cause.as_ref()?, &proxy.plugins[0].policy)
    else {
        return None;
    };
    let decide = |request: &Request| request.facts(policy.settings()).0;
    let decision = policy.inbound(&decide(cause), &proxy.workload);
    let mut is_known = false;
    policy.outbound(&decide(&case.request), &proxy.workload, &mut |key| {
        is_known |= decision.keys.contains(key);
        None
    });
    is_known.then(|| decision.remembered(policy))
}

/// What the filter accepts, `check` accepts.
fn assert_checked<E: DeserializeOwned>(table: &Table<E>, kind: Kind) {
    if table.config.is_null() {
        return;
    }
    let proxy = match table.proxy.id.split_once('~') {
        Some(("router", _)) => "gateway",
        Some((kind, _)) => kind,
        None => "bare",
    };
    let arguments = ["check", "--kind", kind.as_str(), "--proxy", proxy, "-"];
    let document = String::from_utf8(table.document()).unwrap();
    let outcome = meshlane_with_input(&arguments, document);
    assert_eq!(
        outcome.exit,
        Exit::Fine,
        "{}: {}",
        table.name,
        outcome.output
    );
}

fn snapshot(health: &BTreeMap<String, (u32, u32)>) -> Snapshot {
    let clusters = health.iter();
    let clusters = clusters.map(|(name, (healthy, total))| {
        let (healthy, total) = (*healthy, *total);
        (name.as_str(), ClusterHealth { healthy, total })
    });
    clusters.collect()
}

/// Compares what the upstream sees of some headers.
fn assert_headers<E>(
    explained: &Explained<'_, E>,
    headers: &BTreeMap<String, Option<HeaderValue>>,
) {
    for (header, expected) in headers {
        assert_eq!(
            upstream(explained, header),
            expected.as_ref().map(text),
            "{}: header {header}",
            explained.name
        );
    }
}

/// A header as people read it.
fn text(value: &HeaderValue) -> String {
    HeaderText::from(value.bytes().to_vec()).to_string()
}

/// What the upstream sees for a header: what is written, otherwise what came.
fn upstream<E>(explained: &Explained<'_, E>, header: &str) -> Option<String> {
    let Explained {
        case,
        proxy,
        decided,
        ..
    } = explained;
    let writes = decided["headers"].as_array().unwrap();
    if let Some(write) = writes.iter().find(|write| write["name"] == header) {
        return write["value"].as_str().map(str::to_owned);
    }
    let removed = decided["reservedHeadersRemoved"].as_array().unwrap();
    if removed.iter().any(|name| name == header) {
        return None;
    }
    let settings = proxy.plugins[0].policy.settings();
    let (facts, _) = case.request.facts(settings);
    let bytes = facts.headers.joined(header)?.into_owned();
    Some(HeaderText::from(bytes).to_string())
}
