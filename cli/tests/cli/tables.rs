//! The decision tables of `testdata/`, decided by `explain`.

mod tag_route;
mod traffic_tag;

use std::collections::BTreeMap;

use meshlane::command::Exit;
use meshlane::documents::Kind;
use meshlane::explain::{Deciding, Proxy, Request, explain};
use meshlane::policy::Policy;
use meshlane_attributes::{Locality, ProxyKind, Workload};
use meshlane_tag_route::{ClusterHealth, Snapshot};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{files, meshlane_with_input, workspace};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Table<E> {
    name: String,
    #[serde(default)]
    proxy: Identity,
    config: Value,
    /// What Envoy says of its clusters: healthy endpoints and all.
    health: Option<BTreeMap<String, (u32, u32)>>,
    cases: Vec<Case<E>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Identity {
    id: String,
    labels: BTreeMap<String, String>,
    namespace: Option<String>,
    locality: Place,
    /// Of the listener, for those who play the table on a proxy.
    #[serde(rename = "direction")]
    _direction: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Place {
    region: String,
    zone: String,
    sub_zone: String,
}

#[derive(Deserialize)]
struct Case<E> {
    name: String,
    request: Request,
    expect: E,
}

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
        let table: Table<E> = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let proxy = table.proxy(kind);
        table.assert_checked(kind);
        for case in &table.cases {
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

impl<E> Table<E> {
    fn proxy(&self, kind: Kind) -> Proxy {
        let workload = Workload {
            proxy: ProxyKind::from_node_id(&self.proxy.id),
            namespace: self.proxy.namespace.clone(),
            labels: self.proxy.labels.clone(),
            locality: Locality {
                region: self.proxy.locality.region.clone(),
                zone: self.proxy.locality.zone.clone(),
                sub_zone: self.proxy.locality.sub_zone.clone(),
            },
        };
        let policy = Policy::parse(kind, self.document().as_bytes(), workload.proxy);
        let policy = policy.unwrap_or_else(|violations| panic!("{}: {violations}", self.name));
        Proxy {
            workload,
            clusters: self.health.as_ref().map(snapshot),
            plugins: vec![Deciding {
                plugin: self.name.clone(),
                policy: policy.unwrap(),
            }],
        }
    }

    /// The document as the filter receives it.
    fn document(&self) -> String {
        match &self.config {
            Value::Null => String::new(),
            config => config.to_string(),
        }
    }

    /// What the filter accepts, `check` accepts.
    fn assert_checked(&self, kind: Kind) {
        if self.config.is_null() {
            return;
        }
        let proxy = match self.proxy.id.split_once('~') {
            Some(("router", _)) => "gateway",
            Some((kind, _)) => kind,
            None => "bare",
        };
        let arguments = ["check", "--kind", kind.as_str(), "--proxy", proxy, "-"];
        let outcome = meshlane_with_input(&arguments, self.document());
        assert_eq!(
            outcome.exit,
            Exit::Fine,
            "{}: {}",
            self.name,
            outcome.output
        );
    }
}

fn snapshot(health: &BTreeMap<String, (u32, u32)>) -> Snapshot {
    let clusters = health.iter();
    let clusters = clusters.map(|(name, (healthy, total))| {
        let (healthy, total) = (*healthy, *total);
        (name.as_str(), ClusterHealth { healthy, total })
    });
    clusters.collect()
}
