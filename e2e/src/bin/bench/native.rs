//! Nanoseconds of one decision in native code, without Envoy.

use std::{hint::black_box, time::Instant};

use anyhow::{Result, anyhow, ensure};
use comfy_table::Table;
use meshlane_attributes::{Headers, ProxyKind, StaticFacts, Workload};
use meshlane_traffic_tag::Policy;
use serde_json::Value;

use crate::{report, request, rules, stats::Series};

/// A table with the decision alone, and with everything around it that needs no host.
pub(crate) fn report() -> Result<Table> {
    let mut table = report::table(&[
        "rules",
        "decision, ns",
        "middle half",
        "with reading headers and summary, ns",
        "middle half",
    ]);
    let documents = [
        ("10 rules, 3 facts", rules::ten_rules()),
        ("1 rule", rules::rules_on_one_header(1)),
        ("10 rules, 1 header", rules::rules_on_one_header(10)),
        ("100 rules, 1 header", rules::rules_on_one_header(100)),
    ];
    for (name, document) in documents {
        let subject = Subject::new(&document)?;
        let (decision, whole) = subject.measure();
        table.add_row([
            name.to_owned(),
            format!("{:.0}", decision.median()),
            format!("{:.0}", decision.middle()),
            format!("{:.0}", whole.median()),
            format!("{:.0}", whole.middle()),
        ]);
    }
    Ok(table)
}

/// A policy and the benchmark's request.
struct Subject {
    policy: Policy,
    workload: Workload,
    facts: StaticFacts,
    pairs: Vec<u8>,
}

impl Subject {
    fn new(document: &Value) -> Result<Self> {
        let policy = Policy::parse(document.to_string().as_bytes(), ProxyKind::Gateway)
            .map_err(|violations| anyhow!("the benchmark's own document: {violations:?}"))?;
        let pairs = request::pairs(&[]);
        let subject = Self {
            policy,
            workload: Workload::default(),
            facts: facts(pairs.clone())?,
            pairs,
        };
        let summary = subject.decide(&subject.facts);
        ensure!(summary.starts_with("x-mse-tag=gray;"), "decided {summary}");
        Ok(subject)
    }

    /// Many short rounds, as the clock on the wall also counts what other programs do.
    ///
    /// Nanoseconds of the decision alone, and of reading the headers from the host's form, deciding, and writing the
    /// line for the access log.
    fn measure(&self) -> (Series, Series) {
        let (mut alone, mut whole) = (Series::default(), Series::default());
        for _ in 0..ROUNDS {
            alone.push(nanoseconds(|| {
                let decision = self
                    .policy
                    .decide(&self.facts, &self.workload, &mut || [0; 16]);
                drop(black_box(decision));
            }));
            whole.push(nanoseconds(|| {
                let summary = facts(self.pairs.clone()).map(|facts| self.decide(&facts));
                drop(black_box(summary));
            }));
        }
        (alone, whole)
    }

    fn decide(&self, facts: &StaticFacts) -> String {
        let decision = self.policy.decide(facts, &self.workload, &mut || [0; 16]);
        decision.summary(&self.policy)
    }
}

pub(crate) fn facts(pairs: Vec<u8>) -> Result<StaticFacts> {
    Ok(StaticFacts {
        headers: Headers::from_pairs(pairs)?,
        ..StaticFacts::default()
    })
}

pub(crate) fn nanoseconds(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..REPETITIONS {
        work();
    }
    start.elapsed().as_nanos() as f64 / f64::from(REPETITIONS)
}

pub(crate) const ROUNDS: usize = 501;
const REPETITIONS: u32 = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_of_each_document_matches() {
        Subject::new(&rules::ten_rules()).unwrap();
        for count in [1, 10, 100] {
            Subject::new(&rules::rules_on_one_header(count)).unwrap();
        }
    }
}
