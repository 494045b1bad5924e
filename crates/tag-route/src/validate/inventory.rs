//! Services and their destinations.

use std::collections::BTreeMap;

use meshlane_diagnostics::{JsonPath, Place, Problem, Violations};

use super::{Labels, labels, threshold, weight};
use crate::chain::{Chain, Kind};
use crate::config::{self, LastResort, OutputValue, TagRouteConfig};
use crate::health::Threshold;
use crate::inventory::{Destination, LabelIndex, Service, TagIndex};
use crate::policy::{Hosts, Policy};
use crate::set::Set;

pub(super) fn services(
    config: &TagRouteConfig,
    chains: &[Chain],
    known: &Labels,
    min_healthy: Threshold,
    hosts: &mut Hosts,
    violations: &mut Violations,
) -> Vec<Service> {
    let root = Place::root();
    let place = root.key("services");
    let services = &config.services;
    let (what, found) = (
        "destinations",
        services.iter().map(|s| s.destinations.len()).sum(),
    );
    let limit = Policy::MAX_DESTINATIONS;
    if found > limit {
        violations.push(&place, Problem::TooMany { what, found, limit });
        return Vec::new();
    }
    if !violations.at_most(&place, "services", services, Policy::MAX_SERVICES) {
        return Vec::new();
    }
    let mut inventory = Inventory {
        config,
        chains,
        labels: known,
        min_healthy,
        hosts,
        violations,
        host_places: BTreeMap::new(),
    };
    let mut names = BTreeMap::new();
    let services = services.iter().enumerate();
    let services = services
        .map(|(index, service)| inventory.service(index, service, &place.index(index), &mut names));
    services.collect()
}

struct Inventory<'a> {
    config: &'a TagRouteConfig,
    chains: &'a [Chain],
    labels: &'a Labels,
    min_healthy: Threshold,
    hosts: &'a mut Hosts,
    violations: &'a mut Violations,
    host_places: BTreeMap<String, JsonPath>,
}

impl Inventory<'_> {
    fn service(
        &mut self,
        position: usize,
        service: &config::Service,
        place: &Place<'_>,
        names: &mut BTreeMap<String, JsonPath>,
    ) -> Service {
        let name_place = place.key("name");
        let name = &service.name;
        if !is_name(name) {
            self.violations.invalid(&name_place, name, NAME);
        }
        self.violations
            .unique(&name_place, name, metric_spelling(name), names);
        self.hosts(position, service, &place.key("hosts"));
        let chain = self.chain(service, place);
        let destinations = self.destinations(service, &place.key("destinations"));
        let index = self.labels.0.iter();
        let index = index
            .map(|label| LabelIndex::new(label, &destinations))
            .collect();
        let mut validated = Service {
            name: name.clone(),
            hosts: service
                .hosts
                .iter()
                .map(|host| host.to_ascii_lowercase())
                .collect(),
            chain,
            last_resort: service.last_resort.unwrap_or_default(),
            baseline: self.baseline(service, &destinations, place),
            destinations,
            index,
            tagged: Vec::new(),
        };
        validated.tagged = self.tagged(&validated);
        validated
    }

    fn hosts(&mut self, position: usize, service: &config::Service, place: &Place<'_>) {
        if !self
            .violations
            .bounded(place, "hosts", &service.hosts, Policy::MAX_HOSTS)
        {
            return;
        }
        for (index, host) in service.hosts.iter().enumerate() {
            let place = place.index(index);
            let lower = host.to_ascii_lowercase();
            if !is_host(&lower) {
                let expected =
                    "a host, a host with its port, or `*.` with the end of a host; `*` for all";
                self.violations.invalid(&place, host, expected);
                continue;
            }
            self.violations
                .unique(&place, host, lower.clone(), &mut self.host_places);
            match lower.strip_prefix('*') {
                Some(suffix) => self.hosts.suffixes.insert(suffix.to_owned(), position),
                None => self.hosts.exact.insert(lower, position),
            };
        }
    }

    fn chain(&mut self, service: &config::Service, place: &Place<'_>) -> usize {
        let find = |name: &str| self.chains.iter().position(|chain| chain.name == name);
        let Some(name) = &service.chain else {
            // None at all when there is no default.
            return find("default").unwrap_or(usize::MAX);
        };
        find(name).unwrap_or_else(|| {
            // With too many chains none was read.
            if self.config.chains.contains_key(name) {
                return usize::MAX;
            }
            let problem = Problem::UnknownName {
                kind: "chain",
                found: name.clone(),
                known: self.config.chains.keys().cloned().collect(),
            };
            self.violations.push(&place.key("chain"), problem);
            usize::MAX
        })
    }

    fn destinations(&mut self, service: &config::Service, place: &Place<'_>) -> Vec<Destination> {
        if service.destinations.is_empty() {
            let what = "destinations";
            self.violations.push(place, Problem::Empty { what });
        }
        let mut names = BTreeMap::new();
        let destinations = service.destinations.iter().enumerate();
        let destinations = destinations.map(|(index, destination)| {
            self.destination(destination, &place.index(index), &mut names)
        });
        destinations.collect()
    }

    fn destination(
        &mut self,
        destination: &config::Destination,
        place: &Place<'_>,
        names: &mut BTreeMap<String, JsonPath>,
    ) -> Destination {
        let violations = &mut *self.violations;
        let name = &destination.name;
        let name_place = place.key("name");
        if !is_name(name) {
            violations.invalid(&name_place, name, NAME);
        }
        violations.unique(&name_place, name, metric_spelling(name), names);
        match &destination.cluster {
            Some(cluster) if !is_cluster(cluster) => {
                let expected = "the name of a cluster: 1 to 512 visible ASCII characters";
                violations.invalid(&place.key("cluster"), cluster, expected);
            }
            None if self.config.output.as_ref().and_then(|output| output.value)
                == Some(OutputValue::Cluster) =>
            {
                violations.push(place, Problem::MissingKey { key: "cluster" });
            }
            _ => {}
        }
        labels(&destination.labels, &place.key("labels"), violations);
        let min_place = place.key("minHealthy");
        let given = destination.min_healthy.as_ref();
        if given.is_some() && destination.cluster.is_none() {
            violations.push(place, Problem::MissingKey { key: "cluster" });
        }
        if given.is_some() && self.config.health.is_none() {
            let (key, with) = ("minHealthy", "a document without `health`");
            violations.push(&min_place, Problem::Incompatible { key, with });
        }
        let given = threshold(given, &min_place, violations);
        let share = destination.weight.unwrap_or(1.0);
        Destination {
            name: name.clone(),
            cluster: destination.cluster.clone(),
            labels: destination.labels.clone(),
            min_healthy: given.unwrap_or(self.min_healthy),
            weight: weight(share, &place.key("weight"), violations).unwrap_or_default(),
        }
    }

    fn baseline(
        &mut self,
        service: &config::Service,
        destinations: &[Destination],
        place: &Place<'_>,
    ) -> Set {
        let mut baseline = Set::none(destinations.len());
        let is_wanted = service.last_resort == Some(LastResort::Baseline);
        let baseline_place = place.key("baseline");
        labels(&service.baseline, &baseline_place, self.violations);
        match (is_wanted, service.baseline.is_empty()) {
            (true, true) => self
                .violations
                .push(place, Problem::MissingKey { key: "baseline" }),
            (false, false) => {
                let (key, with) = ("baseline", "another `lastResort` than `baseline`");
                self.violations
                    .push(&baseline_place, Problem::Incompatible { key, with });
            }
            _ => {}
        }
        let is_baseline = |destination: &Destination| {
            let mut labels = service.baseline.iter();
            labels.all(|(name, value)| destination.labels.get(name) == Some(value))
        };
        for (position, destination) in destinations.iter().enumerate() {
            if is_wanted && is_baseline(destination) {
                baseline.insert(position);
            }
        }
        if is_wanted && !service.baseline.is_empty() && baseline.is_empty() {
            let expected = "labels that a destination of the service has";
            let found = serde_json::to_string(&service.baseline).unwrap_or_default();
            self.violations.invalid(&baseline_place, found, expected);
        }
        baseline
    }

    /// What the `tag` routers of the service's chain have to know of it.
    fn tagged(&self, service: &Service) -> Vec<Option<TagIndex>> {
        let chain = self.chains.get(service.chain);
        let config = chain.and_then(|chain| self.config.chains.get(&chain.name));
        let routers = chain.map(|chain| &chain.routers).into_iter().flatten();
        let configs = config.into_iter().flatten();
        let indices = routers.zip(configs).map(|(router, config)| {
            let (Kind::Tag(tag), Some(config)) = (&router.kind, &config.tag) else {
                return None;
            };
            let mut untagged = service.having_one(tag.label, &config.untagged);
            if let Some(without) = service.without(tag.label) {
                untagged.add(without);
            }
            let mut groups: BTreeMap<String, Set> = BTreeMap::new();
            for group in &config.groups {
                let none = || Set::none(service.destinations.len());
                let members = groups.entry(group.tag.clone()).or_insert_with(none);
                for (position, destination) in service.destinations.iter().enumerate() {
                    let is_member = group.labels.iter().all(|(label, values)| {
                        let value = destination.labels.get(label);
                        value.is_some_and(|value| values.contains(value))
                    });
                    if is_member {
                        members.insert(position);
                    }
                }
            }
            groups.values().for_each(|members| untagged.remove(members));
            Some(TagIndex { groups, untagged })
        });
        indices.collect()
    }
}

/// Can stand in a header, a metric's label and a log line.
fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/' | b'.');
    (1..=128).contains(&name.len()) && name.bytes().all(allowed)
}

/// Metrics write dots as `_`.
fn metric_spelling(name: &str) -> String {
    name.replace('.', "_")
}

fn is_cluster(name: &str) -> bool {
    (1..=512).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_host(host: &str) -> bool {
    let rest = match host.strip_prefix('*') {
        Some("") => return true,
        // A port would not be looked at behind a `*`.
        Some(suffix) if suffix.starts_with('.') && !suffix.contains(':') => suffix,
        Some(_) => return false,
        None => host,
    };
    let allowed =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'[' | b']');
    (1..=Hosts::MAX_LENGTH).contains(&rest.len()) && rest.bytes().all(allowed)
}

const NAME: &str = "a name of 1 to 128 letters, digits and `-_/.`";
