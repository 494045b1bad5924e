//! What was converted decides as what it was converted from: compared with what the peers' own code decided, recorded in
//! `testdata/migrate` (`make migrate-vectors`).

mod dubbo;
mod higress;
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

/// Bytes that look random, and are the same ones each time: xorshift64*.
struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    fn bytes(&mut self) -> [u8; 16] {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes();
        [drawn, drawn].concat().try_into().unwrap()
    }
}
