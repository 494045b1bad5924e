//! Deciding what a request carries on, and whether a workload takes it.

use std::fmt::Write;

use meshlane_attributes::{Request, RequestFacts, Workload};
use meshlane_diagnostics::Reason;
use meshlane_tags::{Edits, Incoming, Mutation, TagValue};

use crate::config::Direction;
use crate::correlation::Remembered;
use crate::identifier::CorrelationKey;
use crate::lanes::{Action, Verdict};
use crate::policy::{Policy, Tag};

/// By this header a route of the listener can send a request on that came to the wrong lane.
pub const REROUTE_HEADER: &str = "x-meshlane-route";

/// What is done with a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Which way the request goes.
    pub direction: Direction,
    /// The decision on each tag, in the order of the policy's tags.
    pub tags: Vec<TagDecision>,
    /// Why the request is refused, when it is.
    pub refused: Option<Reason>,
    /// What the header [`REROUTE_HEADER`] says, when the request is to be sent on.
    pub reroute: Option<String>,
    /// The changes to request headers, each header at most once.
    pub mutations: Vec<Mutation>,
    /// The headers of the answer.
    pub response_headers: Vec<(String, String)>,
    /// What an inbound request is remembered by.
    pub keys: Vec<CorrelationKey>,
    /// What came of looking for the request that caused an outbound one; nothing when it was not looked for.
    pub correlation: Option<Reason>,
}

/// The decision on one tag.
#[derive(Debug, Clone, PartialEq)]
pub struct TagDecision {
    /// The value; nothing when the request goes on without the tag.
    pub value: Option<TagValue<'static>>,
    /// Where the value, or that there is none, comes from.
    pub reason: Reason,
    /// What the lanes of the tag say; nothing when it has none.
    pub lane: Option<Reason>,
    /// The value before the lanes had their say.
    pub found: Option<TagValue<'static>>,
}

/// Asks the memory for what a key stands for.
pub type Recall<'r> = &'r mut dyn FnMut(&CorrelationKey) -> Option<Remembered>;

impl Policy {
    /// Decides about a request that comes to the workload.
    pub fn inbound(&self, facts: &dyn RequestFacts, workload: &Workload) -> Decision {
        let mut pass = Pass::new(self, facts, workload, Direction::Inbound);
        for tag in &self.tags {
            let (found, reason) = match pass.incoming(tag) {
                Incoming::Valid(value) => (Some(value), Reason::CarriedByRequest),
                Incoming::Invalid => (None, Reason::CarriedInvalid),
                Incoming::Absent => (None, Reason::CarriedNothing),
            };
            let lanes = tag.lanes.as_ref();
            let verdict = lanes.map(|lanes| {
                let value = found.as_ref().map(TagValue::as_str);
                lanes.inbound(value, workload, &pass.request)
            });
            pass.settle(tag, found, reason, verdict);
        }
        let mut decision = pass.finish();
        if decision.refused.is_none() {
            for identifier in &self.identifiers {
                let key = identifier.key(facts.headers());
                // The same trace id may stand in several headers.
                let new = key.filter(|key| !decision.keys.contains(key));
                decision.keys.extend(new);
            }
        }
        decision
    }

    /// Decides about a call that leaves the workload. `recall` is asked only when the call does not carry a tag itself, for one key
    /// after the other until one is known.
    pub fn outbound(
        &self,
        facts: &dyn RequestFacts,
        workload: &Workload,
        recall: Recall<'_>,
    ) -> Decision {
        let mut pass = Pass::new(self, facts, workload, Direction::Outbound);
        let mut cause = Cause::Unasked;
        for tag in &self.tags {
            let (found, reason) = match pass.incoming(tag) {
                Incoming::Valid(value) => (Some(value), Reason::CarriedByRequest),
                Incoming::Invalid | Incoming::Absent => {
                    let remembered = cause.get(self, facts, recall);
                    by_cause(tag, remembered, workload)
                }
            };
            let lanes = tag.lanes.as_ref();
            let verdict = lanes.map(|lanes| lanes.outbound(found.as_ref().map(TagValue::as_str)));
            pass.settle(tag, found, reason, verdict);
        }
        let mut decision = pass.finish();
        decision.correlation = cause.outcome();
        decision
    }
}

impl Decision {
    /// The decision in a line, as it goes to access logs: `TAG=VALUE;reason=CODE;lane=CODE`, several tags joined by `, `, `-` for
    /// what is not there.
    pub fn summary(&self, policy: &Policy) -> String {
        let mut line = String::with_capacity(self.tags.len() * 64);
        for (tag, decision) in policy.tags.iter().zip(&self.tags) {
            if !line.is_empty() {
                line.push_str(", ");
            }
            let value = decision.value.as_ref().map_or("-", TagValue::as_str);
            let lane = decision.lane.map_or("-", Reason::as_str);
            // Writing to a String cannot fail.
            let _ = write!(
                line,
                "{}={value};reason={};lane={lane}",
                tag.name, decision.reason
            );
        }
        line
    }

    /// What is to be remembered of the request.
    pub fn remembered(&self, policy: &Policy) -> Remembered {
        let tags = policy.tags.iter().zip(&self.tags);
        tags.map(|(tag, decision)| (tag.name.clone(), decision.value.clone()))
            .collect()
    }
}

/// The tag of a call that does not carry it.
fn by_cause(
    tag: &Tag,
    cause: Option<&Remembered>,
    workload: &Workload,
) -> (Option<TagValue<'static>>, Reason) {
    match cause.and_then(|remembered| remembered.tag(&tag.name)) {
        Some(Some(value)) => (Some(value.clone()), Reason::CarriedByCorrelation),
        Some(None) => (None, Reason::CarriedUntagged),
        None => {
            let label = tag.own_label.as_ref();
            let own = label.and_then(|label| workload.labels.get(label));
            let own = own.and_then(|value| TagValue::parse(value.clone().into()).ok());
            match own {
                Some(value) => (Some(value), Reason::CarriedByLabel),
                None => (None, Reason::CarriedNothing),
            }
        }
    }
}

/// The request that caused a call.
enum Cause {
    Unasked,
    /// The call has nothing to be recognised by.
    Unidentified,
    Unknown,
    Known(Remembered),
}

impl Cause {
    fn get(
        &mut self,
        policy: &Policy,
        facts: &dyn RequestFacts,
        recall: Recall<'_>,
    ) -> Option<&Remembered> {
        if let Self::Unasked = self {
            *self = Self::Unidentified;
            for identifier in &policy.identifiers {
                let Some(key) = identifier.key(facts.headers()) else {
                    continue;
                };
                *self = Self::Unknown;
                if let Some(remembered) = recall(&key) {
                    *self = Self::Known(remembered);
                    break;
                }
            }
        }
        match self {
            Self::Known(remembered) => Some(remembered),
            Self::Unasked | Self::Unidentified | Self::Unknown => None,
        }
    }

    fn outcome(&self) -> Option<Reason> {
        match self {
            Self::Unasked => None,
            Self::Unidentified => Some(Reason::CorrelationUnidentified),
            Self::Unknown => Some(Reason::CorrelationMiss),
            Self::Known(_) => Some(Reason::CorrelationHit),
        }
    }
}

/// One request on its way through the tags.
struct Pass<'p> {
    request: Request<'p>,
    edits: Edits<'p>,
    is_dubbo: bool,
    decision: Decision,
}

impl<'p> Pass<'p> {
    fn new(
        policy: &'p Policy,
        facts: &'p dyn RequestFacts,
        workload: &'p Workload,
        direction: Direction,
    ) -> Self {
        let request = Request::new(&policy.table, facts, workload);
        Self {
            edits: Edits::new(facts.headers()),
            is_dubbo: request.is_dubbo(),
            request,
            decision: Decision {
                direction,
                tags: Vec::with_capacity(policy.tags.len()),
                refused: None,
                reroute: None,
                mutations: Vec::new(),
                response_headers: Vec::new(),
                keys: Vec::new(),
                correlation: None,
            },
        }
    }

    /// What the request came with: the first carrier that has a valid value counts.
    fn incoming(&self, tag: &Tag) -> Incoming {
        Incoming::read(&tag.carriers, &self.edits)
    }

    /// Brings the carriers of a tag in line, and does what its lanes say.
    fn settle(
        &mut self,
        tag: &Tag,
        found: Option<TagValue<'static>>,
        reason: Reason,
        verdict: Option<Verdict>,
    ) {
        let removes_tag = verdict.is_some_and(|verdict| verdict.removes_tag);
        let value = found.clone().filter(|_| !removes_tag);
        for carrier in &tag.carriers {
            carrier.write(value.as_ref(), &mut self.edits, self.is_dubbo);
        }
        if let (Some(header), Some(value), Direction::Inbound) =
            (&tag.response_header, &value, self.decision.direction)
        {
            let header = (header.clone(), value.as_str().to_owned());
            self.decision.response_headers.push(header);
        }
        match verdict.map(|verdict| (verdict.action, verdict.reason)) {
            Some((Action::Refuse, reason)) => {
                self.decision.refused.get_or_insert(reason);
            }
            Some((Action::Reroute, _)) => {
                let lane = value.as_ref().map_or(BASELINE, TagValue::as_str);
                self.decision.reroute.get_or_insert_with(|| lane.to_owned());
            }
            Some((Action::Accept, _)) | None => {}
        }
        self.decision.tags.push(TagDecision {
            value,
            reason,
            lane: verdict.map(|verdict| verdict.reason),
            found,
        });
    }

    fn finish(self) -> Decision {
        Decision {
            mutations: self.edits.into_mutations(),
            ..self.decision
        }
    }
}

/// Where a request without a tag is sent on to.
const BASELINE: &str = "baseline";
