//! Rules of Dubbo, beside `TagStateRouter`, `ConditionStateRouter` and `MultiDestConditionRouter`.

use std::collections::{BTreeMap, BTreeSet};

use meshlane::migrate::{Migration, Services};
use meshlane::source::Source;
use meshlane_attributes::{ProxyKind, StaticFacts, Workload};
use meshlane_tag_route::{Health, Policy};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Random, is_kept, lines, migrated};

/// A rule, with what Dubbo did of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    kind: String,
    rule: String,
    /// The parameters of providers, by their addresses.
    providers: BTreeMap<String, BTreeMap<String, String>>,
    /// The consumer.
    host: String,
    parameters: BTreeMap<String, String>,
    calls: Vec<Call>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    method: String,
    arguments: Vec<String>,
    attachments: BTreeMap<String, String>,
    /// The addresses that were left; all that may be, where they are drawn.
    left: BTreeSet<BTreeSet<String>>,
}

#[test]
fn rules_decide_as_dubbo_does() {
    let mut wrong = Vec::new();
    let mut compared: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut narrowed = 0;
    for (number, recorded) in lines::<Recorded>("dubbo.jsonl").into_iter().enumerate() {
        let migration = migrated("rule.yaml", &recorded.rule, Some(recorded.services()));
        if !is_kept(&migration) {
            continue;
        }
        let (rules, calls) = compared.entry(recorded.kind.clone()).or_default();
        *rules += 1;
        for call in &recorded.calls {
            *calls += 1;
            let found = recorded.left(&migration, call);
            let all = recorded.providers.len();
            narrowed += usize::from(call.left.iter().any(|left| left.len() < all));
            if found != call.left {
                wrong.push(format!(
                    "line {}: {}({:?}) with {:?}\nDubbo leaves {:?}\nours {found:?}\n{}",
                    number + 1,
                    call.method,
                    call.arguments,
                    call.attachments,
                    call.left,
                    recorded.rule
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ, the first ones:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(5)].join("\n")
    );
    // So many that nothing was passed over by mistake, and most calls are not let through by chance.
    println!("{compared:?} narrowed {narrowed}");
    for (kind, at_least) in [("tag", 250), ("condition", 200), ("weighted", 200)] {
        assert!(compared[kind].0 >= at_least, "{compared:?}");
    }
    assert!(narrowed > 3_000, "{narrowed}");
}

impl Recorded {
    fn services(&self) -> Services {
        let destinations = self.providers.iter().map(|(address, parameters)| {
            let (host, port) = address.split_once(':').unwrap();
            let mut labels = parameters.clone();
            for (label, value) in [
                ("address", address.as_str()),
                ("host", host),
                ("port", port),
            ] {
                labels.insert(label.to_owned(), value.to_owned());
            }
            json!({ "name": address.replace(':', "/"), "labels": labels })
        });
        let destinations: Vec<_> = destinations.collect();
        let services = json!({ "services": [
            { "name": "orders", "hosts": ["orders"], "destinations": destinations },
        ]});
        Services::read(&Source::new("services.json", services.to_string())).unwrap()
    }

    /// The addresses that are left; all that may be.
    fn left(&self, migration: &Migration, call: &Call) -> BTreeSet<BTreeSet<String>> {
        let all = || self.providers.keys().cloned().collect();
        let Some(document) = migration.documents.first() else {
            return BTreeSet::from([all()]);
        };
        let mut config = document.config.clone();
        config["dubboHeaders"] = json!("peer");
        let policy = policy(&config);
        let (facts, workload) = (self.facts(call), self.workload());
        let draws = match (self.kind.as_str(), call.left.len()) {
            ("weighted", 1) => 16,
            ("weighted", _) => 256,
            _ => 1,
        };
        let mut random = Random::new();
        let health = Health::new(&policy, None);
        let mut draw = || {
            let explanation = policy.explain(&facts, &workload, &health, &mut || random.bytes());
            if matches!(explanation.reason, "route-refused" | "route-nobody") {
                return BTreeSet::new();
            }
            let mut routers = explanation.routers.iter().rev();
            let last = routers.find(|router| router.reason != "router-not-reached");
            last.map_or_else(all, |last| {
                let names = last.after.iter();
                names.map(|name| name.replace('/', ":")).collect()
            })
        };
        (0..draws).map(|_| draw()).collect()
    }

    fn facts(&self, call: &Call) -> StaticFacts {
        let mut headers = vec![
            (":method".to_owned(), "POST".to_owned()),
            (":authority".to_owned(), "orders".to_owned()),
            (
                ":path".to_owned(),
                format!("/dev.meshlane.Orders/{}", call.method),
            ),
            ("content-type".to_owned(), "application/dubbo2".to_owned()),
            (
                "dubbo-interface".to_owned(),
                "dev.meshlane.Orders".to_owned(),
            ),
            ("dubbo-method".to_owned(), call.method.clone()),
        ];
        let arguments = call.arguments.iter().enumerate();
        headers.extend(arguments.map(|(at, value)| (format!("dubbo-arg-{at}"), value.clone())));
        let attachments = call.attachments.iter();
        headers.extend(
            attachments.map(|(name, value)| (format!("dubbo-attachment-{name}"), value.clone())),
        );
        let mut facts = StaticFacts::with_headers(headers);
        facts.source_address = Some(format!("{}:40000", self.host));
        facts
    }

    fn workload(&self) -> Workload {
        let label = |(name, value): (&String, &String)| {
            let name = if name == "application" { "app" } else { name };
            (name.to_owned(), value.clone())
        };
        Workload {
            proxy: ProxyKind::Sidecar,
            labels: self.parameters.iter().map(label).collect(),
            ..Workload::default()
        }
    }
}

fn policy(config: &Value) -> Policy {
    let policy = Policy::parse(config.to_string().as_bytes(), ProxyKind::Sidecar);
    policy.unwrap_or_else(|violations| panic!("{violations}\n{config:#}"))
}
