//! Condition rules.

use meshlane_conditions::config::Scalar;
use meshlane_diagnostics::Place;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::expression::{self, Matcher};
use super::provider::{Meant, providers};
use super::request::{Requests, requests};
use super::rule::Head;
use crate::migrate::document::pruned;
use crate::migrate::read::read;
use crate::migrate::report::Report;
use crate::migrate::services::Services;
use crate::source::Node;

/// A rule; conditions are texts up to v3.0, and objects under v3.1.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ConditionRule<C> {
    #[serde(rename = "configVersion")]
    _config_version: Option<String>,
    #[serde(rename = "scope")]
    _scope: Option<String>,
    #[serde(rename = "key")]
    _key: Option<String>,
    priority: Option<f64>,
    force: Option<bool>,
    runtime: Option<bool>,
    enabled: Option<bool>,
    valid: Option<bool>,
    dynamic: Option<bool>,
    conditions: Vec<C>,
}

/// From which requests to which providers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MultiCondition {
    #[serde(default)]
    from: From,
    #[serde(default)]
    to: Vec<To>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct From {
    #[serde(rename = "match")]
    matches: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct To {
    #[serde(rename = "match")]
    matches: Option<String>,
    weight: Option<Scalar>,
}

/// The routers that a condition rule is: one for each condition, since Dubbo takes them one after the other.
pub(super) fn routers(report: &mut Report, services: Option<&Services>) -> Vec<Value> {
    let root = Place::root();
    let version = report.node.get("configVersion").and_then(Node::text);
    let version = version.unwrap_or_default().to_ascii_lowercase();
    if version.starts_with("v3.1") {
        each(report, |condition: &MultiCondition, place, report| {
            condition.meaning(services, place, report)
        })
    } else if version.as_str() > "v3.1" {
        let message = "Dubbo 3.3 knows rules up to v3.1, and ignores this one";
        report.wrong(&root.key("configVersion"), message);
        Vec::new()
    } else {
        each(report, |text: &String, place, report| {
            meaning(text, services, place, report)
        })
    }
}

/// A router for each condition that means one.
fn each<C: DeserializeOwned + JsonSchema>(
    report: &mut Report,
    meaning: impl Fn(&C, &Place<'_>, &mut Report) -> Option<Meaning>,
) -> Vec<Value> {
    let root = Place::root();
    let Some(rule) = read::<ConditionRule<C>>(report, &root) else {
        return Vec::new();
    };
    let head = rule.head();
    head.tell(&root, report);
    let place = root.key("conditions");
    let conditions = rule.conditions.iter().enumerate();
    let routers = conditions.filter_map(|(index, condition)| {
        let place = place.index(index);
        meaning(condition, &place, report)?.router(index, &head, &place, report)
    });
    routers.collect()
}

impl<C> ConditionRule<C> {
    fn head(&self) -> Head {
        Head {
            priority: self.priority,
            force: self.force,
            runtime: self.runtime,
            enabled: self.enabled,
            valid: self.valid,
            dynamic: self.dynamic,
        }
    }
}

/// What a condition means.
struct Meaning {
    from: Requests,
    /// The entries of `to`; nothing for nowhere.
    to: Option<Vec<Value>>,
}

impl Meaning {
    /// The router; nothing when it would never do anything.
    fn router(
        self,
        index: usize,
        head: &Head,
        place: &Place<'_>,
        report: &mut Report,
    ) -> Option<Value> {
        let from = match self.from {
            Requests::All => None,
            Requests::These(condition) => Some(condition),
            Requests::None => {
                report.changed(place, "no request matches this condition", "it is left out");
                return None;
            }
        };
        let to = match self.to {
            None => Vec::new(),
            Some(to) if !to.is_empty() => to,
            // Whoever it would leave nothing goes on without it, or nowhere.
            Some(_) if head.is_forced() => Vec::new(),
            Some(_) => {
                report.changed(
                    place,
                    "no destination of the services is meant by this condition",
                    "it is left out, as Dubbo passes it over; convert the rule again when there is one",
                );
                return None;
            }
        };
        let mut rule = Map::new();
        if let Some(from) = from {
            rule.insert("from".to_owned(), pruned(json!(from)));
        }
        rule.insert("to".to_owned(), json!(to));
        let mut router = json!({
            "name": format!("condition-{}", index + 1),
            "condition": { "rules": [rule] },
        });
        if let Some(router) = router.as_object_mut() {
            if head.is_forced() {
                router.insert("force".to_owned(), json!(true));
            }
            if !head.is_obeyed() {
                router.insert("enabled".to_owned(), json!(false));
            }
        }
        Some(router)
    }
}

/// What a text says: `method=find* => region=hangzhou`.
fn meaning(
    text: &str,
    services: Option<&Services>,
    place: &Place<'_>,
    report: &mut Report,
) -> Option<Meaning> {
    let text = text.replace("consumer.", "").replace("provider.", "");
    if text.trim().is_empty() {
        report.wrong(
            place,
            "the condition is empty; Dubbo ignores the whole rule",
        );
        return None;
    }
    let (when, then) = match text.split_once("=>") {
        Some((when, then)) => (when.trim(), then.trim()),
        None => ("", text.trim()),
    };
    let from = from(when, place, report)?;
    let to = match then {
        "" | "false" => None,
        then => Some(
            match providers(&parsed(then, place, report)?, services, place, report) {
                Meant::These(providers) => vec![providers.to_json(None)],
                Meant::Nobody => Vec::new(),
                Meant::Lost => return None,
            },
        ),
    };
    Some(Meaning { from, to })
}

impl MultiCondition {
    fn meaning(
        &self,
        services: Option<&Services>,
        place: &Place<'_>,
        report: &mut Report,
    ) -> Option<Meaning> {
        let when = self.from.matches.as_deref().unwrap_or_default().trim();
        let from_place = place.key("from");
        let from = from(when, &from_place.key("match"), report)?;
        if self.to.is_empty() {
            return Some(Meaning { from, to: None });
        }
        let to_place = place.key("to");
        if self.to.len() > 1 {
            report.changed(
                &to_place,
                "Dubbo gives the first entry a little more than its share, and the last one less: 1 of the sum of the weights",
                "each gets its share",
            );
        }
        let mut to = Vec::new();
        for (index, entry) in self.to.iter().enumerate() {
            let place = to_place.index(index);
            let weight = entry.weight(&place, report)?;
            let then = entry.matches.as_deref().unwrap_or_default().trim();
            let place = place.key("match");
            let matchers = match then {
                "" | "false" => Vec::new(),
                then => parsed(then, &place, report)?,
            };
            match providers(&matchers, services, &place, report) {
                Meant::These(providers) => to.push(providers.to_json(weight)),
                Meant::Nobody => {}
                Meant::Lost => return None,
            }
        }
        Some(Meaning { from, to: Some(to) })
    }
}

impl To {
    /// Nothing inside for the weight that Dubbo and the filter take when none is given.
    fn weight(&self, place: &Place<'_>, report: &mut Report) -> Option<Option<f64>> {
        let weight = match &self.weight {
            None => return Some(None),
            Some(Scalar::Number(number)) => Some(*number),
            Some(Scalar::Text(text)) => text.parse::<i32>().ok().map(f64::from),
            Some(Scalar::Bool(_)) => None,
        };
        match weight.filter(|weight| weight.fract() == 0.0 && *weight <= MOST) {
            Some(weight) if weight <= 0.0 => Some(None),
            Some(weight) => Some(Some(weight)),
            None => {
                let message = format!("a weight is a whole number, at most {MOST}");
                report.wrong(&place.key("weight"), message);
                None
            }
        }
    }
}

fn from(when: &str, place: &Place<'_>, report: &mut Report) -> Option<Requests> {
    match when {
        "" | "true" => Some(Requests::All),
        when => requests(&parsed(when, place, report)?, place, report),
    }
}

fn parsed(text: &str, place: &Place<'_>, report: &mut Report) -> Option<Vec<Matcher>> {
    match expression::parse(text) {
        Ok(matchers) => Some(matchers),
        Err(error) => {
            report.wrong(place, error.to_string());
            None
        }
    }
}

/// The largest weight.
const MOST: f64 = 1_000_000_000.0;
