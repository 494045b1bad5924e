//! From what is written to what is meant: everything that is wrong is found at once.

mod algorithm;
mod cluster;
mod refusal;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use meshlane_attributes::{Attribute, AttributeId, AttributeTable};
use meshlane_conditions::{AttributeScope, Condition, request_settings};
use meshlane_diagnostics::{JsonPath, Place, Problem, Violations};

use crate::config::{self, OnOverflow, RateLimitConfig};
use crate::counts::Counts;
use crate::limit::{Exception, Limit, Patience};
use crate::policy::Policy;
use algorithm::Kinds;

impl Policy {
    /// Validates a configuration.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn new(config: &RateLimitConfig) -> Result<Self, Violations> {
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
        let otherwise = config.refusal.as_ref();
        let place = root.key("refusal");
        let otherwise = otherwise
            .map(|given| refusal::refusal(given, &Default::default(), &place, &mut violations));
        let otherwise = otherwise.unwrap_or_default();
        let place = root.key("limits");
        let mut limits = Vec::with_capacity(config.limits.len());
        if violations.at_most(&place, "limits", &config.limits, Self::MAX_LIMITS) {
            let mut names = BTreeMap::new();
            for (index, limit) in config.limits.iter().enumerate() {
                let mut scope = AttributeScope {
                    table: &mut table,
                    violations: &mut violations,
                    accepts: &no_tags,
                };
                let place = place.index(index);
                limits.extend(self::limit(
                    limit, &otherwise, &place, &mut names, &mut scope,
                ));
            }
        }
        violations.into_result(Self { table, limits })
    }
}

/// A tag is a header; what another filter decided is not to be asked for here.
fn no_tags(attribute: &Attribute) -> Result<(), Problem> {
    match attribute {
        Attribute::Tag(name) => Err(Problem::UnknownName {
            kind: "tag",
            found: name.clone(),
            known: Vec::new(),
        }),
        _ => Ok(()),
    }
}

fn limit(
    limit: &config::Limit,
    otherwise: &crate::refusal::Refusal,
    place: &Place<'_>,
    names: &mut BTreeMap<String, JsonPath>,
    scope: &mut AttributeScope<'_>,
) -> Option<Limit> {
    let name_place = place.key("name");
    scope.violations.identifier(&name_place, &limit.name);
    scope
        .violations
        .unique(&name_place, &limit.name, limit.name.clone(), names);
    let when_place = place.key("when");
    let when = limit.when.as_ref();
    let when = when.map(|when| Condition::new(when, &when_place, scope));
    let key = key(&limit.key, &place.key("key"), scope);
    let enforced = percent(limit.enforce, &place.key("enforce"), scope.violations);
    let capacity = capacity(limit, &place.key("capacity"), scope.violations);
    let refused = limit.refusal.as_ref();
    let refusal_place = place.key("refusal");
    let refused =
        refused.map(|given| refusal::refusal(given, otherwise, &refusal_place, scope.violations));
    let kinds = match (&limit.cluster, Kinds::of_limit(limit)) {
        (Some(given), kinds) if kinds.is_empty() => {
            let validated = cluster::cluster(given, &place.key("cluster"), scope);
            validated.map(|(algorithm, remote)| (algorithm, Patience::default(), Some(remote)))
        }
        (given, kinds) => {
            let validated = kinds.validate(place, given.is_some(), scope);
            validated.map(|(algorithm, patience)| (algorithm, patience, None))
        }
    };
    let exceptions = exceptions(limit, place, scope);
    for (key, is_given) in [
        ("capacity", limit.capacity.is_some()),
        ("onOverflow", limit.on_overflow.is_some()),
        ("exceptions", !limit.exceptions.is_empty()),
    ] {
        if is_given && (limit.key.is_empty() || limit.cluster.is_some()) {
            let with = match limit.cluster.is_some() {
                true => "`cluster`",
                false => "a limit without `key`",
            };
            let problem = Problem::Incompatible { key, with };
            scope.violations.push(place, problem);
        }
    }
    if limit.cluster.is_some() && !limit.key.is_empty() {
        let (key, with) = ("key", "`cluster`");
        let problem = Problem::Incompatible { key, with };
        scope.violations.push(place, problem);
    }
    let (algorithm, patience, remote) = kinds?;
    Some(Limit {
        name: limit.name.clone(),
        is_enabled: limit.enabled.unwrap_or(true),
        is_shadow: limit.shadow.unwrap_or(false),
        enforced,
        when: match when {
            Some(when) => Some(when?),
            None => None,
        },
        key: key?,
        capacity,
        on_overflow: match remote {
            // What one combination of descriptors was given is not for another one.
            Some(_) => OnOverflow::Allow,
            None => limit.on_overflow.unwrap_or_default(),
        },
        on_contention: limit.on_contention.unwrap_or_default(),
        exceptions: exceptions?,
        refusal: refused.unwrap_or_else(|| otherwise.clone()),
        algorithm,
        patience,
        remote,
    })
}

fn key(
    attributes: &[String],
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<Vec<AttributeId>> {
    if !scope
        .violations
        .at_most(place, "attributes", attributes, Policy::MAX_KEY)
    {
        return None;
    }
    let mut known = BTreeMap::new();
    let ids = attributes.iter().enumerate().map(|(index, attribute)| {
        let place = place.index(index);
        let id = scope.attribute(attribute, &place);
        scope
            .violations
            .unique(&place, attribute, attribute.clone(), &mut known);
        id
    });
    // All of them are looked at, also behind one that is wrong.
    let ids: Vec<_> = ids.collect();
    ids.into_iter().collect()
}

fn percent(given: Option<f64>, place: &Place<'_>, violations: &mut Violations) -> f64 {
    let percent = given.unwrap_or(100.0);
    if !(0.0..=100.0).contains(&percent) {
        violations.invalid(place, percent, "a percentage from 0 to 100");
    }
    percent / 100.0
}

fn capacity(limit: &config::Limit, place: &Place<'_>, violations: &mut Violations) -> usize {
    let capacity = limit.capacity.unwrap_or(8_192.0);
    let (least, most) = (Counts::MIN_CAPACITY, Counts::MAX_CAPACITY);
    if !(least as f64..=most as f64).contains(&capacity) || capacity.fract() != 0.0 {
        violations.invalid(place, capacity, "a whole number from 64 to 131072");
    }
    capacity as usize
}

fn exceptions(
    limit: &config::Limit,
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<Vec<Exception>> {
    let place = place.key("exceptions");
    let given = &limit.exceptions;
    if !scope
        .violations
        .at_most(&place, "exceptions", given, Policy::MAX_EXCEPTIONS)
    {
        return None;
    }
    let exceptions = given.iter().enumerate();
    let exceptions: Vec<_> = exceptions
        .map(|(index, given)| exception(limit, given, &place.index(index), scope))
        .collect();
    exceptions.into_iter().collect()
}

fn exception(
    limit: &config::Limit,
    given: &config::Exception,
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<Exception> {
    let key_place = place.key("key");
    if given.key.len() != limit.key.len() {
        let expected = "as many values as the limit's `key` has attributes";
        let found = given.key.len();
        scope.violations.invalid(&key_place, found, expected);
    }
    for (index, value) in given.key.iter().enumerate() {
        if value.is_inexact() {
            let found = value.to_string();
            let problem = Problem::InexactNumber { found };
            scope.violations.push(&key_place.index(index), problem);
        }
    }
    let kinds = Kinds::of_exception(given);
    let key = given.key.clone();
    if given.unlimited == Some(true) && kinds.is_empty() {
        return Some(Exception {
            key,
            algorithm: None,
            patience: Default::default(),
        });
    }
    if given.unlimited == Some(true) || kinds.names() != Kinds::of_limit(limit).names() {
        let expected = "`unlimited: true`, or the kind that the limit has";
        let found = kinds.found(given.unlimited);
        scope.violations.invalid(place, found, expected);
        return None;
    }
    let (algorithm, patience) = kinds.validate(place, false, scope)?;
    Some(Exception {
        key,
        algorithm: Some(algorithm),
        patience,
    })
}
