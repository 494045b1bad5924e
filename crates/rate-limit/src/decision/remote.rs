//! Limits of rate limit services: what they are asked, and what their answers mean.

use std::time::Duration;

use meshlane_conditions::RandomBytes;
use meshlane_diagnostics::Reason;
use meshlane_proto::envoy::config::core::v3::HeaderValue;
use meshlane_proto::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
use meshlane_proto::envoy::service::ratelimit::v3::rate_limit_response::rate_limit::Unit;
use meshlane_proto::envoy::service::ratelimit::v3::rate_limit_response::{Code, DescriptorStatus};
use meshlane_proto::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use meshlane_shared_data::SharedData;
use prost::Message;

use super::pass::{Pass, over};
use super::{Decision, LimitDecision, Now, is_refusal};
use crate::algorithm::{Algorithm, Ask, Granted, Lease, Quota, Verdict};
use crate::config::FailureMode;
use crate::counts::{Asked, Counts, Spot};
use crate::held::Held;
use crate::limit::Limit;
use crate::policy::Policy;
use crate::remote::Remote;

/// What a rate limit service has to be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    limit: usize,
    /// Where it is noted what the service says; nothing when there is no room for it.
    spot: Option<Spot>,
    ask: Ask,
    hits: u32,
    /// Whether the request has what it needs: the answer is for those that come.
    has_left: bool,
    descriptors: Vec<RateLimitDescriptor>,
}

impl Pass<'_> {
    /// What is known of the limit of a service, and after which time it may be something else.
    pub(super) fn ask_service(
        &mut self,
        index: usize,
        limit: &Limit,
        remote: &Remote,
    ) -> (LimitDecision, Duration) {
        if let Some(reason) = self.skips(limit) {
            return (reason.into(), Duration::ZERO);
        }
        let descriptors = remote.descriptors(self.request);
        if descriptors.is_empty() {
            return (Reason::LimitKeyAbsent.into(), Duration::ZERO);
        }
        let key = key(&descriptors);
        let ask = Ask {
            now: self.now.time,
            holder: self.now.holder,
            patience: Duration::ZERO,
            waits: true,
            hits: remote.hits(self.request),
        };
        let mut question = Question {
            limit: index,
            spot: None,
            ask,
            hits: ask.hits,
            has_left: false,
            descriptors,
        };
        let (answer, spot) = match self.counts.ask(self.data, (index, limit), &key, &ask) {
            Asked::Answered(answer, spot) | Asked::Shared(answer, spot) => (answer, spot),
            Asked::NoRoom | Asked::Contended => {
                self.questions.push(question);
                let decided = LimitDecision {
                    key,
                    ..Reason::LimitAsked.into()
                };
                return (decided, Duration::ZERO);
            }
        };
        if let Verdict::Ask { hits, has_left } = answer.verdict {
            if has_left {
                let (spot, wait) = (spot.clone(), Duration::ZERO);
                self.taken.push(Held { spot, ask, wait });
            }
            question.spot = Some(spot.clone());
            (question.hits, question.has_left) = (hits, has_left);
            self.questions.push(question);
        }
        let decided = LimitDecision {
            reason: self.answered(limit, &answer, spot, ask),
            key,
            // What the service says is not known here.
            quota: None,
            ..Reason::LimitAsked.into()
        };
        (decided, answer.retry_after())
    }
}

impl Question {
    /// Envoy's cluster of the service.
    pub fn service<'p>(&self, policy: &'p Policy) -> Option<&'p str> {
        Some(&self.remote(policy)?.1.service)
    }

    /// How long an answer is waited for.
    pub fn timeout(&self, policy: &Policy) -> Duration {
        let remote = self.remote(policy);
        remote.map_or(Duration::ZERO, |(_, remote)| remote.timeout)
    }

    /// The position of the limit in the document.
    pub fn index(&self) -> usize {
        self.limit
    }

    /// The message for `envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit`.
    pub fn message(&self, policy: &Policy) -> Vec<u8> {
        let domain = self.remote(policy).map(|(_, remote)| remote.domain.clone());
        let request = RateLimitRequest {
            domain: domain.unwrap_or_default(),
            descriptors: self.descriptors.clone(),
            hits_addend: self.hits,
        };
        request.encode_to_vec()
    }

    fn remote<'p>(&self, policy: &'p Policy) -> Option<(&'p Limit, &'p Remote)> {
        let limit = policy.limits.get(self.limit)?;
        Some((limit, limit.remote.as_ref()?))
    }

    /// Notes what the service said, for those that come.
    fn note(
        &self,
        (counts, data): (&Counts, &dyn SharedData),
        lease: &Lease,
        said: &Said,
        now: Duration,
    ) {
        let Some(spot) = &self.spot else { return };
        let granted = match said.code {
            Some(Code::OverLimit) => Granted::None,
            Some(_) => Granted::All(self.hits),
            None => Granted::Failed,
        };
        counts.note(data, spot, |state| {
            let asked = (&self.ask, now);
            lease.answered(state, asked, (granted, said.reset), self.has_left);
        });
    }
}

impl Policy {
    /// Takes in the answer to a question of the decision, nothing when none came in time. Once there are no more questions it is
    /// known whether the request passes.
    pub fn answer(
        &self,
        (counts, data): (&Counts, &dyn SharedData),
        decision: &mut Decision,
        question: &Question,
        message: Option<&[u8]>,
        now: Now,
        random: RandomBytes<'_>,
    ) {
        decision.questions.retain(|open| open != question);
        let Some((limit, remote)) = question.remote(self) else {
            return;
        };
        let Algorithm::Cluster(lease) = &limit.algorithm else {
            return;
        };
        let response = message.and_then(|message| RateLimitResponse::decode(message).ok());
        let said = Said::of(response.as_ref());
        question.note((counts, data), lease, &said, now.time);
        let local = || {
            let spot = question.spot.as_ref()?;
            counts.note(data, spot, |state| lease.take_local(state, now.time))?
        };
        let (mut quota, mut retry_after) = (said.quota, said.reset.unwrap_or_default());
        let reason = match (said.code, remote.failure_mode) {
            _ if question.has_left => Reason::LimitAllowed,
            (Some(Code::OverLimit), _) => over(limit, Reason::LimitOver, random),
            (Some(_), _) => Reason::LimitAllowed,
            (None, FailureMode::Open) => Reason::LimitFailedOpen,
            (None, FailureMode::Closed) => over(limit, Reason::LimitFailedClosed, random),
            (None, FailureMode::Local) => match local() {
                // Without room for a count nothing is known.
                None => Reason::LimitFailedOpen,
                Some(answer) => {
                    (quota, retry_after) = (Some(answer.quota), answer.retry_after());
                    match answer.verdict {
                        Verdict::Admitted(_) => Reason::LimitAllowed,
                        _ => over(limit, Reason::LimitOver, random),
                    }
                }
            },
        };
        let Some(decided) = decision.limits.get_mut(question.limit) else {
            return;
        };
        decided.reason = reason;
        decided.quota = quota;
        let decided = decided.clone();
        let to_add = response.as_ref();
        let to_add = |headers: fn(&RateLimitResponse) -> &Vec<HeaderValue>| {
            to_add.into_iter().flat_map(headers).filter_map(header)
        };
        let for_client: Vec<_> = to_add(|said| &said.response_headers_to_add).collect();
        if is_refusal(reason) {
            decision.refuse(limit, &decided, retry_after);
            if let Some(refused) = &mut decision.refused {
                refused.reply.headers.extend(for_client);
                let body = response.map(|said| said.raw_body).unwrap_or_default();
                if !body.is_empty() {
                    refused.reply.body = String::from_utf8_lossy(&body).into_owned();
                }
            }
        } else {
            let for_upstream = to_add(|said| &said.request_headers_to_add);
            decision.request_headers.extend(for_upstream);
            decision.response_headers.extend(for_client);
        }
        self.settle(counts, data, decision);
    }
}

/// What the answer of a service comes down to.
struct Said {
    /// Nothing when it said nothing.
    code: Option<Code>,
    /// When the window of the limit that decides is over.
    reset: Option<Duration>,
    quota: Option<Quota>,
}

impl Said {
    fn of(response: Option<&RateLimitResponse>) -> Self {
        let statuses = response.map_or(&[][..], |response| &response.statuses);
        // A descriptor without a limit says nothing by its numbers.
        let limited = statuses
            .iter()
            .filter(|status| status.current_limit.is_some());
        let least = limited.clone().min_by_key(|status| status.limit_remaining);
        let over = limited
            .clone()
            .filter(|status| status.code() == Code::OverLimit);
        let is_over = response.is_some_and(|response| response.overall_code() == Code::OverLimit);
        Self {
            code: response.map(RateLimitResponse::overall_code),
            reset: match is_over {
                true => over.filter_map(reset).max(),
                false => limited.filter_map(reset).min(),
            },
            quota: least.map(quota),
        }
    }
}

fn reset(status: &DescriptorStatus) -> Option<Duration> {
    let reset = status.duration_until_reset.as_ref()?;
    let (seconds, nanos) = (
        u64::try_from(reset.seconds).ok()?,
        u32::try_from(reset.nanos).ok()?,
    );
    Some(Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanos.into())))
}

fn quota(status: &DescriptorStatus) -> Quota {
    let limit = status.current_limit.as_ref();
    Quota {
        limit: limit.map_or(0, |limit| limit.requests_per_unit.into()),
        remaining: status.limit_remaining.into(),
        reset: reset(status).unwrap_or_default(),
        window: Duration::from_secs(match limit.map(|limit| limit.unit()) {
            Some(Unit::Second) => 1,
            Some(Unit::Minute) => 60,
            Some(Unit::Hour) => 3_600,
            Some(Unit::Day) => 86_400,
            Some(Unit::Week) => 7 * 86_400,
            Some(Unit::Month) => 30 * 86_400,
            Some(Unit::Year) => 365 * 86_400,
            Some(Unit::Unknown) | None => 0,
        }),
    }
}

/// A header as a service names it; nothing when it is none, or one that is ours.
fn header(header: &HeaderValue) -> Option<(String, String)> {
    let name = meshlane_attributes::HeaderName::parse(&header.key).ok()?;
    let is_ours = meshlane_attributes::is_reserved(name.as_str().as_bytes());
    let value = match header.raw_value.is_empty() {
        true => header.value.clone(),
        false => String::from_utf8_lossy(&header.raw_value).into_owned(),
    };
    let is_value = value.bytes().all(|byte| byte == b'\t' || byte >= b' ');
    (!is_ours && is_value).then(|| (name.as_str().to_owned(), value))
}

/// What requests with these descriptors are counted by.
fn key(descriptors: &[RateLimitDescriptor]) -> Vec<String> {
    let mut key = Vec::new();
    for descriptor in descriptors {
        for entry in &descriptor.entries {
            key.push(format!("{}={}", entry.key, entry.value));
        }
        // Where a descriptor ends is part of what it is.
        key.push(String::new());
    }
    key.pop();
    key
}
