//! Splits.

use meshlane_conditions::{AttributeScope, Sticky};
use meshlane_diagnostics::{Place, Problem, Violations};
use meshlane_tags::validate::{tag_value, token};

use crate::config::{self, SameSite};
use crate::policy::Policy;
use crate::split::{Split, SplitKey, StickyCookie};

pub(super) fn split(
    split: &config::Split,
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<Split> {
    let key = split_key(&split.by, &place.key("by"), scope);
    let salt = split.salt.as_deref();
    let sticky = Sticky::new(split.algorithm, salt, split.of, place, scope.violations);
    let values_place = place.key("values");
    if !scope
        .violations
        .bounded(&values_place, "values", &split.values, Policy::MAX_VALUES)
    {
        return None;
    }
    let mut parts = Vec::with_capacity(split.values.len());
    let mut sum = 0.0;
    for (index, weighted) in split.values.iter().enumerate() {
        let place = values_place.index(index);
        let value = tag_value(&weighted.value, &place.key("value"), scope.violations);
        if !(weighted.weight.is_finite() && weighted.weight >= 0.0) {
            scope.violations.invalid(
                &place.key("weight"),
                weighted.weight,
                "a number that is not negative",
            );
            continue;
        }
        sum += weighted.weight;
        parts.extend(value.map(|value| (sum, value)));
    }
    let sticky = sticky?;
    // Weights are decimal fractions: 33.3 + 33.3 + 33.4 may miss 100 by a rounding error.
    if sum > sticky.of() * (1.0 + 1e-9) {
        let (sum, of) = (sum.to_string(), sticky.of().to_string());
        scope
            .violations
            .push(&values_place, Problem::WeightsExceed { sum, of });
        return None;
    }
    for (index, weighted) in split.values.iter().enumerate() {
        if !sticky.can_divide_at(weighted.weight) {
            let place = values_place.index(index);
            scope.violations.invalid(
                &place.key("weight"),
                weighted.weight,
                "a whole number, as the algorithm knows whole parts only",
            );
        }
    }
    let key = key?;
    if matches!(key, SplitKey::Cookie(_)) && !sticky.is_secret() {
        // Anybody could look for an id that falls where he wants to be.
        scope.violations.invalid(&place.key("salt"), salt.unwrap_or_default(), "a text that clients do not know (and the algorithm `xxh64`), as a sticky cookie's id is in their hands");
    }
    Some(Split { key, sticky, parts })
}

fn split_key(
    by: &config::SplitKey,
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<SplitKey> {
    match (&by.attribute, &by.sticky_cookie, by.random) {
        (Some(attribute), None, None) => scope
            .attribute(attribute, &place.key("attribute"))
            .map(SplitKey::Attribute),
        (None, Some(cookie), None) => {
            sticky_cookie(cookie, &place.key("stickyCookie"), scope.violations)
                .map(SplitKey::Cookie)
        }
        (None, None, Some(true)) => Some(SplitKey::Random),
        (None, None, Some(false)) => {
            scope
                .violations
                .invalid(&place.key("random"), false, "`true`, or another key");
            None
        }
        _ => {
            let there = [
                by.attribute.is_some(),
                by.sticky_cookie.is_some(),
                by.random.is_some(),
            ];
            let of = &["attribute", "stickyCookie", "random"];
            scope.violations.not_exactly_one(place, of, &there);
            None
        }
    }
}

fn sticky_cookie(
    cookie: &config::StickyCookie,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Option<StickyCookie> {
    let before = violations.len();
    token(&cookie.name, &place.key("name"), violations);
    let path = cookie.path.clone().unwrap_or_else(|| "/".to_owned());
    if !(path.starts_with('/') && is_attribute_text(&path)) {
        violations.invalid(
            &place.key("path"),
            &path,
            "a path that begins with `/`, without `;`",
        );
    }
    if let Some(domain) = &cookie.domain
        && (domain.is_empty() || !domain.bytes().all(is_domain_byte))
    {
        violations.invalid(&place.key("domain"), domain, "a domain name");
    }
    let max_age = cookie.max_age.unwrap_or(YEAR);
    if !((0.0..=MAX_AGE).contains(&max_age) && max_age.fract() == 0.0) {
        violations.invalid(
            &place.key("maxAge"),
            max_age,
            "whole seconds from 0 to 2147483647",
        );
    }
    let secure = cookie.secure.unwrap_or(true);
    let same_site = cookie.same_site.unwrap_or(SameSite::Lax);
    if same_site == SameSite::None && !secure {
        let (key, with) = (
            "sameSite",
            "`secure: false`: browsers refuse `None` without `Secure`",
        );
        violations.push(&place.key("sameSite"), Problem::Incompatible { key, with });
    }
    (violations.len() == before).then(|| StickyCookie {
        name: cookie.name.clone(),
        path,
        domain: cookie.domain.clone(),
        max_age: max_age as u64,
        secure,
        http_only: cookie.http_only.unwrap_or(true),
        same_site,
    })
}

fn is_attribute_text(text: &str) -> bool {
    text.len() <= 1024 && text.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b';')
}

fn is_domain_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

const YEAR: f64 = 31_536_000.0;
const MAX_AGE: f64 = 2_147_483_647.0;
