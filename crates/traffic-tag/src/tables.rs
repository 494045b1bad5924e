//! The decision tables of `testdata/traffic-tag`, run on the core itself. The command line
//! and a real Envoy run the same tables.

use meshlane_attributes::Workload;
use meshlane_decision_tables::traffic_tag::{Expect, Tag};
use meshlane_decision_tables::{Case, Difference, Table, same, tables};

use crate::Policy;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

tables! { "traffic-tag":
    "attributes-http"
    "attributes-rpc"
    "bucket-crc32-mod100"
    "bucket-sha256-mod100"
    "carriers-keep"
    "carriers-strip"
    "dubbo-bridged"
    "dubbo-bridged-carriers"
    "dubbo-bridged-strip"
    "dubbo-bridged-unproven"
    "dubbo-tag"
    "empty"
    "hostile"
    "incoming-keep-inbound"
    "incoming-keep-outbound"
    "incoming-overwrite"
    "incoming-strip"
    "jwt"
    "logic"
    "operators"
    "random-split"
    "reserved-headers"
    "rules"
    "several-tags"
    "source-ip"
    "source-ip-trusted-hops"
    "source-plain"
    "source-principal"
    "split-crc32-mod100"
    "split-fnv1a"
    "split-fnv1a32"
    "split-sha256-mod100"
    "split-three"
    "split-xxh64"
    "sticky-cookie"
    "sticky-cookie-new"
    "time"
    "traffic-label"
}

#[test]
fn every_table_decides_as_it_says() {
    let mut wrong = Vec::new();
    for (file, text) in TABLES {
        let table = Table::parse(file, text).unwrap_or_else(|error| panic!("{error}"));
        let workload = table.proxy.workload();
        let policy = Policy::parse(&table.document(), workload.proxy)
            .unwrap_or_else(|violations| panic!("{file}: {violations}"));
        for case in &table.cases {
            if let Err(difference) = run(case, &policy, &workload) {
                wrong.push(format!("{file}, {}: {difference}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn run(case: &Case<Expect>, policy: &Policy, workload: &Workload) -> Result<(), Difference> {
    let facts = case.request.facts(policy.settings());
    let mut random = || case.request.random();
    let decision = policy.decide(&facts, workload, &mut random);
    let explanation = policy.explain(&facts, workload, &mut random);
    same("summary", &explanation.summary, &decision.summary(policy))?;

    let tags: Vec<_> = explanation
        .tags
        .iter()
        .map(|tag| Tag {
            name: tag.name.clone(),
            value: tag.value.clone(),
            rule: tag.rule.clone(),
            reason: tag.reason.to_owned(),
            incoming: tag.incoming.to_owned(),
        })
        .collect();
    same("tags", &tags, &case.expect.tags)?;

    for (name, expected) in &case.expect.headers {
        let mutation = decision
            .mutations
            .iter()
            .find(|mutation| mutation.name == *name);
        let found = match mutation {
            Some(mutation) => mutation.value.clone(),
            None => facts.headers.joined(name).map(|value| value.into_owned()),
        };
        let expected = expected.as_ref().map(|value| value.bytes().to_vec());
        same(name, &found, &expected)?;
    }
    let set_cookies: Vec<_> = case.expect.set_cookie.iter().cloned().collect();
    same("set-cookie", &decision.set_cookies, &set_cookies)
}
