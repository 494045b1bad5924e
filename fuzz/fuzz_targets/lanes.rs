//! Header lines of a request and of the call that it causes, and whatever lies in the memory between the two: no panic, nothing
//! written that could not stand in a header, and what was remembered last is what is found. The first byte says how many of the
//! bytes behind it are the contents of the memory's buckets; the rest are lines as of the target `request`.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use meshlane_attributes::{Headers, StaticFacts, Workload};
use meshlane_fuzz::header;
use meshlane_gray_release::{Correlations, Policy};
use meshlane_shared_data::{MapData, SharedData};

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let document = br#"{"tags": [
        {"name": "x-mse-tag", "carriers": [{"header": "x-mse-tag"}, {"baggage": "mse-tag"}, {"cookie": "tag"}], "ownLabel": "lane",
         "responseHeader": "x-lane",
         "lanes": {"label": "lane", "baseline": "base", "lanes": [{"name": "gray"}, {"name": "blue", "mode": "strict"}],
                   "exempt": {"attribute": "path", "prefix": "/health"}}},
        {"name": "dubbo.tag"}]}"#;
    Policy::parse(document).expect("a good policy")
});

fuzz_target!(|input: &[u8]| {
    let Some((length, rest)) = input.split_first() else {
        return;
    };
    let (bucket, lines) = rest.split_at(usize::from(*length).min(rest.len()));
    let (now, workload) = (Duration::from_secs(1_000), Workload::default());
    let data = MapData::default();
    let memory = Correlations::open(
        &data,
        Correlations::MIN_CAPACITY,
        Duration::from_secs(60),
        &mut || [7; 16],
    );
    for number in 0..8 {
        data.set(&format!("meshlane/1/correlation/{number}"), bucket);
    }
    let facts = StaticFacts {
        headers: lines
            .split(|byte| *byte == b'\n')
            .filter_map(header)
            .collect::<Headers>(),
        ..StaticFacts::default()
    };
    let decision = POLICY.inbound(&facts, &workload);
    let remembered = decision.remembered(&POLICY);
    for key in &decision.keys {
        memory.remember(&data, now, key, &remembered);
        let found = memory.recall(&data, now, key).expect("just remembered");
        for (name, value) in remembered.tags() {
            assert_eq!(found.tag(name), Some(value));
        }
    }
    let outbound = POLICY.outbound(&facts, &workload, &mut |key| memory.recall(&data, now, key));
    for mutation in decision.mutations.iter().chain(&outbound.mutations) {
        let value = mutation.value.as_deref().unwrap_or_default();
        assert!(!value.contains(&b'\n'));
    }
    // Eight buckets, each of at most eight entries.
    assert!(data.size() < 64 * 8_192, "{} bytes", data.size());
});
