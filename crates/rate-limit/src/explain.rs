//! Which limits a request touches, with which key, and what they say.

use meshlane_attributes::{Attribute, Request, RequestFacts, Workload};
use meshlane_conditions::RandomBytes;
use meshlane_shared_data::SharedData;
use serde::Serialize;

use crate::Held;
use crate::counts::Counts;
use crate::decision::{LimitDecision, Now};
use crate::limit::Limit;
use crate::policy::Policy;

/// A decision with everything that led to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The limits, in the order of the document.
    pub limits: Vec<LimitExplanation>,
    /// The status of the refusal; nothing when the request passes.
    pub refused: Option<u32>,
    /// For how many seconds the request waits for its turn.
    pub wait: f64,
    /// The headers of the refusal, or those that are added to the upstream's answer.
    pub response_headers: Vec<AnswerHeader>,
    /// The line that the access log gets.
    pub summary: String,
    /// What the request holds, to be given back: see [`Counts::release`].
    #[serde(skip)]
    pub held: Vec<Held>,
}

/// A header of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnswerHeader {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// What a limit says, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitExplanation {
    /// The limit's name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// What it says, by its code.
    pub reason: &'static str,
    /// Its condition with what was found; nothing when it has none.
    pub when: Option<meshlane_conditions::Explanation>,
    /// What the request is counted by.
    pub key: Vec<KeyPart>,
    /// For how many requests it has room; nothing when it was not asked.
    pub limit: Option<u64>,
    /// For how many more.
    pub remaining: Option<u64>,
}

/// An attribute that requests are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyPart {
    /// The attribute.
    pub attribute: String,
    /// Its value; nothing when it is absent.
    pub value: Option<String>,
}

impl Policy {
    /// Decides as [`decide`](Self::decide) does and tells why.
    pub fn explain(
        &self,
        counts: &Counts,
        data: &dyn SharedData,
        facts: &dyn RequestFacts,
        workload: &Workload,
        now: Now,
        random: RandomBytes<'_>,
    ) -> Explanation {
        let decision = self.decide(counts, data, facts, workload, now, random);
        let request = Request::new(&self.table, facts, workload);
        let limits = self.limits.iter().zip(&decision.limits);
        Explanation {
            limits: limits
                .map(|(limit, decided)| self.explain_limit(limit, decided, &request))
                .collect(),
            refused: decision
                .refused
                .as_ref()
                .map(|refused| refused.reply.status),
            wait: decision.wait.as_secs_f64(),
            summary: decision.summary(self),
            response_headers: match decision.refused {
                Some(refused) => answer_headers(refused.reply.headers),
                None => answer_headers(decision.response_headers),
            },
            held: decision.held,
        }
    }

    fn explain_limit(
        &self,
        limit: &Limit,
        decided: &LimitDecision,
        request: &Request<'_>,
    ) -> LimitExplanation {
        let own = limit.key.iter().map(|id| {
            let value = request.value(*id).and_then(|value| value.as_text());
            let attribute = self.table.attribute(*id);
            KeyPart {
                attribute: attribute.map_or_else(String::new, Attribute::to_string),
                value: value.map(|value| value.into_owned()),
            }
        });
        // Of a service's limit the entries of the descriptors.
        let remote = decided.key.iter().filter(|_| limit.remote.is_some());
        let entries = remote.filter_map(|entry| {
            let (key, value) = entry.split_once('=')?;
            Some(KeyPart {
                attribute: key.to_owned(),
                value: Some(value.to_owned()),
            })
        });
        let key = own.chain(entries);
        LimitExplanation {
            name: limit.name.clone(),
            kind: limit.kind(),
            reason: decided.reason.as_str(),
            when: limit.when.as_ref().map(|when| when.explain(request)),
            key: key.collect(),
            limit: decided.quota.map(|quota| quota.limit),
            remaining: decided.quota.map(|quota| quota.remaining),
        }
    }
}

fn answer_headers(headers: Vec<(String, String)>) -> Vec<AnswerHeader> {
    let headers = headers.into_iter();
    let headers = headers.map(|(name, value)| AnswerHeader { name, value });
    headers.collect()
}
