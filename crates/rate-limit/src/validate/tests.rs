#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::Policy;

fn violations(document: &str) -> Vec<String> {
    match Policy::parse(document.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(violations) => violations.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_whole_document_is_accepted() {
    let document = r#"{
        "name": "edge", "onInvalidConfig": "passThrough", "sourceIp": {"trustedHops": 1}, "dubboHeaders": "peer",
        "refusal": {"status": 503, "body": "busy", "json": "{}", "headers": {"x-a": "b"}, "rateLimitHeaders": "always"},
        "limits": [
            {"name": "bucket", "shadow": true, "enforce": 12.5, "when": {"attribute": "path", "prefix": "/a"},
             "key": ["source.ip", "dubbo.arg.0"], "capacity": 64, "onOverflow": "refuse", "onContention": "refuse",
             "tokenBucket": {"requests": 10, "per": 60, "burst": 20},
             "exceptions": [{"key": ["10.0.0.1", 7], "unlimited": true},
                            {"key": ["10.0.0.2", true], "tokenBucket": {"requests": 99}}],
             "refusal": {"status": 429}},
            {"name": "window", "slidingWindow": [{"requests": 1}, {"requests": 100, "per": 2678400}]},
            {"name": "warm/up", "warmUp": {"requests": 10, "period": 1, "coldFactor": 2}},
            {"name": "at-a-time", "concurrency": {"requests": 10, "lease": 3}},
            {"name": "all-defaults", "adaptive": {}},
            {"name": "adaptive", "key": ["path"], "adaptive": {"min": 1, "max": 100, "initial": 50, "tolerance": 2, "window": 0.1, "lease": 3}},
            {"name": "queue", "queue": {"requests": 10, "maxWait": 0, "maxWaiting": 7,
             "classes": [{"when": {"attribute": "method", "exact": "GET"}, "maxWait": 600}]}}]}"#;
    assert_eq!(violations(document), [""; 0]);
}

#[test]
fn everything_that_is_wrong_is_found_at_once() {
    let document = r#"{
        "refusal": {"status": 200, "json": "{", "headers": {"x-meshlane-a": "b", "b": "\n"}},
        "limits": [
            {"name": "a b", "enforce": 101, "key": ["path", "path", "nonsense"], "capacity": 63, "tokenBucket": {"requests": 0.5, "per": 0, "burst": 0}},
            {"name": "a", "capacity": 64, "onOverflow": "share", "slidingWindow": []},
            {"name": "a", "warmUp": {"requests": 1, "period": 0.5, "coldFactor": 1}, "concurrency": {"requests": 1}},
            {"name": "b", "warmUp": {"requests": 1, "period": 0.5, "coldFactor": 1}},
            {"name": "c", "concurrency": {"requests": 2000000, "lease": 1}},
            {"name": "d", "queue": {"requests": 1, "maxWait": 601, "maxWaiting": 0, "classes": [{"when": {"attribute": "x"}, "maxWait": -1}]}},
            {"name": "e", "key": ["path"], "tokenBucket": {"requests": 1}, "exceptions": [
                {"key": ["a", "b"], "unlimited": true}, {"key": ["a"]}, {"key": ["a"], "unlimited": false, "concurrency": {"requests": 1}},
                {"key": [1e300], "tokenBucket": {"requests": 2}}]}]}"#;
    let expected = [
        "refusal.status: found `200`, expected an HTTP status from 400 to 599",
        "refusal.json: found `{`, expected a JSON document",
        "refusal.headers.b: found `\n`, expected printable ASCII, at most 1024 characters",
        "refusal.headers.x-meshlane-a: found `x-meshlane-a`, expected the name of a header that is not reserved for meshlane",
        "limits[0].name: found `a b`, expected a name of 1 to 64 letters, digits and `-_/`",
        "limits[0].key[1]: `path` is already used at limits[0].key[0]",
        "limits[0].enforce: found `101`, expected a percentage from 0 to 100",
        "limits[0].capacity: found `63`, expected a whole number from 64 to 131072",
        "limits[0].tokenBucket.requests: found `0.5`, expected a whole number from 1 to 1000000000",
        "limits[0].tokenBucket.burst: found `0`, expected a whole number from 1 to 1000000000",
        "limits[0].tokenBucket.per: found `0`, expected seconds from 0.001 to 2678400",
        "limits[1].slidingWindow: windows: found none, at least one is needed",
        "limits[1]: `capacity` cannot be used with a limit without `key`",
        "limits[1]: `onOverflow` cannot be used with a limit without `key`",
        "limits[2].name: `a` is already used at limits[1].name",
        "limits[2]: expected exactly one of `tokenBucket`, `slidingWindow`, `warmUp`, `concurrency`, `adaptive`, `queue`, `cluster`, found `warmUp`, `concurrency`",
        "limits[3].warmUp.period: found `0.5`, expected a whole number of seconds from 1 to 3600",
        "limits[3].warmUp.coldFactor: found `1`, expected a whole number from 2 to 100",
        "limits[4].concurrency.lease: found `1`, expected seconds from 3 to 3600",
        "limits[4].concurrency.requests: found `2000000`, expected a whole number from 1 to 1000000",
        "limits[5].queue.maxWait: found `601`, expected seconds from 0 to 600",
        "limits[5].queue.maxWaiting: found `0`, expected a whole number from 1 to 1000000",
        "limits[5].queue.classes[0].maxWait: found `-1`, expected seconds from 0 to 600",
        "limits[6].exceptions[0].key: found `2`, expected as many values as the limit's `key` has attributes",
        "limits[6].exceptions[1]: found `neither`, expected `unlimited: true`, or the kind that the limit has",
        "limits[6].exceptions[2]: found `unlimited: false, concurrency`, expected `unlimited: true`, or the kind that the limit has",
    ];
    let found = violations(document);
    for expected in expected {
        assert!(
            found.iter().any(|found| found == expected),
            "{expected}\nis not in\n{}",
            found.join("\n")
        );
    }
    let more = [
        "limits[0].key[2]: ",
        "limits[5].queue.classes[0].when: ",
        "limits[5].queue.classes[0].when.attribute: ",
        "limits[6].exceptions[3].key[0]: ",
    ];
    for more in more {
        assert!(
            found.iter().any(|found| found.starts_with(more)),
            "{more}: {}",
            found.join("\n")
        );
    }
    assert_eq!(
        found.len(),
        expected.len() + more.len(),
        "{}",
        found.join("\n")
    );
}

#[test]
fn a_refusal_that_says_little_is_as_that_of_the_document() {
    let policy = Policy::parse(
        br#"{"refusal": {"status": 503, "body": "busy"}, "limits": [
            {"name": "a", "tokenBucket": {"requests": 1}, "refusal": {"body": "later"}},
            {"name": "b", "tokenBucket": {"requests": 1}}]}"#,
    );
    let policy = policy.unwrap();
    let refusal = |at: usize| {
        let refusal = policy.limits()[at].refusal();
        (refusal.status, refusal.body.as_deref())
    };
    assert_eq!(refusal(0), (Some(503), Some("later")));
    assert_eq!(refusal(1), (Some(503), Some("busy")));
}

#[test]
fn limits_of_a_service_are_validated() {
    let good = r#"{"limits": [{"name": "a", "when": {"attribute": "path", "prefix": "/"}, "shadow": true, "cluster": {
        "service": "outbound|8081||ratelimit.infra.svc.cluster.local", "domain": "shop", "hits": 2, "hitsFrom": "header.x-cost", "timeout": 0.1,
        "failureMode": "local", "local": {"requests": 10}, "lease": {"requests": 100, "seconds": 2}, "rememberOver": false,
        "descriptors": [
            {"entries": [{"key": "user", "attribute": "header.x-user"}, {"value": "slow"}], "limit": {"requestsPerUnit": 5, "unit": "minute"}},
            {"entries": [{"attribute": "source.ip"}]}]}}]}"#;
    assert_eq!(violations(good), [""; 0]);
    let bad = r#"{"limits": [
        {"name": "a", "key": ["path"], "onOverflow": "share", "tokenBucket": {"requests": 1}, "cluster": {"service": "s", "domain": "d", "descriptors": [{"entries": [{"value": "v"}]}]}},
        {"name": "b", "key": ["path"], "capacity": 64, "cluster": {"service": "", "domain": "a b", "hits": 0, "timeout": 0, "lease": {"requests": 1, "seconds": 0},
         "local": {"requests": 1}, "descriptors": []}},
        {"name": "c", "cluster": {"service": "s", "domain": "d", "failureMode": "local", "descriptors": [{"entries": []},
         {"entries": [{"key": "k"}, {"key": "", "value": "v"}, {"attribute": "path", "value": "v"}], "limit": {"requestsPerUnit": 0, "unit": "day"}}]}}]}"#;
    let expected = [
        "limits[0]: expected exactly one of `tokenBucket`, `slidingWindow`, `warmUp`, `concurrency`, `adaptive`, `queue`, `cluster`, found `tokenBucket`, `cluster`",
        "limits[0]: `onOverflow` cannot be used with `cluster`",
        "limits[0]: `key` cannot be used with `cluster`",
        "limits[1].cluster.service: found ``, expected 1 to 120 visible ASCII characters",
        "limits[1].cluster.domain: found `a b`, expected 1 to 120 visible ASCII characters",
        "limits[1].cluster.hits: found `0`, expected a whole number from 1 to 1000000",
        "limits[1].cluster.timeout: found `0`, expected seconds from 0.001 to 10",
        "limits[1].cluster.lease.requests: found `1`, expected a whole number from 2 to 1000000",
        "limits[1].cluster.lease.seconds: found `0`, expected seconds from 0.1 to 3600",
        "limits[1].cluster: `local` cannot be used with another `failureMode` than `local`",
        "limits[1].cluster.descriptors: descriptors: found none, at least one is needed",
        "limits[1]: `capacity` cannot be used with `cluster`",
        "limits[1]: `key` cannot be used with `cluster`",
        "limits[2].cluster: key `local` is missing",
        "limits[2].cluster.descriptors[0].entries: entries: found none, at least one is needed",
        "limits[2].cluster.descriptors[1].limit.requestsPerUnit: found `0`, expected a whole number from 1 to 1000000000",
        "limits[2].cluster.descriptors[1].entries[0]: expected exactly one of `attribute`, `value`, found none",
        "limits[2].cluster.descriptors[1].entries[1].key: found ``, expected a text of 1 to 1024 bytes",
        "limits[2].cluster.descriptors[1].entries[2]: expected exactly one of `attribute`, `value`, found `attribute`, `value`",
    ];
    assert_eq!(violations(bad), expected);
}

#[test]
fn adaptive_limits_are_validated() {
    let bad = r#"{"limits": [{"name": "a", "adaptive": {"min": 10, "max": 5, "initial": 1.5, "tolerance": 0.5, "window": 0, "lease": 1}}]}"#;
    let expected = [
        "limits[0].adaptive.max: found `5`, expected no less than `min`",
        "limits[0].adaptive.initial: found `1.5`, expected a whole number from `min` to `max`",
        "limits[0].adaptive.tolerance: found `0.5`, expected a factor from 1 to 10",
        "limits[0].adaptive.window: found `0`, expected seconds from 0.1 to 60",
        "limits[0].adaptive.lease: found `1`, expected seconds from 3 to 3600",
    ];
    assert_eq!(violations(bad), expected);
}
