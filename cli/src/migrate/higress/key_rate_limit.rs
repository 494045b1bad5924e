//! The plugin key-rate-limit.

use meshlane_attributes::Attribute;
use meshlane_diagnostics::Place;
use serde::Deserialize;
use serde_json::{Value, json};

use super::scope::Scope;
use crate::migrate::condition::one_of;
use crate::migrate::document::pruned;
use crate::migrate::name::{Names, identifier};
use crate::migrate::read::read;
use crate::migrate::report::Report;

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct KeyRateLimit {
    limit_by_header: Option<String>,
    limit_by_param: Option<String>,
    limit_keys: Vec<LimitKey>,
}

/// A value with its limit; the first number that is there counts.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct LimitKey {
    key: String,
    query_per_second: Option<f64>,
    query_per_minute: Option<f64>,
    query_per_hour: Option<f64>,
    query_per_day: Option<f64>,
}

/// The limits of all configurations of a plugin.
#[derive(Debug, Default)]
pub(super) struct Limits {
    limits: Vec<Value>,
    names: Names,
}

impl Limits {
    /// Adds those of the configuration at a place.
    pub(super) fn add(&mut self, report: &mut Report, place: &Place<'_>, scope: &Scope) {
        let Some(config) = read::<KeyRateLimit>(report, place) else {
            return;
        };
        let header = config
            .limit_by_header
            .as_deref()
            .filter(|name| !name.is_empty());
        let parameter = config
            .limit_by_param
            .as_deref()
            .filter(|name| !name.is_empty());
        let (attribute, name) = match (header, parameter) {
            (Some(header), None) => (format!("header.{}", header.to_ascii_lowercase()), header),
            (None, Some(parameter)) => (format!("query.{parameter}"), parameter),
            _ => {
                report.wrong(
                    place,
                    "exactly one of `limit_by_header` and `limit_by_param` is expected",
                );
                return;
            }
        };
        if attribute.parse::<Attribute>().is_err() {
            report.wrong(
                place,
                format!("`{name}` is no name of a header or a parameter"),
            );
            return;
        }
        for (requests, per, keys) in groups(&config.limit_keys, place, report) {
            let name = self.names.unique(identifier(&format!("by-{name}")));
            let when = scope.and([one_of(attribute.as_str(), keys)]);
            self.limits.push(json!({
                "name": name,
                "when": pruned(json!(when)),
                "key": [attribute],
                "tokenBucket": { "requests": requests, "per": per },
                "refusal": { "body": "Too many requests" },
            }));
        }
        report.changed(
            &place.key("limit_keys"),
            "Higress fills a bucket all at once, at the end of each second, minute, hour or day",
            "tokens come one by one, at the same rate; the bucket holds as many",
        );
    }

    /// Nothing when there is nothing to limit.
    pub(super) fn into_config(self) -> Option<Value> {
        (!self.limits.is_empty()).then(|| json!({ "limits": self.limits }))
    }
}

/// The keys that have the same numbers: requests, seconds, and the keys.
fn groups<'c>(
    keys: &'c [LimitKey],
    place: &Place<'_>,
    report: &mut Report,
) -> Vec<(f64, f64, Vec<&'c str>)> {
    let place = place.key("limit_keys");
    let mut groups: Vec<(f64, f64, Vec<&str>)> = Vec::new();
    for (index, limited) in keys.iter().enumerate() {
        let place = place.index(index);
        let key = limited.key.as_str();
        if groups.iter().any(|(_, _, keys)| keys.contains(&key)) {
            report.changed(
                &place.key("key"),
                format!("`{key}` has a limit already, and Higress goes by the first one"),
                "so does the limit",
            );
            continue;
        }
        let numbers = [
            (limited.query_per_second, 1.0),
            (limited.query_per_minute, 60.0),
            (limited.query_per_hour, 3_600.0),
            (limited.query_per_day, 86_400.0),
        ];
        let mut numbers = numbers.into_iter();
        let number =
            numbers.find_map(|(requests, per)| Some((requests.filter(|n| *n >= 1.0)?, per)));
        let Some((requests, per)) = number else {
            let message = "one of `query_per_second`, `query_per_minute`, `query_per_hour` and `query_per_day` is expected, 1 or more";
            report.wrong(&place, message);
            continue;
        };
        let requests = requests.floor().min(1e9);
        let same = groups
            .iter_mut()
            .find(|(known, seconds, _)| (*known, *seconds) == (requests, per));
        match same {
            Some((_, _, keys)) => keys.push(key),
            None => groups.push((requests, per, vec![key])),
        }
    }
    groups
}
