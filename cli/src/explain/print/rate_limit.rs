//! Why limits have room for a request, or none.

use meshlane_diagnostics::Reason;
use meshlane_rate_limit::{Explanation, KeyPart, LimitExplanation};

use super::{Page, with_meaning};

impl Page {
    pub(super) fn limited(&mut self, explanation: &Explanation) {
        for limit in &explanation.limits {
            self.gap();
            self.limit(limit);
        }
    }

    /// What was counted before, and what that means for the request.
    pub(super) fn counts(&mut self, explanation: &Explanation) {
        if explanation.limits.is_empty() {
            return;
        }
        let text = "counts  were empty: the proxy has had no requests but those shown here";
        self.line(1, text);
        if explanation.wait > 0.0 {
            let milliseconds = explanation.wait * 1_000.0;
            self.line(1, &format!("wait    {milliseconds:.0} ms for its turn"));
        }
    }

    fn limit(&mut self, limit: &LimitExplanation) {
        self.line(1, &format!("limit {} ({})", limit.name, limit.kind));
        self.line(2, &format!("because   {}", with_meaning(limit.reason)));
        let is_one_of =
            |reasons: &[Reason]| reasons.iter().any(|known| known.as_str() == limit.reason);
        if is_one_of(&[Reason::LimitAsked]) {
            self.line(
                2,
                "          it is not asked here: what it says is not known",
            );
        }
        if is_one_of(&PASSED_BY) {
            return;
        }
        if !is_one_of(&[Reason::LimitNotApplied]) {
            self.line(2, &format!("key       {}", key(limit)));
        }
        if let Some((left, limit)) = limit.remaining.zip(limit.limit) {
            self.line(2, &format!("left      {left} of {limit}"));
        }
        if let Some(when) = &limit.when {
            self.line(2, "when");
            self.condition(when, "", "");
        }
    }
}

fn key(limit: &LimitExplanation) -> String {
    let parts: Vec<_> = limit.key.iter().map(part).collect();
    match parts.as_slice() {
        // Of a service's limit no descriptor is left.
        [] if limit.reason == Reason::LimitKeyAbsent.as_str() => "(absent)".to_owned(),
        [] => "none: all requests together".to_owned(),
        parts => parts.join(", "),
    }
}

/// `header.x-user = alice`
fn part(part: &KeyPart) -> String {
    match &part.value {
        Some(value) => format!("{} = {value}", part.attribute),
        None => format!("{} (absent)", part.attribute),
    }
}

/// Nobody asked the limit.
const PASSED_BY: [Reason; 2] = [Reason::LimitDisabled, Reason::LimitNotReached];
