//! What each kind of router does.

use std::borrow::Cow;

use meshlane_attributes::{AttributeId, Request, Workload};
use meshlane_conditions::{RandomBytes, Truth, fraction, integer};
use meshlane_diagnostics::Reason;

use crate::chain::{Kind, Place, Router, Rule, Rules, Tag, To, Unit, Weight, choose};
use crate::config::{Balance, Hierarchy, Then};
use crate::health::ServiceHealth;
use crate::inventory::{LabelId, Service, TagIndex};
use crate::policy::{Policy, StickyBy};
use crate::set::Set;

/// A request on its way through a chain.
pub(crate) struct Pass<'p, 'r, 'f> {
    pub(crate) policy: &'p Policy,
    pub(crate) service: &'p Service,
    pub(crate) request: &'r Request<'f>,
    pub(crate) workload: &'r Workload,
    pub(crate) random: RandomBytes<'r>,
}

/// What came of a router.
pub(crate) struct Outcome<'p> {
    pub(crate) reason: Reason,
    pub(crate) value: Option<Cow<'p, str>>,
    /// What is left; nothing when all that was there is.
    pub(crate) kept: Option<Set>,
}

/// What a router looks for, before its fallback.
enum Sought<'p> {
    /// The request is none of its business.
    Nothing,
    /// It was found.
    Found(Outcome<'p>),
    /// It would leave nothing.
    Empty(Option<Cow<'p, str>>),
    /// It would leave nothing, and this request wants it so.
    Forced(Option<Cow<'p, str>>),
    /// The request goes nowhere.
    Nowhere(Cow<'p, str>),
}

impl<'p> Pass<'p, '_, '_> {
    /// What a router leaves of what is there.
    pub(crate) fn route(
        &mut self,
        position: usize,
        router: &'p Router,
        there: &Set,
    ) -> Outcome<'p> {
        let outcome = |reason, value| Outcome {
            reason,
            value,
            kept: None,
        };
        if !router.enabled {
            return outcome(Reason::RouterDisabled, None);
        }
        let sought = match &router.kind {
            Kind::Locality(levels) => self.locality(levels, there),
            Kind::Unit(unit) => self.unit(unit, there),
            Kind::Tag(tag) => self.tag(position, tag, router.force, there),
            Kind::Condition(rules) => self.condition(rules, there),
            Kind::Weight(weight) => self.weight(weight, there),
        };
        match sought {
            Sought::Nothing => outcome(Reason::RouterNotApplied, None),
            Sought::Found(found) => found,
            Sought::Nowhere(rule) => Outcome {
                kept: Some(self.nothing()),
                ..outcome(Reason::RouterNobody, Some(rule))
            },
            Sought::Forced(value) => Outcome {
                kept: Some(self.nothing()),
                ..outcome(Reason::RouterFailed, value)
            },
            Sought::Empty(value) if router.force && router.kind.is_forced_by_router() => Outcome {
                kept: Some(self.nothing()),
                ..outcome(Reason::RouterFailed, value)
            },
            Sought::Empty(value) => self.fall_back(position, router, there, value),
        }
    }

    /// One of the destinations that are left.
    pub(crate) fn select(&mut self, left: &Set, health: Option<&ServiceHealth>) -> Option<usize> {
        let select = &self.policy.select;
        let first = left.iter().next()?;
        if select.balance == Balance::First || left.len() == 1 {
            return Some(first);
        }
        let weight = |position: usize| {
            let destination = self.service.destinations.get(position);
            destination.map_or(0.0, |destination| destination.weight)
        };
        let key = select
            .by
            .as_ref()
            .and_then(|by| Some((by, self.text(by.attribute)?)));
        if let Some((by, key)) = key {
            return self.rendezvous(left, by, &key, weight);
        }
        let endpoints = |position: usize| {
            let known = health.and_then(|health| *health.endpoints.get(position)?);
            known.map_or(1.0, f64::from)
        };
        let by_endpoints = select.balance == Balance::Endpoints;
        let share = |position| {
            let endpoints = if by_endpoints {
                endpoints(position)
            } else {
                1.0
            };
            weight(position) * endpoints
        };
        let place = fraction((self.random)());
        let chosen = choose(left.iter().map(share), place)
            .or_else(|| choose(left.iter().map(weight), place));
        chosen
            .and_then(|chosen| left.iter().nth(chosen))
            .or(Some(first))
    }

    /// The destination with the best lot for a key: when one goes, only its keys move (weighted rendezvous hashing,
    /// [Schindelhauer and Schomaker](https://doi.org/10.1145/1073970.1074008)).
    fn rendezvous(
        &self,
        left: &Set,
        by: &StickyBy,
        key: &str,
        weight: impl Fn(usize) -> f64,
    ) -> Option<usize> {
        let lot = |position: usize| {
            let name = self.service.destinations.get(position)?.name.as_str();
            let place = by
                .sticky
                .position(&[key.as_bytes(), b"\0", name.as_bytes()].concat());
            Some(-(place / by.sticky.of()).ln() / weight(position))
        };
        let lots = left
            .iter()
            .filter_map(|position| Some((lot(position)?, position)));
        let best = lots.min_by(|(a, _), (b, _)| a.total_cmp(b));
        best.map(|(_, position)| position)
    }

    fn locality(&self, levels: &[(LabelId, String)], there: &Set) -> Sought<'p> {
        // A level that this proxy knows nothing of says nothing.
        let own = |(label, name): &(LabelId, String)| {
            let own = self.policy.own(name, self.workload)?;
            Some((*label, own))
        };
        let known: Vec<_> = levels.iter().filter_map(own).collect();
        for (level, (_, value)) in known.iter().enumerate() {
            let mut kept = there.clone();
            for (label, value) in known.iter().skip(level) {
                match self.service.having(*label, value) {
                    Some(having) => kept.keep(having),
                    None => kept = self.nothing(),
                }
            }
            if !kept.is_empty() {
                return found(Some((kept, level > 0)), Cow::Owned((*value).to_owned()));
            }
        }
        match known.first() {
            Some((_, nearest)) => Sought::Empty(Some(Cow::Owned((*nearest).to_owned()))),
            None => Sought::Nothing,
        }
    }

    fn unit(&self, unit: &'p Unit, there: &Set) -> Sought<'p> {
        let key = unit
            .keys
            .iter()
            .find_map(|key| Some((*key, self.text(*key)?)));
        let place = key.and_then(|(key, text)| match &unit.place {
            Place::Hash(sticky) => Some(sticky.position(text.as_bytes())),
            Place::Remainder(divisor) => {
                let number = integer(self.request.value(key)?)?;
                Some(number.rem_euclid(*divisor) as f64)
            }
        });
        let range = place.and_then(|place| {
            let mut ranges = unit.ranges.iter();
            ranges.find(|range| range.from <= place && place < range.below)
        });
        let owner = range.map(|range| range.unit.as_str());
        match owner.or(unit.default.as_deref()) {
            Some(owner) => self.having(unit.label, owner, there),
            None => Sought::Nothing,
        }
    }

    /// The order of decision is that of Apache Dubbo's
    /// [TagStateRouter](https://github.com/apache/dubbo/blob/3.3/dubbo-cluster/src/main/java/org/apache/dubbo/rpc/cluster/router/tag/TagStateRouter.java):
    /// groups, then labels, then what has no tag (which is the fallback).
    fn tag(&self, position: usize, tag: &'p Tag, force: bool, there: &Set) -> Sought<'p> {
        let Some(index) = self.tagged(position) else {
            return Sought::Nothing;
        };
        let force_request = tag.force_key.and_then(|key| self.text(key));
        let force_request = force_request.is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let is_forced = force_request || force && tag.force_labels;
        let Some(wanted) = tag.keys.iter().find_map(|key| self.text(*key)) else {
            let kept = there.and(&index.untagged);
            return match (kept.is_empty(), is_forced) {
                (true, true) => Sought::Forced(None),
                (true, false) => Sought::Empty(None),
                (false, _) => Sought::Found(Outcome {
                    reason: Reason::RouterUntagged,
                    value: None,
                    kept: Some(kept),
                }),
            };
        };
        let shortens = |by: bool| by && !is_forced;
        let mut group = None;
        for level in levels(
            &wanted,
            &tag.separator,
            shortens(tag.hierarchy != Hierarchy::None),
        ) {
            let Some(members) = index.groups.get(level) else {
                continue;
            };
            group = Some(level);
            if let Some(found) = narrowed(there.and(members), level, &wanted) {
                return Sought::Found(found);
            }
            if tag.hierarchy == Hierarchy::Groups {
                break;
            }
        }
        if group.is_none() || tag.hierarchy != Hierarchy::Groups {
            for level in levels(
                &wanted,
                &tag.separator,
                shortens(tag.hierarchy == Hierarchy::All),
            ) {
                let Some(having) = self.service.having(tag.label, level) else {
                    continue;
                };
                if let Some(found) = narrowed(there.and(having), level, &wanted) {
                    return Sought::Found(found);
                }
            }
        }
        let forced = is_forced || force && group.is_some();
        let value = Some(Cow::Owned(wanted));
        match forced {
            true => Sought::Forced(value),
            false => Sought::Empty(value),
        }
    }

    fn condition(&mut self, rules: &'p Rules, there: &Set) -> Sought<'p> {
        let holds = |rule: &&Rule| {
            let from = rule.from.as_ref();
            rule.enabled && from.is_none_or(|from| from.evaluate(self.request) == Truth::True)
        };
        let Some(rule) = rules.rules.iter().find(holds) else {
            return Sought::Nothing;
        };
        if rule.to.is_empty() {
            return Sought::Nowhere(Cow::Borrowed(&rule.name));
        }
        let sets: Vec<Set> = rule.to.iter().map(|to| self.meant(to, there)).collect();
        let weights: Vec<f64> = rule.to.iter().map(|to| to.weight).collect();
        let drawn = self.draw(weights, rules.by.as_ref(), |at| {
            sets.get(at).is_some_and(|set| !set.is_empty())
        });
        let name = Cow::Borrowed(rule.name.as_str());
        let kept = drawn.and_then(|(at, widened)| Some((sets.into_iter().nth(at)?, widened)));
        found(kept, name)
    }

    fn weight(&mut self, weight: &'p Weight, there: &Set) -> Sought<'p> {
        let service = self.service;
        let weights = weight.values.iter().map(|(_, weight)| *weight).collect();
        let having = |at: usize| {
            let (value, _) = weight.values.get(at)?;
            Some((value, service.having(weight.label, value)?))
        };
        let drawn = self.draw(weights, weight.by.as_ref(), |at| {
            having(at).is_some_and(|(_, having)| having.meets(there))
        });
        let kept = drawn.and_then(|(at, widened)| {
            let (value, having) = having(at)?;
            Some((there.and(having), widened, value))
        });
        match kept {
            Some((kept, widened, value)) => found(Some((kept, widened)), Cow::Borrowed(value)),
            None => Sought::Empty(None),
        }
    }

    /// One of several shares that is there. A key whose share is not there gets another by another hash, so that the keys of
    /// the others stay where they are. Tells also whether that happened.
    fn draw(
        &mut self,
        mut weights: Vec<f64>,
        by: Option<&StickyBy>,
        is_there: impl Fn(usize) -> bool,
    ) -> Option<(usize, bool)> {
        let key = by.and_then(|by| Some((by, self.text(by.attribute)?.into_bytes())));
        for attempt in 0..weights.len() {
            let place = match &key {
                Some((by, key)) => {
                    let again = [b"\0", attempt.to_string().as_bytes()].concat();
                    let again = if attempt == 0 { &[] } else { again.as_slice() };
                    by.sticky.position(&[key, again].concat()) / by.sticky.of()
                }
                None => fraction((self.random)()),
            };
            let chosen = choose(weights.iter().copied(), place)?;
            if is_there(chosen) {
                return Some((chosen, attempt > 0));
            }
            if let Some(weight) = weights.get_mut(chosen) {
                *weight = 0.0;
            }
        }
        None
    }

    fn meant(&self, to: &To, there: &Set) -> Set {
        let service = self.service;
        let mut kept = there.clone();
        for (label, values) in &to.labels {
            kept.keep(&service.having_one(*label, values));
        }
        for (label, values) in &to.not_labels {
            kept.remove(&service.having_one(*label, values));
        }
        for (label, attribute) in &to.same {
            let value = self.text(*attribute);
            match value.and_then(|value| service.having(*label, &value)) {
                Some(having) => kept.keep(having),
                None => return self.nothing(),
            }
        }
        kept
    }

    fn fall_back(
        &self,
        position: usize,
        router: &'p Router,
        there: &Set,
        wanted: Option<Cow<'p, str>>,
    ) -> Outcome<'p> {
        let fallback = &router.fallback;
        let having = |value: &str| {
            let having = self.service.having(fallback.label?, value)?;
            let kept = there.and(having);
            (!kept.is_empty()).then_some(kept)
        };
        for value in &fallback.values {
            if let Some(kept) = having(value) {
                return Outcome {
                    reason: Reason::RouterFellBackValue,
                    value: Some(Cow::Borrowed(value)),
                    kept: Some(kept),
                };
            }
        }
        let nothing = Some(self.nothing());
        let (reason, kept) = match fallback.then {
            Then::Skip => (Reason::RouterSkipped, None),
            Then::Fail => (Reason::RouterFailed, nothing),
            Then::LastResort => (Reason::RouterLeftNothing, nothing),
            Then::Untagged => {
                let untagged = self
                    .tagged(position)
                    .map(|index| there.and(&index.untagged));
                match untagged.filter(|kept| !kept.is_empty()) {
                    Some(kept) => (Reason::RouterFellBackUntagged, Some(kept)),
                    None => (Reason::RouterLeftNothing, nothing),
                }
            }
        };
        Outcome {
            reason,
            value: wanted,
            kept,
        }
    }

    fn having(&self, label: LabelId, value: &'p str, there: &Set) -> Sought<'p> {
        let having = self.service.having(label, value);
        let kept = having.map(|having| there.and(having));
        match kept.filter(|kept| !kept.is_empty()) {
            Some(kept) => found(Some((kept, false)), Cow::Borrowed(value)),
            None => Sought::Empty(Some(Cow::Borrowed(value))),
        }
    }

    fn nothing(&self) -> Set {
        Set::none(self.service.destinations.len())
    }

    fn tagged(&self, position: usize) -> Option<&'p TagIndex> {
        self.service.tagged.get(position)?.as_ref()
    }

    /// An attribute as a text that is not empty.
    fn text(&self, attribute: AttributeId) -> Option<String> {
        let text = self.request.value(attribute)?.as_text()?;
        (!text.is_empty()).then(|| text.into_owned())
    }
}

impl Kind {
    /// A `tag` router knows itself what `force` is about.
    fn is_forced_by_router(&self) -> bool {
        !matches!(self, Self::Tag(_))
    }
}

fn found(kept: Option<(Set, bool)>, value: Cow<'_, str>) -> Sought<'_> {
    match kept {
        Some((kept, widened)) => Sought::Found(Outcome {
            reason: match widened {
                true => Reason::RouterWidened,
                false => Reason::RouterNarrowed,
            },
            value: Some(value),
            kept: Some(kept),
        }),
        None => Sought::Empty(Some(value)),
    }
}

fn narrowed<'p>(kept: Set, level: &str, wanted: &str) -> Option<Outcome<'p>> {
    (!kept.is_empty()).then(|| Outcome {
        reason: match level == wanted {
            true => Reason::RouterNarrowed,
            false => Reason::RouterWidened,
        },
        value: Some(Cow::Owned(level.to_owned())),
        kept: Some(kept),
    })
}

/// A tag, and when it `shortens` what is before its last separator, and so on.
fn levels<'t>(tag: &'t str, separator: &'t str, shortens: bool) -> impl Iterator<Item = &'t str> {
    let shorter = move |tag: &&'t str| {
        let (shorter, _) = tag.rsplit_once(separator).filter(|_| shortens)?;
        (!shorter.is_empty()).then_some(shorter)
    };
    std::iter::successors(Some(tag), shorter).take(MAX_LEVELS)
}

/// A client that sends a thousand separators does not get a thousand lookups.
const MAX_LEVELS: usize = 16;
