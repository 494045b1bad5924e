//! The decision tables of `testdata/tag-route`, run on the core itself. The command line and a real Envoy run the same
//! tables.

use meshlane_attributes::Workload;
use meshlane_decision_tables::tag_route::{Expect, Step};
use meshlane_decision_tables::{Case, Difference, Table, same, tables};

use crate::{ClusterHealth, Health, Policy, Snapshot};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

tables! { "tag-route":
    "chain"
    "condition"
    "condition-caller"
    "condition-dubbo"
    "condition-weighted"
    "dubbo-preset"
    "dubbo-preset-consumer"
    "dubbo-preset-force"
    "enabled"
    "fallback-others"
    "fallback-tag"
    "force"
    "health"
    "health-empty"
    "health-fallback"
    "health-stale"
    "health-threshold"
    "hostile"
    "hosts"
    "hosts-all"
    "last-resort"
    "locality-document"
    "locality-labels"
    "locality-node"
    "locality-region"
    "locality-unknown"
    "output-cluster"
    "output-header"
    "rooms"
    "rooms-gone"
    "rooms-west"
    "select-first"
    "select-salt"
    "select-sticky"
    "tag"
    "tag-groups"
    "tag-hierarchy"
    "unit-divisor"
    "unit-hash"
    "weight"
}

#[test]
fn every_table_decides_as_it_says() {
    let mut wrong = Vec::new();
    for (file, text) in TABLES {
        let table = Table::parse(file, text).unwrap_or_else(|error| panic!("{error}"));
        let workload = table.proxy.workload();
        let policy = Policy::parse(&table.document(), workload.proxy)
            .unwrap_or_else(|violations| panic!("{file}: {violations}"));
        let health = Health::new(&policy, snapshot(&table).as_ref());
        for case in &table.cases {
            if let Err(difference) = run(case, &policy, &workload, &health) {
                wrong.push(format!("{file}, {}: {difference}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn snapshot(table: &Table<Expect>) -> Option<Snapshot> {
    let clusters = table.health.as_ref()?.iter();
    let clusters = clusters.map(|(name, (healthy, total))| {
        let (healthy, total) = (*healthy, *total);
        (name.as_str(), ClusterHealth { healthy, total })
    });
    Some(clusters.collect())
}

fn run(
    case: &Case<Expect>,
    policy: &Policy,
    workload: &Workload,
    health: &Health,
) -> Result<(), Difference> {
    let facts = case.request.facts(policy.settings());
    let mut random = || case.request.random();
    let decision = policy.decide(&facts, workload, health, &mut random);
    let explanation = policy.explain(&facts, workload, health, &mut random);
    let expect = &case.expect;

    let service = decision.service.map(|at| &policy.services()[at]);
    let found = service.map(|service| service.name().to_owned());
    same("service", &found, &expect.service)?;
    let routers: Vec<_> =
        service.map_or_else(Vec::new, |service| policy.routers(service).collect());
    let steps = decision.steps.iter().map(|step| Step {
        router: routers[step.router].to_owned(),
        reason: step.reason.to_string(),
        value: step.value.as_deref().map(str::to_owned),
        left: step.left,
    });
    let steps: Vec<_> = steps.collect();
    same("steps", &steps, &expect.steps)?;
    let found = decision.destination.map(|found| found.name().to_owned());
    same("destination", &found, &expect.destination)?;
    same("reason", &decision.reason.to_string(), &expect.reason)?;
    let found = decision.health.map(|reason| reason.to_string());
    same("health", &found, &expect.health)?;

    same("summary", &explanation.summary, &decision.summary(policy))?;
    let explained = explanation.routers.iter().take(steps.len());
    let explained = explained.map(|router| Step {
        router: router.name.clone(),
        reason: router.reason.to_owned(),
        value: router.value.clone(),
        left: router.after.len(),
    });
    same("explained steps", &explained.collect(), &steps)?;
    same(
        "explained destination",
        &explanation.destination,
        &expect.destination,
    )?;
    let written = policy.header_value(&decision).map(str::to_owned);
    same("header", &explanation.header_value, &written)
}
