//! From what is written to what is meant: everything that is wrong is found at once.

mod carrier;
mod split;

use std::collections::BTreeMap;

use meshlane_attributes::{Attribute, AttributeTable, HeaderName, ProxyKind};
use meshlane_conditions::{AttributeScope, Condition};
use meshlane_diagnostics::{JsonPath, Place, Problem, Violations};

use crate::carrier::Carrier;
use crate::config::{self, OnIncoming, TrafficTagConfig};
use crate::policy::{Policy, Rule, Tag, ValueSource};
use crate::tag_value::TagValue;
use carrier::{default_carrier, tag_header};

impl Policy {
    /// Validates a configuration for a kind of proxy.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn new(config: &TrafficTagConfig, proxy: ProxyKind) -> Result<Self, Violations> {
        let mut violations = Violations::default();
        let root = Place::root();
        if let Some(name) = &config.name {
            violations.identifier(&root.key("name"), name);
        }
        let mut table = AttributeTable::default();
        source_ip(config, &mut table, &root, &mut violations);
        jwt(config, &mut table, &root, &mut violations);
        table.settings.dubbo_headers = config.dubbo_headers.unwrap_or_default();
        let tags = Tags {
            config,
            proxy,
            table: &mut table,
            violations: &mut violations,
        }
        .validate(&root.key("tags"));
        violations.into_result(Self { table, tags })
    }
}

fn source_ip(
    config: &TrafficTagConfig,
    table: &mut AttributeTable,
    root: &Place<'_>,
    violations: &mut Violations,
) {
    let hops = config
        .source_ip
        .as_ref()
        .and_then(|source_ip| source_ip.trusted_hops);
    let Some(hops) = hops else { return };
    if (0.0..=MAX_TRUSTED_HOPS).contains(&hops) && hops.fract() == 0.0 {
        table.settings.trusted_hops = hops as u32;
    } else {
        let place = root.key("sourceIp");
        violations.invalid(&place.key("trustedHops"), hops, "an integer from 0 to 32");
    }
}

fn jwt(
    config: &TrafficTagConfig,
    table: &mut AttributeTable,
    root: &Place<'_>,
    violations: &mut Violations,
) {
    let Some(jwt) = &config.jwt else { return };
    let place = root.key("jwt");
    let settings = &mut table.settings;
    for (key, given, target) in [
        ("filter", &jwt.filter, &mut settings.jwt_filter),
        (
            "payloadKey",
            &jwt.payload_key,
            &mut settings.jwt_payload_key,
        ),
    ] {
        let Some(name) = given else { continue };
        if (1..=MAX_NAME).contains(&name.len()) {
            target.clone_from(name);
        } else {
            violations.invalid(&place.key(key), name, "a name of 1 to 128 characters");
        }
    }
}

/// The tags of a document while they are validated.
struct Tags<'a> {
    config: &'a TrafficTagConfig,
    proxy: ProxyKind,
    table: &'a mut AttributeTable,
    violations: &'a mut Violations,
}

impl Tags<'_> {
    fn validate(&mut self, place: &Place<'_>) -> Vec<Tag> {
        let tags = &self.config.tags;
        if tags.len() > Policy::MAX_TAGS {
            let problem = Problem::TooMany {
                what: "tags",
                found: tags.len(),
                limit: Policy::MAX_TAGS,
            };
            self.violations.push(place, problem);
            return Vec::new();
        }
        let mut names = BTreeMap::new();
        let mut carriers = BTreeMap::new();
        let validated: Vec<_> = tags
            .iter()
            .enumerate()
            .map(|(index, tag)| {
                self.tag(index, tag, &place.index(index), &mut names, &mut carriers)
            })
            .collect();
        validated.into_iter().flatten().collect()
    }

    fn tag(
        &mut self,
        index: usize,
        tag: &config::Tag,
        place: &Place<'_>,
        names: &mut BTreeMap<String, JsonPath>,
        written: &mut BTreeMap<String, JsonPath>,
    ) -> Option<Tag> {
        let name = tag_header(&tag.name, &place.key("name"), self.violations);
        if let Some(name) = &name {
            // Metrics write dots as `_`.
            let spelling = name.as_str().replace('.', "_");
            unique(
                name.as_str(),
                spelling,
                &place.key("name"),
                names,
                self.violations,
            );
        }
        let on_incoming = self.on_incoming(tag, place);
        let carriers = self.carriers(tag, name.as_ref(), place, written);
        let rules = self.rules(index, tag, &place.key("rules"));
        let default = match &tag.default {
            Some(text) => Some(tag_value(text, &place.key("default"), self.violations)?),
            None => None,
        };
        let name = name?;
        Some(Tag {
            attribute: self.table.intern(Attribute::Tag(name.as_str().to_owned())),
            name: name.as_str().to_owned(),
            on_incoming: on_incoming?,
            carriers,
            rules,
            default,
        })
    }

    fn on_incoming(&mut self, tag: &config::Tag, place: &Place<'_>) -> Option<OnIncoming> {
        match (tag.on_incoming, self.proxy) {
            (Some(given), _) => Some(given),
            (None, ProxyKind::Gateway) => Some(OnIncoming::Strip),
            (None, ProxyKind::Sidecar | ProxyKind::Waypoint) => Some(OnIncoming::Keep),
            (None, ProxyKind::Bare) => {
                let key = "onIncoming";
                self.violations.push(place, Problem::MissingKey { key });
                None
            }
        }
    }

    fn carriers(
        &mut self,
        tag: &config::Tag,
        name: Option<&HeaderName>,
        place: &Place<'_>,
        written: &mut BTreeMap<String, JsonPath>,
    ) -> Vec<Carrier> {
        let Some(carriers) = &tag.carriers else {
            let carrier = name.map(default_carrier);
            if let Some(carrier) = &carrier {
                unique(
                    &carrier.to_string(),
                    carrier.slot(),
                    &place.key("name"),
                    written,
                    self.violations,
                );
            }
            return carrier.into_iter().collect();
        };
        let place = place.key("carriers");
        let mut validated = Vec::new();
        if !self
            .violations
            .bounded(&place, "carriers", carriers, Policy::MAX_CARRIERS)
        {
            return validated;
        }
        for (index, carrier) in carriers.iter().enumerate() {
            let place = place.index(index);
            if let Some(carrier) = carrier::carrier(carrier, &place, self.violations) {
                unique(
                    &carrier.to_string(),
                    carrier.slot(),
                    &place,
                    written,
                    self.violations,
                );
                validated.push(carrier);
            }
        }
        validated
    }

    fn rules(&mut self, tag: usize, config: &config::Tag, place: &Place<'_>) -> Vec<Rule> {
        if config.rules.len() > Policy::MAX_RULES {
            let problem = Problem::TooMany {
                what: "rules",
                found: config.rules.len(),
                limit: Policy::MAX_RULES,
            };
            self.violations.push(place, problem);
            return Vec::new();
        }
        let earlier = |attribute: &Attribute| earlier_tag(&self.config.tags, tag, attribute);
        let mut scope = AttributeScope {
            table: self.table,
            violations: self.violations,
            accepts: &earlier,
        };
        let mut names = BTreeMap::new();
        let mut validated = Vec::new();
        for (index, rule) in config.rules.iter().enumerate() {
            let place = place.index(index);
            let name = rule
                .name
                .clone()
                .unwrap_or_else(|| format!("rule-{}", index + 1));
            let name_place = place.key("name");
            let name_place = if rule.name.is_some() {
                &name_place
            } else {
                &place
            };
            scope.violations.identifier(name_place, &name);
            unique(
                &name,
                name.clone(),
                name_place,
                &mut names,
                scope.violations,
            );
            validated.extend(self::rule(name, rule, &place, &mut scope));
        }
        validated
    }
}

/// A `tag.NAME` may only be asked for once it is decided.
fn earlier_tag(tags: &[config::Tag], tag: usize, attribute: &Attribute) -> Result<(), Problem> {
    let Attribute::Tag(name) = attribute else {
        return Ok(());
    };
    let is_it = |tag: &config::Tag| tag.name.eq_ignore_ascii_case(name);
    match tags.iter().position(is_it) {
        Some(position) if position < tag => Ok(()),
        Some(position) => Err(Problem::UsedBeforeDecided {
            name: format!("tag.{name}"),
            defined: Place::root().key("tags").index(position).to_path(),
        }),
        None => Err(Problem::UnknownName {
            kind: "tag",
            found: name.clone(),
            known: tags.iter().take(tag).map(|tag| tag.name.clone()).collect(),
        }),
    }
}

fn rule(
    name: String,
    rule: &config::Rule,
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<Rule> {
    let when_place = place.key("when");
    let when = rule
        .when
        .as_ref()
        .map(|condition| Condition::new(condition, &when_place, scope));
    let source = match (&rule.value, &rule.value_from, &rule.split) {
        (Some(text), None, None) => {
            tag_value(text, &place.key("value"), scope.violations).map(ValueSource::Literal)
        }
        (None, Some(attribute), None) => scope
            .attribute(attribute, &place.key("valueFrom"))
            .map(ValueSource::Attribute),
        (None, None, Some(split)) => {
            split::split(split, &place.key("split"), scope).map(ValueSource::Split)
        }
        _ => {
            let of = &["value", "valueFrom", "split"];
            let there = [
                rule.value.is_some(),
                rule.value_from.is_some(),
                rule.split.is_some(),
            ];
            let found = present(of, &there);
            scope
                .violations
                .push(place, Problem::NotExactlyOne { found, of });
            None
        }
    };
    Some(Rule {
        name,
        enabled: rule.enabled.unwrap_or(true),
        when: match when {
            Some(condition) => Some(condition?),
            None => None,
        },
        source: source?,
    })
}

fn tag_value(
    text: &str,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Option<TagValue<'static>> {
    TagValue::parse(text.to_owned().into())
        .map_err(|_| {
            violations.invalid(place, text, TagValue::EXPECTED);
        })
        .ok()
}

/// Refuses a name whose `key` was used before.
fn unique(
    name: &str,
    key: String,
    place: &Place<'_>,
    names: &mut BTreeMap<String, JsonPath>,
    violations: &mut Violations,
) {
    match names.get(&key) {
        Some(first) => {
            let (value, first) = (name.to_owned(), first.clone());
            violations.push(place, Problem::Duplicate { value, first });
        }
        None => {
            names.insert(key, place.to_path());
        }
    }
}

fn present(keys: &[&'static str], there: &[bool]) -> Vec<&'static str> {
    let named = keys.iter().zip(there);
    named
        .filter(|(_, there)| **there)
        .map(|(key, _)| *key)
        .collect()
}

const MAX_TRUSTED_HOPS: f64 = 32.0;
const MAX_NAME: usize = 128;

#[cfg(test)]
mod tests;
