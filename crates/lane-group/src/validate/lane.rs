//! Lanes.

use std::collections::{BTreeMap, BTreeSet};

use meshlane_diagnostics::{Place, Problem, Violations};

use super::entry::entry;
use super::{LABEL_VALUE, is_label_value};
use crate::config::{self, Spec};
use crate::group::Lane;

pub(super) fn lanes(spec: &Spec, place: &Place<'_>, violations: &mut Violations) -> Vec<Lane> {
    let place = place.key("lanes");
    let mut lanes = Vec::with_capacity(spec.lanes.len());
    for (index, lane) in spec.lanes.iter().enumerate() {
        let place = place.index(index);
        if !is_label_value(&lane.name) {
            violations.invalid(&place.key("name"), &lane.name, LABEL_VALUE);
        }
        let services = services(lane, spec, &place.key("services"), violations);
        let place = place.key("entry");
        let mut entries = Vec::with_capacity(lane.entry.len());
        for (at, config) in lane.entry.iter().enumerate() {
            entries.push(entry(at, config, &place.index(at), violations));
        }
        lanes.push(Lane {
            name: lane.name.clone(),
            mode: lane.mode.or(spec.mode).unwrap_or_default(),
            is_enabled: lane.enabled.unwrap_or(true),
            services,
            entry: entries,
        });
    }
    lanes
}

/// The services that have members in a lane.
fn services(
    lane: &config::Lane,
    spec: &Spec,
    place: &Place<'_>,
    violations: &mut Violations,
) -> BTreeSet<String> {
    let known = || spec.services.iter().map(|service| service.name.clone());
    let Some(given) = &lane.services else {
        return known().collect();
    };
    if given.is_empty() {
        violations.push(place, Problem::Empty { what: "services" });
    }
    let mut names = BTreeMap::new();
    for (index, name) in given.iter().enumerate() {
        let place = place.index(index);
        violations.unique(&place, name, name.clone(), &mut names);
        if !known().any(|known| known == *name) {
            let problem = Problem::UnknownName {
                kind: "service",
                found: name.clone(),
                known: known().collect(),
            };
            violations.push(&place, problem);
        }
    }
    given.iter().cloned().collect()
}
