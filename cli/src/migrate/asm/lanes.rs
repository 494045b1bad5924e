//! `ASMSwimLaneGroup` and its `ASMSwimLane`s: a lane group.

mod entry;
mod source;

use std::collections::BTreeMap;

use meshlane_diagnostics::Place;
use serde_json::{Map, Value, json};

use crate::documents::Identity;
use crate::migrate::document::{Converted, Target, Workloads};
use crate::migrate::name::object_name;
use crate::migrate::origin::{Found, Origin};
use crate::migrate::read::read;
use crate::migrate::report::Report;
use crate::source::Node;
use source::{GroupSpec, LaneSpec, Permissive, Service};

/// A lane with what is to say about it.
struct Lane<'f> {
    found: &'f mut Found,
    name: String,
    spec: LaneSpec,
    /// The value of the label that its workloads have.
    value: String,
}

/// The lane groups that ASM's are, each with the lanes that name it.
pub(in crate::migrate) fn lane_groups(found: &mut [Found]) -> Vec<Converted> {
    let (groups, others): (Vec<_>, Vec<_>) = found
        .iter_mut()
        .partition(|one| one.origin == Origin::AsmSwimLaneGroup);
    let mut lanes: Vec<_> = others
        .into_iter()
        .filter(|one| one.origin == Origin::AsmSwimLane)
        .collect();
    let mut documents = Vec::new();
    for group in groups {
        let name = Identity::of(&group.report.node).name;
        let (own, rest): (Vec<_>, Vec<_>) = lanes
            .into_iter()
            .partition(|lane| group_of(&lane.report.node) == Some(name.as_str()));
        lanes = rest;
        let spec: Option<GroupSpec> = read(&mut group.report, &Place::root().key("spec"));
        let own = own.into_iter().filter_map(Lane::read).collect();
        documents.extend(spec.and_then(|spec| lane_group(&name, &spec, own, group)));
    }
    for lane in lanes {
        let root = Place::root();
        let place = root.key("metadata");
        let message = "its `swimlane-group` is in none of the files";
        lane.report.wrong(&place.key("labels"), message);
    }
    documents
}

impl<'f> Lane<'f> {
    fn read(found: &'f mut Found) -> Option<Self> {
        let root = Place::root();
        let place = root.key("spec");
        let spec: LaneSpec = read(&mut found.report, &place)?;
        let name = Identity::of(&found.report.node).name;
        let mut labels = spec.label_selector.iter();
        let (label, value) = match (labels.next(), labels.next()) {
            (Some(one), None) => one,
            _ => {
                let message = "exactly one label is expected, by which the lanes of a group differ";
                found.report.wrong(&place.key("labelSelector"), message);
                return None;
            }
        };
        if name != *value {
            found.report.changed(
                &place.key("labelSelector"),
                format!("the lane `{name}` has workloads with `{label}: {value}`"),
                format!("a lane is called as its workloads' label says: the tag is `{value}`, not `{name}`"),
            );
        }
        let value = value.clone();
        Some(Self {
            found,
            name,
            spec,
            value,
        })
    }

    fn label(&self) -> Option<&str> {
        self.spec.label_selector.keys().next().map(String::as_str)
    }
}

fn lane_group(
    name: &str,
    group: &GroupSpec,
    mut lanes: Vec<Lane<'_>>,
    found: &mut Found,
) -> Option<Converted> {
    let root = Place::root();
    let place = root.key("spec");
    let report = &mut found.report;
    group.tell(&place, report);
    let label = lanes
        .first()
        .and_then(Lane::label)
        .unwrap_or("version")
        .to_owned();
    for lane in &mut lanes {
        if lane.label() != Some(label.as_str()) {
            let root = Place::root();
            let place = root.key("spec");
            let message =
                format!("the lanes of a group differ by one label; others have `{label}`");
            lane.found
                .report
                .wrong(&place.key("labelSelector"), message);
            return None;
        }
    }
    let permissive = group.permissive();
    let (target, baseline) = baseline(permissive, &lanes, &place, report)?;
    let names = ServiceNames::of(&group.services);
    let hosts = destinations(&lanes);
    let values: BTreeMap<&str, &str> = lanes
        .iter()
        .map(|lane| (lane.name.as_str(), lane.value.as_str()))
        .collect();
    let fallbacks = fallbacks(permissive, &values, target.as_deref(), &place, report);
    let services = group
        .services
        .iter()
        .map(|service| names.service(service, &hosts, fallbacks.get(&service.qualified())));
    let services: Vec<_> = services.collect();
    let mut spec = Map::new();
    let route_header = permissive.and_then(|permissive| permissive.route_header.clone());
    let tag = route_header.unwrap_or_else(|| "x-asm-prefer-tag".to_owned());
    spec.insert("tag".to_owned(), json!(tag));
    if let Some(permissive) = permissive {
        carried(permissive, &tag, &mut spec);
    }
    spec.insert("label".to_owned(), json!(label));
    if let Some(baseline) = baseline {
        spec.insert("baseline".to_owned(), json!(baseline));
    }
    let mode = if permissive.is_some() {
        "permissive"
    } else {
        "strict"
    };
    spec.insert("mode".to_owned(), json!(mode));
    if !fallbacks.is_empty() {
        spec.insert("onOtherLane".to_owned(), json!("accept"));
    }
    let mut share = 0.0;
    let mut converted = Vec::new();
    let mut made_of = vec![found.resource.clone()];
    for lane in &mut lanes {
        made_of.push(lane.found.resource.clone());
        let report = &mut lane.found.report;
        if target.as_deref() == Some(lane.name.as_str()) {
            if !lane.spec.ingress_rules.is_empty() || lane.spec.ingress_weight.is_some() {
                let root = Place::root();
                report.changed(
                    &root.key("spec"),
                    "the lane is the baseline",
                    "who enters no other lane is in it: its own entries are left out",
                );
            }
            continue;
        }
        let entries = entry::entries(name, group, &lane.spec, &mut share, report);
        let mut document = json!({ "name": lane.value, "entry": entries });
        if let Some(document) = document.as_object_mut()
            && let Some(services) = &lane.spec.services
        {
            let services = services.iter().map(|service| names.name(service));
            document.insert("services".to_owned(), services.collect());
        }
        converted.push(document);
    }
    spec.insert("services".to_owned(), json!(services));
    spec.insert("lanes".to_owned(), json!(converted));
    let document = Converted {
        subject: Target::LaneGroup,
        name: object_name(name),
        namespace: None,
        workloads: Workloads::Unsaid,
        direction: None,
        config: Value::Object(spec),
        made_of: made_of.join(", "),
    };
    // Names are those of the resources, and what they may be is known to the lane group alone.
    if let Err(invalid) = document.validate() {
        for violation in &invalid.violations {
            let message = format!("a lane group cannot have this at {violation}");
            found.report.wrong(&place, message);
        }
        return None;
    }
    Some(document)
}

/// The lane that is the baseline, and the value of its label.
fn baseline(
    permissive: Option<&Permissive>,
    lanes: &[Lane<'_>],
    place: &Place<'_>,
    report: &mut Report,
) -> Option<(Option<String>, Option<String>)> {
    let target = permissive.and_then(|permissive| permissive.fallback_target.clone());
    let Some(target) = target else {
        report.lost(
            &place.key("isPermissive"),
            "a group without a baseline is not known: requests that enter no lane have to go somewhere",
            "they go to workloads whose label is `base`; change `baseline` where they have another one",
        );
        return Some((None, None));
    };
    let value = lanes.iter().find(|lane| lane.name == target);
    let Some(lane) = value else {
        let place = place.key("permissiveModeConfiguration");
        let names: Vec<_> = lanes.iter().map(|lane| lane.name.as_str()).collect();
        report.unknown(&place.key("fallbackTarget"), &target, &names);
        return None;
    };
    Some((Some(target), Some(lane.value.clone())))
}

/// For each service that goes elsewhere the lane that each lane falls back to.
fn fallbacks(
    permissive: Option<&Permissive>,
    values: &BTreeMap<&str, &str>,
    target: Option<&str>,
    place: &Place<'_>,
    report: &mut Report,
) -> BTreeMap<String, BTreeMap<String, String>> {
    let place = place.key("permissiveModeConfiguration");
    let place = place.key("serviceLevelFallbackTarget");
    let given = permissive.map(|permissive| &permissive.service_level_fallback_target);
    let mut fallbacks = BTreeMap::new();
    for (service, lane) in given.into_iter().flatten() {
        let place = place.key(service);
        let Some(value) = values.get(lane.as_str()) else {
            let names: Vec<_> = values.keys().copied().collect();
            report.unknown(&place, lane, &names);
            continue;
        };
        if target == Some(lane.as_str()) {
            continue;
        }
        report.changed(
            &place,
            "requests in no lane go to this one as well, for want of a baseline of the service",
            "those of other lanes do; requests in no lane need workloads of the baseline",
        );
        let others = values
            .iter()
            .filter(|(name, other)| *other != value && Some(**name) != target);
        let others = others.map(|(_, other)| ((*other).to_owned(), (*value).to_owned()));
        fallbacks.insert(service.clone(), others.collect());
    }
    fallbacks
}

/// How the lane goes along with calls.
fn carried(permissive: &Permissive, tag: &str, spec: &mut Map<String, Value>) {
    match permissive.trace_header.as_deref() {
        None => {}
        // Applications carry it themselves.
        Some(header) if header.eq_ignore_ascii_case(tag) => {}
        Some("baggage") => {
            let carriers = json!([{ "header": tag }, { "baggage": tag }]);
            spec.insert("carriers".to_owned(), carriers);
        }
        Some(header) => {
            let correlation = json!({ "identifiers": [header.to_ascii_lowercase()] });
            spec.insert("correlation".to_owned(), correlation);
        }
    }
}

/// Hosts and ports that entries of lanes lead to.
fn destinations(lanes: &[Lane<'_>]) -> BTreeMap<String, f64> {
    let rules = lanes.iter().flat_map(|lane| &lane.spec.ingress_rules);
    let of_rules = rules.filter_map(|rule| rule.route.as_ref()?.destination.as_ref());
    let weights = lanes
        .iter()
        .filter_map(|lane| lane.spec.ingress_weight.as_ref());
    let of_weights = weights.filter_map(|weight| weight.destination.as_ref());
    let known = of_rules.chain(of_weights);
    known
        .filter_map(|known| {
            Some((
                known.host.clone()?,
                known.port_num.filter(|port| *port > 0.0)?,
            ))
        })
        .collect()
}

/// What services are called: by their name alone where it is the only one.
struct ServiceNames(BTreeMap<String, usize>);

impl ServiceNames {
    fn of(services: &[Service]) -> Self {
        let mut counts = BTreeMap::new();
        for service in services {
            *counts.entry(service.name.clone()).or_default() += 1;
        }
        Self(counts)
    }

    fn name(&self, service: &Service) -> String {
        match self.0.get(&service.name) {
            Some(1) => service.name.clone(),
            _ => format!("{}-{}", service.name, service.namespace()),
        }
    }

    fn service(
        &self,
        service: &Service,
        hosts: &BTreeMap<String, f64>,
        fallback: Option<&BTreeMap<String, String>>,
    ) -> Value {
        let long = format!("{}.{}.svc.cluster.local", service.name, service.namespace());
        let mut written = json!({
            "name": self.name(service),
            "hosts": [service.name, format!("{}.{}", service.name, service.namespace()), long],
        });
        if let Some(written) = written.as_object_mut() {
            if self.0.get(&service.name) != Some(&1)
                && let Some(hosts) = written.get_mut("hosts").and_then(Value::as_array_mut)
            {
                hosts.remove(0);
            }
            if let Some(port) = hosts.get(&long) {
                written.insert("host".to_owned(), json!(long));
                written.insert("port".to_owned(), json!(port));
            }
            if let Some(fallback) = fallback.filter(|fallback| !fallback.is_empty()) {
                written.insert("fallback".to_owned(), json!(fallback));
            }
        }
        written
    }
}

fn group_of(lane: &Node) -> Option<&str> {
    lane.descend(&["metadata", "labels", "swimlane-group"])
        .and_then(Node::text)
}
