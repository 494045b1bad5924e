//! Shares of users, and the times at which they grow.

use meshlane_diagnostics::{Place, Problem, Violations};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config;
use crate::group::{LaneGroup, Share, Size, Step};

pub(super) fn share(
    config: &config::Share,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Share {
    let by = &config.by;
    let there = [by.attribute.is_some(), by.sticky_cookie.is_some()];
    if there != [true, false] && there != [false, true] {
        let of = &["attribute", "stickyCookie"];
        violations.not_exactly_one(&place.key("by"), of, &there);
    }
    let freeze_place = place.key("freeze");
    let freeze = config.freeze.as_ref();
    let limit = freeze.and_then(|text| time(text, &freeze_place, violations));
    let size = match (config.percent, &config.steps) {
        (Some(share), None) => {
            if freeze.is_some() {
                let (key, with) = ("freeze", "a share without `steps`");
                violations.push(&freeze_place, Problem::Incompatible { key, with });
            }
            let share = percent(share, &place.key("percent"), violations);
            Size::Fixed(share.unwrap_or_default())
        }
        (None, Some(given)) => {
            let steps = steps(given, &place.key("steps"), violations);
            steps.map_or(Size::Fixed(0.0), |mut steps| {
                steps.retain(|step| limit.is_none_or(|limit| step.at <= limit));
                Size::Steps(steps)
            })
        }
        (percent, steps) => {
            let there = [percent.is_some(), steps.is_some()];
            violations.not_exactly_one(place, &["percent", "steps"], &there);
            Size::Fixed(0.0)
        }
    };
    Share {
        by: by.clone(),
        salt: config.salt.clone(),
        size,
    }
}

/// Steps, each later and larger than the one before; nothing when there are none, or too many.
fn steps(
    given: &[config::Step],
    place: &Place<'_>,
    violations: &mut Violations,
) -> Option<Vec<Step>> {
    if !violations.bounded(place, "steps", given, LaneGroup::MAX_STEPS) {
        return None;
    }
    let mut steps: Vec<Step> = Vec::with_capacity(given.len());
    for (position, step) in given.iter().enumerate() {
        let place = place.index(position);
        let at = time(&step.at, &place.key("at"), violations);
        let share = percent(step.percent, &place.key("percent"), violations);
        let (Some(at), Some(percent)) = (at, share) else {
            continue;
        };
        if let Some(before) = steps.last() {
            if at <= before.at {
                let expected = "a time after that of the step before";
                violations.invalid(&place.key("at"), &step.at, expected);
            }
            if percent <= before.percent {
                let expected = "more than the step before: a share only grows";
                violations.invalid(&place.key("percent"), percent, expected);
            }
        }
        steps.push(Step {
            position,
            at,
            percent,
        });
    }
    Some(steps)
}

fn percent(percent: f64, place: &Place<'_>, violations: &mut Violations) -> Option<f64> {
    let is_valid = (0.0..=100.0).contains(&percent);
    if !is_valid {
        violations.invalid(place, percent, "a number from 0 to 100");
    }
    is_valid.then_some(percent)
}

/// A time, in seconds since 1970.
pub(super) fn time(text: &str, place: &Place<'_>, violations: &mut Violations) -> Option<f64> {
    match OffsetDateTime::parse(text, &Rfc3339) {
        Ok(time) => {
            let nanoseconds = f64::from(time.nanosecond());
            Some(time.unix_timestamp() as f64 + nanoseconds / 1e9)
        }
        Err(_) => {
            let expected = "a time as RFC 3339 writes it: `2027-01-31T18:00:00+01:00`";
            violations.invalid(place, text, expected);
            None
        }
    }
}
