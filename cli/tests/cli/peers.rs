//! What was converted decides as what it was converted from: compared with what the peers' own code decided, recorded in
//! `testdata/migrate` (`make migrate-vectors`).

mod dubbo;
mod higress;
mod sentinel;

use meshlane::diagnostic::Severity;
use meshlane::migrate::{Migration, Services, Settings};
use meshlane::source::Source;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{migrate::CONVERTED, workspace};

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

/// Whatever stands in a source: a document is valid, or there is none.
#[test]
fn nothing_invalid_is_printed_whatever_the_source_says() {
    let mut random = Random::new();
    let mut below = |limit: usize| {
        let [high, low, ..] = random.bytes();
        usize::from(u16::from_be_bytes([high, low])) % limit
    };
    let strange = [
        json!(""),
        json!("a b"),
        json!("杭州"),
        json!("x".repeat(300)),
        json!("$"),
        json!("*"),
        json!("~"),
        json!("("),
        json!("=>"),
        json!("a=b"),
        json!("a,b"),
        json!("\u{7}"),
        json!(":"),
        json!("/{"),
        json!("a.b:c(d)"),
        json!("$region"),
        json!(0),
        json!(-1),
        json!(1e12),
        json!(0.001),
        json!(1e-9),
        json!(7.5),
        json!(601_000),
        json!(null),
        json!(true),
        json!([]),
        json!({}),
        json!(["a", "a"]),
        json!({"a": "b"}),
    ];
    let services = std::fs::read_to_string("tests/migrate/dubbo-services.yaml").unwrap();
    let services = Services::read(&Source::new("services.yaml", services)).unwrap();
    let mut documents = 0;
    for file in CONVERTED {
        let text = std::fs::read_to_string(format!("tests/migrate/{file}")).unwrap();
        let contents = Source::new(file, text).read();
        let sources: Vec<_> = contents
            .documents
            .iter()
            .map(|document| document.to_json())
            .collect();
        // Those of a lane group belong together; of others one that is wrong would hide the rest.
        let units: Vec<_> = match file.contains("lanes") {
            true => vec![json!(sources)],
            false => sources.iter().map(|source| json!([source])).collect(),
        };
        for (unit, round) in units
            .iter()
            .flat_map(|unit| (0..80).map(move |round| (unit, round)))
        {
            let mut all = json!({"kind": "List", "items": unit});
            for _ in 0..=below(2) {
                let places = leaves(&all["items"], "/items".to_owned());
                let place = all.pointer_mut(&places[below(places.len())]).unwrap();
                // Mostly of the type that is expected, so that it is not refused for that alone.
                let any = below(6) == 0;
                let fits = |value: &&Value| {
                    any || (value.is_string(), value.is_number())
                        == (place.is_string(), place.is_number())
                };
                let fitting: Vec<_> = strange.iter().filter(fits).collect();
                *place = fitting[below(fitting.len())].clone();
            }
            let services = (round % 2 == 0).then(|| services.clone());
            let text = all.to_string();
            documents += migrated("all.json", &text, services).documents.len();
        }
    }
    assert!(documents > 300, "{documents}");
}

/// Pointers to the values that are no lists and no objects, beside what tells a document's kind.
fn leaves(value: &Value, path: String) -> Vec<String> {
    match value {
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .flat_map(|(at, item)| leaves(item, format!("{path}/{at}")))
                .collect()
        }
        Value::Object(members) => {
            let members = members
                .iter()
                .filter(|(key, _)| !["apiVersion", "kind"].contains(&key.as_str()));
            members
                .flat_map(|(key, member)| {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    leaves(member, format!("{path}/{key}"))
                })
                .collect()
        }
        _ => vec![path],
    }
}
