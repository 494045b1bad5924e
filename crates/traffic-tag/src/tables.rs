//! The decision tables of `testdata/traffic-tag`, run on the core itself. The command line
//! and a real Envoy run the same tables.

use meshlane_attributes::{Headers, Metadata, MetadataValue, ProxyKind, StaticFacts, Workload};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

use crate::Policy;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

macro_rules! tables {
    ($($name:literal)+) => {
        const TABLES: &[(&str, &str)] = &[$((
            $name,
            include_str!(concat!("../../../testdata/traffic-tag/", $name, ".json")),
        ),)+];
    };
}

tables! {
    "attributes-http"
    "attributes-rpc"
    "bucket-crc32-mod100"
    "bucket-sha256-mod100"
    "carriers-keep"
    "carriers-strip"
    "dubbo-bridged"
    "dubbo-bridged-carriers"
    "dubbo-bridged-strip"
    "dubbo-bridged-unproven"
    "dubbo-tag"
    "empty"
    "hostile"
    "incoming-keep-inbound"
    "incoming-keep-outbound"
    "incoming-overwrite"
    "incoming-strip"
    "jwt"
    "logic"
    "operators"
    "random-split"
    "reserved-headers"
    "rules"
    "several-tags"
    "source-ip"
    "source-ip-trusted-hops"
    "source-plain"
    "source-principal"
    "split-crc32-mod100"
    "split-fnv1a"
    "split-fnv1a32"
    "split-sha256-mod100"
    "split-three"
    "split-xxh64"
    "sticky-cookie"
    "sticky-cookie-new"
    "traffic-label"
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    #[serde(rename = "description")]
    _description: String,
    proxy: Proxy,
    config: Value,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proxy {
    id: String,
    labels: BTreeMap<String, String>,
    namespace: Option<String>,
    /// Of the listener, for those who play the table on a proxy.
    #[serde(rename = "direction")]
    _direction: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    request: Request,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Request {
    method: String,
    scheme: String,
    authority: String,
    path: String,
    headers: Vec<(String, Bytes)>,
    source_address: Option<String>,
    principal: Option<String>,
    jwt: Option<Value>,
    random: Option<String>,
}

/// A header value: a text, or bytes in hexadecimal.
#[derive(Deserialize)]
#[serde(untagged)]
enum Bytes {
    Text(String),
    Hex { hex: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Expect {
    tags: Vec<ExpectedTag>,
    headers: BTreeMap<String, Option<String>>,
    set_cookie: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct ExpectedTag {
    name: String,
    value: Option<String>,
    rule: Option<String>,
    reason: String,
    incoming: String,
}

#[test]
fn every_table_decides_as_it_says() {
    let mut wrong = Vec::new();
    for (file, text) in TABLES {
        let table: Table =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(table.name, *file);
        let workload = table.proxy.workload();
        let document = serde_json::to_vec(&table.config).unwrap();
        let policy = Policy::parse(&document, workload.proxy)
            .unwrap_or_else(|violations| panic!("{file}: {violations}"));
        for case in &table.cases {
            if let Err(difference) = case.run(&policy, &workload) {
                wrong.push(format!("{file}, {}: {difference}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn no_table_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/traffic-tag");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .collect();
    files.sort();
    assert_eq!(
        files,
        TABLES.iter().map(|(name, _)| *name).collect::<Vec<_>>()
    );
}

impl Proxy {
    fn workload(&self) -> Workload {
        Workload {
            proxy: ProxyKind::from_node_id(&self.id),
            namespace: self.namespace.clone(),
            labels: self.labels.clone(),
            ..Workload::default()
        }
    }
}

impl Case {
    fn run(&self, policy: &Policy, workload: &Workload) -> Result<(), String> {
        let facts = self.request.facts(policy);
        let random = self
            .request
            .random
            .as_deref()
            .map(bytes)
            .unwrap_or_default();
        let mut random = || std::array::from_fn(|at| random.get(at).copied().unwrap_or(0));
        let decision = policy.decide(&facts, workload, &mut random);
        let explanation = policy.explain(&facts, workload, &mut random);
        same("summary", &explanation.summary, &decision.summary(policy))?;

        let tags: Vec<_> = explanation
            .tags
            .iter()
            .map(|tag| ExpectedTag {
                name: tag.name.clone(),
                value: tag.value.clone(),
                rule: tag.rule.clone(),
                reason: tag.reason.to_owned(),
                incoming: tag.incoming.to_owned(),
            })
            .collect();
        same("tags", &tags, &self.expect.tags)?;

        for (name, expected) in &self.expect.headers {
            let mutation = decision
                .mutations
                .iter()
                .find(|mutation| mutation.name == *name);
            let found = match mutation {
                Some(mutation) => mutation.value.clone(),
                None => facts.headers.joined(name).map(|value| value.into_owned()),
            };
            let found = found.map(|value| String::from_utf8_lossy(&value).into_owned());
            same(name, &found, expected)?;
        }
        let set_cookies: Vec<_> = self.expect.set_cookie.iter().cloned().collect();
        same("set-cookie", &decision.set_cookies, &set_cookies)
    }
}

impl Request {
    fn facts(&self, policy: &Policy) -> StaticFacts {
        let pseudo = [
            (":method", &self.method),
            (":scheme", &self.scheme),
            (":authority", &self.authority),
            (":path", &self.path),
        ];
        let pseudo = pseudo.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        let own = self.headers.iter().map(|(name, value)| {
            let value = match value {
                Bytes::Text(text) => text.as_bytes().to_vec(),
                Bytes::Hex { hex } => bytes(hex),
            };
            (name.to_ascii_lowercase(), value)
        });
        let mut headers: Headers = pseudo.into_iter().chain(own).collect();
        headers.take_unproven(policy.settings().dubbo_headers, || false);
        StaticFacts {
            headers,
            source_address: self
                .source_address
                .as_ref()
                .map(|address| format!("{address}:4711")),
            peer_uri: self.principal.clone(),
            metadata: self.jwt.as_ref().map(|claims| {
                Metadata::with("envoy.filters.http.jwt_authn", "payload", metadata(claims))
            }),
        }
    }
}

fn metadata(value: &Value) -> MetadataValue {
    match value {
        Value::Null => MetadataValue::Null,
        Value::Bool(bool) => MetadataValue::Bool(*bool),
        Value::Number(number) => MetadataValue::Number(number.as_f64().unwrap()),
        Value::String(text) => MetadataValue::Text(text.clone()),
        Value::Array(list) => MetadataValue::List(list.iter().map(metadata).collect()),
        Value::Object(fields) => MetadataValue::Struct(
            fields
                .iter()
                .map(|(name, value)| (name.clone(), metadata(value)))
                .collect(),
        ),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex
        .chars()
        .map(|digit| digit.to_digit(16).unwrap() as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what} is {found:?}, expected {expected:?}"))
    }
}
