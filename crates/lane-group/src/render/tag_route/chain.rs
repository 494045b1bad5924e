//! Chains of routers.

use std::collections::BTreeMap;

use meshlane_diagnostics::Place;
use meshlane_gray_release::config::Mode;
use serde_json::{Map, Value, json};

use super::super::identifier;
use super::super::merge::Part;
use crate::group::{Lane, LaneGroup, Service};
use crate::origin::Origins;
use crate::write::object;

/// The chains so far. Services whose chains are the same have one.
#[derive(Default)]
pub(super) struct Chains(Vec<(String, Value)>);

impl Chains {
    /// The name of the chain of a service.
    pub(super) fn of(&mut self, parts: &[Part<'_>], origins: &mut Origins) -> String {
        let routers = parts.iter().flat_map(|part| routers(part, parts.len() > 1));
        let (routers, sources): (Vec<_>, Vec<_>) = routers
            .map(|router| (router.value, (router.part, router.lanes)))
            .unzip();
        let chain = Value::Array(routers);
        if let Some((name, _)) = self.0.iter().find(|(_, known)| *known == chain) {
            return name.clone();
        }
        let name = match self.0.len() {
            0 => "lanes".to_owned(),
            more => format!("lanes-{}", more + 1),
        };
        let root = Place::root();
        let chains = root.key("chains");
        let place = chains.key(&name);
        for (index, (part, lanes)) in sources.iter().enumerate() {
            note(&place.index(index), part, lanes, origins);
        }
        self.0.push((name.clone(), chain));
        name
    }

    /// The chains by their names.
    pub(super) fn into_values(self) -> Map<String, Value> {
        self.0.into_iter().collect()
    }
}

/// A router, whose it is, and the positions of the lanes that its rules are about.
struct Router<'a> {
    value: Value,
    part: Part<'a>,
    lanes: Vec<usize>,
}

fn routers<'a>(part: &Part<'a>, has_others: bool) -> Vec<Router<'a>> {
    let group = part.group();
    let name = |router: &str| match has_others {
        true => format!("{}/{router}", group.name),
        false => router.to_owned(),
    };
    let mut routers = Vec::with_capacity(3);
    let strict = strict(group);
    if !strict.is_empty() {
        let rules: Vec<_> = strict
            .iter()
            .map(|(_, lane)| rule(group, lane, &[lane.name.as_str()]))
            .collect();
        routers.push(Router {
            value: json!({"name": name("strict"), "force": true, "condition": {"rules": rules}}),
            part: *part,
            lanes: strict.iter().map(|(index, _)| *index).collect(),
        });
    }
    if !part.service.fallback.is_empty() {
        let mut rules: Vec<_> = group
            .open_lanes()
            .map(|(_, lane)| rule(group, lane, &reach(group, part.service, lane)))
            .collect();
        // No lane has a `/` in its name.
        rules.push(json!({"name": "others/all", "to": [to(group, &[group.baseline.as_str()])]}));
        routers.push(Router {
            value: json!({
                "name": name("reach"),
                "condition": {"rules": rules},
                "fallback": {"then": "lastResort"},
            }),
            part: *part,
            lanes: group.open_lanes().map(|(index, _)| index).collect(),
        });
    }
    let values = fallback_values(part.service);
    let fallback = object([
        ("values", (!values.is_empty()).then(|| json!(values))),
        ("then", Some(json!("untagged"))),
    ]);
    routers.push(Router {
        value: json!({
            "name": name("lane"),
            "tag": {
                "keys": group.keys(),
                "label": group.label,
                "untagged": [group.baseline],
                "hierarchy": "none",
            },
            "fallback": fallback,
        }),
        part: *part,
        lanes: Vec::new(),
    });
    routers
}

fn strict(group: &LaneGroup) -> Vec<(usize, &Lane)> {
    let lanes = group.open_lanes();
    lanes
        .filter(|(_, lane)| lane.mode == Mode::Strict)
        .collect()
}

/// The lanes that requests of a lane may come to at a service, and the baseline.
fn reach<'a>(group: &'a LaneGroup, service: &'a Service, lane: &'a Lane) -> Vec<&'a str> {
    let fallback = service.fallback.get(&lane.name).into_iter().flatten();
    let baseline = (lane.mode == Mode::Permissive).then_some(group.baseline.as_str());
    let reach = [lane.name.as_str()].into_iter();
    let reach = reach.chain(fallback.map(String::as_str));
    reach.chain(baseline).collect()
}

/// The lanes that fallbacks lead to, in an order in which each comes before its own fallback. So all go along their own way:
/// what is not on it they do not reach.
fn fallback_values(service: &Service) -> Vec<&str> {
    let mut depths: BTreeMap<&str, usize> = BTreeMap::new();
    for path in service.fallback.values() {
        for (position, lane) in path.iter().enumerate() {
            depths.insert(lane, path.len() - position);
        }
    }
    let mut values: Vec<_> = depths.into_iter().collect();
    values.sort_by_key(|(_, depth)| std::cmp::Reverse(*depth));
    values.into_iter().map(|(lane, _)| lane).collect()
}

/// Requests of a lane go to workloads of some lanes.
fn rule(group: &LaneGroup, lane: &Lane, lanes: &[&str]) -> Value {
    let keys = group.keys();
    let has = |key: &String| json!({"attribute": key, "exact": lane.name});
    let from = match keys.as_slice() {
        [key] => has(key),
        keys => json!({"any": keys.iter().map(has).collect::<Vec<_>>()}),
    };
    json!({"name": identifier(&lane.name), "from": from, "to": [to(group, lanes)]})
}

fn to(group: &LaneGroup, lanes: &[&str]) -> Value {
    let labels: Map<_, _> = [(group.label.clone(), json!(lanes))].into_iter().collect();
    json!({ "labels": labels })
}

/// Notes where a router comes from.
fn note(place: &Place<'_>, part: &Part<'_>, lanes: &[usize], origins: &mut Origins) {
    let spec = &part.member.place;
    origins.made(place, spec);
    let tag = place.key("tag");
    origins.made(&tag.key("label"), &spec.key("label"));
    origins.made(&tag.key("untagged"), &spec.key("baseline"));
    let carrier = match part.group().carriers {
        Some(_) => "carriers",
        None => "tag",
    };
    origins.made(&tag.key("keys"), &spec.key(carrier));
    let condition = place.key("condition");
    let rules = condition.key("rules");
    origins.made(&rules, &spec.key("lanes"));
    for (index, lane) in lanes.iter().enumerate() {
        let lanes = spec.key("lanes");
        origins.made(&rules.index(index), &lanes.index(*lane).key("name"));
        let rule = rules.index(index);
        origins.made(&rule.key("from"), &spec.key(carrier));
    }
}
