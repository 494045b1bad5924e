//! Routers.

use std::collections::BTreeMap;

use meshlane_attributes::AttributeId;
use meshlane_conditions::{AttributeScope, Condition, Sticky};
use meshlane_diagnostics::{JsonPath, Place, Problem};

use super::{Labels, is_whole, sticky_by, weight};
use crate::chain::{self, Fallback, Kind, Range, Router, Rule, Rules, Tag, To, Unit, Weight};
use crate::config::{self, Hierarchy, TagPreset, Then};
use crate::inventory::LabelId;
use crate::policy::Policy;

pub(super) fn router(
    index: usize,
    config: &config::Router,
    place: &Place<'_>,
    names: &mut BTreeMap<String, JsonPath>,
    labels: &mut Labels,
    scope: &mut AttributeScope<'_>,
) -> Option<Router> {
    let name = config.name.clone();
    let name_place = place.key("name");
    let name_place = if name.is_some() { &name_place } else { place };
    let name = name.unwrap_or_else(|| format!("router-{}", index + 1));
    scope.violations.identifier(name_place, &name);
    scope
        .violations
        .unique(name_place, &name, name.clone(), names);
    let mut routers = Routers { labels, scope };
    let kind = match (
        &config.locality,
        &config.unit,
        &config.tag,
        &config.condition,
        &config.weight,
    ) {
        (Some(locality), None, None, None, None) => {
            routers.locality(locality, &place.key("locality"))
        }
        (None, Some(unit), None, None, None) => routers.unit(unit, &place.key("unit")),
        (None, None, Some(tag), None, None) => routers.tag(tag, &place.key("tag")),
        (None, None, None, Some(condition), None) => {
            routers.condition(condition, &place.key("condition"))
        }
        (None, None, None, None, Some(weight)) => routers.weight(weight, &place.key("weight")),
        (locality, unit, tag, condition, weight) => {
            let there = [
                locality.is_some(),
                unit.is_some(),
                tag.is_some(),
                condition.is_some(),
                weight.is_some(),
            ];
            let of = &["locality", "unit", "tag", "condition", "weight"];
            routers.scope.violations.not_exactly_one(place, of, &there);
            None
        }
    };
    let force = config.force.unwrap_or_default();
    let kind = kind?;
    let preset = config.tag.as_ref().and_then(|tag| tag.preset);
    if force && config.fallback.is_some() && preset.is_none() {
        let (key, with) = ("fallback", "`force: true`, which refuses instead");
        let problem = Problem::Incompatible { key, with };
        routers
            .scope
            .violations
            .push(&place.key("fallback"), problem);
    }
    let fallback = routers.fallback(config, &kind, &place.key("fallback"));
    Some(Router {
        name,
        enabled: config.enabled.unwrap_or(true),
        force,
        kind,
        fallback,
    })
}

struct Routers<'a, 's> {
    labels: &'a mut Labels,
    scope: &'a mut AttributeScope<'s>,
}

impl Routers<'_, '_> {
    fn locality(&mut self, config: &config::Locality, place: &Place<'_>) -> Option<Kind> {
        let default = ["zone", "region"].map(str::to_owned);
        let levels = config.levels.as_deref().unwrap_or(&default);
        let place = place.key("levels");
        if !self
            .scope
            .violations
            .bounded(&place, "levels", levels, MAX_LEVELS)
        {
            return None;
        }
        let mut names = BTreeMap::new();
        let mut known = Vec::with_capacity(levels.len());
        for (index, level) in levels.iter().enumerate() {
            let place = place.index(index);
            self.scope
                .violations
                .unique(&place, level, level.clone(), &mut names);
            known.push((self.label(level, &place), level.clone()));
        }
        Some(Kind::Locality(known))
    }

    fn unit(&mut self, config: &config::Unit, place: &Place<'_>) -> Option<Kind> {
        let keys = self.keys(&config.keys, &place.key("keys"));
        let label = config.label.as_deref().unwrap_or("unit");
        let label = self.label(label, &place.key("label"));
        let (position, places) = self.place(config, place)?;
        let ranges_place = place.key("ranges");
        let ranges = &config.ranges;
        if !self
            .scope
            .violations
            .bounded(&ranges_place, "ranges", ranges, Policy::MAX_ENTRIES)
        {
            return None;
        }
        let mut validated: Vec<Range> = Vec::with_capacity(ranges.len());
        for (index, range) in ranges.iter().enumerate() {
            let place = ranges_place.index(index);
            self.scope
                .violations
                .label_value(&place.key("unit"), &range.unit);
            let (from, below) = (range.from, range.below);
            if !(0.0 <= from && from < below && below <= places) {
                let expected = "`from` below `below`, both from 0 to the number of places";
                let found = format!("from {from}, below {below} of {places}");
                self.scope.violations.invalid(&place, found, expected);
                continue;
            }
            let overlaps = |other: &Range| from < other.below && other.from < below;
            if validated.iter().any(overlaps) {
                let found = format!("{from} to {below} of {}", range.unit);
                let expected = "places that no other range has";
                self.scope.violations.invalid(&place, found, expected);
                continue;
            }
            let unit = range.unit.clone();
            validated.push(Range { from, below, unit });
        }
        if let Some(default) = &config.default {
            self.scope
                .violations
                .label_value(&place.key("default"), default);
        }
        Some(Kind::Unit(Unit {
            keys: keys?,
            label,
            place: position,
            ranges: validated,
            default: config.default.clone(),
        }))
    }

    /// Where keys fall, and how many places there are.
    fn place(&mut self, config: &config::Unit, place: &Place<'_>) -> Option<(chain::Place, f64)> {
        match (&config.hash, config.divisor) {
            (Some(_), Some(_)) => {
                let there = [true, true];
                self.scope
                    .violations
                    .not_exactly_one(place, &["hash", "divisor"], &there);
                None
            }
            (None, Some(divisor)) if is_whole(divisor) && (1.0..=1e9).contains(&divisor) => {
                Some((chain::Place::Remainder(divisor as i128), divisor))
            }
            (None, Some(divisor)) => {
                let expected = "an integer from 1 to 1000000000";
                self.scope
                    .violations
                    .invalid(&place.key("divisor"), divisor, expected);
                None
            }
            (hash, None) => {
                let none = config::Hash::default();
                let hash = hash.as_ref().unwrap_or(&none);
                let place = place.key("hash");
                let salt = hash.salt.as_deref();
                let violations = &mut *self.scope.violations;
                let sticky = Sticky::new(hash.algorithm, salt, hash.of, &place, violations)?;
                let places = sticky.of();
                Some((chain::Place::Hash(sticky), places))
            }
        }
    }

    fn tag(&mut self, config: &config::Tag, place: &Place<'_>) -> Option<Kind> {
        let is_dubbo = config.preset == Some(TagPreset::Dubbo);
        let default_keys = match is_dubbo {
            true => ["dubbo.attachment.dubbo.tag", "workload.dubbo.tag"].as_slice(),
            false => &[],
        };
        let keys = match config.keys.is_empty() {
            true if is_dubbo => default_keys.iter().map(|key| (*key).to_owned()).collect(),
            _ => config.keys.clone(),
        };
        let keys = self.keys(&keys, &place.key("keys"));
        let default = if is_dubbo { "dubbo.tag" } else { "tag" };
        let label = config.label.as_deref().unwrap_or(default);
        let label = self.label(label, &place.key("label"));
        let untagged_place = place.key("untagged");
        self.scope.violations.at_most(
            &untagged_place,
            "values",
            &config.untagged,
            Policy::MAX_ENTRIES,
        );
        for (index, value) in config.untagged.iter().enumerate() {
            self.scope
                .violations
                .label_value(&untagged_place.index(index), value);
        }
        let separator = config.separator.as_deref().unwrap_or("|");
        if !(1..=8).contains(&separator.len()) || !separator.bytes().all(|b| b.is_ascii_graphic()) {
            let expected = "1 to 8 visible ASCII characters";
            self.scope
                .violations
                .invalid(&place.key("separator"), separator, expected);
        }
        let force_key = config.force_key.as_deref();
        let force_key = force_key.or(is_dubbo.then_some("dubbo.attachment.dubbo.force.tag"));
        let force_place = place.key("forceKey");
        let force_key = force_key.and_then(|key| self.scope.attribute(key, &force_place));
        self.groups(config, &place.key("groups"));
        let default = if is_dubbo {
            Hierarchy::Groups
        } else {
            Hierarchy::All
        };
        Some(Kind::Tag(Tag {
            keys: keys?,
            label,
            separator: separator.to_owned(),
            hierarchy: config.hierarchy.unwrap_or(default),
            force_key,
            force_labels: !is_dubbo,
        }))
    }

    fn groups(&mut self, config: &config::Tag, place: &Place<'_>) {
        let violations = &mut *self.scope.violations;
        violations.at_most(place, "groups", &config.groups, Policy::MAX_ENTRIES);
        for (index, group) in config.groups.iter().enumerate() {
            let place = place.index(index);
            violations.label_value(&place.key("tag"), &group.tag);
            let place = place.key("labels");
            if group.labels.is_empty() {
                violations.push(&place, Problem::Empty { what: "labels" });
            }
            for (name, values) in &group.labels {
                let place = place.key(name);
                violations.label(&place, name);
                violations.bounded(&place, "values", values, Policy::MAX_ENTRIES);
                for (index, value) in values.iter().enumerate() {
                    violations.label_value(&place.index(index), value);
                }
            }
        }
    }

    fn condition(&mut self, config: &config::ConditionRouter, place: &Place<'_>) -> Option<Kind> {
        let by = sticky_by(
            config.by.as_deref(),
            config.salt.as_deref(),
            place,
            self.scope,
        );
        let place = place.key("rules");
        let rules = &config.rules;
        if !self
            .scope
            .violations
            .bounded(&place, "rules", rules, Policy::MAX_ENTRIES)
        {
            return None;
        }
        let mut names = BTreeMap::new();
        let mut validated = Vec::with_capacity(rules.len());
        for (index, rule) in rules.iter().enumerate() {
            validated.extend(self.rule(index, rule, &place.index(index), &mut names));
        }
        let rules = validated;
        Some(Kind::Condition(Rules { rules, by }))
    }

    fn rule(
        &mut self,
        index: usize,
        config: &config::ConditionRule,
        place: &Place<'_>,
        names: &mut BTreeMap<String, JsonPath>,
    ) -> Option<Rule> {
        let name = config.name.clone();
        let name_place = place.key("name");
        let name_place = if name.is_some() { &name_place } else { place };
        let name = name.unwrap_or_else(|| format!("rule-{}", index + 1));
        self.scope.violations.identifier(name_place, &name);
        self.scope
            .violations
            .unique(name_place, &name, name.clone(), names);
        let from_place = place.key("from");
        let from = config.from.as_ref();
        let from = from.map(|from| Condition::new(from, &from_place, self.scope));
        let to_place = place.key("to");
        self.scope
            .violations
            .at_most(&to_place, "to", &config.to, MAX_TO);
        let mut to = Vec::with_capacity(config.to.len());
        for (index, entry) in config.to.iter().enumerate() {
            to.extend(self.to(entry, &to_place.index(index)));
        }
        if !to.is_empty() && to.iter().all(|to| to.weight == 0.0) {
            let expected = "a weight above 0 in one of them; an empty `to` for nowhere";
            self.scope
                .violations
                .invalid(&to_place, "only weights of 0", expected);
        }
        Some(Rule {
            name,
            enabled: config.enabled.unwrap_or(true),
            from: match from {
                Some(from) => Some(from?),
                None => None,
            },
            to,
        })
    }

    fn to(&mut self, config: &config::To, place: &Place<'_>) -> Option<To> {
        let weight_place = place.key("weight");
        let weight = weight(
            config.weight.unwrap_or(100.0),
            &weight_place,
            self.scope.violations,
        );
        let labels = self.label_values(&config.labels, &place.key("labels"));
        let not_labels = self.label_values(&config.not_labels, &place.key("notLabels"));
        let place = place.key("same");
        let mut same = Vec::with_capacity(config.same.len());
        for (name, attribute) in &config.same {
            let place = place.key(name);
            let label = self.label(name, &place);
            let attribute = self.scope.attribute(attribute, &place);
            same.extend(attribute.map(|attribute| (label, attribute)));
        }
        Some(To {
            labels,
            not_labels,
            same,
            weight: weight?,
        })
    }

    fn label_values(
        &mut self,
        labels: &BTreeMap<String, Vec<String>>,
        place: &Place<'_>,
    ) -> Vec<(LabelId, Vec<String>)> {
        let mut validated = Vec::with_capacity(labels.len());
        for (name, values) in labels {
            let place = place.key(name);
            let label = self.label(name, &place);
            self.scope
                .violations
                .bounded(&place, "values", values, Policy::MAX_ENTRIES);
            for (index, value) in values.iter().enumerate() {
                self.scope
                    .violations
                    .label_value(&place.index(index), value);
            }
            validated.push((label, values.clone()));
        }
        validated
    }

    fn weight(&mut self, config: &config::Weight, place: &Place<'_>) -> Option<Kind> {
        let label = self.label(&config.label, &place.key("label"));
        let by = sticky_by(
            config.by.as_deref(),
            config.salt.as_deref(),
            place,
            self.scope,
        );
        let place = place.key("values");
        let values = &config.values;
        if !self
            .scope
            .violations
            .bounded(&place, "values", values, MAX_TO)
        {
            return None;
        }
        let mut names = BTreeMap::new();
        let mut validated = Vec::with_capacity(values.len());
        for (index, weighted) in values.iter().enumerate() {
            let place = place.index(index);
            let (value, value_place) = (&weighted.value, place.key("value"));
            self.scope.violations.label_value(&value_place, value);
            self.scope
                .violations
                .unique(&value_place, value, value.clone(), &mut names);
            let share = weight(weighted.weight, &place.key("weight"), self.scope.violations);
            validated.extend(share.map(|share| (value.clone(), share)));
        }
        if validated.len() == values.len() && validated.iter().all(|(_, share)| *share == 0.0) {
            let expected = "a weight above 0 in one of them";
            self.scope
                .violations
                .invalid(&place, "only weights of 0", expected);
        }
        Some(Kind::Weight(Weight {
            label,
            values: validated,
            by,
        }))
    }

    fn fallback(&mut self, config: &config::Router, kind: &Kind, place: &Place<'_>) -> Fallback {
        let none = config::Fallback::default();
        let fallback = config.fallback.as_ref().unwrap_or(&none);
        let violations = &mut *self.scope.violations;
        violations.at_most(
            &place.key("values"),
            "values",
            &fallback.values,
            Policy::MAX_ENTRIES,
        );
        for (index, value) in fallback.values.iter().enumerate() {
            violations.label_value(&place.key("values").index(index), value);
        }
        let own = kind.label();
        let label = match (&fallback.label, own) {
            (Some(_), Some(_)) => {
                let (key, with) = ("label", "a router that has a label of its own");
                violations.push(&place.key("label"), Problem::Incompatible { key, with });
                own
            }
            (Some(label), None) => Some(self.label(label, &place.key("label"))),
            (None, None) if !fallback.values.is_empty() => {
                violations.push(place, Problem::MissingKey { key: "label" });
                None
            }
            (None, own) => own,
        };
        let default = match kind {
            Kind::Locality(_) | Kind::Condition(_) | Kind::Weight(_) => Then::Skip,
            Kind::Unit(_) => Then::LastResort,
            Kind::Tag(_) => Then::Untagged,
        };
        let then = fallback.then.unwrap_or(default);
        if then == Then::Untagged && !matches!(kind, Kind::Tag(_)) {
            let expected = "`skip`, `fail` or `lastResort`; only `tag` knows what is untagged";
            self.scope
                .violations
                .invalid(&place.key("then"), "untagged", expected);
        }
        Fallback {
            label,
            values: fallback.values.clone(),
            then,
        }
    }

    fn label(&mut self, name: &str, place: &Place<'_>) -> LabelId {
        self.scope.violations.label(place, name);
        self.labels.intern(name)
    }

    fn keys(&mut self, keys: &[String], place: &Place<'_>) -> Option<Vec<AttributeId>> {
        if !self.scope.violations.bounded(place, "keys", keys, MAX_KEYS) {
            return None;
        }
        let mut attributes = Vec::with_capacity(keys.len());
        for (index, key) in keys.iter().enumerate() {
            attributes.extend(self.scope.attribute(key, &place.index(index)));
        }
        (attributes.len() == keys.len()).then_some(attributes)
    }
}

const MAX_LEVELS: usize = 8;
const MAX_KEYS: usize = 8;
const MAX_TO: usize = 100;
