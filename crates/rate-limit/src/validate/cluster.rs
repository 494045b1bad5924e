//! Limits that a rate limit service counts.

use std::time::Duration;

use meshlane_conditions::AttributeScope;
use meshlane_diagnostics::{Place, Problem, Violations};
use meshlane_proto::envoy::extensions::common::ratelimit::v3::rate_limit_descriptor::RateLimitOverride;
use meshlane_proto::envoy::r#type::v3::RateLimitUnit;

use super::algorithm::{MOST, MOST_AT_A_TIME, count, seconds, token_bucket};
use crate::algorithm::{Algorithm, Lease};
use crate::config::{self, Cluster, FailureMode, Unit};
use crate::remote::{Descriptor, Remote, Source};

pub(super) fn cluster(
    given: &Cluster,
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<(Algorithm, Remote)> {
    let violations = &mut *scope.violations;
    for (key, text) in [("service", &given.service), ("domain", &given.domain)] {
        let is_name = (1..=MAX_NAME).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_name {
            let expected = "1 to 120 visible ASCII characters";
            violations.invalid(&place.key(key), text, expected);
        }
    }
    let hits = count(
        given.hits.unwrap_or(1.0),
        MOST_AT_A_TIME,
        &place.key("hits"),
        violations,
    );
    let timeout = given.timeout.unwrap_or(0.02);
    let expected = "seconds from 0.001 to 10";
    let timeout = seconds(
        timeout,
        (0.001, 10.0),
        expected,
        &place.key("timeout"),
        violations,
    );
    let lease = given.lease.as_ref();
    let lease = lease.map(|given| self::lease(given, &place.key("lease"), violations));
    let failure_mode = given.failure_mode.unwrap_or_default();
    let local = match (failure_mode, &given.local) {
        (FailureMode::Local, None) => {
            violations.push(place, Problem::MissingKey { key: "local" });
            None
        }
        (FailureMode::Local, Some(bucket)) => {
            match token_bucket(bucket, &place.key("local"), violations) {
                Algorithm::TokenBucket(bucket) => Some(bucket),
                _ => None,
            }
        }
        (_, Some(_)) => {
            let (key, with) = ("local", "another `failureMode` than `local`");
            violations.push(place, Problem::Incompatible { key, with });
            None
        }
        (_, None) => None,
    };
    let hits_from = match &given.hits_from {
        Some(name) => Some(scope.attribute(name, &place.key("hitsFrom"))?),
        None => None,
    };
    let descriptors = descriptors(&given.descriptors, &place.key("descriptors"), scope)?;
    let algorithm = Lease {
        lease,
        timeout,
        remembers_over: given.remember_over.unwrap_or(true),
        local,
    };
    let remote = Remote {
        service: given.service.clone(),
        domain: given.domain.clone(),
        descriptors,
        hits,
        hits_from,
        timeout,
        failure_mode,
    };
    Some((Algorithm::Cluster(algorithm), remote))
}

fn lease(given: &config::Lease, place: &Place<'_>, violations: &mut Violations) -> (u32, Duration) {
    let requests = given.requests;
    if !(2.0..=MOST_AT_A_TIME).contains(&requests) || requests.fract() != 0.0 {
        let expected = "a whole number from 2 to 1000000";
        violations.invalid(&place.key("requests"), requests, expected);
    }
    let lasts = given.seconds.unwrap_or(1.0);
    let expected = "seconds from 0.1 to 3600";
    let lasts = seconds(
        lasts,
        (0.1, 3_600.0),
        expected,
        &place.key("seconds"),
        violations,
    );
    (requests as u32, lasts)
}

fn descriptors(
    given: &[config::Descriptor],
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<Vec<Descriptor>> {
    if !scope
        .violations
        .bounded(place, "descriptors", given, MAX_DESCRIPTORS)
    {
        return None;
    }
    let descriptors = given.iter().enumerate();
    let descriptors: Vec<_> = descriptors
        .map(|(index, given)| descriptor(given, &place.index(index), scope))
        .collect();
    descriptors.into_iter().collect()
}

fn descriptor(
    given: &config::Descriptor,
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<Descriptor> {
    let limit = given.limit.as_ref().map(|given| {
        let place = place.key("limit");
        let place = place.key("requestsPerUnit");
        RateLimitOverride {
            requests_per_unit: count(given.requests_per_unit, MOST, &place, scope.violations),
            unit: match given.unit {
                Unit::Second => RateLimitUnit::Second,
                Unit::Minute => RateLimitUnit::Minute,
                Unit::Hour => RateLimitUnit::Hour,
                Unit::Day => RateLimitUnit::Day,
                Unit::Month => RateLimitUnit::Month,
                Unit::Year => RateLimitUnit::Year,
            }
            .into(),
        }
    });
    let place = place.key("entries");
    if !scope
        .violations
        .bounded(&place, "entries", &given.entries, MAX_ENTRIES)
    {
        return None;
    }
    let entries = given.entries.iter().enumerate();
    let entries: Vec<_> = entries
        .map(|(index, given)| entry(given, &place.index(index), scope))
        .collect();
    let entries = entries.into_iter().collect::<Option<_>>()?;
    Some(Descriptor { entries, limit })
}

fn entry(
    given: &config::Entry,
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<(String, Source)> {
    for (key, text) in [("key", &given.key), ("value", &given.value)] {
        let length = text.as_ref().map_or(1, String::len);
        if !(1..=MAX_TEXT).contains(&length) {
            let found = text.as_deref().unwrap_or_default();
            let expected = "a text of 1 to 1024 bytes";
            scope.violations.invalid(&place.key(key), found, expected);
        }
    }
    let (otherwise, source) = match (&given.attribute, &given.value) {
        (Some(name), None) => {
            let otherwise = match name.as_str() {
                "source.ip" => "remote_address",
                name => name,
            };
            let id = scope.attribute(name, &place.key("attribute"))?;
            (otherwise, Source::Attribute(id))
        }
        (None, Some(value)) => ("generic_key", Source::Literal(value.clone())),
        (attribute, value) => {
            let there = [attribute.is_some(), value.is_some()];
            let of = &["attribute", "value"];
            scope.violations.not_exactly_one(place, of, &there);
            return None;
        }
    };
    let key = given.key.clone();
    Some((key.unwrap_or_else(|| otherwise.to_owned()), source))
}

/// Envoy is told a cluster in a message whose lengths are one byte each.
const MAX_NAME: usize = 120;
const MAX_DESCRIPTORS: usize = 10;
const MAX_ENTRIES: usize = 10;
const MAX_TEXT: usize = 1_024;
