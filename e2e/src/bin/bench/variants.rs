//! What is measured against what.

use anyhow::Result;
use meshlane_e2e::scene::wasm_module;
use serde_json::Value;

use crate::{
    envoy_config::{self, BASE, GRAY, RESERVED, SPOOFED, header_mutation, lua, wasm},
    request::http1,
    rules::{self, TAG},
};

/// One listener to measure.
pub(crate) struct Variant {
    /// How the report calls it.
    pub(crate) name: String,
    /// Its HTTP filters, without the router.
    pub(crate) filters: Vec<Value>,
    /// Its routes.
    pub(crate) routes: Vec<Value>,
    /// The benchmark's request.
    pub(crate) request: String,
    /// What it is answered with.
    pub(crate) expected: &'static str,
    /// What shows that it does the whole job.
    pub(crate) cases: Vec<Case>,
}

/// A request with the answer that it must get.
#[derive(Clone)]
pub(crate) struct Case {
    /// What it is about.
    pub(crate) what: &'static str,
    pub(crate) expected: &'static str,
    pub(crate) request: String,
}

pub(crate) const NOTHING: &str = "no filter";
pub(crate) const NOOP: &str = "do-nothing Wasm, all callbacks";
pub(crate) const ENTRY: &str = "do-nothing Wasm, callbacks of traffic-tag";
pub(crate) const NATIVE: &str = "native header_mutation";
pub(crate) const LUA: &str = "Lua, 10 rules, 3 facts";
pub(crate) const TAG_FACTS: &str = "traffic-tag, 10 rules, 3 facts";
pub(crate) const TAG_EMPTY: &str = "traffic-tag, no configuration";
pub(crate) const TAG_1: &str = "traffic-tag, 1 rule";
pub(crate) const TAG_10: &str = "traffic-tag, 10 rules, 1 header";
pub(crate) const TAG_100: &str = "traffic-tag, 100 rules, 1 header";

/// The contest, in the order of the report.
pub(crate) const CONTEST: [&str; 10] = [
    NOTHING, NOOP, ENTRY, NATIVE, LUA, TAG_FACTS, TAG_EMPTY, TAG_1, TAG_10, TAG_100,
];

/// The host calls of `traffic-tag` when it tags a request, one more a step: the variant's name, what the report calls
/// the step, and the configuration of the probe.
pub(crate) const STEPS: [(&str, &str, &str); 5] = [
    (ENTRY, "entering the VM", ""),
    ("1 call", "read all headers", "headers=1"),
    ("2 calls", "set the tag header", "headers=1 set-header=1"),
    (
        "3 calls",
        "count the decision",
        "headers=1 set-header=1 increment-counter=1",
    ),
    (
        "4 calls",
        "leave the decision for the access log",
        "headers=1 set-header=1 increment-counter=1 set-property=1",
    ),
];

/// Single host calls, each measured made once and made often.
pub(crate) const CALLS: [&str; 14] = [
    "headers",
    "header-present",
    "header-absent",
    "set-header",
    "remove-header",
    "increment-counter",
    "set-property",
    "source-address",
    "principal",
    "metadata",
    "clear-route-cache",
    "log-level",
    "time",
    "shared-data",
];

/// How often a call is made to learn what each further one costs.
pub(crate) const OFTEN: usize = 9;

/// The contest and the steps of the breakdown.
pub(crate) fn contest() -> Result<Vec<Variant>> {
    let mut variants = vec![
        Variant::passive(NOTHING, None),
        noop()?,
        Variant::passive(NATIVE, Some(header_mutation())),
        Variant::tagging(LUA, lua(&rules::lua())),
        ten_rules()?,
        Variant {
            expected: BASE,
            cases: Vec::new(),
            ..traffic_tag(TAG_EMPTY, "empty", "")?
        },
    ];
    for (name, count) in [(TAG_1, 1), (TAG_10, 10), (TAG_100, 100)] {
        let rules = rules::rules_on_one_header(count).to_string();
        variants.push(traffic_tag(name, &format!("rules-{count}"), &rules)?);
    }
    for (name, _, calls) in STEPS {
        variants.push(probe(name, calls)?);
    }
    Ok(variants)
}

/// Nothing but the probe, with each call once and often.
pub(crate) fn calls() -> Result<Vec<Variant>> {
    let mut variants = vec![probe(ENTRY, "")?];
    for call in CALLS {
        for times in [1, OFTEN] {
            variants.push(probe(&repeated(call, times), &repeated(call, times))?);
        }
    }
    Ok(variants)
}

/// The name of a variant that makes one call so many times, and its configuration.
pub(crate) fn repeated(call: &str, times: usize) -> String {
    format!("{call}={times}")
}

/// The do-nothing filter as the SDK makes it.
pub(crate) fn noop() -> Result<Variant> {
    Ok(Variant::passive(
        NOOP,
        Some(wasm("noop", &wasm_module("noop")?, "")),
    ))
}

/// `traffic-tag` with the job that Lua does too.
pub(crate) fn ten_rules() -> Result<Variant> {
    traffic_tag(TAG_FACTS, "facts", &rules::ten_rules().to_string())
}

/// `traffic-tag` with a configuration of one's own.
fn traffic_tag(name: &str, vm: &str, configuration: &str) -> Result<Variant> {
    let module = wasm_module("traffic-tag")?;
    Ok(Variant::tagging(name, wasm(vm, &module, configuration)))
}

pub(crate) fn probe(name: &str, calls: &str) -> Result<Variant> {
    let filter = wasm(&format!("probe {calls}"), &wasm_module("probe")?, calls);
    let expected = if calls.contains("set-header") {
        GRAY
    } else {
        BASE
    };
    Ok(Variant {
        expected,
        ..Variant::passive(name, Some(filter))
    })
}

impl Variant {
    /// A filter that leaves the route as it is.
    pub(crate) fn passive(name: &str, filter: Option<Value>) -> Self {
        Self {
            name: name.to_owned(),
            filters: filter.into_iter().collect(),
            routes: envoy_config::routes(TAG, GRAY),
            request: http1(&[]),
            expected: BASE,
            cases: Vec::new(),
        }
    }

    /// A filter that does the whole job.
    fn tagging(name: &str, filter: Value) -> Self {
        let case = |what, expected, changed: &[(&str, &str)]| Case {
            what,
            expected,
            request: http1(changed),
        };
        Self {
            expected: GRAY,
            // Tags are removed, reserved headers are removed, the rules decide.
            cases: vec![
                case("the last rule matches", GRAY, &[]),
                case("no rule matches", BASE, &[("x-user", "nobody")]),
                case(
                    "a client's own tag is removed",
                    BASE,
                    &[("x-user", "nobody"), (TAG, SPOOFED)],
                ),
                case("a reserved header is removed", GRAY, &[(RESERVED, "1")]),
            ],
            ..Self::passive(name, Some(filter))
        }
    }
}
