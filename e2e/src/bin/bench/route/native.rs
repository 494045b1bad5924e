//! Nanoseconds of one decision in native code, without Envoy.

use std::hint::black_box;

use anyhow::{Result, ensure};
use comfy_table::Table;
use meshlane_attributes::{StaticFacts, Workload};
use meshlane_tag_route::{ClusterHealth, Health, Policy, Snapshot};

use super::documents::{COUNTS, GRAY_TAG, Shop, cluster, policy};
use crate::{
    native::{ROUNDS, facts, nanoseconds},
    report, request,
    stats::Series,
};

/// A table with the decision alone, with everything around it that needs no host, and with what a new answer about health
/// takes.
pub(super) fn report() -> Result<Table> {
    let subjects = COUNTS.map(Subject::new);
    let subjects = subjects.into_iter().collect::<Result<Vec<_>>>()?;
    let mut results = vec![Times::default(); subjects.len()];
    // The numbers of destinations take turns, so that what else the machine does meets all alike.
    for _ in 0..ROUNDS {
        for (subject, times) in subjects.iter().zip(&mut results) {
            subject.measure(times);
        }
    }
    let mut table = report::table(&[
        "destinations",
        "decision, ns",
        "middle half",
        "÷ 10 destinations",
        "health known, ns",
        "middle half",
        "÷ 10 destinations",
        "with reading headers and summary, ns",
        "middle half",
        "taking over a snapshot, µs",
    ]);
    let smallest = results.first().cloned().unwrap_or_default();
    for (count, times) in COUNTS.into_iter().zip(results) {
        let Times {
            unknown,
            known,
            whole,
            snapshot,
        } = times;
        table.add_row([
            count.to_string(),
            format!("{:.0}", unknown.median()),
            format!("{:.0}", unknown.middle()),
            format!("{:.2}", unknown.ratio_to(&smallest.unknown).median()),
            format!("{:.0}", known.median()),
            format!("{:.0}", known.middle()),
            format!("{:.2}", known.ratio_to(&smallest.known).median()),
            format!("{:.0}", whole.median()),
            format!("{:.0}", whole.middle()),
            format!("{:.1}", snapshot.median() / 1000.0),
        ]);
    }
    Ok(table)
}

/// A policy and the benchmark's request.
struct Subject {
    policy: Policy,
    watching: Policy,
    snapshot: Snapshot,
    health: Health,
    workload: Workload,
    facts: StaticFacts,
    pairs: Vec<u8>,
}

#[derive(Clone, Default)]
struct Times {
    unknown: Series,
    known: Series,
    whole: Series,
    snapshot: Series,
}

impl Subject {
    fn new(destinations: usize) -> Result<Self> {
        let shop = Shop::of(destinations);
        let policy = policy(&shop.document("name"))?;
        let watching = self::policy(&shop.document_with_health(5.0))?;
        let clusters: Vec<String> = shop.names()?.iter().map(|name| cluster(name)).collect();
        let healthy = ClusterHealth {
            healthy: 5,
            total: 5,
        };
        let snapshot = clusters.iter().map(|name| (name.as_str(), healthy));
        let snapshot: Snapshot = snapshot.collect();
        let pairs = request::pairs(&GRAY_TAG);
        let subject = Self {
            health: Health::new(&watching, Some(&snapshot)),
            workload: Workload::default(),
            facts: facts(pairs.clone())?,
            policy,
            watching,
            snapshot,
            pairs,
        };
        let (off, all) = (Health::default(), &subject.health);
        let known = "health=health-known";
        for (policy, health, state) in [
            (&subject.policy, &off, "health=health-off"),
            (&subject.watching, all, known),
        ] {
            let summary = subject.decide(policy, health, &subject.facts);
            ensure!(
                summary.contains("-east-gray;reason=route-chosen;") && summary.contains(state),
                "decided {summary}"
            );
        }
        Ok(subject)
    }

    fn measure(&self, times: &mut Times) {
        let off = Health::default();
        let decide = |policy: &Policy, health: &Health| {
            nanoseconds(|| {
                let random = &mut || [0; 16];
                let decision = policy.decide(&self.facts, &self.workload, health, random);
                drop(black_box(decision));
            })
        };
        times.unknown.push(decide(&self.policy, &off));
        times.known.push(decide(&self.watching, &self.health));
        times.whole.push(nanoseconds(|| {
            let facts = facts(self.pairs.clone());
            let summary = facts.map(|facts| self.decide(&self.watching, &self.health, &facts));
            drop(black_box(summary));
        }));
        let start = std::time::Instant::now();
        drop(black_box(Health::new(&self.watching, Some(&self.snapshot))));
        times.snapshot.push(start.elapsed().as_nanos() as f64);
    }

    fn decide(&self, policy: &Policy, health: &Health, facts: &StaticFacts) -> String {
        let decision = policy.decide(facts, &self.workload, health, &mut || [0; 16]);
        decision.summary(policy)
    }
}
