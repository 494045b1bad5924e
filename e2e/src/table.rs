//! The decision tables of `testdata`, played on a real Envoy: what the core decides in its unit tests is what happens to requests.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result, anyhow, ensure};
pub use meshlane_decision_tables::{Case, Table};
use meshlane_decision_tables::{HeaderValue, Proxy};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::player::play;
use crate::{
    access_log::Entry,
    bootstrap::{Direction, Node, WasmFilter},
    client::{Request, Response},
    scene::workspace,
    upstream::{Echo, HeaderText},
};

mod player;

/// What tables of some filter expect of a request.
pub trait Expectation: DeserializeOwned {
    /// The folder of the tables.
    const FOLDER: &'static str;

    /// How the names of the counters begin that [`counters`](Self::counters) names the rest of.
    const COUNTERS: &'static [&'static str];

    /// The filter that a table is about, named as the table.
    fn filter(table: &Table<Self>) -> Result<WasmFilter>;

    /// A cluster that the filter asks, and what it is always answered.
    fn asked(_: &Table<Self>) -> Option<(String, Value)> {
        None
    }

    /// What must be in the access log of the first request before the others count; nothing when all do.
    fn ready(_: &Table<Self>) -> Option<String> {
        None
    }

    /// Whether the answer is as it must be.
    fn compare(&self, table: &Table<Self>, response: &Response) -> Result<()>;

    /// What the access log says of the decision.
    fn logged(entry: &Entry) -> Option<&str>;

    /// What it must say.
    fn log_line(&self) -> Option<String>;

    /// The counters that are one higher afterwards, by their full names.
    fn counters(&self, table: &Table<Self>) -> Vec<String>;
}

/// All tables; those that need the same proxy are together.
pub fn tables<E: Expectation>() -> Result<Vec<Vec<Table<E>>>> {
    let directory = workspace().join("testdata").join(E::FOLDER);
    let mut tables = BTreeMap::<_, Vec<Table<E>>>::new();
    for entry in fs::read_dir(&directory)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_stem().and_then(|name| name.to_str());
        let table = Table::parse(name.context("a name")?, &fs::read_to_string(&path)?)?;
        tables
            .entry(format!("{:?}", identity(&table.proxy)))
            .or_default()
            .push(table);
    }
    ensure!(!tables.is_empty(), "no tables in {}", directory.display());
    Ok(tables.into_values().collect())
}

/// The node that a table is for.
fn identity(proxy: &Proxy) -> Node {
    let locality = &proxy.locality;
    let locality = [&locality.region, &locality.zone, &locality.sub_zone].map(Clone::clone);
    Node {
        id: proxy.id.clone(),
        labels: proxy.labels.clone().into_iter().collect(),
        namespace: proxy.namespace.clone(),
        locality: locality
            .iter()
            .any(|part| !part.is_empty())
            .then_some(locality),
    }
}

/// The direction of the listener.
fn direction(proxy: &Proxy) -> Result<Direction> {
    match proxy.direction.as_str() {
        "inbound" => Ok(Direction::Inbound),
        "outbound" => Ok(Direction::Outbound),
        "unspecified" => Ok(Direction::Unspecified),
        other => Err(anyhow!("`{other}` is no direction")),
    }
}

/// The key in the metadata under which the document expects the payload of tokens.
fn jwt_payload_key(config: &Value) -> &str {
    let key = config.pointer("/jwt/payloadKey");
    key.and_then(Value::as_str).unwrap_or("payload")
}

/// The request as a client sends it.
fn request(case: &meshlane_decision_tables::Request) -> Request {
    let mut request = Request::get(case.path.as_str()).authority(&case.authority);
    case.method.clone_into(&mut request.method);
    for (name, value) in &case.headers {
        request = request.header(name, value.bytes());
    }
    request
}

/// Compares what the upstream saw of some headers with what it must see.
pub fn compare_headers(
    expected: &BTreeMap<String, Option<HeaderValue>>,
    echo: &Echo,
) -> Result<()> {
    for (name, expected) in expected {
        let values: Result<Vec<Vec<u8>>> = echo
            .values(name)
            .into_iter()
            .map(HeaderText::bytes)
            .collect();
        let values = values?;
        let found = (!values.is_empty()).then(|| values.join(&b","[..]));
        let expected = expected.as_ref().map(|value| value.bytes().to_vec());
        ensure!(
            found == expected,
            "the upstream sees {name}: {}, not {}",
            shown(&found),
            shown(&expected)
        );
    }
    Ok(())
}

fn shown(value: &Option<Vec<u8>>) -> String {
    value.as_ref().map_or("nothing".to_owned(), |value| {
        format!("`{}`", value.escape_ascii())
    })
}
