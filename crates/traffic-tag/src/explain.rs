//! Why a request gets the tags it gets.

use meshlane_attributes::{Request, RequestFacts, Workload};
use meshlane_conditions::RandomBytes;
use meshlane_diagnostics::Reason;
use meshlane_tags::{HeaderWrite, Incoming};
use serde::Serialize;

use crate::decision::Pass;
use crate::policy::{Policy, Rule, ValueSource};
use crate::split::SplitKey;

/// A decision with everything that led to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The tags, in the order in which they were decided.
    pub tags: Vec<TagExplanation>,
    /// What is written to the request.
    pub headers: Vec<HeaderWrite>,
    /// What is set by the response.
    pub set_cookies: Vec<String>,
    /// The line that the access log gets.
    pub summary: String,
}

/// Why a tag has its value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TagExplanation {
    /// The tag's name.
    pub name: String,
    /// What carries it.
    pub carriers: Vec<String>,
    /// The valid value that the request came with.
    pub incoming_value: Option<String>,
    /// What was done with it, by its code.
    pub incoming: &'static str,
    /// The value.
    pub value: Option<String>,
    /// The rule that gave it.
    pub rule: Option<String>,
    /// Why, by its code.
    pub reason: &'static str,
    /// Every rule, in its order.
    pub rules: Vec<RuleExplanation>,
    /// The default.
    pub default: Option<String>,
}

/// What came of a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleExplanation {
    /// The rule's name.
    pub name: String,
    /// What came of it, by its code.
    pub reason: &'static str,
    /// Its condition with what was found; nothing when it has none.
    pub condition: Option<meshlane_conditions::Explanation>,
    /// Where its value comes from, in words.
    pub source: String,
}

impl Policy {
    /// Decides as [`decide`](Self::decide) does and tells why. Every condition is looked at,
    /// also those of rules that were not reached.
    pub fn explain(
        &self,
        facts: &dyn RequestFacts,
        workload: &Workload,
        random: RandomBytes<'_>,
    ) -> Explanation {
        let mut pass = Pass::new(self, facts, workload, random);
        let mut explained = Vec::with_capacity(self.tags.len());
        let mut decided = Vec::with_capacity(self.tags.len());
        for tag in &self.tags {
            let incoming = pass.incoming(tag);
            let mut rules: Vec<_> = tag
                .rules
                .iter()
                .map(|rule| explain_rule(rule, Reason::RuleNotReached, &pass.request))
                .collect();
            let decision = pass.decide(tag, &mut |position, reason, request| {
                if let (Some(place), Some(rule)) =
                    (rules.get_mut(position), tag.rules.get(position))
                {
                    *place = explain_rule(rule, reason, request);
                }
            });
            explained.push(TagExplanation {
                name: tag.name.clone(),
                carriers: tag.carriers.iter().map(ToString::to_string).collect(),
                incoming_value: match incoming {
                    Incoming::Valid(value) => Some(value.to_string()),
                    Incoming::Absent | Incoming::Invalid => None,
                },
                incoming: decision.incoming.as_str(),
                value: decision.value.as_ref().map(ToString::to_string),
                rule: decision
                    .rule
                    .and_then(|rule| tag.rules.get(rule))
                    .map(|rule| rule.name.clone()),
                reason: decision.reason.as_str(),
                rules,
                default: tag.default.as_ref().map(ToString::to_string),
            });
            decided.push(decision);
        }
        let decision = pass.finish(decided);
        Explanation {
            tags: explained,
            summary: decision.summary(self),
            headers: decision
                .mutations
                .into_iter()
                .map(HeaderWrite::from)
                .collect(),
            set_cookies: decision.set_cookies,
        }
    }
}

fn explain_rule(rule: &Rule, reason: Reason, request: &Request<'_>) -> RuleExplanation {
    RuleExplanation {
        name: rule.name.clone(),
        reason: reason.as_str(),
        condition: rule
            .when
            .as_ref()
            .map(|condition| condition.explain(request)),
        source: source(rule, request),
    }
}

fn source(rule: &Rule, request: &Request<'_>) -> String {
    let name = |attribute| {
        let attribute = request.table().attribute(attribute);
        attribute.map(ToString::to_string).unwrap_or_default()
    };
    match &rule.source {
        ValueSource::Literal(value) => value.to_string(),
        ValueSource::Attribute(attribute) => format!("from {}", name(*attribute)),
        ValueSource::Split(split) => {
            let of = split.sticky.of();
            let mut begin = 0.0;
            let mut parts = Vec::with_capacity(split.parts.len());
            for (end, value) in &split.parts {
                parts.push(format!("{value} from {begin} below {end}"));
                begin = *end;
            }
            let (by, position) = match &split.key {
                SplitKey::Attribute(attribute) => {
                    let value = request.value(*attribute).and_then(|value| value.as_text());
                    let position = value.map(|value| split.sticky.position(value.as_bytes()));
                    (name(*attribute), position)
                }
                SplitKey::Cookie(cookie) => (format!("sticky cookie {}", cookie.name), None),
                SplitKey::Random => ("chance".to_owned(), None),
            };
            let position = position.map(|at| format!(", at {at}")).unwrap_or_default();
            format!("split of {of} by {by}{position}: {}", parts.join(", "))
        }
    }
}
