use std::collections::BTreeMap;

use meshlane_attributes::{StaticFacts, Workload};
use meshlane_diagnostics::Reason;
use meshlane_tags::TagValue;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{CorrelationKey, Decision, Policy, Remembered};

fn policy(document: &str) -> Policy {
    Policy::parse(document.as_bytes()).unwrap_or_else(|violations| panic!("{violations}"))
}

fn workload(labels: &[(&str, &str)]) -> Workload {
    let labels = labels.iter();
    Workload {
        labels: labels
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..Workload::default()
    }
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
fn the_tag_of_a_call_is_the_nearest_that_is_known() {
    let policy = policy(
        r#"{"tags": [{"name": "lane", "ownLabel": "lane", "carriers": [{"header": "x-lane"}, {"baggage": "lane"}]}]}"#,
    );
    let own = workload(&[("lane", "own")]);
    let none = Workload::default();
    let known: &[(&str, &str, &str)] = &[("request:r", "lane", "gray"), ("trace:1", "lane", "old")];
    let untagged: &[(&str, &str, &str)] = &[("request:r", "lane", "")];
    let others: &[(&str, &str, &str)] = &[("request:r", "other", "x")];
    let (id, trace) = (("x-request-id", "r"), ("b3", "0000000000000001-1"));
    for (headers, workload, entries, summary, correlation) in [
        (
            vec![("x-lane", "a"), id],
            &own,
            known,
            "lane=a;reason=carried-by-request",
            None,
        ),
        (
            vec![("baggage", "lane=b"), id],
            &own,
            known,
            "lane=b;reason=carried-by-request",
            None,
        ),
        (
            vec![id, trace],
            &own,
            known,
            "lane=gray;reason=carried-by-correlation",
            Some(Reason::CorrelationHit),
        ),
        (
            vec![trace],
            &own,
            known,
            "lane=old;reason=carried-by-correlation",
            Some(Reason::CorrelationHit),
        ),
        (
            vec![("x-lane", "a b"), id],
            &own,
            known,
            "lane=gray;reason=carried-by-correlation",
            Some(Reason::CorrelationHit),
        ),
        (
            vec![id],
            &own,
            untagged,
            "lane=-;reason=carried-untagged",
            Some(Reason::CorrelationHit),
        ),
        (
            vec![id],
            &own,
            others,
            "lane=own;reason=carried-by-label",
            Some(Reason::CorrelationHit),
        ),
        (
            vec![id],
            &own,
            &[],
            "lane=own;reason=carried-by-label",
            Some(Reason::CorrelationMiss),
        ),
        (
            vec![id],
            &none,
            &[],
            "lane=-;reason=carried-nothing",
            Some(Reason::CorrelationMiss),
        ),
        (
            vec![],
            &none,
            known,
            "lane=-;reason=carried-nothing",
            Some(Reason::CorrelationUnidentified),
        ),
    ] {
        let facts = StaticFacts::with_headers(headers.clone());
        let decision = policy.outbound(&facts, workload, &mut memory(entries));
        assert_eq!(
            decision.summary(&policy),
            format!("{summary};lane=-"),
            "{headers:?}"
        );
        assert_eq!(decision.correlation, correlation, "{headers:?}");
        assert_eq!(decision.refused, None);
        assert!(decision.keys.is_empty());
    }
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

/// Who takes what, as the guide's table has it.
#[test]
fn a_workload_takes_what_is_for_its_lane() {
    let lanes = |keys: &str| {
        policy(&format!(
            r#"{{"tags": [{{"name": "lane", "lanes": {{"label": "lane", "baseline": "base", "lanes": [
                {{"name": "gray"}}, {{"name": "blue", "mode": "strict"}}, {{"name": "gone", "enabled": false}}]{keys}}}}}]}}"#
        ))
    };
    let plain = lanes("");
    let lenient = lanes(
        r#", "onUntagged": "reroute", "onOtherLane": "reroute", "onUnknownTag": "accept",
           "exempt": {"attribute": "path", "prefix": "/health"}"#,
    );
    let accepting = lanes(r#", "onOtherLane": "accept", "onUnknownTag": "refuse""#);
    // The workload's label, the request's tag; whether it is refused, where it is sent on to, the tag that it has then, and why.
    type Row<'r> = (
        &'r Policy,
        &'r str,
        &'r str,
        &'r str,
        Option<&'r str>,
        &'r str,
        Reason,
    );
    let (yes, no) = ("", "refused");
    let rows: [Row<'_>; 26] = [
        (&plain, "gray", "gray", yes, None, "gray", Reason::LaneOwn),
        (
            &plain,
            "gray",
            "blue",
            no,
            None,
            "blue",
            Reason::LaneOtherRefused,
        ),
        (
            &plain,
            "gray",
            "",
            no,
            None,
            "",
            Reason::LaneUntaggedRefused,
        ),
        (
            &plain,
            "gray",
            "new",
            no,
            None,
            "",
            Reason::LaneUntaggedRefused,
        ),
        (
            &plain,
            "gray",
            "gone",
            no,
            None,
            "",
            Reason::LaneUntaggedRefused,
        ),
        (
            &plain,
            "gone",
            "gone",
            no,
            None,
            "",
            Reason::LaneUntaggedRefused,
        ),
        (&plain, "base", "", yes, None, "", Reason::LaneBaseline),
        (
            &plain,
            "base",
            "base",
            yes,
            None,
            "base",
            Reason::LaneBaseline,
        ),
        (
            &plain,
            "gray",
            "base",
            no,
            None,
            "base",
            Reason::LaneUntaggedRefused,
        ),
        (
            &plain,
            "base",
            "gray",
            yes,
            None,
            "gray",
            Reason::LaneFellBack,
        ),
        (&plain, "base", "blue", no, None, "blue", Reason::LaneLeft),
        (&plain, "base", "gone", yes, None, "", Reason::LaneClosed),
        (&plain, "base", "new", yes, None, "", Reason::LaneUnknownTag),
        (&plain, "v7", "", yes, None, "", Reason::LaneBaseline),
        (&plain, "v7", "blue", no, None, "blue", Reason::LaneLeft),
        (&plain, "-", "gray", yes, None, "gray", Reason::LaneFellBack),
        (
            &lenient,
            "gray",
            "",
            yes,
            Some("baseline"),
            "",
            Reason::LaneUntaggedRerouted,
        ),
        (
            &lenient,
            "gray",
            "gone",
            yes,
            Some("baseline"),
            "",
            Reason::LaneUntaggedRerouted,
        ),
        (
            &lenient,
            "gray",
            "blue",
            yes,
            Some("blue"),
            "blue",
            Reason::LaneOtherRerouted,
        ),
        (
            &lenient,
            "gray",
            "new",
            yes,
            None,
            "new",
            Reason::LaneUnknownAccepted,
        ),
        (
            &lenient,
            "base",
            "new",
            yes,
            None,
            "new",
            Reason::LaneUnknownAccepted,
        ),
        (
            &accepting,
            "gray",
            "blue",
            yes,
            None,
            "blue",
            Reason::LaneOtherAccepted,
        ),
        (
            &accepting,
            "gray",
            "new",
            no,
            None,
            "new",
            Reason::LaneUnknownRefused,
        ),
        (
            &accepting,
            "base",
            "new",
            no,
            None,
            "new",
            Reason::LaneUnknownRefused,
        ),
        (
            &accepting,
            "gray",
            "",
            no,
            None,
            "",
            Reason::LaneUntaggedRefused,
        ),
        (
            &accepting,
            "gray",
            "gray",
            yes,
            None,
            "gray",
            Reason::LaneOwn,
        ),
    ];
    for (policy, label, tag, refused, reroute, left, reason) in rows {
        let case = format!("{tag:?} at {label}");
        let labels = [("lane", label)];
        let workload = workload(if label == "-" { &[] } else { &labels });
        let headers = [(":path", "/"), ("x-request-id", "r"), ("lane", tag)];
        let facts =
            StaticFacts::with_headers(headers.into_iter().filter(|(_, value)| !value.is_empty()));
        let decision = policy.inbound(&facts, &workload);
        let is_refused = refused == no;
        assert_eq!(decision.tags[0].lane, Some(reason), "{case}");
        assert_eq!(decision.refused, is_refused.then_some(reason), "{case}");
        assert_eq!(decision.reroute.as_deref(), reroute, "{case}");
        let value = decision.tags[0].value.as_ref().map_or("", TagValue::as_str);
        assert_eq!(value, left, "{case}");
        // A request that does not come to the application causes nothing.
        assert_eq!(decision.keys.is_empty(), is_refused, "{case}");
    }
    let probe = StaticFacts::with_headers([(":path", "/health/ready")]);
    let decision = lenient.inbound(&probe, &workload(&[("lane", "gray")]));
    assert_eq!(decision.tags[0].lane, Some(Reason::LaneExempt));
    assert_eq!((decision.refused, decision.reroute), (None, None));
}

#[test]
fn a_closed_lanes_tag_leaves_no_workload() {
    let policy = policy(
        r#"{"tags": [{"name": "lane", "lanes": {"label": "lane", "lanes": [{"name": "gray", "enabled": false}, {"name": "blue"}]}}]}"#,
    );
    let decide = |tag| {
        let facts = StaticFacts::with_headers([("lane", tag)]);
        let decision = policy.outbound(&facts, &Workload::default(), &mut |_| None);
        (changes(&decision), decision.tags[0].lane)
    };
    assert_eq!(
        decide("gray"),
        ("lane: -".to_owned(), Some(Reason::LaneClosed))
    );
    assert_eq!(
        decide("new"),
        ("lane: -".to_owned(), Some(Reason::LaneUnknownTag))
    );
    assert_eq!(decide("blue"), (String::new(), Some(Reason::LaneOwn)));
    // Also one that comes out of the memory.
    let facts = StaticFacts::with_headers([("x-request-id", "r")]);
    let mut memory = memory(&[("request:r", "lane", "gray")]);
    let decision = policy.outbound(&facts, &Workload::default(), &mut memory);
    assert_eq!(
        (decision.tags[0].value.as_ref(), changes(&decision)),
        (None, String::new())
    );
}
