//! Rules for hot parameters.

use std::collections::BTreeMap;

use meshlane_attributes::Attribute;
use meshlane_diagnostics::Place;
use serde::Deserialize;
use serde_json::{Value, json};

use super::resource::Resource;
use super::{ClusterConfig, LONGEST_WAIT, Limit, MOST, cluster, documents, tell_wait, whole};
use crate::migrate::document::Converted;
use crate::migrate::name::identifier;
use crate::migrate::read::read;
use crate::migrate::report::Report;

/// A rule.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ParamFlowRule {
    #[serde(rename = "id")]
    _id: Option<Value>,
    #[serde(rename = "app")]
    _app: Option<String>,
    #[serde(rename = "ip")]
    _ip: Option<String>,
    #[serde(rename = "port")]
    _port: Option<f64>,
    #[serde(rename = "gmtCreate")]
    _created: Option<Value>,
    #[serde(rename = "gmtModified")]
    _modified: Option<Value>,
    resource: String,
    limit_app: Option<String>,
    regex: Option<bool>,
    grade: Option<f64>,
    param_idx: f64,
    count: f64,
    control_behavior: Option<f64>,
    max_queueing_time_ms: Option<f64>,
    burst_count: Option<f64>,
    duration_in_sec: Option<f64>,
    param_flow_item_list: Option<Vec<ParamFlowItem>>,
    cluster_mode: Option<bool>,
    cluster_config: Option<ClusterConfig>,
}

/// A value with a number of its own.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ParamFlowItem {
    object: String,
    count: f64,
    class_type: Option<String>,
}

/// The limits that rules for hot parameters are.
pub(in crate::migrate) fn param_flow_rules(resource: &str, report: &mut Report) -> Vec<Converted> {
    let root = Place::root();
    let Some(rules) = read::<Vec<ParamFlowRule>>(report, &root) else {
        return Vec::new();
    };
    let mut limits = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        limits.extend(rule.limit(&root.index(index), report));
    }
    documents(resource, "sentinel-param-flow", limits)
}

impl ParamFlowRule {
    fn limit(&self, place: &Place<'_>, report: &mut Report) -> Option<Limit> {
        self.validate(place, report)?;
        let resource = self.requests(place, report)?;
        let index = place.key("paramIdx");
        report.changed(
            &index,
            "the parameter is one of a Dubbo call",
            format!(
                "it is `dubbo.arg.{}`, which the bridge has to show: `meshlane check` says how",
                self.param_idx
            ),
        );
        if !matches!(self.limit_app.as_deref(), None | Some("" | "default")) {
            report.changed(
                &place.key("limitApp"),
                "Sentinel does not look at `limitApp` of such a rule",
                "nor does the limit",
            );
        }
        if self.cluster_mode == Some(true) {
            cluster(self.cluster_config.as_ref(), place, report);
        }
        let count = whole(self.count, &place.key("count"), report)?;
        let kind = self.kind(count, place, report)?;
        let exceptions = self.exceptions(place, report);
        Some(Limit {
            name: identifier(&format!("{}-by-{}", self.resource, self.param_idx)),
            when: Some(resource.when),
            key: vec![format!("dubbo.arg.{}", self.param_idx)],
            kind,
            exceptions,
        })
    }

    /// Nothing for rules that Sentinel ignores.
    fn validate(&self, place: &Place<'_>, report: &mut Report) -> Option<()> {
        let index = format!("dubbo.arg.{}", self.param_idx);
        let is_index = self.param_idx < 0.0
            || (self.param_idx.fract() == 0.0 && index.parse::<Attribute>().is_ok());
        let is_duration = (1.0..=MONTH).contains(&self.duration());
        let negative = |number: Option<f64>| number.is_some_and(|number| number < 0.0);
        for (is_wrong, key, message) in [
            (
                self.count < 0.0,
                "count",
                "`count` is negative; Sentinel ignores the rule",
            ),
            (!is_index, "paramIdx", "no parameter has this position"),
            (
                negative(self.burst_count),
                "burstCount",
                "`burstCount` is negative; Sentinel ignores the rule",
            ),
            (
                negative(self.max_queueing_time_ms),
                "maxQueueingTimeMs",
                "`maxQueueingTimeMs` is negative; Sentinel ignores the rule",
            ),
            (
                !is_duration,
                "durationInSec",
                "Sentinel takes 1 second or more, a filter at most 31 days",
            ),
        ] {
            if is_wrong {
                report.wrong(&place.key(key), message);
                return None;
            }
        }
        Some(())
    }

    /// Which requests the rule is for; nothing when that cannot be said.
    fn requests(&self, place: &Place<'_>, report: &mut Report) -> Option<Resource> {
        if self.param_idx < 0.0 {
            report.lost(
                &place.key("paramIdx"),
                "a parameter that is counted from the last one is not known: a proxy does not count them",
                "the rule is left out; give its position from the first one, which is 0",
            );
            return None;
        }
        let resource = Resource::of(&self.resource).filter(|_| self.regex != Some(true));
        if resource.is_none() || self.resource.contains('/') {
            report.lost(
                &place.key("resource"),
                format!("`{}` is no method of a Dubbo service: which parameters it has only the application knows", self.resource),
                "the rule is left out; write a limit whose `when` says which requests these are, and whose `key` is what they are counted by",
            );
            return None;
        }
        let resource = resource?;
        resource.tell_types(place, report);
        Some(resource)
    }

    /// The kind of limit that so many requests are.
    fn kind(
        &self,
        count: f64,
        place: &Place<'_>,
        report: &mut Report,
    ) -> Option<(&'static str, Value)> {
        match (
            self.grade.unwrap_or(1.0),
            self.control_behavior.unwrap_or_default(),
        ) {
            (0.0, _) => {}
            (1.0, 2.0) => {
                let wait = self.max_queueing_time_ms.unwrap_or_default() / 1_000.0;
                tell_wait(wait, place, report);
            }
            (1.0, _) => report.changed(
                &place.key("count"),
                "Sentinel fills its bucket all at once, when a request comes after `durationInSec`",
                "tokens come one by one, at the same rate; the bucket holds as many",
            ),
            (strange, _) => {
                let message = format!("there is no grade {strange}: 0 (threads), 1 (requests)");
                report.wrong(&place.key("grade"), message);
                return None;
            }
        }
        Some(self.numbers(count))
    }

    fn numbers(&self, count: f64) -> (&'static str, Value) {
        let duration = self.duration();
        if self.grade == Some(0.0) {
            ("concurrency", json!({ "requests": count.min(1e6) }))
        } else if self.control_behavior == Some(2.0) {
            // A request waits less than `maxQueueingTimeMs`, all in whole milliseconds.
            let cost = (1_000.0 * duration / count + 0.5).floor().max(1.0);
            let most = (self.max_queueing_time_ms.unwrap_or_default() - 1.0).max(0.0) / 1_000.0;
            let wait = most.min(LONGEST_WAIT);
            let numbers = json!({ "requests": 1, "per": cost / 1_000.0, "maxWait": wait });
            ("queue", numbers)
        } else {
            let burst = count + self.burst_count.unwrap_or_default().floor();
            let numbers = json!({ "requests": count, "per": duration, "burst": burst });
            ("tokenBucket", numbers)
        }
    }

    fn exceptions(&self, place: &Place<'_>, report: &mut Report) -> Vec<Value> {
        let place = place.key("paramFlowItemList");
        let items = self.param_flow_item_list.as_deref().unwrap_or_default();
        // Of items for the same value the last counts.
        let mut exceptions = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            let place = place.index(index);
            if item.count < 0.0 {
                report.wrong(
                    &place.key("count"),
                    "`count` is negative; Sentinel ignores the item",
                );
                continue;
            }
            let types = item.class_type.as_deref().unwrap_or_default();
            let is_number = NUMBERS.contains(&types);
            if is_number && item.object.parse::<f64>().is_err() {
                let message = format!("`{}` is no {types}; Sentinel ignores the item", item.object);
                report.wrong(&place.key("object"), message);
                continue;
            }
            if item.count > MOST {
                let exception = json!({ "key": [item.object], "unlimited": true });
                exceptions.insert(item.object.as_str(), (index, exception));
            } else if let Some(count) = whole(item.count, &place.key("count"), report) {
                let (kind, numbers) = self.numbers(count);
                let exception = json!({ "key": [item.object], kind: numbers });
                exceptions.insert(item.object.as_str(), (index, exception));
            }
        }
        let mut exceptions: Vec<_> = exceptions.into_values().collect();
        exceptions.sort_by_key(|(index, _)| *index);
        exceptions
            .into_iter()
            .map(|(_, exception)| exception)
            .collect()
    }

    fn duration(&self) -> f64 {
        self.duration_in_sec.unwrap_or(1.0).floor()
    }
}

/// The longest time that a limit may count in, in seconds.
const MONTH: f64 = 2_678_400.0;

/// The types of numbers, as an item may name them.
const NUMBERS: [&str; 12] = [
    "int",
    "java.lang.Integer",
    "long",
    "java.lang.Long",
    "double",
    "java.lang.Double",
    "float",
    "java.lang.Float",
    "byte",
    "java.lang.Byte",
    "short",
    "java.lang.Short",
];
