//! Tag rules.

use std::collections::{BTreeMap, BTreeSet};

use meshlane_diagnostics::{Place, is_label};
use regex_lite::Regex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::address;
use super::provider::{no_label, values};
use super::rule::Head;
use crate::migrate::read::read;
use crate::migrate::report::Report;
use crate::migrate::services::Services;

/// A rule.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TagRule {
    config_version: Option<String>,
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
    tags: Vec<Tag>,
}

/// A tag, and who has it.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Tag {
    name: String,
    addresses: Option<Vec<String>>,
    #[serde(rename = "match")]
    matches: Option<Vec<ParamMatch>>,
}

/// A parameter of the provider's URL, and what it is to be.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ParamMatch {
    key: String,
    value: StringMatch,
}

/// The first of these that is there counts.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct StringMatch {
    exact: Option<String>,
    prefix: Option<String>,
    regex: Option<String>,
    wildcard: Option<String>,
    empty: Option<String>,
    noempty: Option<String>,
}

/// The router that a tag rule is.
pub(super) fn router(report: &mut Report, services: Option<&Services>) -> Option<Value> {
    let root = Place::root();
    let rule: TagRule = read(report, &root)?;
    let head = Head {
        priority: rule.priority,
        force: rule.force,
        runtime: rule.runtime,
        enabled: rule.enabled,
        valid: rule.valid,
        dynamic: rule.dynamic,
    };
    head.tell(&root, report);
    // A rule that is switched off leaves the tags that providers have themselves, and so does one without tags.
    if !head.is_obeyed() || rule.tags.is_empty() {
        report.changed(
            &root.key("enabled"),
            "without its rule Dubbo goes by the tags that providers have themselves",
            "so does the router: by the label `dubbo.tag`",
        );
        return Some(json!({ "name": "tag", "tag": { "preset": "dubbo" } }));
    }
    let knows_match = rule
        .config_version
        .as_deref()
        .is_some_and(|version| version.starts_with("v3.0"));
    let place = root.key("tags");
    // Of tags of a name the last counts; those with `match` come after those with addresses.
    let mut groups: BTreeMap<String, Value> = BTreeMap::new();
    for with_addresses in [true, false] {
        for (index, tag) in rule.tags.iter().enumerate() {
            let has_addresses = tag.addresses.as_ref().is_some_and(|list| !list.is_empty());
            if has_addresses != with_addresses {
                continue;
            }
            let place = place.index(index);
            if !is_label(&tag.name) {
                report.wrong(
                    &place.key("name"),
                    "a tag has 1 to 128 visible ASCII characters",
                );
                continue;
            }
            if let Some(labels) = tag.labels(knows_match, services, &place, report) {
                groups.insert(tag.name.clone(), labels);
            }
        }
    }
    let groups = groups.into_iter();
    let groups: Vec<_> = groups
        .map(|(tag, labels)| json!({ "tag": tag, "labels": labels }))
        .collect();
    let mut tag = json!({ "preset": "dubbo" });
    if let Some(tag) = tag.as_object_mut()
        && !groups.is_empty()
    {
        tag.insert("groups".to_owned(), json!(groups));
    }
    let mut router = json!({ "name": "tag", "tag": tag });
    if let Some(router) = router.as_object_mut()
        && head.is_forced()
    {
        router.insert("force".to_owned(), json!(true));
    }
    Some(router)
}

impl Tag {
    /// The labels of the destinations that have the tag; nothing when the rule does not define it.
    fn labels(
        &self,
        knows_match: bool,
        services: Option<&Services>,
        place: &Place<'_>,
        report: &mut Report,
    ) -> Option<Value> {
        match (self.addresses.as_deref(), self.matches.as_deref()) {
            (Some(addresses @ [_, ..]), _) => {
                at(addresses, services, &place.key("addresses"), report)
            }
            (_, Some(matches)) if knows_match => {
                let place = place.key("match");
                match services {
                    Some(services) => self.known(matches, services, &place, report),
                    None => named(matches, &place, report),
                }
            }
            (_, Some(_)) => {
                let message = "Dubbo looks at `match` under `configVersion: v3.0` alone";
                report.changed(&place.key("match"), message, "nor does the tag exist here");
                None
            }
            (_, None) => {
                report.wrong(
                    place,
                    "a tag has `addresses`, or `match` under `configVersion: v3.0`",
                );
                None
            }
        }
    }

    /// Destinations by what the services say; a tag that none has does not exist to Dubbo.
    fn known(
        &self,
        matches: &[ParamMatch],
        services: &Services,
        place: &Place<'_>,
        report: &mut Report,
    ) -> Option<Value> {
        let mut labels: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (index, one) in matches.iter().enumerate() {
            let place = place.index(index);
            let place = place.key("value");
            if one.value.takes_absent() {
                absent(&one.key, &place, report);
                return None;
            }
            let kept = match labels.remove(one.key.as_str()) {
                Some(before) => before,
                None => values(services, &one.key).into_iter().collect(),
            };
            let regex = one.value.expression(&place, report)?;
            let is_kept = |value: &String| one.value.is_match(value, regex.as_ref());
            let kept: Vec<_> = kept.into_iter().filter(is_kept).collect();
            labels.insert(&one.key, kept);
        }
        let is_there = services.destinations.iter().any(|destination| {
            let mut labels = labels.iter();
            labels.all(|(label, values)| {
                let own = destination.labels.get(*label);
                own.is_some_and(|own| values.contains(own))
            })
        });
        if labels.is_empty() || !is_there {
            report.changed(
                place,
                "no destination of the services has this tag, so that it does not exist",
                "the tag is left out; convert the rule again when there is one",
            );
            return None;
        }
        Some(json!(labels))
    }
}

/// Destinations by the addresses of instances. The tag exists, whoever has it.
fn at(
    addresses: &[String],
    services: Option<&Services>,
    place: &Place<'_>,
    report: &mut Report,
) -> Option<Value> {
    report.changed(
        place,
        "addresses are those of instances, which come and go in a mesh",
        "they are the label `address` of a destination; better name a label that all instances of a version have",
    );
    let known = services.map(|services| values(services, "address"));
    let mut meant = BTreeSet::new();
    for (index, address) in addresses.iter().enumerate() {
        match &known {
            _ if address::is_one(address) => _ = meant.insert(address.clone()),
            // What stands for several stands among them as it is: it is nobody's label.
            Some(known) if is_label(address) => {
                let those = known.iter().filter(|known| address::is_meant(address, known));
                meant.extend(those.cloned().chain([address.clone()]));
            }
            _ => report.lost(
                &place.index(index),
                format!("`{address}` stands for more than one address"),
                "it is left out; give the services with --services FILE, or name a label that the instances of this version have",
            ),
        }
    }
    (!meant.is_empty()).then(|| json!({ "address": meant }))
}

/// Without services nothing is known but the words that the rule itself has.
fn named(matches: &[ParamMatch], place: &Place<'_>, report: &mut Report) -> Option<Value> {
    let mut labels: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (index, one) in matches.iter().enumerate() {
        let place = place.index(index);
        let place = place.key("value");
        let word = match &one.value {
            StringMatch {
                exact: Some(word), ..
            } => Some(word.as_str()),
            _ => None,
        };
        if !is_label(&one.key) || word.is_some_and(|word| !is_label(word)) {
            no_label(&place, report);
            return None;
        }
        let Some(word) = word.filter(|_| !labels.contains_key(one.key.as_str())) else {
            report.lost(
                &place,
                format!("which values of `{}` are meant is not known without the destinations", one.key),
                "the tag is left out; give the services with --services FILE, as `meshlane render inventory` prints them",
            );
            return None;
        };
        labels.insert(&one.key, vec![word]);
    }
    if labels.is_empty() {
        report.wrong(place, "`match` is empty");
        return None;
    }
    report.changed(
        place,
        "to Dubbo a tag does not exist while no provider has it",
        "it does here; with --services FILE tags that no destination has are left out",
    );
    Some(json!(labels))
}

impl StringMatch {
    /// Whether a provider without the parameter matches.
    fn takes_absent(&self) -> bool {
        self.empty.is_some()
    }

    /// The regular expression, where it has one; nothing where that is not known here, which is reported.
    fn expression(&self, place: &Place<'_>, report: &mut Report) -> Option<Option<Regex>> {
        let Some(pattern) = &self.regex else {
            return Some(None);
        };
        let regex = Regex::new(&format!("^(?:{pattern})$"));
        if regex.is_err() {
            report.lost(
                &place.key("regex"),
                "the regular expression has something that is not known here",
                "the tag is left out; write it in another way",
            );
        }
        regex.ok().map(Some)
    }

    /// Whether a value that is there matches. The first that is given counts.
    fn is_match(&self, value: &str, regex: Option<&Regex>) -> bool {
        if let Some(exact) = &self.exact {
            value == exact
        } else if let Some(prefix) = &self.prefix {
            value.starts_with(prefix.as_str())
        } else if let Some(regex) = regex {
            regex.is_match(value)
        } else if let Some(wildcard) = &self.wildcard {
            value == wildcard || wildcard == "*"
        } else {
            self.noempty.is_some() && !value.is_empty()
        }
    }
}

fn absent(key: &str, place: &Place<'_>, report: &mut Report) {
    report.lost(
        place,
        format!("providers without `{key}` cannot be meant"),
        "the tag is left out; give these destinations a label of their own",
    );
}
