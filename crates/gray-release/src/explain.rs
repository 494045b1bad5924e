//! What a request carries on, whether the workload takes it, and why.

use meshlane_attributes::{Request, RequestFacts, Workload};
use meshlane_diagnostics::Reason;
use meshlane_tags::{HeaderWrite, Mutation};
use serde::Serialize;

use crate::config::Direction;
use crate::decision::{Decision, REROUTE_HEADER, Recall, TagDecision};
use crate::identifier::CorrelationKey;
use crate::lanes::Lanes;
use crate::policy::{Policy, Tag};

/// A decision with everything that led to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Which way the request goes: `inbound` or `outbound`; nothing when neither the document nor the listener says it, and then
    /// nothing else happens.
    pub direction: Option<&'static str>,
    /// What an inbound request is remembered by, or what the cause of an outbound one was looked for by, in this order.
    pub keys: Vec<String>,
    /// What came of looking for the cause of an outbound request, by its code; nothing when it was not looked for. Of an inbound
    /// request only that it has nothing to be remembered by.
    pub correlation: Option<&'static str>,
    /// The tags, in the order of the document.
    pub tags: Vec<TagExplanation>,
    /// Why the request is refused, by its code; nothing when it is not.
    pub refused: Option<&'static str>,
    /// Where the request is sent on to: the name of a lane, or `baseline`.
    pub reroute: Option<String>,
    /// What is written to the request.
    pub headers: Vec<HeaderWrite>,
    /// What is added to the answer.
    pub response_headers: Vec<HeaderWrite>,
    /// The line that the access log gets.
    pub summary: String,
}

/// Why a request goes on with a tag, or without it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TagExplanation {
    /// The tag's name.
    pub name: String,
    /// What carries it.
    pub carriers: Vec<String>,
    /// The value before the lanes had their say.
    pub found: Option<String>,
    /// Where that value, or that there is none, comes from, by its code.
    pub reason: &'static str,
    /// What the lanes of the tag say, by its code; nothing when it has none.
    pub lane: Option<&'static str>,
    /// The label of the workload that names its lane; nothing when it was not asked for, as of outbound requests.
    pub workload: Option<WorkloadLabel>,
    /// The condition of those that are let in whatever tag they have, with what was found; nothing when it was not asked for.
    pub exempt: Option<meshlane_conditions::Explanation>,
    /// The value that goes on.
    pub value: Option<String>,
}

/// A label of the workload.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkloadLabel {
    /// The label's name.
    pub label: String,
    /// Its value; nothing when the workload does not have it.
    pub value: Option<String>,
}

impl Policy {
    /// Decides as [`inbound`](Self::inbound) or [`outbound`](Self::outbound) does and tells why.
    ///
    /// `listener` is which way the listener says that requests go; what the document says comes before it. `recall` is asked of
    /// outbound requests alone.
    pub fn explain(
        &self,
        facts: &dyn RequestFacts,
        workload: &Workload,
        listener: Option<Direction>,
        recall: Recall<'_>,
    ) -> Explanation {
        let mut asked = Vec::new();
        let decision = match self.direction.or(listener) {
            None => return Explanation::default(),
            Some(Direction::Inbound) => self.inbound(facts, workload),
            Some(Direction::Outbound) => self.outbound(facts, workload, &mut |key| {
                if !asked.contains(key) {
                    asked.push(key.clone());
                }
                recall(key)
            }),
        };
        let request = Request::new(&self.table, facts, workload);
        let tags = self.tags.iter().zip(&decision.tags);
        Explanation {
            direction: Some(decision.direction.as_str()),
            tags: tags
                .map(|(tag, decided)| explain_tag(tag, decided, &decision, &request, workload))
                .collect(),
            correlation: correlation(&decision).map(Reason::as_str),
            refused: decision.refused.map(Reason::as_str),
            summary: decision.summary(self),
            headers: header_writes(decision.mutations, decision.reroute.as_ref()),
            response_headers: decision
                .response_headers
                .into_iter()
                .map(|(name, value)| HeaderWrite::set(name, value))
                .collect(),
            reroute: decision.reroute,
            keys: asked
                .iter()
                .chain(&decision.keys)
                .map(|key| CorrelationKey::as_str(key).to_owned())
                .collect(),
        }
    }
}

fn explain_tag(
    tag: &Tag,
    decided: &TagDecision,
    decision: &Decision,
    request: &Request<'_>,
    workload: &Workload,
) -> TagExplanation {
    // A call's receiver keeps lanes apart, not its sender.
    let is_judged = decision.direction == Direction::Inbound;
    let lanes = tag.lanes.as_ref().filter(|_| is_judged);
    TagExplanation {
        name: tag.name.clone(),
        carriers: tag.carriers.iter().map(ToString::to_string).collect(),
        found: decided.found.as_ref().map(ToString::to_string),
        reason: decided.reason.as_str(),
        lane: decided.lane.map(Reason::as_str),
        workload: lanes.map(|lanes| label(lanes, workload)),
        exempt: lanes
            .and_then(|lanes| lanes.exempt.as_ref())
            .map(|condition| condition.explain(request)),
        value: decided.value.as_ref().map(ToString::to_string),
    }
}

fn label(lanes: &Lanes, workload: &Workload) -> WorkloadLabel {
    WorkloadLabel {
        label: lanes.label.clone(),
        value: workload.labels.get(&lanes.label).cloned(),
    }
}

fn correlation(decision: &Decision) -> Option<Reason> {
    let is_forgotten = decision.direction == Direction::Inbound
        && decision.refused.is_none()
        && decision.keys.is_empty();
    let unidentified = is_forgotten.then_some(Reason::CorrelationUnidentified);
    decision.correlation.or(unidentified)
}

fn header_writes(mutations: Vec<Mutation>, reroute: Option<&String>) -> Vec<HeaderWrite> {
    let mutations = mutations.into_iter().map(HeaderWrite::from);
    let reroute = reroute.map(|lane| HeaderWrite::set(REROUTE_HEADER.to_owned(), lane.clone()));
    mutations.chain(reroute).collect()
}

#[cfg(test)]
mod tests {
    use meshlane_attributes::StaticFacts;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::correlation::Remembered;

    const DOCUMENT: &str = r#"{"tags": [{"name": "lane", "responseHeader": "x-lane", "lanes": {
        "label": "version", "lanes": [{"name": "gray"}, {"name": "gone", "enabled": false}],
        "onUntagged": "reroute", "exempt": {"attribute": "path", "exact": "/healthz"}}}]}"#;

    /// Explains a request with these headers to a workload of the lane `gray` whose memory knows a request without the tag.
    fn explain(listener: Option<Direction>, headers: &[(&str, &str)]) -> Explanation {
        let policy = Policy::parse(DOCUMENT.as_bytes()).unwrap();
        let facts = StaticFacts::with_headers(headers.iter().copied());
        let labels = [("version".to_owned(), "gray".to_owned())];
        let workload = Workload {
            labels: labels.into_iter().collect(),
            ..Workload::default()
        };
        let untagged: Remembered = [("lane".to_owned(), None)].into_iter().collect();
        let mut recall = |_: &CorrelationKey| Some(untagged.clone());
        policy.explain(&facts, &workload, listener, &mut recall)
    }

    #[test]
    fn a_request_is_explained_with_what_the_lanes_looked_at() {
        let headers = [("lane", "gone"), ("x-request-id", "r"), (":path", "/")];
        let explained = explain(Some(Direction::Inbound), &headers);
        assert_eq!(explained.direction, Some("inbound"));
        assert_eq!(explained.keys, ["request:r"]);
        assert_eq!(explained.correlation, None);
        assert_eq!(explained.reroute.as_deref(), Some("baseline"));
        let writes: Vec<_> = explained
            .headers
            .iter()
            .map(|write| (write.name.as_str(), write.value.as_deref()))
            .collect();
        assert_eq!(writes, [("lane", None), (REROUTE_HEADER, Some("baseline"))]);
        let tag = &explained.tags[0];
        assert_eq!(tag.found.as_deref(), Some("gone"));
        assert_eq!(tag.value, None);
        assert_eq!(tag.lane, Some("lane-untagged-rerouted"));
        let label = tag.workload.as_ref().unwrap();
        assert_eq!(label.value.as_deref(), Some("gray"));
        assert!(tag.exempt.is_some());
    }

    #[test]
    fn an_answer_that_tells_the_tag_is_explained() {
        let explained = explain(Some(Direction::Inbound), &[("lane", "gray")]);
        let answer = HeaderWrite::set("x-lane".to_owned(), "gray".to_owned());
        assert_eq!(explained.response_headers, [answer]);
        assert_eq!(explained.correlation, Some("correlation-unidentified"));
        assert!(explained.headers.is_empty());
    }

    #[test]
    fn a_call_is_explained_with_what_it_was_looked_for_by() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let b3 = format!("{trace}-00f067aa0ba902b7-1");
        let explained = explain(
            Some(Direction::Outbound),
            &[("b3", &b3), ("x-b3-traceid", trace)],
        );
        assert_eq!(explained.keys, [format!("trace:{trace}")]);
        assert_eq!(explained.correlation, Some("correlation-hit"));
        let tag = &explained.tags[0];
        assert_eq!(tag.reason, "carried-untagged");
        assert_eq!((&tag.workload, &tag.exempt), (&None, &None));
        let carried = explain(Some(Direction::Outbound), &[("lane", "gray"), ("b3", &b3)]);
        assert!(carried.keys.is_empty());
        assert_eq!(carried.correlation, None);
    }

    #[test]
    fn nothing_happens_while_nobody_says_the_direction() {
        assert_eq!(explain(None, &[("lane", "gray")]), Explanation::default());
    }
}
