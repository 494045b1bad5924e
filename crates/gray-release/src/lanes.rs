//! Which requests a workload takes.

use std::collections::BTreeMap;

use meshlane_attributes::{Request, Workload};
use meshlane_conditions::{Condition, Truth};
use meshlane_diagnostics::Reason;

use crate::config::{Mode, OnOtherLane, OnUnknownTag, OnUntagged};

/// The lanes that the values of a tag stand for.
#[derive(Debug, Clone)]
pub(crate) struct Lanes {
    pub(crate) label: String,
    /// The baseline's name: as a tag it says that the request is in no lane.
    pub(crate) baseline: Option<String>,
    pub(crate) lanes: BTreeMap<String, Lane>,
    pub(crate) on_untagged: OnUntagged,
    pub(crate) on_other_lane: OnOtherLane,
    pub(crate) on_unknown_tag: OnUnknownTag,
    pub(crate) exempt: Option<Condition>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Lane {
    pub(crate) mode: Mode,
    pub(crate) is_enabled: bool,
}

/// What a workload does with a request, as far as one tag goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) reason: Reason,
    /// Whether the tag is taken from the request.
    pub(crate) removes_tag: bool,
    pub(crate) action: Action,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Accept,
    Refuse,
    Reroute,
}

/// What a tag's value stands for.
enum Meaning<'t> {
    Untagged,
    /// Nothing, for the reason of the code.
    Void(Reason),
    Lane(&'t str, Lane),
    Unknown,
}

impl Lanes {
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.lanes.keys().map(String::as_str)
    }

    /// The lane of a workload; nothing when it belongs to the baseline.
    fn own<'w>(&self, workload: &'w Workload) -> Option<&'w str> {
        let label = workload.labels.get(&self.label)?;
        self.lanes.contains_key(label).then_some(label)
    }

    fn meaning<'t>(&self, tag: Option<&'t str>) -> Meaning<'t> {
        let Some(tag) = tag.filter(|tag| Some(*tag) != self.baseline.as_deref()) else {
            return Meaning::Untagged;
        };
        match (self.lanes.get(tag), self.on_unknown_tag) {
            (Some(lane), _) if lane.is_enabled => Meaning::Lane(tag, *lane),
            (Some(_), _) => Meaning::Void(Reason::LaneClosed),
            (None, OnUnknownTag::Untagged) => Meaning::Void(Reason::LaneUnknownTag),
            (None, OnUnknownTag::Refuse | OnUnknownTag::Accept) => Meaning::Unknown,
        }
    }

    /// What a workload does with a request that came to it.
    pub(crate) fn inbound(
        &self,
        tag: Option<&str>,
        workload: &Workload,
        request: &Request<'_>,
    ) -> Verdict {
        let exempt = self.exempt.as_ref();
        if exempt.is_some_and(|condition| condition.evaluate(request) == Truth::True) {
            return Verdict::accept(Reason::LaneExempt);
        }
        let own = self.own(workload);
        match self.meaning(tag) {
            Meaning::Untagged => self.untagged(own, None),
            Meaning::Void(reason) => self.untagged(own, Some(reason)),
            Meaning::Lane(lane, _) if own == Some(lane) => Verdict::accept(Reason::LaneOwn),
            Meaning::Lane(..) if own.is_some() => match self.on_other_lane {
                OnOtherLane::Refuse => Verdict::refuse(Reason::LaneOtherRefused),
                OnOtherLane::Reroute => Verdict::reroute(Reason::LaneOtherRerouted),
                OnOtherLane::Accept => Verdict::accept(Reason::LaneOtherAccepted),
            },
            Meaning::Lane(_, lane) => match lane.mode {
                Mode::Strict => Verdict::refuse(Reason::LaneLeft),
                Mode::Permissive => Verdict::accept(Reason::LaneFellBack),
            },
            Meaning::Unknown => match self.on_unknown_tag {
                OnUnknownTag::Refuse => Verdict::refuse(Reason::LaneUnknownRefused),
                _ => Verdict::accept(Reason::LaneUnknownAccepted),
            },
        }
    }

    /// What becomes of a call that leaves a workload. Whether it may go where it goes is for its receiver to say.
    pub(crate) fn outbound(&self, tag: Option<&str>) -> Verdict {
        match self.meaning(tag) {
            Meaning::Untagged => Verdict::accept(Reason::LaneBaseline),
            Meaning::Void(reason) => Verdict::accept(reason).without_tag(),
            Meaning::Lane(..) => Verdict::accept(Reason::LaneOwn),
            Meaning::Unknown => Verdict::accept(Reason::LaneUnknownAccepted),
        }
    }

    /// A request without a tag, or whose tag means nothing, for the reason of the code.
    fn untagged(&self, own: Option<&str>, void: Option<Reason>) -> Verdict {
        let verdict = match (own, self.on_untagged) {
            (None, _) => Verdict::accept(void.unwrap_or(Reason::LaneBaseline)),
            (Some(_), OnUntagged::Refuse) => Verdict::refuse(Reason::LaneUntaggedRefused),
            (Some(_), OnUntagged::Reroute) => Verdict::reroute(Reason::LaneUntaggedRerouted),
        };
        match void {
            Some(_) => verdict.without_tag(),
            None => verdict,
        }
    }
}

impl Verdict {
    fn accept(reason: Reason) -> Self {
        Self::new(reason, Action::Accept)
    }

    fn refuse(reason: Reason) -> Self {
        Self::new(reason, Action::Refuse)
    }

    fn reroute(reason: Reason) -> Self {
        Self::new(reason, Action::Reroute)
    }

    fn new(reason: Reason, action: Action) -> Self {
        Self {
            reason,
            removes_tag: false,
            action,
        }
    }

    fn without_tag(self) -> Self {
        Self {
            removes_tag: true,
            ..self
        }
    }
}
