//! From what is written to what is meant: everything that is wrong is found at once.

mod split;

use std::collections::BTreeMap;

use meshlane_attributes::{Attribute, AttributeTable, ProxyKind};
use meshlane_conditions::{AttributeScope, Condition, request_settings};
use meshlane_diagnostics::{JsonPath, Place, Problem, Violations};
use meshlane_tags::validate::{carriers, tag_header, tag_value};

use crate::config::{self, OnIncoming, TrafficTagConfig};
use crate::policy::{Policy, Rule, Tag, ValueSource};

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
        table.settings = request_settings(
            config.source_ip.as_ref(),
            config.jwt.as_ref(),
            config.dubbo_headers,
            &root,
            &mut violations,
        );
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
            self.violations
                .unique(&place.key("name"), name.as_str(), spelling, names);
        }
        let on_incoming = self.on_incoming(tag, place);
        let given = tag.carriers.as_deref();
        let carriers = carriers(given, name.as_ref(), place, written, self.violations);
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
            scope
                .violations
                .unique(name_place, &name, name.clone(), &mut names);
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
            let there = [
                rule.value.is_some(),
                rule.value_from.is_some(),
                rule.split.is_some(),
            ];
            let of = &["value", "valueFrom", "split"];
            scope.violations.not_exactly_one(place, of, &there);
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

#[cfg(test)]
mod tests;
