//! The configuration of `tag-route`: for each service its destinations, and a chain that goes by the tags of its groups.
//!
//! For each group a chain has these routers:
//! 1. `strict`, when there are strict lanes: their requests go nowhere else, and are refused when there is no workload.
//! 2. `reach`, when the service has fallbacks: which lanes the requests of each lane may come to at all.
//! 3. `lane`: to the lane of the request, otherwise to the lanes of the fallbacks, otherwise to the baseline.

mod chain;

use meshlane_diagnostics::Place;
use serde_json::{Map, Value, json};

use super::merge::{Part, services};
use super::{Document, Member};
use crate::config::Combination;
use crate::origin::Origins;
use crate::write::{object, written};
use chain::Chains;

pub(super) fn render(members: &[Member<'_>]) -> Document {
    let mut origins = Origins::default();
    let root = Place::root();
    if let Some(first) = members.first() {
        origins.made(&root, &first.place);
    }
    let mut with_health = members
        .iter()
        .filter_map(|member| Some((member, member.group.health.as_ref()?)));
    let health = with_health.next().map(|(member, health)| {
        origins.copied(&root.key("health"), &member.place.key("health"));
        written(health)
    });
    let place = root.key("services");
    if let Some(first) = members.first() {
        origins.made(&place, &first.place.key("services"));
        origins.made(&root.key("chains"), &first.place.key("services"));
    }
    let mut chains = Chains::default();
    let mut values = Vec::new();
    for (index, parts) in services(members).iter().enumerate() {
        let Some(first) = parts.first() else {
            continue;
        };
        let place = place.index(index);
        let written = first.member.place.key("services");
        let written = written.index(first.position);
        origins.copied(&place, &written);
        let destinations = place.key("destinations");
        origins.made(&destinations, &written);
        let service = first.service;
        values.push(json!({
            "name": service.name,
            "hosts": service.hosts,
            "chain": chains.of(parts, &mut origins),
            "destinations": self::destinations(parts, &destinations, &mut origins),
        }));
    }
    let value = object([
        ("health", health),
        ("chains", Some(Value::Object(chains.into_values()))),
        ("services", Some(Value::Array(values))),
    ]);
    Document { value, origins }
}

/// The baseline, the lanes of each group, and what is in lanes of several.
fn destinations(parts: &[Part<'_>], place: &Place<'_>, origins: &mut Origins) -> Vec<Value> {
    let mut destinations = Vec::new();
    if let Some(first) = parts.first() {
        let baseline = &first.group().baseline;
        let place = place.index(destinations.len());
        origins.made(&place.key("name"), &first.member.place.key("baseline"));
        let clusters = first.member.place.key("services");
        let clusters = clusters.index(first.position);
        origins.made(&place.key("cluster"), &clusters.key("clusters"));
        let cluster = first.service.cluster(baseline);
        destinations.push(destination(baseline, cluster, labels(parts, &[])));
    }
    for part in parts {
        let lanes = part.member.place.key("lanes");
        let services = part.member.place.key("services");
        let service = services.index(part.position);
        for (index, lane) in part.group().open_lanes() {
            if !lane.has(part.service) {
                continue;
            }
            let place = place.index(destinations.len());
            origins.made(&place, &lanes.index(index));
            origins.made(&place.key("name"), &lanes.index(index).key("name"));
            let clusters = service.key("clusters");
            origins.made(&place.key("cluster"), &clusters.key(&lane.name));
            let cluster = part.service.cluster(&lane.name);
            let labels = labels(parts, &[(&part.group().label, &lane.name)]);
            destinations.push(destination(&lane.name, cluster, labels));
        }
    }
    for (part, index, combination) in combinations(parts) {
        let place = place.index(destinations.len());
        let services = part.member.place.key("services");
        let service = services.index(part.position);
        let combinations = service.key("combinations");
        origins.copied(&place, &combinations.index(index));
        let name = &combination.name;
        let cluster = combination.cluster.clone();
        let cluster = cluster.or_else(|| part.service.istio_cluster(name));
        let lanes = combination.lanes.iter();
        let lanes: Vec<_> = lanes
            .map(|(label, lane)| (label.as_str(), lane.as_str()))
            .collect();
        destinations.push(destination(name, cluster, labels(parts, &lanes)));
    }
    destinations
}

/// What is in open lanes of several groups, each with its position in the service of a group. What two groups say the same is
/// one.
fn combinations<'a>(parts: &'a [Part<'a>]) -> Vec<(&'a Part<'a>, usize, &'a Combination)> {
    let mut combinations: Vec<(&Part<'_>, usize, &Combination)> = Vec::new();
    if parts.len() < 2 {
        return combinations;
    }
    let is_open = |(label, lane): (&String, &String)| {
        let mut groups = parts.iter().map(Part::group);
        let group = groups.find(|group| group.label == *label);
        group.is_some_and(|group| group.open_lanes().any(|(_, open)| open.name == *lane))
    };
    for part in parts {
        for (index, combination) in part.service.combinations.iter().enumerate() {
            let mut known = combinations.iter();
            let is_known = known.any(|(_, _, known)| *known == combination);
            if !is_known && combination.lanes.iter().all(is_open) {
                combinations.push((part, index, combination));
            }
        }
    }
    combinations
}

/// The labels of workloads that are in some lanes, and in the baselines of the other groups.
fn labels(parts: &[Part<'_>], lanes: &[(&str, &str)]) -> Map<String, Value> {
    let baselines = parts.iter().map(|part| {
        let group = part.group();
        (group.label.as_str(), group.baseline.as_str())
    });
    let labels = baselines.chain(lanes.iter().copied());
    labels
        .map(|(label, value)| (label.to_owned(), json!(value)))
        .collect()
}

fn destination(name: &str, cluster: Option<String>, labels: Map<String, Value>) -> Value {
    object([
        ("name", Some(json!(name))),
        ("cluster", cluster.map(Value::from)),
        ("labels", Some(Value::Object(labels))),
    ])
}
