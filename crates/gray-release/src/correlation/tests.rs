use std::collections::BTreeMap;

use meshlane_attributes::Headers;
use meshlane_shared_data::{MapData, Version};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::identifier::Identifier;

const LIFETIME: Duration = Duration::from_secs(60);
const START: Duration = Duration::from_secs(1_000_000);

pub(super) fn key(id: u64) -> CorrelationKey {
    let headers: Headers = [("x-call", id.to_string())].into_iter().collect();
    Identifier::of("x-call").key(&headers).unwrap()
}

pub(super) fn tagged(value: &str) -> Remembered {
    let value = TagValue::parse(value.to_owned().into()).ok();
    [("lane".to_owned(), value)].into_iter().collect()
}

pub(super) fn open(data: &dyn SharedData, capacity: usize) -> Correlations {
    Correlations::open(data, capacity, LIFETIME, &mut || [7; 16])
}

fn lane(correlations: &Correlations, data: &MapData, now: Duration, id: u64) -> Option<String> {
    let remembered = correlations.recall(data, now, &key(id))?;
    let value = remembered.tag("lane").unwrap();
    Some(value.map_or_else(String::new, ToString::to_string))
}

#[test]
fn what_was_remembered_is_known_until_its_lifetime_is_over() {
    let data = MapData::default();
    let correlations = open(&data, 64);
    let remember = |now, tags: &str| correlations.remember(&data, now, &key(1), &tagged(tags));
    assert_eq!(lane(&correlations, &data, START, 1), None);
    assert_eq!(remember(START, "gray"), Stored::New);
    assert_eq!(
        lane(&correlations, &data, START, 1).as_deref(),
        Some("gray")
    );
    assert_eq!(lane(&correlations, &data, START, 2), None);
    let later = START + LIFETIME - Duration::from_nanos(1);
    assert_eq!(
        lane(&correlations, &data, later, 1).as_deref(),
        Some("gray")
    );
    assert_eq!(lane(&correlations, &data, START + LIFETIME, 1), None);
    // What is over was no other value.
    assert_eq!(remember(START + LIFETIME, "blue"), Stored::New);
}

#[test]
fn that_a_request_had_no_tag_is_remembered_too() {
    let data = MapData::default();
    let correlations = open(&data, 64);
    correlations.remember(&data, START, &key(1), &tagged(""));
    assert_eq!(lane(&correlations, &data, START, 1).as_deref(), Some(""));
}

#[test]
fn the_newest_tags_of_a_key_count() {
    let data = MapData::default();
    let correlations = open(&data, 64);
    let remember = |now, tags: &str| correlations.remember(&data, now, &key(1), &tagged(tags));
    remember(START, "gray");
    let soon = START + Duration::from_secs(1);
    assert_eq!(remember(soon, "gray"), Stored::Known);
    assert_eq!(remember(soon, ""), Stored::Replacing);
    assert_eq!(lane(&correlations, &data, soon, 1).as_deref(), Some(""));
    assert_eq!(remember(soon, "blue"), Stored::Replacing);
    assert_eq!(lane(&correlations, &data, soon, 1).as_deref(), Some("blue"));
}

#[test]
fn a_request_that_comes_again_lives_on() {
    let data = MapData::default();
    let correlations = open(&data, 64);
    for step in 0..20 {
        let now = START + LIFETIME / 2 * step;
        correlations.remember(&data, now, &key(1), &tagged("gray"));
        assert_eq!(lane(&correlations, &data, now, 1).as_deref(), Some("gray"));
    }
}

#[test]
fn tags_of_other_plugins_stay() {
    let data = MapData::default();
    let correlations = open(&data, 64);
    let other: Remembered = [("x-mse-tag".to_owned(), None)].into_iter().collect();
    correlations.remember(&data, START, &key(1), &tagged("gray"));
    assert_eq!(
        correlations.remember(&data, START, &key(1), &other),
        Stored::New
    );
    let remembered = correlations.recall(&data, START, &key(1)).unwrap();
    assert_eq!(remembered.tag("x-mse-tag"), Some(None));
    assert_eq!(remembered.tag("lane").unwrap().unwrap().as_str(), "gray");
    assert_eq!(remembered.tag("unknown"), None);
}

#[test]
fn a_clock_that_was_set_back_revives_nothing() {
    let data = MapData::default();
    let correlations = open(&data, 64);
    correlations.remember(&data, START, &key(1), &tagged("gray"));
    let a_little = START - Duration::from_secs(1);
    assert_eq!(
        lane(&correlations, &data, a_little, 1).as_deref(),
        Some("gray")
    );
    assert_eq!(lane(&correlations, &data, START - LIFETIME, 1), None);
}

#[test]
fn memory_is_bounded_and_no_key_is_taken_for_another() {
    let data = MapData::default();
    let correlations = open(&data, 1_024);
    let (mut evicted, mut size_when_full) = (0, 0);
    const KEYS: u64 = if cfg!(target_arch = "wasm32") {
        50_000
    } else {
        1_000_000
    };
    for id in 0..KEYS {
        let stored = correlations.remember(&data, START, &key(id), &tagged(&format!("t{id}")));
        evicted += u64::from(stored == Stored::Evicting);
        if id == 20_000 {
            size_when_full = data.size();
        }
        // An old one and a new one: each is itself or nothing.
        for probe in [id, id / 2] {
            if let Some(found) = lane(&correlations, &data, START, probe) {
                assert_eq!(found, format!("t{probe}"));
            }
        }
        assert_eq!(
            lane(&correlations, &data, START, id),
            Some(format!("t{id}"))
        );
    }
    assert_eq!(evicted, KEYS - 1_024, "all but the last ones had to go");
    // Longer numbers: a few bytes an entry.
    assert!(
        data.size() <= size_when_full + 1_024 * 8,
        "{} bytes",
        data.size()
    );
}

#[test]
fn a_memory_that_is_there_is_taken_over() {
    let data = MapData::default();
    let first = open(&data, 512);
    first.remember(&data, START, &key(1), &tagged("gray"));
    let second = Correlations::open(&data, 512, LIFETIME, &mut || panic!("the seed is known"));
    assert_eq!(lane(&second, &data, START, 1).as_deref(), Some("gray"));
    // Another size: what was known may be lost, nothing else happens.
    let larger = open(&data, 4_096);
    assert_eq!(
        larger.remember(&data, START, &key(2), &tagged("blue")),
        Stored::New
    );
    assert_eq!(lane(&larger, &data, START, 2).as_deref(), Some("blue"));
}

#[test]
fn keys_spread_over_all_buckets() {
    let data = MapData::default();
    let correlations = open(&data, 1_024);
    let mut counts = BTreeMap::new();
    for id in 0..12_800 {
        *counts
            .entry(correlations.address(&key(id)))
            .or_insert(0_u32) += 1;
    }
    assert_eq!(counts.len(), 128);
    assert!(
        counts.values().all(|count| (50..=160).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn every_bucket_is_there_before_the_first_request() {
    let data = MapData::default();
    let correlations = open(&data, 1_000);
    for bucket in 0..125 {
        assert_ne!(data.get(&address(bucket)).1, Version::NONE);
    }
    assert_eq!(correlations.buckets, 125);
}

#[test]
fn who_never_gets_to_write_gives_up() {
    /// Somebody else is always faster.
    struct Busy(MapData);
    impl SharedData for Busy {
        fn get(&self, key: &str) -> (Option<Vec<u8>>, Version) {
            self.0.get(key)
        }
        fn compare_and_swap(&self, _: &str, _: &[u8], _: Version) -> bool {
            false
        }
        fn set(&self, key: &str, value: &[u8]) {
            self.0.set(key, value);
        }
    }
    let data = Busy(MapData::default());
    let correlations = open(&data, 64);
    let stored = correlations.remember(&data, START, &key(1), &tagged("gray"));
    assert_eq!(stored, Stored::Lost);
    assert_eq!(lane(&correlations, &data.0, START, 1), None);
}
