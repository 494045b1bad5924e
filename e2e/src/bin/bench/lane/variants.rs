//! What is measured against what.

use anyhow::Result;
use meshlane_e2e::scene::wasm_module;
use serde_json::json;

use crate::{
    envoy_config::{self, BASE, GRAY, plugin},
    request::http1,
    rules::TAG,
    variants::{Case, NOOP, NOTHING, Variant, noop},
};

const REMEMBERED: &str = "inbound, a request that is known already";
pub(super) const CARRIED: &str = "outbound, the call carries the tag";
pub(super) const RESTORED: &str = "outbound, the tag comes from memory";
pub(super) const MISSED: &str = "outbound, nothing is remembered";

/// In the order of the report.
pub(super) fn names() -> Vec<String> {
    [NOTHING, NOOP, REMEMBERED, CARRIED, RESTORED, MISSED]
        .map(str::to_owned)
        .into()
}

/// The contest. That of the memory's first user comes first: what it remembers the others find.
pub(super) fn contest() -> Result<Vec<Variant>> {
    let tagged = http1(&[(TAG, "gray")]);
    let unknown = http1(&[("x-request-id", "another")]);
    let passive = |variant| Variant {
        request: tagged.clone(),
        expected: GRAY,
        ..variant
    };
    Ok(vec![
        gray_release(REMEMBERED, "inbound", tagged.clone(), GRAY)?,
        gray_release(CARRIED, "outbound", tagged.clone(), GRAY)?,
        gray_release(RESTORED, "outbound", http1(&[]), GRAY)?,
        gray_release(MISSED, "outbound", unknown, BASE)?,
        passive(Variant::passive(NOTHING, None)),
        passive(noop()?),
    ])
}

fn gray_release(
    name: &str,
    direction: &str,
    request: String,
    expected: &'static str,
) -> Result<Variant> {
    let document = json!({
        "name": name.split(',').next().unwrap_or_default(),
        "direction": direction,
        "correlation": {"ttl": 86_400},
        "tags": [{"name": TAG}],
    });
    let module = wasm_module("gray-release")?;
    // One memory: the same VM.
    let filter = plugin("gray-release", name, &module, &document.to_string());
    Ok(Variant {
        name: name.to_owned(),
        filters: vec![filter],
        routes: envoy_config::routes(TAG, GRAY),
        cases: vec![Case {
            what: "the tag that a request goes on with",
            expected,
            request: request.clone(),
        }],
        request,
        expected,
    })
}
