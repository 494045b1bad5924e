use std::time::Duration;

use meshlane_diagnostics::Reason;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::Proxy;
use crate::Holding;

fn reasons(proxy: &Proxy, headers: &[(&str, &str)]) -> Vec<Reason> {
    let decision = proxy.ask(headers);
    decision.limits.iter().map(|limit| limit.reason).collect()
}

#[test]
fn a_refusal_gives_back_what_was_taken_before() {
    let proxy = Proxy::new(
        r#"{"limits": [
            {"name": "wide", "tokenBucket": {"requests": 1, "per": 60, "burst": 5}},
            {"name": "window", "slidingWindow": [{"requests": 5, "per": 60}]},
            {"name": "many", "concurrency": {"requests": 5}},
            {"name": "narrow", "when": {"attribute": "header.x-narrow", "present": true},
             "tokenBucket": {"requests": 1, "per": 60}}]}"#,
    );
    let narrow = [("x-narrow", "1")];
    assert_eq!(
        proxy.line(&narrow),
        "wide=limit-allowed;left=4, window=limit-allowed;left=4, many=limit-allowed;left=4, narrow=limit-allowed;left=0"
    );
    for _ in 0..20 {
        assert_eq!(
            proxy.line(&narrow),
            "wide=limit-allowed;left=3, window=limit-allowed;left=3, many=limit-allowed;left=3, narrow=limit-over;left=0"
        );
    }
    assert_eq!(proxy.passing(100, &[]), 4);
}

#[test]
fn limits_behind_a_refusal_are_not_asked() {
    let proxy = Proxy::new(
        r#"{"limits": [
            {"name": "one", "tokenBucket": {"requests": 1, "per": 60}},
            {"name": "two", "tokenBucket": {"requests": 1, "per": 60, "burst": 3}}]}"#,
    );
    let allowed = [Reason::LimitAllowed; 2];
    assert_eq!(reasons(&proxy, &[]), allowed);
    let refused = [Reason::LimitOver, Reason::LimitNotReached];
    assert_eq!(reasons(&proxy, &[]), refused);
    let reply = proxy.ask(&[]).refused.unwrap().reply;
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (429, "meshlane: limit-over: one\n")
    );
    assert!(
        reply
            .headers
            .contains(&("retry-after".to_owned(), "60".to_owned()))
    );
}

#[test]
fn a_limit_is_for_those_that_it_says() {
    let proxy = Proxy::new(
        r#"{"limits": [
            {"name": "off", "enabled": false, "tokenBucket": {"requests": 1, "per": 60}},
            {"name": "posts", "when": {"attribute": "method", "exact": "POST"}, "tokenBucket": {"requests": 1, "per": 60}},
            {"name": "users", "key": ["header.x-user", "path"], "tokenBucket": {"requests": 1, "per": 60},
             "exceptions": [{"key": ["vip", "/a"], "unlimited": true},
                            {"key": [7, "/a"], "tokenBucket": {"requests": 1, "per": 60, "burst": 3}}]}]}"#,
    );
    let users = |user: &str, path: &str| {
        reasons(
            &proxy,
            &[("x-user", user), (":path", path), (":method", "GET")],
        )[2]
    };
    let all = reasons(&proxy, &[(":path", "/a"), (":method", "GET")]);
    assert_eq!(
        all,
        [
            Reason::LimitDisabled,
            Reason::LimitNotApplied,
            Reason::LimitKeyAbsent
        ]
    );
    assert_eq!(users("a", "/a"), Reason::LimitAllowed);
    assert_eq!(users("a", "/a"), Reason::LimitOver);
    assert_eq!(users("a", "/b"), Reason::LimitAllowed);
    assert_eq!(users("b", "/a"), Reason::LimitAllowed);
    // No value of one attribute is taken for another's.
    assert_eq!(users("a/", "a"), Reason::LimitAllowed);
    for _ in 0..9 {
        assert_eq!(users("vip", "/a"), Reason::LimitUnlimited);
    }
    let seven: Vec<_> = (0..4).map(|_| users("7", "/a")).collect();
    assert_eq!(seven[..3], [Reason::LimitAllowed; 3]);
    assert_eq!(seven[3], Reason::LimitOver);
}

#[test]
fn who_only_looks_refuses_nobody() {
    let limit = |keys: &str| {
        Proxy::new(&format!(
            r#"{{"limits": [{{"name": "a", {keys}, "tokenBucket": {{"requests": 1, "per": 60}}}}]}}"#
        ))
    };
    let proxy = limit(r#""shadow": true"#);
    proxy.ask(&[]);
    assert_eq!(proxy.line(&[]), "a=limit-shadowed;left=0");
    assert_eq!(proxy.passing(10, &[]), 10);
    // What is drawn here is a little more than a half.
    let half = limit(r#""enforce": 50"#);
    assert_eq!(half.passing(10, &[]), 10);
    assert_eq!(half.line(&[]), "a=limit-not-enforced;left=0");
    assert_eq!(limit(r#""enforce": 51"#).passing(10, &[]), 1);
    assert_eq!(limit(r#""enforce": 0"#).passing(10, &[]), 10);
}

#[test]
fn a_queue_that_only_looks_has_nobody_wait() {
    let proxy = Proxy::new(
        r#"{"limits": [
            {"name": "trial", "shadow": true, "queue": {"requests": 10, "maxWait": 0.2, "maxWaiting": 1}},
            {"name": "total", "tokenBucket": {"requests": 1, "per": 60, "burst": 5}}
        ]}"#,
    );
    let lines: Vec<_> = (0..4).map(|_| proxy.line(&[])).collect();
    assert_eq!(
        lines,
        [
            "trial=limit-allowed;left=2, total=limit-allowed;left=4",
            "trial=limit-shadowed;left=1;wait=100ms, total=limit-allowed;left=3",
            // Nobody waits, so nobody is in the way of others who would.
            "trial=limit-shadowed;left=0;wait=200ms, total=limit-allowed;left=2",
            "trial=limit-shadowed;left=0, total=limit-allowed;left=1",
        ]
    );
    let decision = proxy.ask(&[]);
    assert_eq!(decision.wait, Duration::ZERO);
    assert_eq!(decision.until, proxy.now);
    assert_eq!(decision.held, []);
}

#[test]
fn limits_of_one_name_and_kind_are_one() {
    let document = r#"{"limits": [{"name": "shared", "tokenBucket": {"requests": 1, "per": 60, "burst": 5}}]}"#;
    let one = Proxy::new(document);
    let mut other = Proxy::new(document);
    assert_eq!(one.passing(3, &[]), 3);
    other.counts = crate::Counts::open(&other.policy, &one.data, &mut || [9; 16]);
    other.data = one.data;
    assert_eq!(other.passing(9, &[]), 2);
}

#[test]
fn a_waiting_request_holds_a_place() {
    let mut proxy = Proxy::new(
        r#"{"limits": [{"name": "q", "queue": {"requests": 10, "maxWait": 0.5, "maxWaiting": 3, "classes": [
            {"when": {"attribute": "header.x-patient", "present": true}, "maxWait": 600}]}}]}"#,
    );
    assert_eq!(proxy.line(&[]), "q=limit-allowed;left=5");
    let waiting: Vec<_> = (0..3).map(|_| proxy.ask(&[])).collect();
    let waits: Vec<_> = waiting
        .iter()
        .map(|decision| decision.wait.as_millis())
        .collect();
    assert_eq!(waits, [100, 200, 300]);
    assert!(
        waiting
            .iter()
            .all(|decision| decision.held.len() == 1 && decision.held[0].is_waiting())
    );
    // Full, whatever one's patience.
    assert_eq!(reasons(&proxy, &[]), [Reason::LimitQueueFull]);
    assert_eq!(
        reasons(&proxy, &[("x-patient", "1")]),
        [Reason::LimitQueueFull]
    );
    // One goes away: the next has its time.
    proxy
        .counts
        .cancel(&proxy.policy, &proxy.data, &waiting[0].held[0]);
    assert_eq!(proxy.ask(&[]).wait, Duration::from_millis(100));
    assert_eq!(reasons(&proxy, &[]), [Reason::LimitQueueFull]);
    // A turn comes; the place is free, but the wait too long for all but the patient.
    proxy.counts.release(
        &proxy.policy,
        &proxy.data,
        &waiting[1].held[0],
        (proxy.now, None),
    );
    assert_eq!(proxy.ask(&[]).wait, Duration::from_millis(400));
    proxy.counts.release(
        &proxy.policy,
        &proxy.data,
        &waiting[2].held[0],
        (proxy.now, None),
    );
    assert_eq!(proxy.ask(&[]).wait, Duration::from_millis(500));
    proxy.counts.release(
        &proxy.policy,
        &proxy.data,
        &waiting[2].held[0],
        (proxy.now, None),
    );
    assert_eq!(reasons(&proxy, &[]), [Reason::LimitQueueFull]);
    assert_eq!(
        proxy.ask(&[("x-patient", "1")]).wait,
        Duration::from_millis(600)
    );
    proxy.pass(10_000);
    assert_eq!(reasons(&proxy, &[]), [Reason::LimitAllowed]);
}

#[test]
fn permits_of_a_lost_vm_come_back() {
    let mut proxy = Proxy::new(
        r#"{"limits": [{"name": "c", "key": ["header.x-user"], "concurrency": {"requests": 3, "lease": 9}}]}"#,
    );
    let alice = [("x-user", "alice")];
    let held = proxy.ask_at(1, &alice).held;
    assert_eq!(held.len(), 1);
    for _ in 0..2 {
        assert!(proxy.ask_at(2, &alice).refused.is_none());
    }
    assert!(proxy.ask_at(3, &alice).refused.is_some());
    assert!(proxy.ask_at(3, &[("x-user", "bob")]).refused.is_none());
    assert_eq!(
        proxy.policy.limits()[0].renewal(),
        Some(Duration::from_secs(3))
    );
    for _ in 0..4 {
        proxy.pass(3_000);
        proxy
            .counts
            .renew(&proxy.policy, &proxy.data, &held[0], proxy.now);
    }
    // Nothing was heard of the second one.
    assert_eq!(proxy.passing(9, &alice), 2);
    proxy
        .counts
        .release(&proxy.policy, &proxy.data, &held[0], (proxy.now, None));
    assert_eq!(proxy.passing(9, &alice), 1);
}

#[test]
fn answers_tell_what_is_left_when_asked_to() {
    let proxy = Proxy::new(
        r#"{"refusal": {"rateLimitHeaders": "always"}, "limits": [
            {"name": "a", "tokenBucket": {"requests": 10, "per": 60}},
            {"name": "b", "slidingWindow": [{"requests": 5, "per": 3600}, {"requests": 3, "per": 60}]}]}"#,
    );
    let headers = proxy.ask(&[]).response_headers;
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    assert_eq!(
        headers[..2],
        ["x-ratelimit-limit: 3, 3;w=60", "x-ratelimit-remaining: 2"]
    );
}

#[test]
fn what_is_held_several_times_is_renewed_once() {
    let proxy = Proxy::new(r#"{"limits": [{"name": "c", "concurrency": {"requests": 9}}]}"#);
    let held: Vec<_> = (0..3).flat_map(|_| proxy.ask(&[]).held).collect();
    let mut holding = Holding::default();
    for held in &held {
        holding.add(held);
    }
    assert_eq!(holding.iter().count(), 1);
    for (number, held) in held.iter().enumerate() {
        assert_eq!(holding.iter().count(), 1, "{number}");
        holding.remove(held);
    }
    assert_eq!(holding.iter().count(), 0);
    holding.remove(&held[0]);
    assert_eq!(holding.iter().count(), 0);
}
