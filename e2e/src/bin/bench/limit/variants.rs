//! What is measured against what.

use anyhow::Result;
use meshlane_e2e::scene::wasm_module;
use serde_json::{Value, json};

use crate::{
    envoy_config::{GRAY, plugin},
    rules::{self, TAG},
    variants::{NOOP, NOTHING, Variant, noop, probe},
};

const NATIVE: &str = "native local_ratelimit";
const BUCKET: &str = "tokenBucket, all requests";
const KEYED: &str = "tokenBucket, by a header";
const WINDOW: &str = "slidingWindow, all requests";
const AT_A_TIME: &str = "concurrency, all requests";
const THREE: &str = "three tokenBuckets by headers";
const OVER: &str = "tokenBucket, over the limit (shadow)";
const SUITE: &str = "suite: all four filters";

/// The host calls of a token bucket, one more a step: the variant's name, what the report calls the step, and the configuration of
/// the probe.
pub(super) const STEPS: [(&str, &str, &str); 6] = [
    ("no call", "entering the VM", ""),
    ("1 call", "read all headers", "headers=1"),
    ("2 calls", "ask for the time", "headers=1 time=1"),
    (
        "3 calls",
        "read and write the count",
        "headers=1 time=1 shared-data=1",
    ),
    (
        "4 calls",
        "count the decision",
        "headers=1 time=1 shared-data=1 increment-counter=1",
    ),
    (
        "5 calls",
        "leave the decision for the access log",
        "headers=1 time=1 shared-data=1 increment-counter=1 set-property=1",
    ),
];

/// The filters of the suite, one more a step, each with what the step is called.
pub(super) const SUITE_STEPS: [(&str, &str); 4] = [
    (
        "suite: traffic-tag",
        "`traffic-tag`: ten rules, a tag set, the route chosen anew",
    ),
    ("suite: two filters", "`gray-release`: the tag goes along"),
    (
        "suite: three filters",
        "`tag-route`: a destination by the tag",
    ),
    (SUITE, "`rate-limit`: a token bucket"),
];

/// What the steps add up to.
pub(super) const WHOLE: &str = BUCKET;

/// In the order of the report.
pub(super) fn names() -> Vec<String> {
    [
        NOTHING, NOOP, NATIVE, BUCKET, KEYED, WINDOW, AT_A_TIME, THREE, OVER, SUITE,
    ]
    .map(str::to_owned)
    .into()
}

pub(super) fn contest() -> Result<Vec<Variant>> {
    let bucket = json!({"requests": MANY});
    let by =
        |name: &str, header: &str| json!({"name": name, "key": [header], "tokenBucket": bucket});
    let all = json!({"name": "all", "tokenBucket": bucket});
    let three = json!([
        by("a", "header.x-user"),
        by("b", "header.x-request-id"),
        by("c", "path")
    ]);
    let over =
        json!({"name": "over", "shadow": true, "tokenBucket": {"requests": 1, "per": 86_400}});
    let steps = STEPS.iter().map(|(name, _, calls)| probe(name, calls));
    let steps = steps.collect::<Result<Vec<_>>>()?;
    let variants = vec![
        Variant::passive(NOTHING, None),
        noop()?,
        Variant::passive(NATIVE, Some(native())),
        limiting(BUCKET, &json!([all]))?,
        limiting(KEYED, &json!([by("user", "header.x-user")]))?,
        limiting(
            WINDOW,
            &json!([{"name": "w", "slidingWindow": [{"requests": MANY}]}]),
        )?,
        limiting(
            AT_A_TIME,
            &json!([{"name": "c", "concurrency": {"requests": 1_000}}]),
        )?,
        limiting(THREE, &three)?,
        limiting(OVER, &json!([over]))?,
    ];
    let suites = SUITE_STEPS.iter().zip(1..);
    let suites = suites.map(|((name, _), filters)| suite(name, filters, &all));
    let suites = suites.collect::<Result<Vec<_>>>()?;
    Ok(variants.into_iter().chain(suites).chain(steps).collect())
}

fn limiting(name: &str, limits: &Value) -> Result<Variant> {
    let document = json!({"limits": limits}).to_string();
    let filter = plugin(name, "rate-limit", &wasm_module("rate-limit")?, &document);
    Ok(Variant::passive(name, Some(filter)))
}

/// Tags by ten rules, carries the tag on, routes by it, and limits: the first so many of these.
fn suite(name: &str, filters: usize, limit: &Value) -> Result<Variant> {
    let documents = [
        ("traffic-tag", rules::ten_rules()),
        (
            "gray-release",
            json!({"direction": "outbound", "tags": [{"name": TAG}]}),
        ),
        (
            "tag-route",
            json!({
                "chains": {"default": [{"name": "lane", "tag": {"keys": [format!("header.{TAG}")], "label": "lane"}}]},
                "services": [{"name": "shop", "hosts": ["*"], "destinations": [
                    {"name": "base", "labels": {"lane": "base"}},
                    {"name": "gray", "labels": {"lane": "gray"}},
                ]}],
            }),
        ),
        ("rate-limit", json!({"limits": [limit]})),
    ];
    let module = wasm_module("suite")?;
    let filters = documents.iter().take(filters);
    let filters =
        filters.map(|(kind, document)| plugin(name, kind, &module, &document.to_string()));
    Ok(Variant {
        filters: filters.collect(),
        expected: GRAY,
        ..Variant::passive(name, None)
    })
}

/// Envoy's own token bucket.
fn native() -> Value {
    let always = json!({"default_value": {"numerator": 100}});
    json!({
        "name": "envoy.filters.http.local_ratelimit",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
            "stat_prefix": "limit",
            "token_bucket": {"max_tokens": MANY, "tokens_per_fill": MANY, "fill_interval": "1s"},
            "filter_enabled": always,
            "filter_enforced": always,
        },
    })
}

/// More than are ever sent.
const MANY: u32 = 100_000_000;
