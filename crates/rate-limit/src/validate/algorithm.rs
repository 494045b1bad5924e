//! The kinds of limits and their numbers.

use std::time::Duration;

use meshlane_conditions::{AttributeScope, Condition};
use meshlane_diagnostics::{Place, Violations};

use crate::algorithm::{self, Algorithm};
use crate::config::{Adaptive, Concurrency, Exception, Limit, Queue, TokenBucket, WarmUp, Window};
use crate::limit::Patience;
use crate::policy::Policy;

/// The kinds that a limit, or an exception, gives: exactly one is expected.
#[derive(Clone, Copy)]
pub(super) struct Kinds<'a> {
    token_bucket: Option<&'a TokenBucket>,
    sliding_window: Option<&'a Vec<Window>>,
    warm_up: Option<&'a WarmUp>,
    concurrency: Option<&'a Concurrency>,
    adaptive: Option<&'a Adaptive>,
    queue: Option<&'a Queue>,
}

impl<'a> Kinds<'a> {
    pub(super) fn of_limit(limit: &'a Limit) -> Self {
        Self {
            token_bucket: limit.token_bucket.as_ref(),
            sliding_window: limit.sliding_window.as_ref(),
            warm_up: limit.warm_up.as_ref(),
            concurrency: limit.concurrency.as_ref(),
            adaptive: limit.adaptive.as_ref(),
            queue: limit.queue.as_ref(),
        }
    }

    pub(super) fn of_exception(exception: &'a Exception) -> Self {
        Self {
            token_bucket: exception.token_bucket.as_ref(),
            sliding_window: exception.sliding_window.as_ref(),
            warm_up: exception.warm_up.as_ref(),
            concurrency: exception.concurrency.as_ref(),
            adaptive: exception.adaptive.as_ref(),
            queue: exception.queue.as_ref(),
        }
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        let there = self.there();
        let names = KINDS.iter().zip(there);
        names
            .filter_map(|(name, is_there)| is_there.then_some(*name))
            .collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names().is_empty()
    }

    /// What an exception says, in words.
    pub(super) fn found(&self, unlimited: Option<bool>) -> String {
        let unlimited = unlimited.map(|unlimited| format!("unlimited: {unlimited}"));
        let kinds = self.names().into_iter().map(str::to_owned);
        let found: Vec<_> = unlimited.into_iter().chain(kinds).collect();
        match found.is_empty() {
            true => "neither".to_owned(),
            false => found.join(", "),
        }
    }

    pub(super) fn validate(
        self,
        place: &Place<'_>,
        has_cluster: bool,
        scope: &mut AttributeScope<'_>,
    ) -> Option<(Algorithm, Patience)> {
        let violations = &mut *scope.violations;
        let at = |key| place.key(key);
        let algorithm = match self {
            _ if self.names().len() != 1 || has_cluster => {
                let there = [&self.there()[..], &[has_cluster]].concat();
                violations.not_exactly_one(place, &KINDS, &there);
                return None;
            }
            Self {
                token_bucket: Some(bucket),
                ..
            } => token_bucket(bucket, &at("tokenBucket"), violations),
            Self {
                sliding_window: Some(windows),
                ..
            } => sliding_window(windows, &at("slidingWindow"), violations)?,
            Self {
                warm_up: Some(given),
                ..
            } => warm_up(given, &at("warmUp"), violations),
            Self {
                concurrency: Some(given),
                ..
            } => concurrency(given, &at("concurrency"), violations),
            Self {
                adaptive: Some(given),
                ..
            } => adaptive(given, &at("adaptive"), violations),
            Self { queue, .. } => return self::queue(queue?, &at("queue"), scope),
        };
        Some((algorithm, Patience::default()))
    }

    fn there(&self) -> [bool; 6] {
        [
            self.token_bucket.is_some(),
            self.sliding_window.is_some(),
            self.warm_up.is_some(),
            self.concurrency.is_some(),
            self.adaptive.is_some(),
            self.queue.is_some(),
        ]
    }
}

pub(super) fn token_bucket(
    bucket: &TokenBucket,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Algorithm {
    let requests = count(bucket.requests, MOST, &place.key("requests"), violations);
    let burst = bucket.burst.unwrap_or(bucket.requests);
    let burst = match bucket.burst {
        Some(_) => count(burst, MOST, &place.key("burst"), violations),
        None => requests,
    };
    Algorithm::TokenBucket(algorithm::TokenBucket {
        requests,
        per: per(bucket.per, place, violations),
        burst,
    })
}

fn sliding_window(
    windows: &[Window],
    place: &Place<'_>,
    violations: &mut Violations,
) -> Option<Algorithm> {
    if !violations.bounded(place, "windows", windows, Policy::MAX_WINDOWS) {
        return None;
    }
    let windows = windows.iter().enumerate().map(|(index, window)| {
        let place = place.index(index);
        algorithm::Window {
            requests: count(window.requests, MOST, &place.key("requests"), violations),
            per: per(window.per, &place, violations),
        }
    });
    let windows = windows.collect();
    Some(Algorithm::SlidingWindow(algorithm::SlidingWindow {
        windows,
    }))
}

fn warm_up(given: &WarmUp, place: &Place<'_>, violations: &mut Violations) -> Algorithm {
    let period = given.period.unwrap_or(10.0);
    if !(1.0..=3_600.0).contains(&period) || period.fract() != 0.0 {
        let expected = "a whole number of seconds from 1 to 3600";
        violations.invalid(&place.key("period"), period, expected);
    }
    let factor = given.cold_factor.unwrap_or(3.0);
    if !(2.0..=100.0).contains(&factor) || factor.fract() != 0.0 {
        let expected = "a whole number from 2 to 100";
        violations.invalid(&place.key("coldFactor"), factor, expected);
    }
    Algorithm::WarmUp(algorithm::WarmUp {
        requests: count(given.requests, MOST, &place.key("requests"), violations),
        period: period as u32,
        cold_factor: factor as u32,
    })
}

fn concurrency(given: &Concurrency, place: &Place<'_>, violations: &mut Violations) -> Algorithm {
    let requests = &place.key("requests");
    Algorithm::Concurrency(algorithm::Concurrency {
        requests: count(given.requests, MOST_AT_A_TIME, requests, violations),
        lease: lease(given.lease, place, violations),
    })
}

fn adaptive(given: &Adaptive, place: &Place<'_>, violations: &mut Violations) -> Algorithm {
    let (min, max) = (given.min.unwrap_or(10.0), given.max.unwrap_or(1_000.0));
    let least = count(min, MOST_AT_A_TIME, &place.key("min"), violations);
    let most = count(max, MOST_AT_A_TIME, &place.key("max"), violations);
    if most < least {
        violations.invalid(&place.key("max"), max, "no less than `min`");
    }
    let initial = given.initial.map(|initial| {
        if !(min..=max).contains(&initial) || initial.fract() != 0.0 {
            let expected = "a whole number from `min` to `max`";
            violations.invalid(&place.key("initial"), initial, expected);
        }
        initial as u32
    });
    let tolerance = given.tolerance.unwrap_or(1.5);
    if !(1.0..=10.0).contains(&tolerance) {
        let expected = "a factor from 1 to 10";
        violations.invalid(&place.key("tolerance"), tolerance, expected);
    }
    let window = given.window.unwrap_or(1.0);
    let expected = "seconds from 0.1 to 60";
    let at = &place.key("window");
    Algorithm::Adaptive(algorithm::Adaptive {
        least,
        most,
        initial: initial.unwrap_or(20).max(least).min(most),
        tolerance,
        window: seconds(window, (0.1, 60.0), expected, at, violations),
        lease: lease(given.lease, place, violations),
    })
}

fn lease(given: Option<f64>, place: &Place<'_>, violations: &mut Violations) -> Duration {
    let (expected, place) = ("seconds from 3 to 3600", place.key("lease"));
    seconds(
        given.unwrap_or(15.0),
        (3.0, 3_600.0),
        expected,
        &place,
        violations,
    )
}

fn queue(
    given: &Queue,
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<(Algorithm, Patience)> {
    let wait = |wait: f64, place: &Place<'_>, violations: &mut Violations| {
        seconds(
            wait,
            (0.0, 600.0),
            "seconds from 0 to 600",
            place,
            violations,
        )
    };
    let otherwise = given.max_wait.unwrap_or(1.0);
    let otherwise = wait(otherwise, &place.key("maxWait"), scope.violations);
    let max_waiting = given.max_waiting.map(|most| {
        let place = place.key("maxWaiting");
        count(most, MOST_AT_A_TIME, &place, scope.violations)
    });
    let algorithm = Algorithm::Queue(algorithm::Queue {
        requests: count(
            given.requests,
            MOST,
            &place.key("requests"),
            scope.violations,
        ),
        per: per(given.per, place, scope.violations),
        max_waiting,
    });
    let place = place.key("classes");
    let classes = &given.classes;
    if !scope
        .violations
        .at_most(&place, "classes", classes, Policy::MAX_CLASSES)
    {
        return None;
    }
    let mut validated = Vec::with_capacity(classes.len());
    for (index, class) in classes.iter().enumerate() {
        let place = place.index(index);
        let when = Condition::new(&class.when, &place.key("when"), scope);
        let wait = wait(class.max_wait, &place.key("maxWait"), scope.violations);
        validated.push(when.map(|when| (when, wait)));
    }
    let classes: Option<Vec<_>> = validated.into_iter().collect();
    let patience = Patience {
        classes: classes?,
        otherwise,
    };
    Some((algorithm, patience))
}

/// A whole number from 1 on.
pub(super) fn count(given: f64, most: f64, place: &Place<'_>, violations: &mut Violations) -> u32 {
    if !(1.0..=most).contains(&given) || given.fract() != 0.0 {
        let expected = match most == MOST {
            true => "a whole number from 1 to 1000000000",
            false => "a whole number from 1 to 1000000",
        };
        violations.invalid(place, given, expected);
    }
    (given as u32).max(1)
}

fn per(given: Option<f64>, place: &Place<'_>, violations: &mut Violations) -> Duration {
    let expected = "seconds from 0.001 to 2678400";
    let place = place.key("per");
    seconds(
        given.unwrap_or(1.0),
        (0.001, 2_678_400.0),
        expected,
        &place,
        violations,
    )
}

pub(super) fn seconds(
    given: f64,
    (least, most): (f64, f64),
    expected: &'static str,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Duration {
    if !(least..=most).contains(&given) {
        violations.invalid(place, given, expected);
    }
    Duration::try_from_secs_f64(given).unwrap_or(Duration::from_secs(1))
}

const KINDS: [&str; 7] = [
    "tokenBucket",
    "slidingWindow",
    "warmUp",
    "concurrency",
    "adaptive",
    "queue",
    "cluster",
];

pub(super) const MOST: f64 = 1e9;
pub(super) const MOST_AT_A_TIME: f64 = 1e6;
