//! The walk along the schema and the parser of the filter judge structure alike.
//!
//! A complete configuration is changed at every place, and both are asked.

use meshlane::check::Structure;
use meshlane::documents::Kind;
use meshlane::schema::{self, Subject};
use meshlane::source::Source;
use meshlane_bridge::config::DubboConfig;
use meshlane_gray_release::config::GrayReleaseConfig;
use meshlane_lane_group::config::LaneGroup;
use meshlane_rate_limit::config::RateLimitConfig;
use meshlane_tag_route::config::TagRouteConfig;
use meshlane_traffic_tag::config::TrafficTagConfig;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A configuration of `dubbo` in which every key occurs.
fn complete_dubbo() -> Value {
    json!({
        "name": "edge", "onInvalidConfig": "refuse", "enabled": true, "mode": "toHttp",
        "authority": {"hosts": {"org.A": "a", "org.*": "b"}, "host": "h", "from": "interface"},
        "originalDestination": ["org.A"],
        "expose": {"arguments": ["0"], "attachments": ["a"]},
        "carriers": {"defaults": true, "names": ["x"]},
        "timeout": "shorter", "onUnreadableHead": "pass", "onBrokenFrame": "answer",
        "limits": {
            "maxFrameBytes": 1, "maxBufferedBytes": 1, "maxBufferedBytesPerVm": 1, "maxConcurrentCalls": 1,
            "maxQueuedCalls": 1, "maxHeaderBytes": 1, "maxDepth": 1
        },
        "metrics": {"maxNames": 1}
    })
}

/// A configuration of `gray-release` in which every key occurs.
fn complete_gray_release() -> Value {
    json!({
        "name": "lanes", "onInvalidConfig": "refuse", "dubboHeaders": "bridge", "direction": "inbound",
        "sourceIp": {"trustedHops": 1}, "jwt": {"filter": "f", "payloadKey": "p"},
        "correlation": {"identifiers": ["x-call"], "capacity": 64, "ttl": 1},
        "tags": [{
            "name": "x", "ownLabel": "l", "responseHeader": "x-was",
            "carriers": [{"header": "x", "baggage": "x", "cookie": "x", "attachment": "x"}],
            "lanes": {
                "label": "l", "baseline": "b", "onUntagged": "reroute", "onOtherLane": "accept",
                "onUnknownTag": "untagged", "lanes": [{"name": "a", "mode": "strict", "enabled": true}],
                "exempt": {"attribute": "path", "exact": 1}
            }
        }]
    })
}

/// A lane group in which every key occurs.
fn complete_lane_group() -> Value {
    let cookie = json!({"name": "n", "path": "/", "domain": "d", "maxAge": 5,
                        "secure": true, "httpOnly": true, "sameSite": "Lax"});
    let lanes = json!([{
        "name": "a", "mode": "strict", "enabled": true, "services": ["s"],
        "entry": [{
            "name": "e", "enabled": true, "hosts": ["h"], "paths": [{"exact": "/", "prefix": "/"}],
            "when": {"attribute": "path", "exact": 1}, "users": {"attribute": "path", "in": ["u", 1]},
            "share": {
                "by": {"attribute": "path", "stickyCookie": cookie}, "salt": "s", "percent": 1,
                "steps": [{"at": "t", "percent": 1}], "freeze": "t"
            },
            "from": "t", "until": "t"
        }]
    }]);
    json!({
        "apiVersion": "meshlane.dev/v1alpha1", "kind": "LaneGroup",
        "metadata": {"name": "n", "namespace": "n", "labels": {"a": "b"}, "annotations": {"a": "b"}},
        "spec": {
            "tag": "x", "carriers": [{"header": "x", "baggage": "x", "cookie": "x", "attachment": "x"}],
            "correlation": {"identifiers": ["x-call"], "capacity": 64, "ttl": 1},
            "ownLabel": true, "responseHeader": "x-was", "label": "l", "baseline": "b", "mode": "strict",
            "onUntagged": "reroute", "onOtherLane": "accept", "onUnknownTag": "untagged",
            "exempt": {"attribute": "path", "exact": 1},
            "health": {
                "cluster": "c", "interval": 1, "maxBytes": 1, "staleAfter": 1,
                "minHealthy": {"endpoints": 1, "percent": 1}
            },
            "services": [{
                "name": "s", "hosts": ["h"], "port": 1, "host": "h", "clusters": {"b": "c"},
                "fallback": {"a": "b"}, "combinations": [{"name": "c", "lanes": {"l": "a"}, "cluster": "c"}]
            }],
            "lanes": lanes
        }
    })
}

/// A configuration of `rate-limit` in which every key occurs.
fn complete_rate_limit() -> Value {
    let refusal = json!({
        "status": 429, "body": "b", "json": "{}", "headers": {"x": "v"}, "rateLimitHeaders": "always"
    });
    let bucket = json!({"requests": 1, "per": 1, "burst": 1});
    let windows = json!([{"requests": 1, "per": 1}]);
    let warm_up = json!({"requests": 1, "period": 1, "coldFactor": 2});
    let concurrency = json!({"requests": 1, "lease": 3});
    let adaptive = json!({
        "min": 1, "max": 1, "initial": 1, "tolerance": 1, "window": 1, "lease": 3
    });
    let queue = json!({
        "requests": 1, "per": 1, "maxWait": 1, "maxWaiting": 1,
        "classes": [{"when": {"attribute": "path", "exact": 1}, "maxWait": 1}]
    });
    let cluster = json!({
        "service": "s", "domain": "d", "hits": 1, "hitsFrom": "path", "timeout": 1, "failureMode": "local",
        "local": bucket, "lease": {"requests": 2, "seconds": 1}, "rememberOver": true,
        "descriptors": [{
            "entries": [{"key": "k", "attribute": "path", "value": "v"}],
            "limit": {"requestsPerUnit": 1, "unit": "minute"}
        }]
    });
    json!({
        "name": "limits", "onInvalidConfig": "passThrough", "dubboHeaders": "bridge", "refusal": refusal,
        "sourceIp": {"trustedHops": 1}, "jwt": {"filter": "f", "payloadKey": "p"},
        "limits": [{
            "name": "l", "enabled": true, "shadow": true, "enforce": 1, "capacity": 64, "key": ["path"],
            "when": {"attribute": "path", "exact": 1}, "onOverflow": "allow", "onContention": "refuse",
            "exceptions": [{
                "key": ["a", 1], "unlimited": true, "tokenBucket": bucket, "slidingWindow": windows,
                "warmUp": warm_up, "concurrency": concurrency, "adaptive": adaptive, "queue": queue
            }],
            "refusal": refusal, "tokenBucket": bucket, "slidingWindow": windows, "warmUp": warm_up,
            "concurrency": concurrency, "adaptive": adaptive, "queue": queue, "cluster": cluster
        }]
    })
}

/// A configuration of `tag-route` in which every key occurs.
fn complete_tag_route() -> Value {
    let fallback = json!({"values": ["a"], "label": "l", "then": "skip"});
    json!({
        "name": "routes", "onInvalidConfig": "refuse", "dubboHeaders": "bridge", "debug": true,
        "sourceIp": {"trustedHops": 1}, "jwt": {"filter": "f", "payloadKey": "p"},
        "output": {"header": "x", "value": "cluster"}, "locality": {"zone": "z"},
        "health": {
            "cluster": "c", "interval": 1, "maxBytes": 1, "staleAfter": 1,
            "minHealthy": {"endpoints": 1, "percent": 1}
        },
        "select": {"balance": "endpoints", "by": "path", "salt": "s"},
        "chains": {"default": [{
            "name": "r", "enabled": true, "force": true, "fallback": fallback,
            "locality": {"levels": ["zone"]},
            "unit": {
                "keys": ["path"], "label": "l", "hash": {"algorithm": "xxh64", "salt": "s", "of": 1},
                "divisor": 1, "ranges": [{"unit": "u", "from": 0, "below": 1}], "default": "u"
            },
            "tag": {
                "preset": "dubbo", "keys": ["path"], "label": "l", "untagged": ["u"], "separator": "/",
                "hierarchy": "groups", "forceKey": "path", "groups": [{"tag": "t", "labels": {"l": ["v"]}}]
            },
            "condition": {"by": "path", "salt": "s", "rules": [{
                "name": "r", "enabled": true, "from": {"attribute": "path", "exact": 1},
                "to": [{
                    "labels": {"l": ["v"]}, "notLabels": {"l": ["v"]}, "same": {"l": "path"}, "weight": 1
                }]
            }]},
            "weight": {"label": "l", "values": [{"value": "v", "weight": 1}], "by": "path", "salt": "s"}
        }]},
        "services": [{
            "name": "s", "hosts": ["h"], "chain": "default", "lastResort": "baseline", "baseline": {"l": "v"},
            "destinations": [{
                "name": "d", "cluster": "c", "labels": {"l": "v"},
                "minHealthy": {"endpoints": 1, "percent": 1}, "weight": 1
            }]
        }]
    })
}

/// A configuration of `traffic-tag` in which every key occurs.
fn complete_traffic_tag() -> Value {
    json!({
        "name": "edge", "onInvalidConfig": "refuse",
        "sourceIp": {"trustedHops": 1}, "jwt": {"filter": "f", "payloadKey": "p"},
        "tags": [{
            "name": "x", "onIncoming": "keep", "default": "base",
            "carriers": [{"header": "x", "baggage": "x", "cookie": "x", "attachment": "x"}],
            "rules": [{
                "name": "r", "enabled": true, "value": "v", "valueFrom": "path",
                "when": {
                    "attribute": "path", "exact": 1, "prefix": "p", "suffix": "s", "contains": "c",
                    "regex": "r", "in": ["a", 1, true], "notIn": [1], "present": true,
                    "range": {"min": 1, "max": 2}, "cidr": ["10.0.0.0/8"],
                    "mod": {"divisor": 5, "in": [1]},
                    "bucket": {"below": 5, "of": 100, "salt": "s", "algorithm": "xxh64"},
                    "all": [{"attribute": "a"}], "any": [], "not": {"attribute": "a"}
                },
                "split": {
                    "by": {
                        "attribute": "path", "random": true,
                        "stickyCookie": {"name": "n", "path": "/", "domain": "d", "maxAge": 5,
                                         "secure": true, "httpOnly": true, "sameSite": "Lax"}
                    },
                    "salt": "s", "algorithm": "fnv1a", "of": 100,
                    "values": [{"value": "a", "weight": 5}]
                }
            }]
        }]
    })
}

#[test]
fn every_change_is_judged_alike() {
    let changes =
        changes_are_judged_alike::<TrafficTagConfig>(Kind::TrafficTag, &complete_traffic_tag());
    assert!(changes > 800, "{changes}");
    let changes = changes_are_judged_alike::<TagRouteConfig>(Kind::TagRoute, &complete_tag_route());
    assert!(changes > 1000, "{changes}");
    let gray_release = complete_gray_release();
    let changes = changes_are_judged_alike::<GrayReleaseConfig>(Kind::GrayRelease, &gray_release);
    assert!(changes > 500, "{changes}");
    let lane_group = complete_lane_group();
    let changes = changes_are_judged_alike::<LaneGroup>(Subject::LaneGroup, &lane_group);
    assert!(changes > 900, "{changes}");
    let rate_limit = complete_rate_limit();
    let changes = changes_are_judged_alike::<RateLimitConfig>(Kind::RateLimit, &rate_limit);
    assert!(changes > 900, "{changes}");
    let changes = changes_are_judged_alike::<DubboConfig>(Kind::Dubbo, &complete_dubbo());
    assert!(changes > 400, "{changes}");
}

/// Asks about every change of a complete configuration; returns how many there are.
fn changes_are_judged_alike<T: DeserializeOwned>(
    subject: impl Into<Subject>,
    original: &Value,
) -> usize {
    let schema = schema::of(subject.into());
    let structure = Structure::of(&schema);
    let judge = |document: &Value, stricter| agree::<T>(&structure, document, stricter);
    assert!(judge(original, false), "the original is fine");

    let replacements = [
        json!(null),
        json!(true),
        json!(5),
        json!(-1.5),
        json!("x"),
        json!("keep"),
        json!("Lax"),
        json!([]),
        json!({}),
        json!([5]),
        json!(["x"]),
        json!({"a": 1}),
    ];
    let mut changes = 0;
    for pointer in pointers(original, "") {
        for replacement in &replacements {
            let mut changed = original.clone();
            *changed.pointer_mut(&pointer).unwrap() = replacement.clone();
            // serde takes a list for an object, as a tuple of its fields. Nobody means that.
            judge(&changed, replacement.is_array());
            changes += 1;
        }
        for changed in with_other_keys(original, &pointer) {
            judge(&changed, false);
            changes += 1;
        }
    }
    changes
}

/// Whether both accept a document. Panics when only one does; `stricter` allows the walk
/// to refuse what the parser takes.
fn agree<T: DeserializeOwned>(structure: &Structure<'_>, document: &Value, stricter: bool) -> bool {
    let text = document.to_string();
    let source = Source::new("x.json", text.as_str());
    let node = source.read().documents.into_iter().next().unwrap();
    let refusals = structure.check(&node);
    let parsed = serde_json::from_str::<T>(&text);
    match (refusals.as_slice(), &parsed) {
        ([], Err(error)) => panic!("only the parser refuses: {error}\n{text}"),
        ([first, ..], Ok(_)) if !stricter => {
            panic!("only the walk refuses: {}\n{text}", first.message)
        }
        (refusals, _) => refusals.is_empty(),
    }
}

/// The document with each key of an object left out, and with one that does not exist.
fn with_other_keys(original: &Value, pointer: &str) -> Vec<Value> {
    let Some(object) = original.pointer(pointer).and_then(Value::as_object) else {
        return Vec::new();
    };
    let object_of = |changed: &mut Value, change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        change(
            changed
                .pointer_mut(pointer)
                .unwrap()
                .as_object_mut()
                .unwrap(),
        );
    };
    let mut all = Vec::new();
    for key in object.keys() {
        let mut changed = original.clone();
        object_of(&mut changed, &|object| drop(object.remove(key)));
        all.push(changed);
    }
    let mut changed = original.clone();
    object_of(&mut changed, &|object| {
        object.insert("unknown".to_owned(), json!(1));
    });
    all.push(changed);
    all
}

/// The JSON pointers of a value and all values inside it.
fn pointers(value: &Value, here: &str) -> Vec<String> {
    let mut all = vec![here.to_owned()];
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                all.extend(pointers(value, &format!("{here}/{key}")));
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                all.extend(pointers(value, &format!("{here}/{index}")));
            }
        }
        _ => {}
    }
    all
}
