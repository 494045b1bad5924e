//! From what is written to what is meant: everything that is wrong is found at once.

use std::collections::BTreeMap;
use std::time::Duration;

use meshlane_attributes::{Attribute, AttributeTable, HeaderName, is_reserved};
use meshlane_conditions::{AttributeScope, Condition, request_settings};
use meshlane_diagnostics::{JsonPath, Place, Problem, Violations};
use meshlane_tags::validate::{carriers, tag_header, tag_value};

use crate::config::{self, GrayReleaseConfig};
use crate::correlation::Correlations;
use crate::identifier::Identifier;
use crate::lanes::{Lane, Lanes};
use crate::policy::{Policy, Tag};

impl Policy {
    /// Validates a configuration.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn new(config: &GrayReleaseConfig) -> Result<Self, Violations> {
        let mut violations = Violations::default();
        let root = Place::root();
        if let Some(name) = &config.name {
            violations.identifier(&root.key("name"), name);
        }
        let mut table = AttributeTable::default();
        table.settings = request_settings(
            config.source_ip.as_ref(),
            config.jwt.as_ref(),
            config.dubbo_headers,
            &root,
            &mut violations,
        );
        let place = root.key("correlation");
        let none = config::Correlation::default();
        let correlation = config.correlation.as_ref().unwrap_or(&none);
        let identifiers = identifiers(correlation, &place.key("identifiers"), &mut violations);
        let (capacity, lifetime) = memory(correlation, &place, &mut violations);
        let tags = tags(config, &root.key("tags"), &mut table, &mut violations);
        violations.into_result(Self {
            table,
            direction: config.direction,
            identifiers,
            capacity,
            lifetime,
            tags,
        })
    }
}

fn identifiers(
    correlation: &config::Correlation,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Vec<Identifier> {
    let Some(given) = &correlation.identifiers else {
        let known = Identifier::DEFAULT.iter();
        return known.map(|header| Identifier::of(header)).collect();
    };
    if !violations.at_most(place, "identifiers", given, Policy::MAX_IDENTIFIERS) {
        return Vec::new();
    }
    let mut names = BTreeMap::new();
    let mut identifiers = Vec::with_capacity(given.len());
    for (index, header) in given.iter().enumerate() {
        let place = place.index(index);
        match HeaderName::parse(header) {
            Ok(name) if !is_reserved(name.as_str().as_bytes()) => {
                let name = name.as_str();
                violations.unique(&place, name, name.to_owned(), &mut names);
                identifiers.push(Identifier::of(name));
            }
            _ => violations.invalid(
                &place,
                header,
                "the name of a request header that is not reserved for meshlane",
            ),
        }
    }
    identifiers
}

fn memory(
    correlation: &config::Correlation,
    place: &Place<'_>,
    violations: &mut Violations,
) -> (usize, Duration) {
    let capacity = correlation.capacity.unwrap_or(16_384.0);
    let (least, most) = (Correlations::MIN_CAPACITY, Correlations::MAX_CAPACITY);
    if !(least as f64..=most as f64).contains(&capacity) || capacity.fract() != 0.0 {
        let expected = "a whole number from 64 to 262144";
        violations.invalid(&place.key("capacity"), capacity, expected);
    }
    let ttl = correlation.ttl.unwrap_or(300.0);
    let is_valid = (1.0..=86_400.0).contains(&ttl);
    if !is_valid {
        violations.invalid(&place.key("ttl"), ttl, "seconds from 1 to 86400");
    }
    let ttl = if is_valid { ttl } else { 1.0 };
    (capacity as usize, Duration::from_secs_f64(ttl))
}

fn tags(
    config: &GrayReleaseConfig,
    place: &Place<'_>,
    table: &mut AttributeTable,
    violations: &mut Violations,
) -> Vec<Tag> {
    if !violations.at_most(place, "tags", &config.tags, Policy::MAX_TAGS) {
        return Vec::new();
    }
    let mut names = BTreeMap::new();
    let mut written = BTreeMap::new();
    let mut tags = Vec::with_capacity(config.tags.len());
    for (index, tag) in config.tags.iter().enumerate() {
        let place = place.index(index);
        let name = tag_header(&tag.name, &place.key("name"), violations);
        if let Some(name) = &name {
            // Metrics write dots as `_`.
            let spelling = name.as_str().replace('.', "_");
            violations.unique(&place.key("name"), name.as_str(), spelling, &mut names);
        }
        let given = tag.carriers.as_deref();
        let carriers = carriers(given, name.as_ref(), &place, &mut written, violations);
        if let Some(label) = &tag.own_label {
            violations.label(&place.key("ownLabel"), label);
        }
        let response_header = tag.response_header.as_ref().and_then(|header| {
            let place = place.key("responseHeader");
            tag_header(header, &place, violations).map(|name| name.as_str().to_owned())
        });
        let lanes = tag.lanes.as_ref().and_then(|lanes| {
            let mut scope = AttributeScope {
                table,
                violations,
                accepts: &no_tag,
            };
            self::lanes(lanes, &place.key("lanes"), &mut scope)
        });
        if let Some(name) = name {
            tags.push(Tag {
                name: name.as_str().to_owned(),
                carriers,
                own_label: tag.own_label.clone(),
                response_header,
                lanes,
            });
        }
    }
    tags
}

fn lanes(
    config: &config::Lanes,
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<Lanes> {
    scope.violations.label(&place.key("label"), &config.label);
    let mut names: BTreeMap<String, JsonPath> = BTreeMap::new();
    if let Some(baseline) = &config.baseline {
        let place = place.key("baseline");
        scope.violations.label_value(&place, baseline);
        names.insert(baseline.clone(), place.to_path());
    }
    let exempt = config.exempt.as_ref();
    let exempt =
        exempt.and_then(|condition| Condition::new(condition, &place.key("exempt"), scope));
    let violations = &mut *scope.violations;
    let place = place.key("lanes");
    if !violations.bounded(&place, "lanes", &config.lanes, Policy::MAX_LANES) {
        return None;
    }
    let mut lanes = BTreeMap::new();
    for (index, lane) in config.lanes.iter().enumerate() {
        let place = place.index(index);
        let place = place.key("name");
        if tag_value(&lane.name, &place, violations).is_some() {
            violations.unique(&place, &lane.name, lane.name.clone(), &mut names);
        }
        let validated = Lane {
            mode: lane.mode.unwrap_or_default(),
            is_enabled: lane.enabled.unwrap_or(true),
        };
        lanes.insert(lane.name.clone(), validated);
    }
    Some(Lanes {
        label: config.label.clone(),
        baseline: config.baseline.clone(),
        lanes,
        on_untagged: config.on_untagged.unwrap_or_default(),
        on_other_lane: config.on_other_lane.unwrap_or_default(),
        on_unknown_tag: config.on_unknown_tag.unwrap_or_default(),
        exempt,
    })
}

/// What a request is let in for must not depend on the tag itself.
fn no_tag(attribute: &Attribute) -> Result<(), Problem> {
    match attribute {
        Attribute::Tag(name) => Err(Problem::InvalidValue {
            found: format!("tag.{name}"),
            expected: "another attribute of the request, as in `path` or `source.principal`",
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
