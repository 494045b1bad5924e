//! The plugin traffic-tag.

mod condition;

use meshlane_attributes::HeaderName;
use meshlane_conditions::config::Condition;
use meshlane_diagnostics::Place;
use meshlane_tags::TagValue;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::scope::Scope;
use crate::migrate::condition::{decided, not, present};
use crate::migrate::document::pruned;
use crate::migrate::read::read;
use crate::migrate::report::Report;
use condition::ConditionRule;

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TrafficTag {
    #[serde(default)]
    condition_groups: Vec<ConditionGroup>,
    #[serde(default)]
    weight_groups: Vec<WeightGroup>,
    default_tag_key: Option<String>,
    default_tag_val: Option<String>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ConditionGroup {
    header_name: String,
    header_value: String,
    logic: String,
    #[serde(default)]
    conditions: Vec<ConditionRule>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct WeightGroup {
    header_name: String,
    header_value: String,
    weight: f64,
}

/// The tags of all configurations of a plugin, in the order in which they come up.
#[derive(Debug, Default)]
pub(super) struct Tags(Vec<(String, Vec<Value>)>);

/// A condition group: the tag, and the requests that get it.
struct Group<'c> {
    name: &'c str,
    when: Condition,
}

impl Tags {
    /// Adds those of the configuration at a place.
    pub(super) fn add(&mut self, report: &mut Report, place: &Place<'_>, scope: &Scope) {
        let Some(config) = read::<TrafficTag>(report, place) else {
            return;
        };
        let mut groups: Vec<Group<'_>> = Vec::new();
        let groups_place = place.key("conditionGroups");
        for (index, group) in config.condition_groups.iter().enumerate() {
            let place = groups_place.index(index);
            if !is_tag(&group.header_name, &group.header_value, &place, report) {
                continue;
            }
            let Some(when) = group.requests(&place, report) else {
                continue;
            };
            let name = group.header_name.as_str();
            let others = others(&groups, name);
            let rule_when = scope.and(std::iter::once(when.clone()).chain(others));
            self.push(name, rule(rule_when, "value", json!(group.header_value)));
            groups.push(Group { name, when });
        }
        let drawn = self.weights(&config, &groups, scope, place, report);
        self.default(&config, &groups, drawn, scope, place, report);
    }

    /// Nothing when there are no tags.
    pub(super) fn into_config(self) -> Option<Value> {
        let tags = self.0.into_iter().map(|(name, rules)| {
            // A header that a request brings is never overwritten.
            json!({ "name": name, "onIncoming": "keep", "rules": rules })
        });
        let tags: Vec<_> = tags.collect();
        (!tags.is_empty()).then(|| json!({ "tags": tags }))
    }

    /// Adds the weighted values; the tag that they are of.
    fn weights<'c>(
        &mut self,
        config: &'c TrafficTag,
        groups: &[Group<'_>],
        scope: &Scope,
        place: &Place<'_>,
        report: &mut Report,
    ) -> Option<&'c str> {
        let place = place.key("weightGroups");
        let first = config.weight_groups.first()?.header_name.as_str();
        let mut values = Vec::new();
        let mut sum = 0.0;
        for (index, group) in config.weight_groups.iter().enumerate() {
            let place = place.index(index);
            let weight = group.weight.floor();
            sum += weight;
            if !(0.0..=100.0).contains(&weight) || sum > 100.0 {
                report.wrong(
                    &place.key("weight"),
                    "a weight is from 0 to 100, and so is their sum",
                );
            } else if group.header_name != first {
                report.lost(
                    &place.key("headerName"),
                    "weights of several headers that exclude one another are not kept",
                    format!("this one is left out; requests of its share get no `{first}`, and nothing else"),
                );
            } else if is_tag(first, &group.header_value, &place, report) && weight > 0.0 {
                values.push(json!({ "value": group.header_value, "weight": weight }));
            }
        }
        if values.is_empty() {
            return None;
        }
        let split = json!({ "by": { "random": true }, "values": values });
        self.push(
            first,
            rule(scope.and(others(groups, first)), "split", split),
        );
        Some(first)
    }

    /// Adds the value of requests that have got none.
    fn default(
        &mut self,
        config: &TrafficTag,
        groups: &[Group<'_>],
        drawn: Option<&str>,
        scope: &Scope,
        place: &Place<'_>,
        report: &mut Report,
    ) {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (name, value) = match (
            given(&config.default_tag_key),
            given(&config.default_tag_val),
        ) {
            (Some(name), Some(value)) => (name, value),
            (None, None) => return,
            (Some(_), None) => {
                let message = "without `defaultTagVal` Higress has no default";
                report.changed(
                    &place.key("defaultTagKey"),
                    message,
                    "nor is there one here",
                );
                return;
            }
            (None, Some(_)) => {
                let message = "without `defaultTagKey` Higress has no default";
                report.changed(
                    &place.key("defaultTagVal"),
                    message,
                    "nor is there one here",
                );
                return;
            }
        };
        let key_place = place.key("defaultTagKey");
        if !is_header(&name, &key_place, report)
            || !is_value(&value, &place.key("defaultTagVal"), report)
        {
            return;
        }
        let mut more = others(groups, &name);
        if let Some(drawn) = drawn.filter(|drawn| *drawn != name) {
            report.changed(
                &key_place,
                format!("the default is another header than `{drawn}`, which has weights"),
                format!(
                    "requests that came with `{drawn}` never get the default; in Higress some do"
                ),
            );
            more.push(present(format!("tag.{drawn}"), false));
        }
        self.push(&name, rule(scope.and(more), "value", json!(value)));
    }

    fn push(&mut self, name: &str, rule: Value) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, rules)) => rules.push(rule),
            None => self.0.push((name.to_owned(), vec![rule])),
        }
    }
}

/// The groups of other tags, none of which may have matched: Higress sets one header alone.
fn others(groups: &[Group<'_>], name: &str) -> Vec<Condition> {
    let groups = groups.iter().filter(|group| group.name != name);
    groups
        .map(|group| not(decided(group.when.clone())))
        .collect()
}

fn rule(when: Option<Condition>, key: &str, value: Value) -> Value {
    let mut rule = Map::new();
    if let Some(when) = when {
        rule.insert("when".to_owned(), pruned(json!(when)));
    }
    rule.insert(key.to_owned(), value);
    Value::Object(rule)
}

fn is_tag(name: &str, value: &str, place: &Place<'_>, report: &mut Report) -> bool {
    is_header(name, &place.key("headerName"), report)
        && is_value(value, &place.key("headerValue"), report)
}

fn is_header(name: &str, place: &Place<'_>, report: &mut Report) -> bool {
    let is_header = HeaderName::parse(name).is_ok() && !name.starts_with(':');
    if !is_header {
        report.wrong(place, format!("`{name}` is no name of a header"));
    }
    is_header
}

fn is_value(value: &str, place: &Place<'_>, report: &mut Report) -> bool {
    let parsed = TagValue::parse(value.into());
    if parsed.is_err() {
        report.lost(
            place,
            format!("`{value}` is not {}", TagValue::EXPECTED),
            "it is left out; give the tag another value",
        );
    }
    parsed.is_ok()
}
