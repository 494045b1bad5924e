//! The right side of `=>`: which providers requests go to. What is a parameter of a provider's URL is a label of a destination.

use std::collections::{BTreeMap, BTreeSet};

use meshlane_diagnostics::{Place, is_label};
use serde_json::{Map, Value, json};

use super::expression::Matcher;
use super::pattern::{NOT_FOUND, Pattern, Side};
use super::request::{caller, told_range};
use crate::migrate::report::Report;
use crate::migrate::services::Services;

/// Some providers, as an entry of `to`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Providers {
    labels: BTreeMap<String, Vec<String>>,
    not_labels: BTreeMap<String, Vec<String>>,
    same: BTreeMap<String, String>,
}

/// What came of an expression about providers.
pub(super) enum Meant {
    /// These providers.
    These(Providers),
    /// There are none of them.
    Nobody,
    /// It cannot be said, which is reported.
    Lost,
}

impl Providers {
    pub(super) fn to_json(&self, weight: Option<f64>) -> Value {
        let mut to = Map::new();
        for (key, value) in [
            ("labels", json!(self.labels)),
            ("notLabels", json!(self.not_labels)),
            ("same", json!(self.same)),
        ] {
            if value.as_object().is_some_and(|members| !members.is_empty()) {
                to.insert(key.to_owned(), value);
            }
        }
        if let Some(weight) = weight {
            to.insert("weight".to_owned(), json!(weight));
        }
        Value::Object(to)
    }
}

/// The providers that all of some matchers match.
pub(super) fn providers(
    matchers: &[Matcher],
    services: Option<&Services>,
    place: &Place<'_>,
    report: &mut Report,
) -> Meant {
    let mut providers = Providers::default();
    for matcher in matchers {
        let key = matcher.key.as_str();
        if !is_label(key) {
            no_label(place, report);
            return Meant::Lost;
        }
        for pattern in matcher.patterns() {
            told_range(pattern, place, report);
        }
        if key.starts_with("arguments") || key.starts_with("attachments") {
            report.changed(
                place,
                format!("a provider has no `{key}`: Dubbo never finds it there"),
                "the rule does what Dubbo does, which is hardly what was meant",
            );
            match matcher.is_match(NOT_FOUND, Side::Then) {
                true => continue,
                false => return Meant::Nobody,
            }
        }
        if matches!(key, "host" | "port" | "address") {
            report.changed(
                place,
                format!("`{key}` is where one instance of a provider is"),
                format!("it is the label `{key}` of a destination; better name a label that all instances of a version have"),
            );
        }
        if matcher.patterns().any(|pattern| pattern.starts_with('$')) {
            let ([pattern], []) = (matcher.matches.as_slice(), matcher.mismatches.as_slice())
            else {
                not_alone(place, report);
                return Meant::Lost;
            };
            let parameter = pattern.strip_prefix('$').unwrap_or(pattern);
            let attribute = caller(parameter, place, report);
            providers.same.insert(key.to_owned(), attribute);
            continue;
        }
        match services {
            Some(services) => {
                let values = values(services, key);
                let kept = values.into_iter();
                let kept: Vec<_> = kept
                    .filter(|value| matcher.is_match(value, Side::Then))
                    .collect();
                if kept.is_empty() {
                    return Meant::Nobody;
                }
                providers.labels.insert(key.to_owned(), kept);
            }
            None => {
                if !by_name(matcher, &mut providers, place, report) {
                    return Meant::Lost;
                }
            }
        }
    }
    Meant::These(providers)
}

/// Without services nothing is known but the words that the rule itself has.
fn by_name(
    matcher: &Matcher,
    providers: &mut Providers,
    place: &Place<'_>,
    report: &mut Report,
) -> bool {
    let key = matcher.key.as_str();
    let is_word = |text: &String| matches!(Pattern::of(text), Pattern::Word(_));
    if !matcher.patterns().all(is_word) {
        report.lost(
            place,
            format!("which values of `{key}` are meant is not known without the destinations"),
            "the condition is left out; give the services with --services FILE, as `meshlane render inventory` prints them",
        );
        return false;
    }
    if !matcher.patterns().all(|word| is_label(word)) {
        no_label(place, report);
        return false;
    }
    if !matcher.matches.is_empty() {
        let matches = matcher.matches.iter();
        let kept = matches.filter(|value| !matcher.mismatches.contains(value));
        providers
            .labels
            .insert(key.to_owned(), kept.cloned().collect());
    } else if !matcher.mismatches.is_empty() {
        report.changed(
            place,
            format!("a provider without `{key}` is not meant in Dubbo"),
            format!("a destination without the label `{key}` is; with --services FILE none is that should not"),
        );
        providers
            .not_labels
            .insert(key.to_owned(), matcher.mismatches.clone());
    }
    providers
        .labels
        .get(key)
        .is_none_or(|kept| !kept.is_empty())
        && !(matcher.matches.is_empty() && matcher.mismatches.is_empty())
}

/// The values that a label has on destinations.
pub(super) fn values(services: &Services, label: &str) -> BTreeSet<String> {
    let destinations = services.destinations.iter();
    let values = destinations.filter_map(|destination| destination.labels.get(label));
    values.cloned().collect()
}

pub(super) fn no_label(place: &Place<'_>, report: &mut Report) {
    report.lost(
        place,
        "labels and their values have 1 to 128 visible ASCII characters",
        "the condition is left out; give the destinations another label",
    );
}

fn not_alone(place: &Place<'_>, report: &mut Report) {
    report.lost(
        place,
        "a value of the consumer together with others, or behind `!=`, cannot be said",
        "the condition is left out; only `key=$other` alone is known",
    );
}
