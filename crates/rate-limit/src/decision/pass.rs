//! One request on its way through the limits.

use std::time::Duration;

use meshlane_attributes::Request;
use meshlane_conditions::RandomBytes;
use meshlane_diagnostics::Reason;
use meshlane_shared_data::SharedData;

use super::remote::Question;
use super::{LimitDecision, Now};
use crate::algorithm::{Answer, Ask, Verdict};
use crate::config::{OnContention, OnOverflow};
use crate::counts::{Asked, Counts, Spot};
use crate::held::Held;
use crate::limit::Limit;

pub(super) struct Pass<'p> {
    pub(super) counts: &'p Counts,
    pub(super) data: &'p dyn SharedData,
    pub(super) request: &'p Request<'p>,
    pub(super) now: Now,
    pub(super) random: RandomBytes<'p>,
    /// What the request has been given.
    pub(super) taken: Vec<Held>,
    pub(super) questions: Vec<Question>,
}

impl<'p> Pass<'p> {
    pub(super) fn new(
        counts: &'p Counts,
        data: &'p dyn SharedData,
        request: &'p Request<'p>,
        now: Now,
        random: RandomBytes<'p>,
    ) -> Self {
        Self {
            counts,
            data,
            request,
            now,
            random,
            taken: Vec::new(),
            questions: Vec::new(),
        }
    }

    /// What a limit of the proxy says, and after which time it may say something else.
    pub(super) fn ask(&mut self, index: usize, limit: &Limit) -> (LimitDecision, Duration) {
        if let Some(reason) = self.skips(limit) {
            return (reason.into(), Duration::ZERO);
        }
        let Some(key) = limit.key_of(self.request) else {
            return (Reason::LimitKeyAbsent.into(), Duration::ZERO);
        };
        let variant = limit.variant(&key);
        if limit.algorithm(variant).is_none() {
            let decided = LimitDecision {
                key,
                ..Reason::LimitUnlimited.into()
            };
            return (decided, Duration::ZERO);
        }
        let ask = Ask {
            now: self.now.time,
            holder: self.now.holder,
            patience: limit.patience(variant, self.request),
            waits: !limit.is_shadow,
            hits: 1,
        };
        let asked = self.counts.ask(self.data, (index, limit), &key, &ask);
        let shares = matches!(asked, Asked::Shared(..));
        let (reason, answer) = match asked {
            Asked::Answered(answer, spot) | Asked::Shared(answer, spot) => {
                (self.answered(limit, &answer, spot, ask), Some(answer))
            }
            Asked::NoRoom if limit.on_overflow == OnOverflow::Refuse => {
                let reason = Reason::LimitOverflowRefused;
                (over(limit, reason, self.random), None)
            }
            Asked::NoRoom => (Reason::LimitOverflowAllowed, None),
            Asked::Contended => match limit.on_contention {
                OnContention::Refuse => {
                    let reason = Reason::LimitContendedRefused;
                    (over(limit, reason, self.random), None)
                }
                OnContention::Allow => (Reason::LimitContendedAllowed, None),
            },
        };
        let decided = LimitDecision {
            reason,
            key,
            shares,
            quota: answer.map(|answer| answer.quota),
            wait: answer.map_or(Duration::ZERO, |answer| answer.wait()),
        };
        let retry_after = answer.map_or(Duration::ZERO, |answer| answer.retry_after());
        (decided, retry_after)
    }

    /// Why a limit is not for the request, whatever it counts by.
    pub(super) fn skips(&self, limit: &Limit) -> Option<Reason> {
        let when = limit.when.as_ref();
        if !limit.is_enabled {
            Some(Reason::LimitDisabled)
        } else if when.is_some_and(|when| !when.evaluate(self.request).is_true()) {
            Some(Reason::LimitNotApplied)
        } else {
            None
        }
    }

    pub(super) fn answered(
        &mut self,
        limit: &Limit,
        answer: &Answer,
        spot: Spot,
        ask: Ask,
    ) -> Reason {
        match answer.verdict {
            Verdict::Admitted(wait) => {
                self.taken.push(Held { spot, ask, wait });
                if wait.is_zero() {
                    Reason::LimitAllowed
                } else if limit.is_shadow {
                    Reason::LimitShadowed
                } else {
                    Reason::LimitQueued
                }
            }
            Verdict::Over(_) => over(limit, Reason::LimitOver, self.random),
            Verdict::TooLong(_) => over(limit, Reason::LimitQueueFull, self.random),
            Verdict::Ask { .. } => Reason::LimitAsked,
        }
    }
}

impl Answer {
    fn wait(&self) -> Duration {
        match self.verdict {
            Verdict::Admitted(wait) => wait,
            _ => Duration::ZERO,
        }
    }

    pub(super) fn retry_after(&self) -> Duration {
        match self.verdict {
            Verdict::Over(wait) | Verdict::TooLong(wait) => wait,
            _ => Duration::ZERO,
        }
    }
}

/// A request that is over a limit: refused for this reason, unless the limit only looks.
pub(super) fn over(limit: &Limit, reason: Reason, random: RandomBytes<'_>) -> Reason {
    if limit.is_shadow {
        return Reason::LimitShadowed;
    }
    if limit.enforced < 1.0 {
        let drawn = random();
        let drawn = drawn.first_chunk().copied().unwrap_or_default();
        let share = u64::from_le_bytes(drawn) as f64 / 2f64.powi(64);
        if share >= limit.enforced {
            return Reason::LimitNotEnforced;
        }
    }
    reason
}
