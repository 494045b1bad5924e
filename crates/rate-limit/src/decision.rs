//! Deciding whether a request passes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt::Write;
use std::time::Duration;

use meshlane_attributes::{Request, RequestFacts, Workload};
use meshlane_conditions::{RandomBytes, Truth};
use meshlane_diagnostics::Reason;
use meshlane_shared_data::SharedData;

use crate::algorithm::{Answer, Ask, Quota, Verdict};
use crate::config::{OnContention, OnOverflow};
use crate::counts::{Asked, Counts, Spot};
use crate::limit::Limit;
use crate::policy::Policy;
use crate::refusal::{Reply, rate_limit_headers};

/// What the limits say of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What each limit says, in the order of the policy's limits.
    pub limits: Vec<LimitDecision>,
    /// How the request is refused, when it is.
    pub refused: Option<Reply>,
    /// How long the request has to wait for its turn.
    pub wait: Duration,
    /// What the request holds, to be given back: see [`Counts::release`].
    pub held: Vec<Held>,
    /// The headers that the upstream's answer gets.
    pub response_headers: Vec<(String, String)>,
}

/// What one limit says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitDecision {
    /// What it says.
    pub reason: Reason,
    /// What the request was counted by: the values of the key's attributes.
    pub key: Vec<String>,
    /// Whether the key found no room, and was counted with others that found none.
    pub shares: bool,
    /// How much of the limit there is; nothing when it was not asked.
    pub quota: Option<Quota>,
    /// How long the request has to wait for its turn in this limit.
    pub wait: Duration,
}

/// Something that a request has of a limit, for as long as it is on its way or waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub(crate) spot: Spot,
    ask: Ask,
    wait: Duration,
}

/// Who decides, and when.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Since 1970.
    pub time: Duration,
    /// Drawn at random for each VM: whose requests it was when the VM is gone.
    pub holder: u64,
}

impl Policy {
    /// Asks the limits, one after the other, until one refuses.
    pub fn decide(
        &self,
        counts: &Counts,
        data: &dyn SharedData,
        facts: &dyn RequestFacts,
        workload: &Workload,
        now: Now,
        random: RandomBytes<'_>,
    ) -> Decision {
        let request = Request::new(&self.table, facts, workload);
        let mut pass = Pass {
            counts,
            data,
            request: &request,
            now,
            random,
            taken: Vec::new(),
        };
        let mut decision = Decision {
            limits: Vec::with_capacity(self.limits.len()),
            refused: None,
            wait: Duration::ZERO,
            held: Vec::new(),
            response_headers: Vec::new(),
        };
        for (index, limit) in self.limits.iter().enumerate() {
            if decision.refused.is_some() {
                decision.limits.push(Reason::LimitNotReached.into());
                continue;
            }
            let (decided, retry_after) = pass.ask(index, limit);
            decision.wait = decision.wait.max(decided.wait);
            if is_refusal(decided.reason) {
                let refusal = &limit.refusal;
                let headers = facts.headers();
                decision.refused = Some(refusal.reply(
                    &limit.name,
                    decided.reason,
                    retry_after,
                    decided.quota,
                    headers,
                ));
            }
            decision.limits.push(decided);
        }
        match decision.refused {
            Some(_) => {
                // What the request does not need others shall have.
                for held in pass.taken {
                    counts.cancel(self, data, &held);
                }
                decision.wait = Duration::ZERO;
            }
            None => {
                decision.held = pass.taken;
                decision.held.retain(|held| held.is_needed(self));
                decision.response_headers = self.response_headers(&decision.limits);
            }
        }
        decision
    }

    /// Of the limit with the least left that tells it always.
    fn response_headers(&self, decided: &[LimitDecision]) -> Vec<(String, String)> {
        let told = self.limits.iter().zip(decided);
        let told = told.filter(|(limit, _)| limit.refusal.tells_always());
        let quotas = told.filter_map(|(_, decided)| decided.quota);
        let least = quotas.min_by_key(|quota| quota.remaining);
        let headers = least
            .into_iter()
            .flat_map(|quota| rate_limit_headers(&quota));
        headers.collect()
    }
}

impl Decision {
    /// The decision in a line, as it goes to access logs: `LIMIT=CODE;left=N`, several limits joined by `, `; those that the request
    /// is not for are left out.
    pub fn summary(&self, policy: &Policy) -> String {
        let mut line = String::new();
        for (limit, decided) in policy.limits.iter().zip(&self.limits) {
            if !decided.is_applied() {
                continue;
            }
            if !line.is_empty() {
                line.push_str(", ");
            }
            // Writing to a String cannot fail.
            let _ = write!(line, "{}={}", limit.name, decided.reason);
            if let Some(quota) = &decided.quota {
                let _ = write!(line, ";left={}", quota.remaining);
            }
            if !decided.wait.is_zero() {
                let _ = write!(line, ";wait={}ms", decided.wait.as_millis());
            }
        }
        line
    }
}

impl LimitDecision {
    /// Whether the limit is for the request.
    pub fn is_applied(&self) -> bool {
        !matches!(
            self.reason,
            Reason::LimitDisabled
                | Reason::LimitNotApplied
                | Reason::LimitKeyAbsent
                | Reason::LimitNotReached
        )
    }
}

impl From<Reason> for LimitDecision {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            key: Vec::new(),
            shares: false,
            quota: None,
            wait: Duration::ZERO,
        }
    }
}

impl Held {
    /// Whether the request waits for its turn there.
    pub fn is_waiting(&self) -> bool {
        !self.wait.is_zero()
    }

    /// Whether it has to be given back at all.
    fn is_needed(&self, policy: &Policy) -> bool {
        let limit = policy.limits.get(self.spot.limit);
        let algorithm = limit.and_then(|limit| limit.algorithm(self.spot.variant));
        let is_held = algorithm.is_some_and(|algorithm| algorithm.is_held(self.wait));
        is_held || self.is_waiting()
    }
}

impl Counts {
    /// A request is answered, or its turn has come: what it held others may have. Tells whether that could be noted.
    pub fn release(&self, policy: &Policy, data: &dyn SharedData, held: &Held) -> bool {
        let Some(algorithm) = algorithm(policy, held) else {
            return true;
        };
        if !algorithm.is_held(held.wait) {
            return true;
        }
        self.change(data, &held.spot, |state| {
            algorithm.release(state, held.ask.holder);
        })
    }

    /// A request is gone that did not get what it asked for: it waited, or another limit refused it.
    pub fn cancel(&self, policy: &Policy, data: &dyn SharedData, held: &Held) -> bool {
        let Some(algorithm) = algorithm(policy, held) else {
            return true;
        };
        self.change(data, &held.spot, |state| {
            algorithm.give_back(state, &held.ask, held.wait);
        })
    }

    /// The VM is there: what its requests hold goes on counting. To be called as often as [`Limit::renewal`] says.
    pub fn renew(
        &self,
        policy: &Policy,
        data: &dyn SharedData,
        held: &Held,
        now: Duration,
    ) -> bool {
        let Some(algorithm) = algorithm(policy, held) else {
            return true;
        };
        self.change(data, &held.spot, |state| {
            algorithm.renew(state, held.ask.holder, now);
        })
    }
}

/// What the requests of a VM hold, so that a sign of life can be given of it.
#[derive(Debug, Clone, Default)]
pub struct Holding(BTreeMap<Spot, (Held, u32)>);

impl Holding {
    /// A request holds something.
    pub fn add(&mut self, held: &Held) {
        let entry = self.0.entry(held.spot.clone());
        entry.or_insert_with(|| (held.clone(), 0)).1 += 1;
    }

    /// A request holds something no more.
    pub fn remove(&mut self, held: &Held) {
        if let Entry::Occupied(mut entry) = self.0.entry(held.spot.clone()) {
            entry.get_mut().1 -= 1;
            if entry.get().1 == 0 {
                entry.remove();
            }
        }
    }

    /// All that is held, each once, however many requests hold it.
    pub fn iter(&self) -> impl Iterator<Item = &Held> {
        self.0.values().map(|(held, _)| held)
    }
}

/// One request on its way through the limits.
struct Pass<'p> {
    counts: &'p Counts,
    data: &'p dyn SharedData,
    request: &'p Request<'p>,
    now: Now,
    random: RandomBytes<'p>,
    /// What it has been given.
    taken: Vec<Held>,
}

impl Pass<'_> {
    /// What a limit says, and after which time it may say something else.
    fn ask(&mut self, index: usize, limit: &Limit) -> (LimitDecision, Duration) {
        let skipped = |reason: Reason| (reason.into(), Duration::ZERO);
        if !limit.is_enabled {
            return skipped(Reason::LimitDisabled);
        }
        let when = limit.when.as_ref();
        if when.is_some_and(|when| when.evaluate(self.request) != Truth::True) {
            return skipped(Reason::LimitNotApplied);
        }
        let Ok(key) = limit.key_of(self.request) else {
            return skipped(Reason::LimitKeyAbsent);
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
        };
        let asked = self.counts.ask(self.data, (index, limit), &key, &ask);
        let shares = matches!(asked, Asked::Shared(..));
        let (reason, answer) = match asked {
            Asked::Answered(answer, spot) | Asked::Shared(answer, spot) => {
                (self.answered(limit, &answer, spot, ask), Some(answer))
            }
            Asked::NoRoom if limit.on_overflow == OnOverflow::Refuse => {
                (self.over(limit, Reason::LimitOverflowRefused), None)
            }
            Asked::NoRoom => (Reason::LimitOverflowAllowed, None),
            Asked::Contended => match limit.on_contention {
                OnContention::Refuse => (self.over(limit, Reason::LimitContendedRefused), None),
                OnContention::Allow => (Reason::LimitContendedAllowed, None),
            },
        };
        let decided = LimitDecision {
            reason,
            key,
            shares,
            quota: answer.map(|answer| answer.quota),
            wait: match answer.map(|answer| answer.verdict) {
                Some(Verdict::Admitted(wait)) => wait,
                _ => Duration::ZERO,
            },
        };
        let retry_after = match answer.map(|answer| answer.verdict) {
            Some(Verdict::Over(wait) | Verdict::TooLong(wait)) => wait,
            _ => Duration::ZERO,
        };
        (decided, retry_after)
    }

    fn answered(&mut self, limit: &Limit, answer: &Answer, spot: Spot, ask: Ask) -> Reason {
        match answer.verdict {
            Verdict::Admitted(wait) => {
                self.taken.push(Held { spot, ask, wait });
                match wait.is_zero() {
                    true => Reason::LimitAllowed,
                    false => Reason::LimitQueued,
                }
            }
            Verdict::Over(_) => self.over(limit, Reason::LimitOver),
            Verdict::TooLong(_) => self.over(limit, Reason::LimitQueueFull),
        }
    }

    /// A request that is over the limit: refused for this reason, unless the limit only looks.
    fn over(&mut self, limit: &Limit, reason: Reason) -> Reason {
        if limit.is_shadow {
            return Reason::LimitShadowed;
        }
        if limit.enforced < 1.0 {
            let drawn = (self.random)();
            let drawn = drawn.first_chunk().copied().unwrap_or_default();
            let share = u64::from_le_bytes(drawn) as f64 / 2f64.powi(64);
            if share >= limit.enforced {
                return Reason::LimitNotEnforced;
            }
        }
        reason
    }
}

impl Answer {
    pub(crate) fn is_admitted(&self) -> bool {
        matches!(self.verdict, Verdict::Admitted(_))
    }
}

fn algorithm<'p>(policy: &'p Policy, held: &Held) -> Option<&'p crate::algorithm::Algorithm> {
    let limit = policy.limits.get(held.spot.limit)?;
    limit.algorithm(held.spot.variant)
}

fn is_refusal(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::LimitOver
            | Reason::LimitQueueFull
            | Reason::LimitOverflowRefused
            | Reason::LimitContendedRefused
    )
}
