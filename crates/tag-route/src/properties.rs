//! What holds for every document and every request.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshlane_attributes::{ProxyKind, Request, StaticFacts, Workload};
use meshlane_diagnostics::Reason;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::set::Set;
use crate::{ClusterHealth, Decision, Health, Lease, Policy, Snapshot, read_clusters};

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_decision_keeps_what_routers_leave(
        document in document(),
        healthy in vec(any::<bool>(), MAX_DESTINATIONS),
        request in request(),
        seed: u64,
    ) {
        let policy = parse(&document);
        let service = &policy.services()[0];
        let health = Health::new(&policy, Some(&snapshot(&healthy)));
        let workload = workload();
        let (decision, sets) = observe(&policy, &request, &health, seed);

        // Healthy ones only, unless none is.
        let destinations = 0..service.destinations().len();
        let mut considered: BTreeSet<_> = destinations.clone().filter(|at| healthy[*at]).collect();
        let known = !considered.is_empty();
        if !known {
            considered = destinations.collect();
        }
        let expected = if known { Reason::HealthKnown } else { Reason::HealthIgnored };
        prop_assert_eq!(decision.health, Some(expected));
        prop_assert_eq!(&positions(&sets[0]), &considered);

        // Each step leaves some of what was there, and nothing only where the chain ends.
        prop_assert_eq!(sets.len(), decision.steps.len() + 1);
        for (at, step) in decision.steps.iter().enumerate() {
            let (before, after) = (positions(&sets[at]), positions(&sets[at + 1]));
            prop_assert_eq!(step.router, at);
            prop_assert_eq!(step.left, after.len());
            prop_assert!(after.is_subset(&before));
            let ends = matches!(step.reason, Reason::RouterFailed | Reason::RouterNobody | Reason::RouterLeftNothing);
            prop_assert_eq!(after.is_empty(), ends);
            prop_assert!(!ends || at + 1 == decision.steps.len());
            let keeps = matches!(step.reason, Reason::RouterDisabled | Reason::RouterNotApplied | Reason::RouterSkipped);
            prop_assert!(!keeps || after == before);
        }
        let ended = sets.last().is_some_and(Set::is_empty);
        let routers = policy.routers(service).count();
        prop_assert!(ended || decision.steps.len() == routers);

        // What is chosen is among what is left, or what the last resort allows.
        let chosen = decision.destination.map(|chosen| {
            let mut all = service.destinations().iter();
            all.position(|destination| destination.name() == chosen.name()).unwrap()
        });
        prop_assert_eq!(chosen.is_none(), decision.is_refused());
        match (chosen, decision.reason) {
            (None, reason) => prop_assert!(ended, "{}", reason),
            (Some(chosen), Reason::RouteLastResort) => prop_assert!(ended && considered.contains(&chosen)),
            (Some(chosen), _) => prop_assert!(positions(sets.last().unwrap()).contains(&chosen)),
        }

        // The same again, and explained.
        let again = policy.decide(&request, &workload, &health, &mut random(seed));
        prop_assert_eq!(again.summary(&policy), decision.summary(&policy));
        let explained = policy.explain(&request, &workload, &health, &mut random(seed));
        prop_assert_eq!(&explained.summary, &decision.summary(&policy));
        prop_assert_eq!(explained.destination.as_deref(), decision.destination.map(|found| found.name()));
        prop_assert_eq!(explained.header_value.as_deref(), policy.header_value(&decision));
        prop_assert_eq!(explained.considered.len() + explained.unhealthy.len(), service.destinations().len());
        for (at, router) in explained.routers.iter().enumerate() {
            let step = decision.steps.get(at);
            let reason = step.map_or(Reason::RouterNotReached, |step| step.reason);
            prop_assert_eq!(router.reason, reason.as_str());
            prop_assert_eq!(router.after.len(), step.map_or(0, |step| step.left));
        }
    }

    #[test]
    fn an_untagged_request_never_enters_a_tagged_destination(
        (before, after) in (vec(narrowing(), 0..3), vec(narrowing(), 0..3)),
        destinations in destinations(),
        healthy in vec(any::<bool>(), MAX_DESTINATIONS),
        force: bool,
        then in select(vec![None, Some("untagged"), Some("fail"), Some("lastResort")]),
        to_baseline: bool,
        request in request(),
        seed: u64,
    ) {
        let mut lane = json!({"name": "lane", "force": force,
            "tag": {"keys": ["header.x-lane"], "label": "version", "untagged": ["a"]}});
        if let Some(then) = then.filter(|_| !force) {
            lane["fallback"] = json!({"then": then});
        }
        let has_baseline = destinations.iter().any(|labels| labels.get("version") == Some(&"a"));
        let last_resort = match to_baseline && has_baseline {
            true => json!({"lastResort": "baseline", "baseline": {"version": "a"}}),
            false => json!({}),
        };
        let chain = [before, vec![lane], after].concat();
        let policy = parse(&assemble(&named(chain), &destinations, &last_resort, &json!({})));
        let health = Health::new(&policy, Some(&snapshot(&healthy)));
        let decision = policy.decide(&request, &workload(), &health, &mut random(seed));
        if let Some(destination) = decision.destination {
            let tag = destination.labels().get("version").map(String::as_str);
            prop_assert!(matches!(tag, None | Some("a")), "{}", decision.summary(&policy));
        }
    }

    #[test]
    fn a_share_that_is_gone_moves_its_keys_only(
        weights in vec(1_u32..1_000, 2..6),
        gone in any::<prop::sample::Index>(),
        salt in "[a-z]{0,3}",
        by_rule: bool,
    ) {
        let gone = gone.index(weights.len());
        let values = weights.iter().enumerate();
        let router = match by_rule {
            true => {
                let to: Vec<_> = values
                    .map(|(at, weight)| json!({"labels": {"version": [format!("v{at}")]}, "weight": weight}))
                    .collect();
                json!({"condition": {"by": "header.x-user", "salt": salt, "rules": [{"to": to}]}})
            }
            false => {
                let values: Vec<_> = values
                    .map(|(at, weight)| json!({"value": format!("v{at}"), "weight": weight}))
                    .collect();
                json!({"weight": {"label": "version", "by": "header.x-user", "salt": salt, "values": values}})
            }
        };
        let destinations: Vec<_> = (0..weights.len())
            .map(|at| json!({"name": format!("d-{at}"), "cluster": format!("c-{at}"), "labels": {"version": format!("v{at}")}}))
            .collect();
        let policy = parse(&json!({"health": {"cluster": "admin"}, "chains": {"default": [router]},
            "services": [{"name": "s", "hosts": ["*"], "destinations": destinations}]}));
        assert_only_its_keys_move(&policy, weights.len(), gone)?;
    }

    #[test]
    fn a_destination_that_is_gone_moves_its_keys_only(
        weights in vec(1_u32..1_000, 2..6),
        gone in any::<prop::sample::Index>(),
        salt in "[a-z]{0,3}",
    ) {
        let gone = gone.index(weights.len());
        let destinations: Vec<_> = weights.iter().enumerate()
            .map(|(at, weight)| json!({"name": format!("d-{at}"), "cluster": format!("c-{at}"), "weight": weight}))
            .collect();
        let policy = parse(&json!({"health": {"cluster": "admin"}, "select": {"by": "header.x-user", "salt": salt},
            "services": [{"name": "s", "hosts": ["*"], "destinations": destinations}]}));
        assert_only_its_keys_move(&policy, weights.len(), gone)?;
    }

    #[test]
    fn a_snapshot_is_read_as_it_was_written(
        clusters in btree_map(".{0,40}", (any::<u32>(), any::<u32>()), 0..20),
        nanoseconds: u64,
    ) {
        let snapshot: Snapshot = clusters.iter()
            .map(|(name, (healthy, total))| (name.as_str(), ClusterHealth { healthy: *healthy, total: *total }))
            .collect();
        let time = Duration::from_nanos(nanoseconds);
        let bytes = snapshot.encode(time);
        prop_assert_eq!(Snapshot::time(&bytes), Some(time));
        prop_assert_eq!(Snapshot::decode(&bytes), Some(snapshot));
    }

    #[test]
    fn any_bytes_are_a_snapshot_or_none(bytes in vec(any::<u8>(), 0..200)) {
        let _ = Snapshot::time(&bytes);
        if let Some(snapshot) = Snapshot::decode(&bytes) {
            let again = snapshot.encode(Duration::ZERO);
            prop_assert_eq!(Snapshot::decode(&again), Some(snapshot));
        }
    }

    #[test]
    fn any_bytes_are_an_answer_or_none(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(read_clusters(bytes.as_slice()).is_err());
    }

    #[test]
    fn an_answer_is_counted_right_and_a_broken_one_does_no_harm(
        clusters in btree_map("[a-z|]{1,8}", vec((endpoint(), any::<bool>()), 0..6), 0..6),
        (at, byte) in (any::<prop::sample::Index>(), any::<u8>()),
    ) {
        let statuses = clusters.iter().map(|(name, endpoints)| {
            let hosts: Vec<_> = endpoints.iter()
                .map(|((status, _), more)| match more {
                    true => json!({"stats": [{"name": "a", "value": "1"}], "health_status": status, "weight": 1}),
                    false => json!({"health_status": status}),
                })
                .collect();
            json!({"added_via_api": true, "name": name, "host_statuses": hosts})
        });
        let answer = json!({"cluster_statuses": statuses.collect::<Vec<_>>()});
        let mut bytes = serde_json::to_vec_pretty(&answer).unwrap();
        let snapshot = read_clusters(bytes.as_slice()).unwrap();
        prop_assert_eq!(snapshot.len(), clusters.len());
        for (name, endpoints) in &clusters {
            let healthy = endpoints.iter().filter(|((_, healthy), _)| *healthy).count();
            let counted = ClusterHealth { healthy: healthy as u32, total: endpoints.len() as u32 };
            prop_assert_eq!(snapshot.get(name), counted);
        }
        let at = at.index(bytes.len());
        prop_assert!(read_clusters(&bytes[..at]).is_err());
        bytes[at] = byte;
        let _ = read_clusters(bytes.as_slice());
    }

    #[test]
    fn at_most_one_holds_the_lease(steps in vec((0_usize..4, any::<bool>(), 0_u64..3_000), 1..200)) {
        let interval = Duration::from_secs(1);
        let mut now = Duration::from_secs(1_000);
        let mut shared: Option<(u64, [u8; 16])> = None;
        let mut version = 0;
        // What each has read and would write, and what it holds.
        let mut claims: [Option<(u64, Option<Lease>)>; 4] = [None; 4];
        let mut held: [Option<Lease>; 4] = [None; 4];
        for (vm, reads, milliseconds) in steps {
            now += Duration::from_millis(milliseconds);
            if reads {
                let bytes = shared.as_ref().map(|(_, bytes)| bytes.as_slice());
                let seen = shared.map_or(0, |(version, _)| version);
                claims[vm] = Some((seen, Lease::claim(bytes, vm as u64, now, interval)));
            } else if let Some((seen, claim)) = claims[vm].take()
                && let Some(lease) = claim
                && seen == shared.map_or(0, |(version, _)| version)
            {
                version += 1;
                shared = Some((version, lease.encode()));
                held[vm] = Some(lease);
            }
            let holders = held.iter().flatten().filter(|lease| lease.expires > now).count();
            prop_assert!(holders <= 1);
        }
        // And nobody is locked out for ever.
        now += interval * 3;
        let bytes = shared.as_ref().map(|(_, bytes)| bytes.as_slice());
        prop_assert!(Lease::claim(bytes, 9, now, interval).is_some());
    }
}

#[test]
fn shares_by_chance_are_as_the_weights_say() {
    let weights = [60.0, 30.0, 9.0, 1.0, 0.0];
    let values: Vec<_> = weights
        .iter()
        .enumerate()
        .map(|(at, weight)| json!({"value": format!("v{at}"), "weight": weight}))
        .collect();
    let to: Vec<_> = weights
        .iter()
        .enumerate()
        .map(|(at, weight)| json!({"labels": {"version": [format!("v{at}")]}, "weight": weight}))
        .collect();
    let labelled =
        |at: usize| json!({"name": format!("d-{at}"), "labels": {"version": format!("v{at}")}});
    let weighted = |at: usize| json!({"name": format!("d-{at}"), "weight": weights[at]});
    let all = |destination: &dyn Fn(usize) -> Value| (0..5).map(destination).collect::<Vec<_>>();
    for (router, destinations) in [
        (
            json!({"weight": {"label": "version", "values": values}}),
            all(&labelled),
        ),
        (
            json!({"condition": {"rules": [{"to": to}]}}),
            all(&labelled),
        ),
        (json!({"locality": {}}), all(&weighted)),
    ] {
        let policy = parse(&json!({"chains": {"default": [router]},
            "services": [{"name": "s", "hosts": ["*"], "destinations": destinations}]}));
        assert_shares(&policy, &Health::default(), &weights);
    }
}

#[test]
fn endpoints_are_loaded_alike() {
    let destination = |at: usize, weight: f64| json!({"name": format!("d-{at}"), "cluster": format!("c-{at}"), "weight": weight});
    let document = |balance| {
        json!({"health": {"cluster": "admin"}, "select": {"balance": balance},
            "services": [{"name": "s", "hosts": ["*"],
                "destinations": [destination(0, 1.0), destination(1, 1.0), destination(2, 0.5), destination(3, 1.0)]}]})
    };
    let clusters = [("c-0", 10), ("c-1", 30), ("c-2", 40), ("c-3", 0)];
    let clusters = clusters.map(|(name, healthy)| (name, ClusterHealth { healthy, total: 50 }));
    let snapshot: Snapshot = clusters.into_iter().collect();
    let policy = parse(&document("endpoints"));
    let known = Health::new(&policy, Some(&snapshot));
    assert_shares(&policy, &known, &[10.0, 30.0, 20.0, 0.0]);
    // While nothing is known all endpoints are the same number.
    let unknown = Health::new(&policy, None);
    assert_shares(&policy, &unknown, &[1.0, 1.0, 0.5, 1.0]);
    let policy = parse(&document("destinations"));
    let known = Health::new(&policy, Some(&snapshot));
    assert_shares(&policy, &known, &[1.0, 1.0, 0.5, 0.0]);
}

#[test]
fn sticky_shares_are_as_the_weights_say() {
    let weights = [5.0, 3.0, 2.0];
    let destinations: Vec<_> = weights
        .iter()
        .enumerate()
        .map(|(at, weight)| json!({"name": format!("d-{at}"), "weight": weight}))
        .collect();
    let policy = parse(&json!({"select": {"by": "header.x-user"},
        "services": [{"name": "s", "hosts": ["*"], "destinations": destinations}]}));
    let health = Health::default();
    let mut found = [0; 3];
    for key in 0..DRAWS {
        let request = with(&[("x-user", &format!("user-{key}"))]);
        found[choice(&policy, &request, &health, 0)] += 1;
    }
    assert_near(&found, &weights);
}

/// Keys of other choices than `gone` choose the same when it is not healthy.
fn assert_only_its_keys_move(
    policy: &Policy,
    choices: usize,
    gone: usize,
) -> Result<(), TestCaseError> {
    let all = Health::new(policy, Some(&snapshot(&vec![true; choices])));
    let but_one: Vec<_> = (0..choices).map(|at| at != gone).collect();
    let but_one = Health::new(policy, Some(&snapshot(&but_one)));
    for key in 0..200 {
        let request = with(&[("x-user", &format!("user-{key}"))]);
        let before = choice(policy, &request, &all, 0);
        let after = choice(policy, &request, &but_one, 0);
        prop_assert_ne!(after, gone);
        prop_assert!(before == gone || after == before, "{}", key);
    }
    Ok(())
}

fn assert_shares(policy: &Policy, health: &Health, weights: &[f64]) {
    let mut found = vec![0; weights.len()];
    for seed in 0..DRAWS {
        found[choice(policy, &with(&[]), health, seed)] += 1;
    }
    assert_near(&found, weights);
}

/// Five standard deviations: with these seeds it holds or it does not, for ever.
fn assert_near(found: &[u64], weights: &[f64]) {
    let sum: f64 = weights.iter().sum();
    for (found, weight) in found.iter().zip(weights) {
        let (share, draws) = (weight / sum, DRAWS as f64);
        let (expected, deviation) = (share * draws, (share * (1.0 - share) * draws).sqrt());
        let off = (*found as f64 - expected).abs();
        assert!(
            off <= 5.0 * deviation,
            "{found} of {DRAWS} for {weight} of {sum}"
        );
    }
}

/// The number of the destination that is chosen.
fn choice(policy: &Policy, request: &StaticFacts, health: &Health, seed: u64) -> usize {
    let decision = policy.decide(request, &workload(), health, &mut random(seed));
    let name = decision.destination.unwrap().name();
    name.strip_prefix("d-").unwrap().parse().unwrap()
}

/// A decision with the sets that were left at first and after each step.
fn observe<'p>(
    policy: &'p Policy,
    facts: &StaticFacts,
    health: &Health,
    seed: u64,
) -> (Decision<'p>, Vec<Set>) {
    let workload = workload();
    let request = Request::new(policy.attributes(), facts, &workload);
    let mut sets = Vec::new();
    let decision = policy.decide_observed(
        &request,
        &workload,
        health,
        &mut random(seed),
        &mut |_, set| sets.push(set.clone()),
    );
    (decision, sets)
}

fn positions(set: &Set) -> BTreeSet<usize> {
    set.iter().collect()
}

fn parse(document: &Value) -> Policy {
    let text = document.to_string();
    Policy::parse(text.as_bytes(), ProxyKind::Sidecar)
        .unwrap_or_else(|violations| panic!("{text}: {violations}"))
}

fn workload() -> Workload {
    Workload {
        labels: [("zone", "a"), ("region", "b")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..Workload::default()
    }
}

fn with(headers: &[(&str, &str)]) -> StaticFacts {
    let host = [(":authority", "s.shop")];
    StaticFacts::with_headers(host.iter().chain(headers).copied())
}

/// Of two endpoints one or none is healthy.
fn snapshot(healthy: &[bool]) -> Snapshot {
    let names: Vec<_> = (0..healthy.len()).map(|at| format!("c-{at}")).collect();
    let clusters = names.iter().zip(healthy);
    let clusters = clusters.map(|(name, healthy)| {
        let (healthy, total) = (u32::from(*healthy), 2);
        (name.as_str(), ClusterHealth { healthy, total })
    });
    clusters.collect()
}

/// Other bytes each time ([SplitMix64](https://doi.org/10.1145/2714064.2660195)).
fn random(seed: u64) -> impl FnMut() -> [u8; 16] {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u128::from(mixed ^ (mixed >> 31))
    };
    move || (next() << 64 | next()).to_be_bytes()
}

/// A status of an endpoint in an answer of Envoy, and whether it is healthy by it.
fn endpoint() -> impl Strategy<Value = (Value, bool)> {
    select(vec![
        (json!({"eds_health_status": "HEALTHY"}), true),
        (json!({}), true),
        (
            json!({"eds_health_status": "DEGRADED", "failed_active_degraded_check": true}),
            true,
        ),
        (json!({"eds_health_status": "DRAINING"}), false),
        (
            json!({"failed_outlier_check": true, "eds_health_status": "HEALTHY"}),
            false,
        ),
        (json!({"failed_active_health_check": true}), false),
    ])
}

/// Labels of some destinations, over as many as two words of a set.
fn destinations() -> impl Strategy<Value = Vec<BTreeMap<&'static str, &'static str>>> {
    let few = vec(labels(0..4), 1..12);
    let many = vec(labels(0..4), 60..MAX_DESTINATIONS);
    prop_oneof![4 => few, 1 => many]
}

fn labels(
    size: std::ops::Range<usize>,
) -> impl Strategy<Value = BTreeMap<&'static str, &'static str>> {
    btree_map(label(), value(), size)
}

fn label() -> impl Strategy<Value = &'static str> {
    select(LABELS.to_vec())
}

fn value() -> impl Strategy<Value = &'static str> {
    select(VALUES.to_vec())
}

/// Labels with lists of values.
fn meant() -> impl Strategy<Value = Value> {
    btree_map(label(), vec(value(), 1..3), 0..3).prop_map(|labels| json!(labels))
}

fn request() -> impl Strategy<Value = StaticFacts> {
    let tag = option::of(select(vec!["a", "b", "c", "a|b", "a|b|c", "d|a", "", "|"]));
    let user = option::of("[a-f]{1,3}");
    let number = option::of(-30_i32..30);
    (tag, user, number, any::<bool>()).prop_map(|(tag, user, number, force)| {
        let number = number.map(|number| number.to_string());
        let headers = [
            ("x-tag", tag),
            ("x-user", user.as_deref()),
            ("x-uid", number.as_deref()),
            ("x-force", force.then_some("true")),
        ];
        let headers = headers.into_iter();
        let headers: Vec<_> = headers
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        with(&headers)
    })
}

/// A router that only narrows.
fn narrowing() -> impl Strategy<Value = Value> {
    let locality = vec(label(), 1..3).prop_map(|mut levels| {
        levels.sort_unstable();
        levels.dedup();
        json!({"locality": {"levels": levels}})
    });
    let unit = (label(), any::<bool>(), option::of(value())).prop_map(|(label, hash, default)| {
        let places = if hash { json!({"of": 10}) } else { Value::Null };
        let divisor = if hash { Value::Null } else { json!(10) };
        json!({"unit": {"keys": ["header.x-uid", "header.x-user"], "label": label, "hash": places, "divisor": divisor,
            "default": default, "ranges": [{"unit": "a", "from": 0, "below": 4}, {"unit": "b", "from": 4, "below": 8}]}})
    });
    let same = option::of(label()).prop_map(|label| {
        let same = label.map(|label| (label, "header.x-tag"));
        same.into_iter().collect::<BTreeMap<_, _>>()
    });
    let to = (meant(), meant(), same, 0..3).prop_map(|(labels, not, same, weight)| {
        json!({"labels": labels, "notLabels": not, "same": same, "weight": weight})
    });
    let from = select(vec![
        Value::Null,
        json!({"attribute": "header.x-user", "prefix": "a"}),
        json!({"not": {"attribute": "header.x-tag", "exact": "a"}}),
    ]);
    let rule = (from, vec(to, 0..4), any::<bool>()).prop_map(|(from, mut to, enabled)| {
        if let Some(first) = to.first_mut() {
            first["weight"] = json!(1);
        }
        json!({"from": from, "to": to, "enabled": enabled})
    });
    let condition = (vec(rule, 1..4), any::<bool>()).prop_map(|(rules, sticky)| {
        json!({"condition": {"rules": rules, "by": sticky.then_some("header.x-user")}})
    });
    let weight = (label(), 0..3, any::<bool>()).prop_map(|(label, weight, sticky)| {
        json!({"weight": {"label": label, "by": sticky.then_some("header.x-user"),
            "values": [{"value": "a", "weight": weight}, {"value": "b", "weight": 2}]}})
    });
    let kind = prop_oneof![
        locality.boxed(),
        unit.boxed(),
        condition.boxed(),
        weight.boxed()
    ];
    let then = option::of(select(vec!["skip", "fail", "lastResort"]));
    (kind, then, 0..8).prop_map(|(mut router, then, odd)| {
        match odd {
            0 => router["force"] = json!(true),
            1 => router["enabled"] = json!(false),
            _ => router["fallback"] = json!({"then": then}),
        }
        router
    })
}

/// Any router, with any fallback.
fn router() -> impl Strategy<Value = Value> {
    let groups = vec((value(), labels(1..3)), 0..3).prop_map(|groups| {
        let lists = |labels: BTreeMap<_, _>| {
            let labels = labels.into_iter();
            labels
                .map(|(label, value)| (label, [value]))
                .collect::<BTreeMap<_, _>>()
        };
        let groups = groups.into_iter();
        let groups = groups.map(|(tag, labels)| json!({"tag": tag, "labels": lists(labels)}));
        groups.collect::<Vec<_>>()
    });
    let hierarchy = select(vec!["all", "groups", "none"]);
    let then = option::of(select(vec!["skip", "fail", "lastResort", "untagged"]));
    let tag = (label(), vec(value(), 0..2), groups, hierarchy, any::<bool>(), then, 0..8).prop_map(
        |(label, untagged, groups, hierarchy, is_dubbo, then, odd)| {
            let preset = is_dubbo.then_some("dubbo");
            let mut router = json!({"tag": {"preset": preset, "keys": ["header.x-tag"], "label": label, "untagged": untagged,
                "groups": groups, "hierarchy": hierarchy, "forceKey": (odd == 2).then_some("header.x-force")}});
            match odd {
                0 => router["force"] = json!(true),
                1 => router["enabled"] = json!(false),
                _ => router["fallback"] = json!({"then": then}),
            }
            router
        },
    );
    let values = (
        prop_oneof![3 => narrowing().boxed(), 2 => tag.boxed()],
        vec(value(), 0..3),
    );
    values.prop_map(|(mut router, values)| {
        let is_rule = router.get("condition").is_some();
        if let Some(fallback) = router.get_mut("fallback") {
            fallback["values"] = json!(values);
            if is_rule {
                fallback["label"] = json!("version");
            }
        }
        router
    })
}

fn document() -> impl Strategy<Value = Value> {
    let last_resort = select(vec!["fail", "anyHealthy", "baseline"]);
    let select = select(vec![
        json!({}),
        json!({"balance": "first"}),
        json!({"balance": "destinations"}),
        json!({"by": "header.x-user"}),
    ]);
    let parts = (vec(router(), 0..6), destinations(), last_resort, select);
    parts.prop_map(|(chain, destinations, last_resort, select)| {
        let mut service = json!({"lastResort": last_resort});
        if last_resort == "baseline" {
            match destinations.iter().find(|labels| !labels.is_empty()) {
                Some(labels) => service["baseline"] = json!(labels),
                None => service["lastResort"] = json!("fail"),
            }
        }
        assemble(&named(chain), &destinations, &service, &select)
    })
}

fn named(chain: Vec<Value>) -> Vec<Value> {
    let mut chain = chain;
    for (at, router) in chain.iter_mut().enumerate() {
        router["name"] = json!(format!("r-{at}"));
    }
    chain
}

fn assemble(
    chain: &[Value],
    destinations: &[BTreeMap<&str, &str>],
    service: &Value,
    select: &Value,
) -> Value {
    let destinations = destinations.iter().enumerate();
    let destinations: Vec<_> = destinations
        .map(|(at, labels)| {
            json!({"name": format!("d-{at}"), "cluster": format!("c-{at}"), "labels": labels, "weight": at % 3})
        })
        .collect();
    let mut service = service.clone();
    service["name"] = json!("s");
    service["hosts"] = json!(["*.shop"]);
    service["destinations"] = json!(destinations);
    json!({"health": {"cluster": "admin"}, "select": select, "chains": {"default": chain}, "services": [service]})
}

const LABELS: [&str; 4] = ["region", "unit", "version", "zone"];
const VALUES: [&str; 3] = ["a", "b", "c"];
const MAX_DESTINATIONS: usize = 70;
const DRAWS: u64 = 20_000;
