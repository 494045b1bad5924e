use std::collections::BTreeMap;

use meshlane_attributes::{StaticFacts, Workload};
use meshlane_tags::TagValue;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{CorrelationKey, Decision, Policy, Remembered};

fn policy(document: &str) -> Policy {
    Policy::parse(document.as_bytes()).unwrap_or_else(|violations| panic!("{violations}"))
}

/// A memory with these entries: key, tag, value; an empty value is none.
fn memory(entries: &[(&str, &str, &str)]) -> impl FnMut(&CorrelationKey) -> Option<Remembered> {
    let mut known: BTreeMap<String, Vec<(String, Option<TagValue<'static>>)>> = BTreeMap::new();
    for (key, tag, value) in entries {
        let value = TagValue::parse((*value).to_owned().into()).ok();
        let tags = known.entry((*key).to_owned()).or_default();
        tags.push(((*tag).to_owned(), value));
    }
    move |key| {
        let tags = known.get(key.as_str())?;
        Some(tags.iter().cloned().collect())
    }
}

/// What a decision changes, in a line.
fn changes(decision: &Decision) -> String {
    let text = |value: &Vec<u8>| String::from_utf8_lossy(value).into_owned();
    let mutations = decision.mutations.iter().map(|mutation| {
        let value = mutation.value.as_ref().map_or_else(|| "-".to_owned(), text);
        format!("{}: {value}", mutation.name)
    });
    mutations.collect::<Vec<_>>().join(", ")
}

const SIMPLE: &str = r#"{"tags": [{"name": "x-mse-tag"}]}"#;

#[test]
fn a_request_is_remembered_by_all_that_identifies_it() {
    let policy = policy(SIMPLE);
    let facts = StaticFacts::with_headers([
        ("x-mse-tag", "gray"),
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
        ("b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"),
        ("x-request-id", "r-1"),
        ("uber-trace-id", "nonsense"),
    ]);
    let decision = policy.inbound(&facts, &Workload::default());
    let keys: Vec<_> = decision.keys.iter().map(CorrelationKey::as_str).collect();
    assert_eq!(
        keys,
        ["request:r-1", "trace:4bf92f3577b34da6a3ce929d0e0e4736"]
    );
    let remembered = decision.remembered(&policy);
    assert_eq!(
        remembered.tag("x-mse-tag").unwrap().unwrap().as_str(),
        "gray"
    );
    assert!(decision.mutations.is_empty());
}

#[test]
fn all_carriers_get_what_one_of_them_has() {
    let policy = policy(
        r#"{"tags": [{"name": "lane", "carriers": [{"header": "x-lane"}, {"baggage": "lane"}, {"attachment": "dubbo.tag"}]}]}"#,
    );
    let none = Workload::default();
    let decide = |headers: &[(&str, &str)]| {
        let facts = StaticFacts::with_headers(headers.iter().copied());
        changes(&policy.outbound(&facts, &none, &mut memory(&[("request:r", "lane", "gray")])))
    };
    let id = ("x-request-id", "r");
    assert_eq!(decide(&[id]), "x-lane: gray, baggage: lane=gray");
    assert_eq!(
        decide(&[id, ("baggage", "a=1")]),
        "x-lane: gray, baggage: a=1,lane=gray"
    );
    assert_eq!(
        decide(&[id, ("content-type", "application/dubbo2")]),
        "x-lane: gray, baggage: lane=gray, dubbo.tag: gray"
    );
    // Only Dubbo calls have attachments.
    assert_eq!(
        decide(&[("dubbo.tag", "x")]),
        "x-lane: x, baggage: lane=x, dubbo.tag: -"
    );
    assert_eq!(decide(&[("x-lane", "a b")]), "x-lane: -");
}

#[test]
fn several_tags_go_their_own_ways() {
    let policy = policy(r#"{"tags": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}"#);
    let facts = StaticFacts::with_headers([("a", "1"), ("x-request-id", "r")]);
    let mut memory = memory(&[("request:r", "b", "2"), ("request:r", "c", "")]);
    let decision = policy.outbound(&facts, &Workload::default(), &mut memory);
    assert_eq!(
        decision.summary(&policy),
        "a=1;reason=carried-by-request;lane=-, b=2;reason=carried-by-correlation;lane=-, \
         c=-;reason=carried-untagged;lane=-"
    );
    assert_eq!(changes(&decision), "b: 2");
}

#[test]
fn answers_tell_the_tag_when_asked_to() {
    let policy = policy(r#"{"tags": [{"name": "lane", "responseHeader": "X-Lane-Was"}]}"#);
    let facts = StaticFacts::with_headers([("lane", "gray"), ("x-request-id", "r")]);
    let decision = policy.inbound(&facts, &Workload::default());
    assert_eq!(
        decision.response_headers,
        [("x-lane-was".to_owned(), "gray".to_owned())]
    );
    let decision = policy.outbound(&facts, &Workload::default(), &mut |_| None);
    assert!(decision.response_headers.is_empty());
}
