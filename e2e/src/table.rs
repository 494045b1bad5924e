//! The decision tables of `testdata/traffic-tag`: configurations, requests, and what must come of them.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::{bootstrap::Node, client::Request, scene::workspace, upstream::HeaderText};

/// One file: a configuration in a proxy, and requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The name, which is that of the file too.
    pub name: String,
    /// What the table is about.
    pub description: String,
    /// The proxy that the configuration is for.
    pub proxy: Proxy,
    /// The document.
    pub config: Value,
    /// The requests.
    pub cases: Vec<Case>,
}

/// The identity of a proxy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    id: String,
    labels: BTreeMap<String, String>,
    namespace: Option<String>,
    direction: TrafficDirection,
}

/// Which side of the workload the traffic is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TrafficDirection {
    Inbound,
    Outbound,
    Unspecified,
}

/// One request and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The name.
    pub name: String,
    /// The request.
    pub request: CaseRequest,
    /// What must come of it.
    pub expect: Expectation,
}

/// A request with everything that a condition may ask for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CaseRequest {
    method: String,
    /// `http` or `https`.
    pub scheme: String,
    authority: String,
    path: String,
    headers: Vec<(String, HeaderText)>,
    /// The address of the client.
    pub source_address: Option<std::net::IpAddr>,
    /// The SPIFFE id of the client.
    pub principal: Option<String>,
    /// The claims of the client's token.
    pub jwt: Option<Value>,
    /// The randomness, which cannot be chosen here: the outcome may depend on it in nothing but an id.
    #[serde(rename = "random")]
    _random: Option<String>,
}

/// What must come of a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Expectation {
    /// The decision on each tag.
    pub tags: Vec<ExpectedTag>,
    /// What the upstream sees of some headers; nothing where a header must be absent.
    pub headers: BTreeMap<String, Option<HeaderText>>,
    /// The cookie that the client gets.
    pub set_cookie: Option<String>,
}

/// The decision on a tag.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedTag {
    /// The tag.
    pub name: String,
    /// Its value.
    pub value: Option<String>,
    /// The rule that gave the value.
    pub rule: Option<String>,
    /// Why the value is what it is.
    pub reason: String,
    /// What was done with a value that the request came with.
    pub incoming: String,
}

/// All tables; those that need the same proxy are together.
pub fn tables() -> Result<Vec<Vec<Table>>> {
    let directory = workspace().join("testdata/traffic-tag");
    let mut tables = BTreeMap::<_, Vec<Table>>::new();
    for entry in fs::read_dir(&directory)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let table: Table = serde_json::from_slice(&fs::read(&path)?)
            .with_context(|| path.display().to_string())?;
        let identity = (
            table.proxy.id.clone(),
            table.proxy.labels.clone(),
            table.proxy.namespace.clone(),
        );
        tables.entry(identity).or_default().push(table);
    }
    ensure!(!tables.is_empty(), "no tables in {}", directory.display());
    Ok(tables.into_values().collect())
}

impl Table {
    /// The node that the table is for.
    pub fn node(&self) -> Node {
        Node {
            id: self.proxy.id.clone(),
            labels: self.proxy.labels.clone().into_iter().collect(),
            namespace: self.proxy.namespace.clone(),
            locality: None,
        }
    }

    /// The direction of the listener.
    pub fn direction(&self) -> crate::bootstrap::Direction {
        match self.proxy.direction {
            TrafficDirection::Inbound => crate::bootstrap::Direction::Inbound,
            TrafficDirection::Outbound => crate::bootstrap::Direction::Outbound,
            TrafficDirection::Unspecified => crate::bootstrap::Direction::Unspecified,
        }
    }

    /// The key in the metadata under which the document expects the payload of tokens.
    pub fn jwt_payload_key(&self) -> &str {
        let key = self.config.pointer("/jwt/payloadKey");
        key.and_then(Value::as_str).unwrap_or("payload")
    }
}

impl CaseRequest {
    /// The request as a client sends it.
    pub fn request(&self) -> Result<Request> {
        let mut request = Request::get(self.path.as_str()).authority(&self.authority);
        self.method.clone_into(&mut request.method);
        for (name, value) in &self.headers {
            request = request.header(name, value.bytes()?);
        }
        Ok(request)
    }
}

impl Expectation {
    /// The line in the access log.
    pub fn log_line(&self) -> Option<String> {
        let tag = |tag: &ExpectedTag| {
            let (value, rule) = (
                tag.value.as_deref().unwrap_or("-"),
                tag.rule.as_deref().unwrap_or("-"),
            );
            format!("{}={value};rule={rule};reason={}", tag.name, tag.reason)
        };
        let tags: Vec<String> = self.tags.iter().map(tag).collect();
        (!tags.is_empty()).then(|| tags.join(", "))
    }
}
