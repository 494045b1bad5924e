//! Conditions of traffic-tag.

use meshlane_attributes::Attribute;
use meshlane_conditions::config::{Bucket, Condition, HashAlgorithm};
use meshlane_diagnostics::Place;
use serde::Deserialize;
use serde_json::Value;

use super::ConditionGroup;
use crate::migrate::condition::{all, any, exact, not_in, of, one_of, prefix, regex, violations};
use crate::migrate::report::Report;

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ConditionRule {
    condition_type: String,
    key: String,
    operator: String,
    /// A list, or a single value.
    value: Value,
}

impl ConditionGroup {
    /// The requests of the group; nothing for one that none is in, or that cannot be kept.
    pub(super) fn requests(&self, place: &Place<'_>, report: &mut Report) -> Option<Condition> {
        let logic = self.logic.to_ascii_lowercase();
        let is_and = match logic.as_str() {
            "and" => true,
            "or" => false,
            _ => {
                report.unknown(&place.key("logic"), &self.logic, &["and", "or"]);
                return None;
            }
        };
        if self.conditions.is_empty() {
            report.changed(
                place,
                "a group without conditions never matches",
                "it is left out",
            );
            return None;
        }
        let place = place.key("conditions");
        let rules = self.conditions.iter().enumerate();
        let conditions: Vec<_> = rules
            .map(|(index, rule)| rule.condition(&place.index(index), report))
            .collect();
        // All of them are looked at, also behind one that is lost.
        let conditions = conditions.into_iter().collect::<Option<Vec<_>>>()?;
        match is_and {
            true => all(conditions),
            false => any(conditions),
        }
    }
}

impl ConditionRule {
    fn condition(&self, place: &Place<'_>, report: &mut Report) -> Option<Condition> {
        let attribute = self.attribute(place, report)?;
        let values = self.values(place, report)?;
        let operator = self.operator.to_ascii_lowercase();
        let value_place = place.key("value");
        let condition = match (operator.as_str(), values.as_slice()) {
            ("in", [_, ..]) => one_of(attribute, values),
            ("not_in", [_, ..]) => not_in(attribute, values),
            ("equal", [value]) => exact(attribute, value),
            ("not_equal", [value]) => not_in(attribute, [value]),
            ("prefix", [value]) => prefix(attribute, value),
            // It is enough that it is found somewhere.
            ("regex", [value]) => regex(attribute, format!("(?s:.*)(?:{value})(?s:.*)")),
            ("percentage", [value]) => match value.parse::<u8>() {
                Ok(percent @ 0..=100) => Condition {
                    bucket: Some(Bucket {
                        below: percent.into(),
                        of: None,
                        salt: None,
                        algorithm: Some(HashAlgorithm::Sha256Mod100),
                    }),
                    ..of(attribute)
                },
                _ => {
                    report.wrong(&value_place, "a percentage is a whole number from 0 to 100");
                    return None;
                }
            },
            (operator, _) if OPERATORS.contains(&operator) => {
                report.wrong(&value_place, "exactly one value is expected");
                return None;
            }
            _ => {
                report.unknown(&place.key("operator"), &self.operator, &OPERATORS);
                return None;
            }
        };
        if let Some(problem) = violations(&condition) {
            report.lost(
                &value_place,
                format!("a filter does not accept this: {problem}"),
                "the group is left out; write the condition in another way",
            );
            return None;
        }
        Some(condition)
    }

    fn attribute(&self, place: &Place<'_>, report: &mut Report) -> Option<String> {
        let key = self.key.as_str();
        let key_place = place.key("key");
        let attribute = match self.condition_type.to_ascii_lowercase().as_str() {
            "header" => match key.to_ascii_lowercase().as_str() {
                ":authority" | "host" => "host".to_owned(),
                ":method" => "method".to_owned(),
                ":scheme" => "scheme".to_owned(),
                ":path" => {
                    report.lost(
                        &key_place,
                        "`:path` is path and query together, which no condition looks at",
                        "the group is left out; use `path`, and `query.NAME` for the query",
                    );
                    return None;
                }
                name => format!("header.{name}"),
            },
            "parameter" => format!("query.{key}"),
            "cookie" => format!("cookie.{key}"),
            _ => {
                let known = ["header", "parameter", "cookie"];
                report.unknown(&place.key("conditionType"), &self.condition_type, &known);
                return None;
            }
        };
        if key.is_empty() || attribute.parse::<Attribute>().is_err() {
            report.wrong(
                &key_place,
                format!("`{key}` is no name of a {}", self.condition_type),
            );
            return None;
        }
        Some(attribute)
    }

    fn values(&self, place: &Place<'_>, report: &mut Report) -> Option<Vec<String>> {
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(bool) => Some(bool.to_string()),
            _ => None,
        };
        let values = match &self.value {
            Value::Array(items) => items.iter().map(text).collect::<Option<Vec<_>>>(),
            single => text(single).map(|text| vec![text]),
        };
        if values.is_none() {
            report.wrong(&place.key("value"), "a list of texts is expected");
        }
        values
    }
}

const OPERATORS: [&str; 7] = [
    "equal",
    "not_equal",
    "prefix",
    "in",
    "not_in",
    "regex",
    "percentage",
];
