//! Several groups at once: what is one, and what does not go together.

use std::collections::{BTreeMap, BTreeSet};

use meshlane_diagnostics::{Place, Problem, Violations};

use super::Member;
use crate::group::{LaneGroup, Service};
use crate::write;

/// A service as a group has it.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) member: Member<'a>,
    pub(super) service: &'a Service,
    /// Its position in the group.
    pub(super) position: usize,
}

impl Part<'_> {
    pub(super) fn group(&self) -> &LaneGroup {
        self.member.group
    }
}

/// The services of all groups, each with the parts that groups have in it: those of the same name and hosts are one.
pub(super) fn services<'a>(members: &[Member<'a>]) -> Vec<Vec<Part<'a>>> {
    let mut services: Vec<Vec<Part<'a>>> = Vec::new();
    for member in members {
        // What a group has twice is not one, but wrong.
        let earlier = services.len();
        for (position, service) in member.group.services.iter().enumerate() {
            let part = Part {
                member: *member,
                service,
                position,
            };
            let is_same = |parts: &&mut Vec<Part<'a>>| {
                let mut parts = parts.iter();
                parts.all(|other| is_one(other.service, service))
            };
            let mut known = services.iter_mut().take(earlier);
            match known.find(is_same) {
                Some(parts) => parts.push(part),
                None => services.push(vec![part]),
            }
        }
    }
    services
}

fn is_one(one: &Service, other: &Service) -> bool {
    let hosts = |service: &Service| -> BTreeSet<String> {
        let hosts = service.hosts.iter();
        hosts.map(|host| host.to_ascii_lowercase()).collect()
    };
    one.name == other.name && hosts(one) == hosts(other)
}

/// Notes what does not go together. `places` are those of the documents.
pub(super) fn check(members: &[Member<'_>], places: &[Place<'_>], violations: &mut Violations) {
    let mut names = BTreeMap::new();
    for (member, place) in members.iter().zip(places) {
        let name = &member.group.name;
        let place = place.key("metadata");
        violations.unique(&place.key("name"), name, name.clone(), &mut names);
    }
    proxies(members, violations);
    for (at, member) in members.iter().enumerate() {
        let earlier = members.iter().take(at);
        let meets = |other: &&Member<'_>| {
            let group = member.group;
            other.group.label == group.label && shares_a_lane(other.group, group)
        };
        if let Some(other) = earlier.clone().find(meets) {
            label_taken(member, other, violations);
        }
    }
    for parts in services(members) {
        if let [first, others @ ..] = parts.as_slice() {
            one_service(first, others, violations);
        }
    }
}

/// What all plugins of a proxy share is the same in all groups that say it.
fn proxies(members: &[Member<'_>], violations: &mut Violations) {
    let expected = "what the first group says: all plugins of a proxy share it";
    let correlations = members
        .iter()
        .filter_map(|member| Some((member, member.group.correlation.as_ref()?)));
    let mut first = None;
    for (member, correlation) in correlations {
        if *first.get_or_insert(correlation) != correlation {
            let place = member.place.key("correlation");
            violations.invalid(&place, write::written(correlation), expected);
        }
    }
    let healths = members
        .iter()
        .filter_map(|member| Some((member, member.group.health.as_ref()?)));
    let mut first = None;
    for (member, health) in healths {
        if *first.get_or_insert(health) != health {
            let place = member.place.key("health");
            violations.invalid(&place, write::written(health), expected);
        }
    }
}

/// A workload must be in a lane of one group only when its label of that group says so.
fn shares_a_lane(one: &LaneGroup, other: &LaneGroup) -> bool {
    let lanes = one.lanes.iter();
    let names: BTreeSet<_> = lanes.map(|lane| lane.name.as_str()).collect();
    let mut lanes = other.lanes.iter();
    lanes.any(|lane| names.contains(lane.name.as_str()))
}

fn label_taken(member: &Member<'_>, by: &Member<'_>, violations: &mut Violations) {
    let place = member.place.key("label");
    let path = place.to_path();
    if violations.iter().all(|known| known.path != path) {
        let value = member.group.label.clone();
        let first = by.place.key("label").to_path();
        violations.push(&place, Problem::Duplicate { value, first });
    }
}

/// A service that several groups have has a label for each, and one baseline.
fn one_service(first: &Part<'_>, others: &[Part<'_>], violations: &mut Violations) {
    let baseline = |part: &Part<'_>| part.service.cluster(&part.group().baseline);
    for (at, part) in others.iter().enumerate() {
        let mut earlier = [first].into_iter().chain(others.iter().take(at));
        let label = &part.group().label;
        if let Some(other) = earlier.find(|other| other.group().label == *label) {
            label_taken(&part.member, &other.member, violations);
        }
        if baseline(part) != baseline(first) {
            let place = part.member.place.key("services");
            let place = place.index(part.position);
            let found = baseline(part).unwrap_or_else(|| "none".to_owned());
            let expected = "the cluster of the baseline that the first group with the service says";
            violations.invalid(&place.key("clusters"), found, expected);
        }
    }
    if others.is_empty() {
        return;
    }
    let parts = || [first].into_iter().chain(others);
    for part in parts() {
        let place = part.member.place.key("services");
        let place = place.index(part.position);
        let place = place.key("combinations");
        for (index, combination) in part.service.combinations.iter().enumerate() {
            let place = place.index(index);
            let place = place.key("lanes");
            for (label, lane) in &combination.lanes {
                let place = place.key(label);
                let mut groups = parts().map(Part::group);
                let problem = match groups.find(|group| group.label == *label) {
                    Some(group) if group.lanes.iter().any(|known| known.name == *lane) => continue,
                    Some(group) => Problem::UnknownName {
                        kind: "lane",
                        found: lane.clone(),
                        known: group.lanes.iter().map(|lane| lane.name.clone()).collect(),
                    },
                    None => Problem::UnknownName {
                        kind: "label",
                        found: label.clone(),
                        known: parts().map(|part| part.group().label.clone()).collect(),
                    },
                };
                violations.push(&place, problem);
            }
        }
    }
}
