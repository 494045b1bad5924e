//! The decision tables of `testdata/gray-release`, run on the core itself. The command line and a real Envoy run the same
//! tables.

use std::time::Duration;

use meshlane_attributes::Workload;
use meshlane_decision_tables::gray_release::{Expect, Tag};
use meshlane_decision_tables::{Case, Difference, Table, same, tables};
use meshlane_shared_data::MapData;
use meshlane_tags::HeaderWrite;

use crate::config::Direction;
use crate::{Correlations, Decision, Explanation, Policy};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

tables! { "gray-release":
    "calls"
    "calls-unlabelled"
    "direction-document"
    "direction-unknown"
    "dubbo-calls"
    "hostile"
    "identifiers"
    "identifiers-configured"
    "lanes-accept"
    "lanes-baseline"
    "lanes-calls"
    "lanes-closed-member"
    "lanes-member"
    "lanes-refused-cause"
    "lanes-reroute"
    "lanes-stranger"
    "lanes-unknown"
    "lanes-unlabelled"
    "releases"
    "releases-calls"
    "requests"
}

#[test]
fn every_table_decides_as_it_says() {
    let mut wrong = Vec::new();
    for (file, text) in TABLES {
        let table = Table::parse(file, text).unwrap_or_else(|error| panic!("{error}"));
        let policy = Policy::parse(&table.document())
            .unwrap_or_else(|violations| panic!("{file}: {violations}"));
        let sidecar = Sidecar::new(policy, &table);
        for case in &table.cases {
            if let Err(difference) = sidecar.run(case) {
                wrong.push(format!("{file}, {}: {difference}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What plays a table: a policy with the memory that all its cases share, as in a proxy.
struct Sidecar {
    policy: Policy,
    workload: Workload,
    listener: Option<Direction>,
    data: MapData,
    memory: Correlations,
}

impl Sidecar {
    fn new(policy: Policy, table: &Table<Expect>) -> Self {
        let data = MapData::default();
        let (capacity, lifetime) = (policy.capacity(), policy.lifetime());
        let mut random = || [7; 16];
        Self {
            memory: Correlations::open(&data, capacity, lifetime, &mut random),
            workload: table.proxy.workload(),
            listener: match table.proxy.direction.as_str() {
                "inbound" => Some(Direction::Inbound),
                "outbound" => Some(Direction::Outbound),
                _ => None,
            },
            policy,
            data,
        }
    }

    fn run(&self, case: &Case<Expect>) -> Result<(), Difference> {
        if let Some(cause) = &case.cause {
            let facts = cause.facts(self.policy.settings());
            let decision = self.policy.inbound(&facts, &self.workload);
            let tags = decision.remembered(&self.policy);
            for key in &decision.keys {
                self.memory.remember(&self.data, NOW, key, &tags);
            }
        }
        let facts = case.request.facts(self.policy.settings());
        let mut recall = |key: &_| self.memory.recall(&self.data, NOW, key);
        let explanation = self
            .policy
            .explain(&facts, &self.workload, self.listener, &mut recall);
        let decision = match self.policy.direction().or(self.listener) {
            Some(Direction::Inbound) => Some(self.policy.inbound(&facts, &self.workload)),
            Some(Direction::Outbound) => {
                Some(self.policy.outbound(&facts, &self.workload, &mut recall))
            }
            None => None,
        };
        if let Some(decision) = &decision {
            self.compare_decision(decision, &case.expect)?;
            let summary = decision.summary(&self.policy);
            same("summary", &explanation.summary, &summary)?;
        }
        compare_explanation(&explanation, &case.expect)?;
        for (name, expected) in &case.expect.headers {
            let write = explanation
                .headers
                .iter()
                .find(|write| write.name == *name)
                .map(|write| write.value.clone().map(String::into_bytes));
            let came = || facts.headers.joined(name).map(|value| value.into_owned());
            let expected = expected.as_ref().map(|value| value.bytes().to_vec());
            same(name, &write.unwrap_or_else(came), &expected)?;
        }
        Ok(())
    }

    fn compare_decision(&self, decision: &Decision, expect: &Expect) -> Result<(), Difference> {
        let tags = self.policy.tags().iter().zip(&decision.tags);
        let tags = tags.map(|(tag, decided)| Tag {
            name: tag.name().to_owned(),
            found: decided.found.as_ref().map(ToString::to_string),
            value: decided.value.as_ref().map(ToString::to_string),
            reason: decided.reason.to_string(),
            lane: decided.lane.map(|reason| reason.to_string()),
        });
        same("tags", &tags.collect(), &expect.tags)?;
        let refused = decision.refused.map(|reason| reason.to_string());
        same("refused", &refused, &expect.refused)
    }
}

fn compare_explanation(explanation: &Explanation, expect: &Expect) -> Result<(), Difference> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let tags = explanation.tags.iter().map(|tag| Tag {
        name: tag.name.clone(),
        found: tag.found.clone(),
        value: tag.value.clone(),
        reason: tag.reason.to_owned(),
        lane: owned(tag.lane),
    });
    same("explained tags", &tags.collect(), &expect.tags)?;
    let refused = owned(explanation.refused);
    same("explained refusal", &refused, &expect.refused)?;
    same("keys", &explanation.keys, &expect.keys)?;
    let correlation = owned(explanation.correlation);
    same("correlation", &correlation, &expect.correlation)?;
    for (name, expected) in &expect.answer {
        let mut writes = explanation.response_headers.iter();
        let found = writes.find(|write: &&HeaderWrite| write.name == *name);
        let found = found.and_then(|write| write.value.clone());
        same(name, &found, expected)?;
    }
    Ok(())
}

const NOW: Duration = Duration::from_secs(1_800_000_000);
