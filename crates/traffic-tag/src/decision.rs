//! Deciding the tags of a request.

use std::borrow::Cow;
use std::fmt::Write;

use meshlane_attributes::{Request, RequestFacts, Workload, cookie_value};
use meshlane_conditions::{RandomBytes, Truth};
use meshlane_diagnostics::Reason;
use meshlane_tags::{Edits, Incoming, Mutation, TagValue};

use crate::config::OnIncoming;
use crate::policy::{Policy, Rule, Tag, ValueSource};
use crate::split::{Split, SplitKey, StickyCookie};

/// What is done with a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision<'p> {
    /// The decision on each tag, in the order of the policy's tags.
    pub tags: Vec<TagDecision<'p>>,
    /// The changes to request headers, each header at most once.
    pub mutations: Vec<Mutation>,
    /// `set-cookie` headers for the response.
    pub set_cookies: Vec<String>,
}

/// The decision on one tag.
#[derive(Debug, Clone, PartialEq)]
pub struct TagDecision<'p> {
    /// The value; nothing when the request does not get the tag.
    pub value: Option<TagValue<'p>>,
    /// The rule that gave the value, by its position.
    pub rule: Option<usize>,
    /// Why the value is what it is.
    pub reason: Reason,
    /// What was done with a value that the request came with.
    pub incoming: Reason,
}

impl Policy {
    /// Decides the tags of a request.
    ///
    /// `random` is asked at most once for each sticky cookie that a request lacks, and once
    /// for each random split that is reached.
    pub fn decide<'p>(
        &'p self,
        facts: &'p dyn RequestFacts,
        workload: &'p Workload,
        random: RandomBytes<'_>,
    ) -> Decision<'p> {
        let mut pass = Pass::new(self, facts, workload, random);
        let mut tags = Vec::with_capacity(self.tags.len());
        for tag in &self.tags {
            tags.push(pass.decide(tag, &mut |_, _, _| {}));
        }
        pass.finish(tags)
    }
}

impl Decision<'_> {
    /// The decision in a line, as it goes to access logs:
    /// `TAG=VALUE;rule=RULE;reason=CODE`, several tags joined by `, `, `-` for what is not there.
    pub fn summary(&self, policy: &Policy) -> String {
        let mut line = String::with_capacity(self.tags.len() * 64);
        for (tag, decision) in policy.tags.iter().zip(&self.tags) {
            if !line.is_empty() {
                line.push_str(", ");
            }
            let value = decision.value.as_ref().map_or("-", TagValue::as_str);
            let rule = decision.rule.and_then(|rule| tag.rules.get(rule));
            let rule = rule.map_or("-", |rule| rule.name.as_str());
            // Writing to a String cannot fail.
            let _ = write!(
                line,
                "{}={value};rule={rule};reason={}",
                tag.name, decision.reason
            );
        }
        line
    }
}

/// Told of each rule that is tried: its position, what came of it, and the request as the rule saw it.
pub(crate) type RuleObserver<'o> = &'o mut dyn FnMut(usize, Reason, &Request<'_>);

/// One request on its way through the tags.
pub(crate) struct Pass<'p, 'r> {
    pub(crate) request: Request<'p>,
    edits: Edits<'p>,
    is_dubbo: bool,
    random: RandomBytes<'r>,
    issued: Vec<(&'p StickyCookie, String)>,
}

impl<'p, 'r> Pass<'p, 'r> {
    pub(crate) fn new(
        policy: &'p Policy,
        facts: &'p dyn RequestFacts,
        workload: &'p Workload,
        random: RandomBytes<'r>,
    ) -> Self {
        let request = Request::new(&policy.table, facts, workload);
        Self {
            is_dubbo: request.is_dubbo(),
            edits: Edits::new(request.headers()),
            request,
            random,
            issued: Vec::new(),
        }
    }

    /// Decides a tag and brings its carriers in line.
    pub(crate) fn decide(&mut self, tag: &'p Tag, observer: RuleObserver<'_>) -> TagDecision<'p> {
        let incoming = self.incoming(tag);
        let decision = match (tag.on_incoming, incoming) {
            (OnIncoming::Keep, Incoming::Valid(value)) => kept(value),
            (OnIncoming::Overwrite, Incoming::Valid(value)) => {
                match self.by_rules(tag, Reason::IncomingOverwritten, observer) {
                    decision if decision.value.is_some() => decision,
                    _ => kept(value),
                }
            }
            (OnIncoming::Strip, Incoming::Valid(_)) => {
                self.by_rules(tag, Reason::IncomingStripped, observer)
            }
            (_, Incoming::Invalid) => self.by_rules(tag, Reason::IncomingInvalid, observer),
            (_, Incoming::Absent) => self.by_rules(tag, Reason::IncomingAbsent, observer),
        };
        for carrier in &tag.carriers {
            carrier.write(decision.value.as_ref(), &mut self.edits, self.is_dubbo);
        }
        let value = decision
            .value
            .as_ref()
            .map(|value| value.as_str().to_owned().into());
        self.request.decide_tag(tag.attribute, value);
        decision
    }

    pub(crate) fn finish(self, tags: Vec<TagDecision<'p>>) -> Decision<'p> {
        let set_cookie = |(cookie, id): &(&StickyCookie, String)| cookie.set_cookie(id);
        Decision {
            tags,
            mutations: self.edits.into_mutations(),
            set_cookies: self.issued.iter().map(set_cookie).collect(),
        }
    }

    /// What the request came with: the first carrier that has a valid value counts.
    pub(crate) fn incoming(&self, tag: &Tag) -> Incoming {
        Incoming::read(&tag.carriers, &self.edits)
    }

    fn by_rules(
        &mut self,
        tag: &'p Tag,
        incoming: Reason,
        observer: RuleObserver<'_>,
    ) -> TagDecision<'p> {
        for (position, rule) in tag.rules.iter().enumerate() {
            let outcome = self.try_rule(rule);
            observer(
                position,
                outcome
                    .as_ref()
                    .err()
                    .copied()
                    .unwrap_or(Reason::RuleMatched),
                &self.request,
            );
            if let Ok(value) = outcome {
                return TagDecision {
                    value: Some(value),
                    rule: Some(position),
                    reason: rule.reason(),
                    incoming,
                };
            }
        }
        TagDecision {
            value: tag.default.as_ref().map(TagValue::borrowed),
            rule: None,
            reason: match tag.default {
                Some(_) => Reason::TagDefault,
                None => Reason::TagNone,
            },
            incoming,
        }
    }

    /// The rule's value, or why it has none for this request.
    fn try_rule(&mut self, rule: &'p Rule) -> Result<TagValue<'p>, Reason> {
        if !rule.enabled {
            return Err(Reason::RuleDisabled);
        }
        if let Some(condition) = &rule.when {
            match condition.evaluate(&self.request) {
                Truth::True => {}
                Truth::False => return Err(Reason::RuleConditionFalse),
                Truth::Unknown => return Err(Reason::RuleConditionUnknown),
            }
        }
        match &rule.source {
            ValueSource::Literal(value) => Ok(value.borrowed()),
            ValueSource::Attribute(attribute) => {
                let value = self
                    .request
                    .value(*attribute)
                    .ok_or(Reason::RuleValueAbsent)?;
                let text = value.as_text().ok_or(Reason::RuleValueInvalid)?;
                let value = TagValue::parse(Cow::Owned(text.into_owned()));
                value.map_err(|_| Reason::RuleValueInvalid)
            }
            ValueSource::Split(split) => {
                let value = self.choose(split)?.ok_or(Reason::RuleSplitRemainder)?;
                Ok(value.borrowed())
            }
        }
    }

    fn choose(&mut self, split: &'p Split) -> Result<Option<&'p TagValue<'static>>, Reason> {
        match &split.key {
            SplitKey::Attribute(attribute) => {
                let value = self.request.value(*attribute);
                let text = value.and_then(|value| value.as_text());
                let key = text.ok_or(Reason::RuleSplitKeyAbsent)?;
                Ok(split.choose(key.as_bytes()))
            }
            SplitKey::Cookie(cookie) => {
                let id = self.sticky_id(cookie);
                Ok(split.choose(id.as_bytes()))
            }
            SplitKey::Random => Ok(split.draw((self.random)())),
        }
    }

    /// The id in the request's cookie, or a new one that the response will set.
    fn sticky_id(&mut self, cookie: &'p StickyCookie) -> String {
        let lines = self.request.headers().lines("cookie");
        let mut ids = lines.filter_map(|line| cookie_value(line, &cookie.name));
        if let Some(id) = ids.next().filter(|id| StickyCookie::is_id(id)) {
            return String::from_utf8_lossy(id).into_owned();
        }
        let mut issued = self.issued.iter();
        if let Some((_, id)) = issued.find(|(known, _)| known.name == cookie.name) {
            return id.clone();
        }
        let id = StickyCookie::id((self.random)());
        self.issued.push((cookie, id.clone()));
        id
    }
}

fn kept(value: TagValue<'_>) -> TagDecision<'_> {
    TagDecision {
        value: Some(value),
        rule: None,
        reason: Reason::TagKeptIncoming,
        incoming: Reason::IncomingKept,
    }
}
