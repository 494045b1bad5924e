//! Rules of Sentinel, beside Sentinel itself with a clock that is moved by hand.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use meshlane_attributes::{StaticFacts, Workload};
use meshlane_rate_limit::{Counts, Held, Now, Policy};
use meshlane_shared_data::MapData;
use serde::Deserialize;
use serde_json::Value;

use super::{is_kept, lines, migrated};

/// Rules, and what Sentinel did with requests.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    kind: String,
    rules: Value,
    resource: String,
    /// In milliseconds since 1970.
    start: u64,
    events: Vec<Event>,
}

/// What happens so many milliseconds after the start.
#[derive(Deserialize)]
#[serde(try_from = "Vec<Value>")]
struct Event {
    at: u64,
    number: u64,
    what: What,
}

enum What {
    Leaves,
    /// It waits so many milliseconds; nothing when it is refused.
    Comes {
        wait: Option<u64>,
        /// The calling application, or the first argument.
        who: Option<String>,
    },
}

impl TryFrom<Vec<Value>> for Event {
    type Error = &'static str;

    fn try_from(values: Vec<Value>) -> Result<Self, Self::Error> {
        let number = |at: usize| values.get(at).and_then(Value::as_u64);
        let what = match values.len() {
            2 => What::Leaves,
            _ => What::Comes {
                wait: number(2),
                who: values.get(3).and_then(Value::as_str).map(str::to_owned),
            },
        };
        Ok(Self {
            at: number(0).ok_or("no time")?,
            number: number(1).ok_or("no number")?,
            what,
        })
    }
}

/// A request: when it came, and how long Sentinel and the filter have it wait, where they let it through.
struct Asked {
    at: u64,
    sentinel: Option<u64>,
    ours: Option<Duration>,
}

impl Recorded {
    /// Does with the filter what was done with Sentinel.
    fn play(&self) -> Vec<Asked> {
        let migration = migrated("rules.json", &self.rules.to_string(), None);
        assert!(is_kept(&migration), "{}", self.rules);
        let config = migration.documents[0].config.to_string();
        let policy = Policy::parse(config.as_bytes());
        let policy = policy.unwrap_or_else(|violations| panic!("{violations}"));
        let data = MapData::default();
        let counts = Counts::open(&policy, &data, &mut || [7; 16]);
        let mut held: HashMap<u64, Vec<Held>> = HashMap::new();
        let mut asked = Vec::new();
        for event in &self.events {
            let now = Duration::from_millis(self.start + event.at);
            let (wait, who) = match &event.what {
                What::Comes { wait, who } => (*wait, who.as_deref()),
                What::Leaves => {
                    for held in held.remove(&event.number).unwrap_or_default() {
                        counts.release(&policy, &data, &held, (now, None));
                    }
                    continue;
                }
            };
            let facts = self.facts(who);
            let decision = policy.decide(
                &counts,
                &data,
                &facts,
                &Workload::default(),
                Now {
                    time: now,
                    holder: 1,
                },
                &mut || [0x80; 16],
            );
            let ours = decision.refused.is_none().then_some(decision.wait);
            // Who is in by one's count and not by the other's would leave later on.
            held.insert(event.number, decision.held);
            asked.push(Asked {
                at: event.at,
                sentinel: wait,
                ours,
            });
        }
        asked
    }

    fn facts(&self, who: Option<&str>) -> StaticFacts {
        let who = who.unwrap_or_default();
        let Some((interface, method)) = self.resource.split_once(':') else {
            return StaticFacts::with_headers([
                (":method", "GET"),
                (":path", self.resource.as_str()),
                ("x-app", who),
            ]);
        };
        let path = format!("/{interface}/{method}");
        StaticFacts::with_headers([
            (":method", "POST"),
            (":path", path.as_str()),
            ("content-type", "application/dubbo2"),
            ("dubbo-interface", interface),
            ("dubbo-method", method),
            ("dubbo-arg-0", who),
        ])
    }
}

/// Threads, queues, and both by application and by parameter: to the millisecond.
#[test]
fn what_is_kept_exactly_decides_as_sentinel_does() {
    let mut compared: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (line, recorded) in recorded().into_iter().enumerate() {
        if KEPT_DIFFERENTLY.contains(&recorded.kind.as_str()) {
            continue;
        }
        let (count, refused) = compared.entry(recorded.kind.clone()).or_default();
        for asked in recorded.play() {
            // How long a request with a parameter waits Sentinel keeps to itself; it shows in those that follow.
            let ours = asked.ours.map(|wait| match recorded.kind.as_str() {
                "param-queue" => Duration::ZERO,
                _ => wait,
            });
            assert_eq!(
                ours,
                asked.sentinel.map(Duration::from_millis),
                "line {}, {}, after {} ms: {}",
                line + 1,
                recorded.kind,
                asked.at,
                recorded.rules
            );
            *count += 1;
            *refused += usize::from(asked.ours.is_none());
        }
    }
    println!("{compared:?}");
    assert_eq!(compared.len(), 6, "{compared:?}");
    for (count, refused) in compared.values() {
        assert!(*count > 2_000 && *refused > 200, "{compared:?}");
    }
}

fn recorded() -> Vec<Recorded> {
    lines("sentinel.jsonl")
}

/// These have another algorithm here.
const KEPT_DIFFERENTLY: [&str; 3] = ["reject", "warm-up", "param-reject"];

/// Where the algorithm is another one it is known how far apart they are.
#[test]
fn what_is_kept_differently_stays_near_to_sentinel() {
    let mut shares: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    let recorded = recorded();
    for recorded in &recorded {
        let kind = recorded.kind.as_str();
        if !KEPT_DIFFERENTLY.contains(&kind) {
            continue;
        }
        let asked = recorded.play();
        let sentinel = times(&asked, |asked| asked.sentinel.is_some());
        let ours = times(&asked, |asked| asked.ours.is_some());
        let share = ours.len() as f64 / sentinel.len() as f64;
        let (least, most) = shares.entry(kind).or_insert((share, share));
        (*least, *most) = (least.min(share), most.max(share));
        if kind != "param-reject" {
            let count = recorded.rules[0]["count"].as_f64().unwrap();
            let in_a_second = most_in_a_second(&ours);
            assert!(
                in_a_second as f64 <= count,
                "{in_a_second}: {}",
                recorded.rules
            );
            assert!(
                in_a_second <= most_in_a_second(&sentinel),
                "{}",
                recorded.rules
            );
        }
    }
    println!("{shares:?}");
    for (kind, at_least, at_most) in [
        // In a second at most the limit, where Sentinel lets through up to twice as many at the edges of its halves.
        ("reject", 0.8, 1.0),
        // And what passes is what warms it up.
        ("warm-up", 0.45, 1.0),
        // Tokens come when they are due, not with the request after `durationInSec`.
        ("param-reject", 1.0, 1.25),
    ] {
        let (least, most) = shares[kind];
        assert!(at_least <= least && most <= at_most, "{kind}: {shares:?}");
    }
}

fn times(asked: &[Asked], passes: impl Fn(&Asked) -> bool) -> Vec<u64> {
    let passing = asked.iter().filter(|asked| passes(asked));
    passing.map(|asked| asked.at).collect()
}

fn most_in_a_second(times: &[u64]) -> usize {
    let from = |at: usize| {
        times[at..]
            .iter()
            .take_while(move |time| **time < times[at] + 1_000)
    };
    (0..times.len())
        .map(|at| from(at).count())
        .max()
        .unwrap_or_default()
}
