//! Services.

use std::collections::BTreeMap;

use meshlane_diagnostics::{Place, Problem, Violations};
use meshlane_gray_release::config::{Mode, OnOtherLane};

use super::is_host;
use crate::config::{self, Spec};
use crate::group::{Clusters, Service};

pub(super) fn services(
    spec: &Spec,
    baseline: &str,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Vec<Service> {
    let place = place.key("services");
    let services = &spec.services;
    if services.is_empty() {
        violations.push(&place, Problem::Empty { what: "services" });
    }
    let mut validated = Vec::with_capacity(services.len());
    for (index, service) in services.iter().enumerate() {
        let place = place.index(index);
        let mut scope = Scope {
            spec,
            baseline,
            service,
            violations,
        };
        validated.push(Service {
            name: service.name.clone(),
            hosts: service.hosts.clone(),
            clusters: scope.clusters(&place),
            fallback: scope.fallback(&place.key("fallback")),
            combinations: scope.combinations(&place.key("combinations")),
        });
    }
    validated
}

/// A service while it is validated.
struct Scope<'a> {
    spec: &'a Spec,
    baseline: &'a str,
    service: &'a config::Service,
    violations: &'a mut Violations,
}

impl Scope<'_> {
    fn clusters(&mut self, place: &Place<'_>) -> Clusters {
        let clusters = &self.service.clusters;
        match (self.service.port, &self.service.host) {
            (None, None) if clusters.is_empty() => Clusters::Unknown,
            (None, None) => {
                self.named(&place.key("clusters"));
                Clusters::Named(clusters.clone())
            }
            (Some(port), Some(host)) => {
                if !clusters.is_empty() {
                    let (key, with) = ("clusters", "`port` and `host`, which say the same");
                    let problem = Problem::Incompatible { key, with };
                    self.violations.push(&place.key("clusters"), problem);
                }
                let is_port = (1.0..=65_535.0).contains(&port) && port.fract() == 0.0;
                if !is_port {
                    let expected = "a whole number from 1 to 65535";
                    self.violations.invalid(&place.key("port"), port, expected);
                }
                let is_host = is_host(host);
                if !is_host {
                    let expected = "a host as Istio knows it: `orders.shop.svc.cluster.local`";
                    self.violations.invalid(&place.key("host"), host, expected);
                }
                match is_port && is_host {
                    true => Clusters::Istio {
                        port: port as u16,
                        host: host.clone(),
                    },
                    false => Clusters::Unknown,
                }
            }
            (port, _) => {
                let key = if port.is_some() { "host" } else { "port" };
                self.violations.push(place, Problem::MissingKey { key });
                Clusters::Unknown
            }
        }
    }

    /// There is a cluster for the baseline and for each lane that the service has members in, and for nothing else.
    fn named(&mut self, place: &Place<'_>) {
        let lanes = self.spec.lanes.iter().map(|lane| lane.name.as_str());
        let known: Vec<_> = lanes.chain([self.baseline]).map(str::to_owned).collect();
        for lane in self.service.clusters.keys() {
            if !known.contains(lane) {
                let problem = Problem::UnknownName {
                    kind: "lane",
                    found: lane.clone(),
                    known: known.clone(),
                };
                self.violations.push(&place.key(lane), problem);
            }
        }
        let lanes = self.spec.lanes.iter().filter(|lane| self.is_member(lane));
        let needed = lanes.map(|lane| lane.name.as_str()).chain([self.baseline]);
        let missing: Vec<_> = needed
            .filter(|lane| !self.service.clusters.contains_key(*lane))
            .collect();
        if !missing.is_empty() {
            let found = format!("none for {}", missing.join(", "));
            let expected = "a cluster for the baseline and for each lane that has the service";
            self.violations.invalid(place, found, expected);
        }
    }

    /// For each lane the lanes that its requests go to, one after the other.
    fn fallback(&mut self, place: &Place<'_>) -> BTreeMap<String, Vec<String>> {
        let given = &self.service.fallback;
        if !given.is_empty() && self.spec.on_other_lane != Some(OnOtherLane::Accept) {
            let (key, with) = (
                "fallback",
                "another `onOtherLane` than `accept`: a lane would refuse the requests of others",
            );
            self.violations
                .push(place, Problem::Incompatible { key, with });
        }
        let mut paths = BTreeMap::new();
        for (lane, target) in given {
            let place = place.key(lane);
            if !self.lane(lane, &place) || !self.lane(target, &place) {
                continue;
            }
            if self.mode(lane) == Mode::Strict {
                let (key, with) = ("fallback", "the mode `strict`, which lets nobody leave");
                self.violations
                    .push(&place, Problem::Incompatible { key, with });
            }
            let mut path = vec![target.clone()];
            let mut last = target;
            while let Some(next) = given.get(last) {
                if next == lane || path.contains(next) {
                    break;
                }
                path.push(next.clone());
                last = next;
            }
            // Told once for each circle, at the name that comes first.
            let closes = target == lane || given.get(last) == Some(lane);
            if closes && path.iter().all(|other| lane <= other) {
                let found = [lane.clone()].into_iter().chain(path.clone());
                let found: Vec<_> = found.chain([lane.clone()]).collect();
                let found = match target == lane {
                    true => format!("{lane} > {lane}"),
                    false => found.join(" > "),
                };
                let expected = "lanes that come to an end";
                self.violations.invalid(&place, found, expected);
            }
            paths.insert(lane.clone(), path);
        }
        paths
    }

    fn combinations(&mut self, place: &Place<'_>) -> Vec<config::Combination> {
        let own = self.spec.label.as_deref().unwrap_or("lane");
        for (index, combination) in self.service.combinations.iter().enumerate() {
            let place = place.index(index);
            let lanes = place.key("lanes");
            match combination.lanes.get(own) {
                Some(lane) => {
                    self.lane(lane, &lanes.key(own));
                }
                None => {
                    let found: Vec<_> = combination.lanes.keys().cloned().collect();
                    let expected = "the label of this group, and those of others";
                    self.violations.invalid(&lanes, found.join(", "), expected);
                }
            }
            let is_named = !self.service.clusters.is_empty();
            match &combination.cluster {
                None if is_named => {
                    let problem = Problem::MissingKey { key: "cluster" };
                    self.violations.push(&place, problem);
                }
                Some(_) if !is_named => {
                    let (key, with) = ("cluster", "a service without `clusters`");
                    let problem = Problem::Incompatible { key, with };
                    self.violations.push(&place.key("cluster"), problem);
                }
                _ => {}
            }
        }
        self.service.combinations.clone()
    }

    /// Whether there is a lane of this name; it is noted when there is none.
    fn lane(&mut self, name: &str, place: &Place<'_>) -> bool {
        let lanes = &self.spec.lanes;
        let is_known = lanes.iter().any(|lane| lane.name == name);
        if !is_known {
            let problem = Problem::UnknownName {
                kind: "lane",
                found: name.to_owned(),
                known: lanes.iter().map(|lane| lane.name.clone()).collect(),
            };
            self.violations.push(place, problem);
        }
        is_known
    }

    fn mode(&self, name: &str) -> Mode {
        let lane = self.spec.lanes.iter().find(|lane| lane.name == name);
        let mode = lane.and_then(|lane| lane.mode).or(self.spec.mode);
        mode.unwrap_or_default()
    }

    fn is_member(&self, lane: &config::Lane) -> bool {
        let services = lane.services.as_ref();
        services.is_none_or(|services| services.contains(&self.service.name))
    }
}
