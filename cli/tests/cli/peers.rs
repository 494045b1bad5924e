//! What was converted decides as what it was converted from: compared with what the peers' own code decided, recorded in
//! `testdata/migrate` (`make migrate-vectors`).

mod dubbo;
mod sentinel;

use meshlane::diagnostic::Severity;
use meshlane::migrate::{Migration, Services, Settings};
use meshlane::source::Source;
use serde::de::DeserializeOwned;

use crate::workspace;

/// The lines of a file in `testdata/migrate`.
fn lines<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = workspace().join("testdata/migrate").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let lines = text.lines().map(serde_json::from_str);
    lines
        .map(|line| line.unwrap_or_else(|error| panic!("{name}: {error}")))
        .collect()
}

/// What comes of a text.
fn migrated(name: &str, text: &str, services: Option<Services>) -> Migration {
    let settings = Settings {
        from: None,
        caller: "header.x-app".to_owned(),
        services,
        namespace: None,
    };
    let migration = Migration::of(vec![Source::new(name, text)], &settings);
    migration
        .validate()
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    migration
}

/// Whether all of it is kept, as far as it says.
fn is_kept(migration: &Migration) -> bool {
    migration.count(Severity::Error) + migration.count(Severity::Warning) == 0
}
