//! Decision tables: a configuration in a proxy, requests, and what must come of them.
//!
//! The files are in `testdata/`, one folder for each crate that decides. The core runs them natively and on wasm32, the
//! command line runs them, and so does a real Envoy. This crate is what the cores' tests share; what is expected
//! differs, so it is a parameter.
//!
//! ```
//! use meshlane_decision_tables::Table;
//!
//! #[derive(serde::Deserialize)]
//! struct Expect {
//!     tag: Option<String>,
//! }
//!
//! let table = r#"{
//!     "name": "rules",
//!     "description": "The first rule that matches wins",
//!     "proxy": {"id": "edge-1", "labels": {}, "namespace": null, "direction": "unspecified"},
//!     "config": {"tags": []},
//!     "cases": [{
//!         "name": "no rule at all",
//!         "request": {"method": "GET", "scheme": "http", "authority": "shop.example", "path": "/", "headers": [["x-id", "7"]]},
//!         "expect": {"tag": null}}]}"#;
//! let table: Table<Expect> = Table::parse("rules", table)?;
//! assert_eq!(table.cases[0].expect.tag, None);
//! # Ok::<(), meshlane_decision_tables::InvalidTable>(())
//! ```

mod expect;
mod request;
mod table;

pub use expect::{gray_release, tag_route, traffic_tag};
pub use request::{HeaderValue, Hex, InvalidHex, Request};
pub use table::{Case, Difference, InvalidTable, Locality, Proxy, Table, same};

/// The tables of a folder of `testdata/`, each with its name and its text, as the constant `TABLES`: compiled in, because
/// there are no files on wasm32.
///
/// A file that is not listed is found by a test where there are files.
#[macro_export]
macro_rules! tables {
    ($folder:literal: $($name:literal)+) => {
        const TABLES: &[(&str, &str)] = &[$((
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/", $folder, "/", $name, ".json")),
        ),)+];

        #[cfg(not(target_arch = "wasm32"))]
        #[test]
        fn no_table_is_forgotten() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/", $folder);
            let mut files: Vec<_> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
                .collect();
            files.sort();
            let listed: Vec<_> = TABLES.iter().map(|(name, _)| *name).collect();
            assert_eq!(files, listed);
        }
    };
}
