//! Labels and values that routers look for and no destination has.

use std::collections::{BTreeMap, BTreeSet};

use meshlane_diagnostics::{JsonPath, Place, Segment, nearest};
use meshlane_tag_route::config::{
    ConditionRouter, Destination, Locality, Router, Service, Tag, TagGroup, TagPreset, Unit,
};

use super::Document;
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// Warnings about what a router looks for among the destinations of the services that use it.
pub(super) fn check(
    document: &Document<'_>,
    router: &Router,
    index: usize,
    place: &Place<'_>,
    users: &[(usize, &Service)],
    found: &mut Vec<Diagnostic>,
) {
    if destinations(users).next().is_none() {
        return;
    }
    let there = There::of(users);
    let sought = sought(router, place);
    for sought in &sought {
        there.compare(sought, document, found);
    }
    let Some(tag) = &router.tag else {
        return;
    };
    let tag_place = place.key("tag");
    empty_groups(document, tag, &tag_place, users, found);
    if let Some(own) = sought.first().filter(|own| there.has_label(&own.label)) {
        let name = router.name.clone();
        let name = name.unwrap_or_else(|| format!("router-{}", index + 1));
        untagged_services(document, tag, own, &name, users, found);
    }
}

/// A label that a router goes by, and values that it looks for.
struct Sought {
    label: String,
    /// Where the label is written, or what goes by it without a word.
    place: JsonPath,
    values: Vec<(String, JsonPath)>,
    /// Whether nothing names the label.
    is_default: bool,
    /// Whether something else serves when no destination has the label.
    has_other: bool,
}

impl Sought {
    fn new(label: &str, place: JsonPath) -> Self {
        Self {
            label: label.to_owned(),
            place,
            values: Vec::new(),
            is_default: false,
            has_other: false,
        }
    }

    /// A label that is written under a key, or a default.
    fn own(label: Option<&str>, default: &str, place: &Place<'_>) -> Self {
        match label {
            Some(label) => Self::new(label, place.key("label").to_path()),
            None => Self {
                is_default: true,
                ..Self::new(default, place.to_path())
            },
        }
    }

    fn list(mut self, values: &[String], place: &Place<'_>) -> Self {
        let values = values.iter().enumerate();
        self.values
            .extend(values.map(|(index, value)| (value.clone(), place.index(index).to_path())));
        self
    }
}

/// The labels of destinations, with their values.
struct There<'s>(BTreeMap<&'s str, BTreeSet<&'s str>>);

impl<'s> There<'s> {
    fn of(users: &[(usize, &'s Service)]) -> Self {
        let mut there: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for destination in destinations(users) {
            for (label, value) in &destination.labels {
                there.entry(label).or_default().insert(value);
            }
        }
        Self(there)
    }

    fn has_label(&self, label: &str) -> bool {
        self.0.contains_key(label)
    }

    fn compare(&self, sought: &Sought, document: &Document<'_>, found: &mut Vec<Diagnostic>) {
        let Sought { label, place, .. } = sought;
        let warning = |code, path: &JsonPath, what: &str, suggestion: Option<&str>| {
            let message = format!("no destination of a service with this chain has {what}");
            Diagnostic::warning(code, span(document, path), message)
                .suggestion(suggestion)
                .at(path.clone())
        };
        let Some(values) = self.0.get(label.as_str()) else {
            let suggestion = nearest(label, self.0.keys().copied());
            let what = format!("the label `{label}`");
            let mut unknown = warning("unknown-label", place, &what, suggestion).found(label);
            if sought.is_default {
                unknown = unknown.expected("`label`, when they have another");
            }
            found.extend((!sought.has_other).then_some(unknown));
            return;
        };
        for (value, path) in &sought.values {
            if !values.contains(value.as_str()) {
                let suggestion = nearest(value, values.iter().copied());
                let what = format!("the value `{value}` of the label `{label}`");
                let unknown = warning("unknown-value", path, &what, suggestion);
                found.push(unknown.found(value));
            }
        }
    }
}

/// What a router looks for; its own label comes first when it has one.
fn sought(router: &Router, place: &Place<'_>) -> Vec<Sought> {
    let mut sought = Vec::new();
    if let Some(locality) = &router.locality {
        sought.extend(levels(locality, &place.key("locality")));
    }
    if let Some(unit) = &router.unit {
        sought.push(owners(unit, &place.key("unit")));
    }
    if let Some(tag) = &router.tag {
        sought.extend(tags(tag, &place.key("tag")));
    }
    if let Some(condition) = &router.condition {
        sought.extend(rules(condition, &place.key("condition")));
    }
    if let Some(weight) = &router.weight {
        let place = place.key("weight");
        let mut own = Sought::own(Some(&weight.label), "", &place);
        let place = place.key("values");
        let values = weight.values.iter().enumerate();
        own.values.extend(values.map(|(index, weighted)| {
            let path = place.index(index).key("value").to_path();
            (weighted.value.clone(), path)
        }));
        sought.push(own);
    }
    if let Some(fallback) = &router.fallback {
        let place = place.key("fallback");
        let own = sought.first().filter(|_| router.condition.is_none());
        let own = own.map(|own| Sought {
            // That nobody has it is said already.
            has_other: true,
            ..Sought::new(&own.label, own.place.clone())
        });
        let given = fallback.label.as_deref();
        let given = given.map(|label| Sought::own(Some(label), "", &place));
        let label = own.or(given);
        sought.extend(label.map(|label| label.list(&fallback.values, &place.key("values"))));
    }
    sought
}

fn levels(locality: &Locality, place: &Place<'_>) -> Vec<Sought> {
    let place = place.key("levels");
    let levels = locality.levels.iter().flatten().enumerate();
    let written: Vec<_> = levels
        .map(|(index, level)| Sought::new(level, place.index(index).to_path()))
        .collect();
    if !written.is_empty() {
        return written;
    }
    // One of the two is enough.
    let default = Sought {
        has_other: true,
        ..Sought::new("zone", place.to_path())
    };
    vec![default]
}

fn owners(unit: &Unit, place: &Place<'_>) -> Sought {
    let mut own = Sought::own(unit.label.as_deref(), "unit", place);
    let ranges = place.key("ranges");
    for (index, range) in unit.ranges.iter().enumerate() {
        let path = ranges.index(index).key("unit").to_path();
        own.values.push((range.unit.clone(), path));
    }
    let default = unit.default.clone();
    let default = default.map(|default| (default, place.key("default").to_path()));
    own.values.extend(default);
    own
}

fn tags(tag: &Tag, place: &Place<'_>) -> Vec<Sought> {
    let default = match tag.preset {
        Some(TagPreset::Dubbo) => "dubbo.tag",
        None => "tag",
    };
    let own = Sought {
        has_other: !tag.groups.is_empty(),
        ..Sought::own(tag.label.as_deref(), default, place)
    };
    let mut sought = vec![own.list(&tag.untagged, &place.key("untagged"))];
    let groups = place.key("groups");
    for (index, group) in tag.groups.iter().enumerate() {
        sought.extend(labels(&group.labels, &groups.index(index).key("labels")));
    }
    sought
}

fn rules(condition: &ConditionRouter, place: &Place<'_>) -> Vec<Sought> {
    let place = place.key("rules");
    let mut sought = Vec::new();
    for (index, rule) in condition.rules.iter().enumerate() {
        let rule_place = place.index(index);
        let place = rule_place.key("to");
        for (index, to) in rule.to.iter().enumerate() {
            let place = place.index(index);
            sought.extend(labels(&to.labels, &place.key("labels")));
            sought.extend(labels(&to.not_labels, &place.key("notLabels")));
            let same = place.key("same");
            let keys = to.same.keys();
            sought.extend(keys.map(|label| Sought::new(label, same.key(label).to_path())));
        }
    }
    sought
}

fn labels(labels: &BTreeMap<String, Vec<String>>, place: &Place<'_>) -> Vec<Sought> {
    let labels = labels.iter();
    labels
        .map(|(label, values)| {
            let place = place.key(label);
            Sought::new(label, place.to_path()).list(values, &place)
        })
        .collect()
}

/// Groups whose labels are there, but nowhere together.
fn empty_groups(
    document: &Document<'_>,
    tag: &Tag,
    place: &Place<'_>,
    users: &[(usize, &Service)],
    found: &mut Vec<Diagnostic>,
) {
    let there = There::of(users);
    let place = place.key("groups");
    for (index, group) in tag.groups.iter().enumerate() {
        let has_one = |(label, values): (&String, &Vec<String>)| {
            let known = there.0.get(label.as_str());
            known.is_some_and(|known| values.iter().any(|value| known.contains(value.as_str())))
        };
        let is_empty = !destinations(users).any(|destination| is_member(group, destination));
        if is_empty && group.labels.iter().all(has_one) {
            let tag = &group.tag;
            let message =
                format!("no destination of a service with this chain is in the group `{tag}`");
            found.push(document.warning("empty-group", &place.index(index), message));
        }
    }
}

/// Services among whose destinations a tag can choose nothing. One that has a single destination
/// has no need to.
fn untagged_services(
    document: &Document<'_>,
    tag: &Tag,
    own: &Sought,
    router: &str,
    users: &[(usize, &Service)],
    found: &mut Vec<Diagnostic>,
) {
    let root = Place::root();
    let services = root.key("services");
    for (index, service) in users {
        let is_tagged = |destination: &Destination| {
            let mut groups = tag.groups.iter();
            destination.labels.contains_key(&own.label)
                || groups.any(|group| is_member(group, destination))
        };
        if service.destinations.len() < 2 || service.destinations.iter().any(is_tagged) {
            continue;
        }
        let (name, label) = (&service.name, &own.label);
        let message = format!(
            "no destination of `{name}` has the label `{label}` that the router `{router}` goes by"
        );
        let place = services.index(*index);
        found.push(
            document
                .warning("unknown-label", &place.key("name"), message)
                .related(span(document, &own.place), "it is asked for here"),
        );
    }
}

/// Where a label or a value is written: as a value, or as a key.
fn span(document: &Document<'_>, path: &JsonPath) -> Span {
    match path.segments().last() {
        Some(Segment::Key(key)) if !VALUES.contains(&key.as_str()) => document.node.locate(path),
        _ => document.node.locate_value(path),
    }
}

fn is_member(group: &TagGroup, destination: &Destination) -> bool {
    group.labels.iter().all(|(label, values)| {
        let value = destination.labels.get(label);
        value.is_some_and(|value| values.contains(value))
    })
}

fn destinations<'s>(users: &[(usize, &'s Service)]) -> impl Iterator<Item = &'s Destination> {
    users.iter().flat_map(|(_, service)| &service.destinations)
}

/// The keys whose values are labels, or values of labels.
const VALUES: [&str; 4] = ["label", "unit", "default", "value"];
