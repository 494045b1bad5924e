//! Tables and the proxies that they are for.

use std::collections::BTreeMap;
use std::fmt::Debug;

use meshlane_attributes::{ProxyKind, Workload};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::request::Request;

/// A configuration in a proxy, and requests with what must come of each.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table<E, R = Request> {
    /// The name, which is that of the file too.
    pub name: String,
    /// What the table is about.
    pub description: String,
    /// The proxy that the configuration is for.
    pub proxy: Proxy,
    /// The document.
    pub config: Value,
    /// What Envoy says of its clusters: healthy endpoints and all of them. When absent it was never asked or never
    /// answered.
    pub health: Option<BTreeMap<String, (u32, u32)>>,
    /// The requests.
    pub cases: Vec<Case<E, R>>,
}

/// The identity of a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// The node's id.
    pub id: String,
    /// The workload's labels.
    pub labels: BTreeMap<String, String>,
    /// The workload's namespace.
    pub namespace: Option<String>,
    /// Of the listener, for those who play the table on a proxy.
    pub direction: String,
    /// Where the proxy runs.
    #[serde(default)]
    pub locality: Locality,
}

/// Where a proxy runs; what is not known is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Locality {
    /// The region.
    pub region: String,
    /// The zone in the region.
    pub zone: String,
    /// The part of the zone.
    pub sub_zone: String,
}

/// A request and what must come of it. Who reads requests in a way of his own says so by `R`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case<E, R = Request> {
    /// The name, unique in the table.
    pub name: String,
    /// The request.
    pub request: R,
    /// The request to the same workload that causes this one; nothing when none does.
    pub cause: Option<R>,
    /// What must come of it.
    pub expect: E,
}

/// A text that is no table.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTable {
    /// It is no JSON, or not of the expected shape.
    #[error("{file}: {error}")]
    Json {
        /// The file's name.
        file: String,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// The file has another name than the table.
    #[error("{file}: the table is called {name}")]
    OtherName {
        /// The file's name.
        file: String,
        /// The table's.
        name: String,
    },
    /// Two cases are called alike.
    #[error("{file}: two cases are called {case}")]
    TwoCases {
        /// The file's name.
        file: String,
        /// What they are called.
        case: String,
    },
}

/// Something is not as a table says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {found}, expected {expected}")]
pub struct Difference {
    /// What is compared.
    pub what: String,
    /// What was found.
    pub found: String,
    /// What the table says.
    pub expected: String,
}

impl<E: DeserializeOwned, R: DeserializeOwned> Table<E, R> {
    /// Reads the table of a file.
    ///
    /// # Errors
    /// The text is no table, or its names are not as they should be.
    pub fn parse(file: &str, text: &str) -> Result<Self, InvalidTable> {
        let file = file.to_owned();
        let table: Self = match serde_json::from_str(text) {
            Ok(table) => table,
            Err(error) => return Err(InvalidTable::Json { file, error }),
        };
        if table.name != file {
            let name = table.name;
            return Err(InvalidTable::OtherName { file, name });
        }
        let mut names: Vec<_> = table.cases.iter().map(|case| &case.name).collect();
        names.sort();
        for pair in names.windows(2) {
            if let [one, other] = pair
                && one == other
            {
                let case = (*one).clone();
                return Err(InvalidTable::TwoCases { file, case });
            }
        }
        Ok(table)
    }

    /// The document as the filter gets it.
    pub fn document(&self) -> Vec<u8> {
        match &self.config {
            Value::Null => Vec::new(),
            config => config.to_string().into_bytes(),
        }
    }
}

impl Proxy {
    /// What the proxy tells of itself.
    pub fn workload(&self) -> Workload {
        Workload {
            proxy: ProxyKind::from_node_id(&self.id),
            namespace: self.namespace.clone(),
            labels: self.labels.clone(),
            locality: meshlane_attributes::Locality {
                region: self.locality.region.clone(),
                zone: self.locality.zone.clone(),
                sub_zone: self.locality.sub_zone.clone(),
            },
        }
    }
}

/// Compares what was found with what a table says.
///
/// # Errors
/// They differ.
pub fn same<T: PartialEq + Debug>(what: &str, found: &T, expected: &T) -> Result<(), Difference> {
    if found == expected {
        return Ok(());
    }
    Err(Difference {
        what: what.to_owned(),
        found: format!("{found:?}"),
        expected: format!("{expected:?}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn table(name: &str, cases: &[&str]) -> String {
        let request =
            r#"{"method": "GET", "scheme": "http", "authority": "a", "path": "/", "headers": []}"#;
        let case =
            |name| format!(r#"{{"name": "{name}", "request": {request}, "expect": "{name}"}}"#);
        let cases: Vec<_> = cases.iter().map(case).collect();
        format!(
            r#"{{"name": "{name}", "description": "", "config": null, "cases": [{}],
                "proxy": {{"id": "sidecar~10.0.0.1~a.b~b", "labels": {{}}, "namespace": "b", "direction": "outbound",
                    "locality": {{"zone": "a", "subZone": "7"}}}},
                "health": {{"outbound|80||a": [1, 2]}}}}"#,
            cases.join(",")
        )
    }

    #[test]
    fn a_table_is_read() {
        let table: Table<String> = Table::parse("a", &table("a", &["b", "c"])).unwrap();
        assert_eq!(table.document(), b"");
        assert_eq!(table.cases[1].expect, "c");
        assert!(table.cases[1].cause.is_none());
        assert_eq!(table.health.unwrap()["outbound|80||a"], (1, 2));
        let workload = table.proxy.workload();
        assert_eq!(workload.proxy, ProxyKind::Sidecar);
        assert_eq!(workload.namespace.as_deref(), Some("b"));
        let locality = workload.locality;
        assert_eq!(
            (locality.region.as_str(), locality.zone.as_str()),
            ("", "a")
        );
        assert_eq!(locality.sub_zone, "7");
    }

    #[test]
    fn names_are_as_they_should_be() {
        let error = |file, text: &str| Table::<String>::parse(file, text).unwrap_err().to_string();
        assert_eq!(error("b", &table("a", &[])), "b: the table is called a");
        let twice = table("a", &["b", "c", "b"]);
        assert_eq!(error("a", &twice), "a: two cases are called b");
        assert!(error("a", "{}").starts_with("a: missing field"));
    }
}
