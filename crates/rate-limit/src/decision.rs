//! Deciding whether a request passes.

mod pass;
mod remote;

use std::fmt::Write;
use std::time::Duration;

use meshlane_attributes::{Request, RequestFacts, Workload};
use meshlane_conditions::RandomBytes;
use meshlane_diagnostics::Reason;
use meshlane_shared_data::SharedData;

use crate::algorithm::Quota;
use crate::counts::Counts;
use crate::held::Held;
use crate::limit::Limit;
use crate::policy::Policy;
use crate::refusal::{Reply, rate_limit_headers, wants_json};
use pass::Pass;
pub use remote::Question;

/// What the limits say of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What each limit says, in the order of the policy's limits.
    pub limits: Vec<LimitDecision>,
    /// How the request is refused, when it is.
    pub refused: Option<Refused>,
    /// What rate limit services have to be asked before it is known whether the request passes: see [`Policy::answer`].
    pub questions: Vec<Question>,
    /// How long the request has to wait for its turn.
    pub wait: Duration,
    /// When its turn comes, since 1970.
    pub until: Duration,
    /// What the request has of limits, to be given back: see [`Counts::release`]. While there are questions that is all that it has
    /// taken, and [`Counts::cancel`] gives it back.
    pub held: Vec<Held>,
    /// The headers that the request gets on its way to the upstream.
    pub request_headers: Vec<(String, String)>,
    /// The headers that the upstream's answer gets.
    pub response_headers: Vec<(String, String)>,
    /// In which form the client wants to read of a refusal.
    wants_json: bool,
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why, by its code.
    pub reason: Reason,
    /// The answer.
    pub reply: Reply,
}

/// What one limit says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitDecision {
    /// What it says.
    pub reason: Reason,
    /// What the request was counted by: the values of the key's attributes, or the entries of the descriptors.
    pub key: Vec<String>,
    /// Whether the key found no room, and was counted with others that found none.
    pub shares: bool,
    /// How much of the limit there is; nothing when it was not asked.
    pub quota: Option<Quota>,
    /// How long the request has to wait for its turn in this limit, or would have to if the limit did more than look.
    pub wait: Duration,
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
    /// Asks the limits of the proxy, one after the other, until one refuses; then those of rate limit services, as far as it is known
    /// here what they say.
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
        let mut pass = Pass::new(counts, data, &request, now, random);
        let mut decision = Decision {
            limits: vec![Reason::LimitNotReached.into(); self.limits.len()],
            refused: None,
            questions: Vec::new(),
            wait: Duration::ZERO,
            until: now.time,
            held: Vec::new(),
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            wants_json: false,
        };
        let (own, remote): (Vec<_>, Vec<_>) = self
            .limits
            .iter()
            .enumerate()
            .partition(|(_, limit)| limit.remote.is_none());
        for (index, limit) in own.into_iter().chain(remote) {
            let (decided, retry_after) = match &limit.remote {
                None => pass.ask(index, limit),
                Some(remote) => pass.ask_service(index, limit, remote),
            };
            if decided.reason == Reason::LimitQueued {
                decision.wait = decision.wait.max(decided.wait);
            }
            let is_refused = is_refusal(decided.reason);
            if is_refused {
                decision.wants_json = wants_json(facts.headers());
                decision.refuse(limit, &decided, retry_after);
            }
            if let Some(place) = decision.limits.get_mut(index) {
                *place = decided;
            }
            if is_refused {
                break;
            }
        }
        (decision.held, decision.questions) = (pass.taken, pass.questions);
        decision.until = now.time + decision.wait;
        if !decision.questions.is_empty() {
            decision.wants_json = wants_json(facts.headers());
        }
        self.settle(counts, data, &mut decision);
        decision
    }

    /// Gives back what the request does not need, once it is known whether it passes.
    fn settle(&self, counts: &Counts, data: &dyn SharedData, decision: &mut Decision) {
        if decision.refused.is_some() {
            // What the request does not need others shall have.
            for held in decision.held.drain(..) {
                counts.cancel(self, data, &held);
            }
            decision.questions.clear();
            decision.until -= std::mem::take(&mut decision.wait);
        } else if decision.questions.is_empty() {
            decision.held.retain(|held| held.is_needed(self));
            let told = self.told(&decision.limits);
            decision.response_headers.extend(told);
        }
    }

    /// What the answer tells of the limit with the least left, among those that tell it always.
    fn told(&self, decided: &[LimitDecision]) -> Vec<(String, String)> {
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

    fn refuse(&mut self, limit: &Limit, decided: &LimitDecision, retry_after: Duration) {
        let reason = decided.reason;
        let refusal = &limit.refusal;
        let name = &limit.name;
        let reply = refusal.reply(name, reason, retry_after, decided.quota, self.wants_json);
        self.refused = Some(Refused { reason, reply });
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

fn is_refusal(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::LimitOver
            | Reason::LimitQueueFull
            | Reason::LimitOverflowRefused
            | Reason::LimitContendedRefused
            | Reason::LimitFailedClosed
    )
}
