//! Why a request gets its tags.

use meshlane_diagnostics::Reason;
use meshlane_traffic_tag::{RuleExplanation, TagExplanation};

use super::{Page, with_meaning};

impl Page {
    pub(super) fn tag(&mut self, tag: &TagExplanation) {
        let value = tag.value.as_deref().unwrap_or("(none)");
        self.line(1, &format!("tag {} = {value}", tag.name));
        self.line(2, &format!("because   {}", with_meaning(tag.reason)));
        if let Some(rule) = &tag.rule {
            self.line(2, &format!("rule      {rule}"));
        }
        let incoming = match &tag.incoming_value {
            Some(value) => format!("{value}, {}", with_meaning(tag.incoming)),
            None => with_meaning(tag.incoming),
        };
        self.line(2, &format!("incoming  {incoming}"));
        self.line(2, &format!("carriers  {}", tag.carriers.join(", ")));
        if !tag.rules.is_empty() {
            self.line(2, "rules");
        }
        for (index, rule) in tag.rules.iter().enumerate() {
            self.rule(index + 1, rule);
        }
        if let Some(default) = &tag.default {
            self.line(2, &format!("default   {default}"));
        }
    }

    fn rule(&mut self, number: usize, rule: &RuleExplanation) {
        let sign = match rule.reason {
            reason if reason == Reason::RuleMatched.as_str() => '✓',
            reason if reason == Reason::RuleNotReached.as_str() => '·',
            _ => '✗',
        };
        self.line(
            3,
            &format!("{sign} {number}. {} → {}", rule.name, rule.source),
        );
        self.line(5, &with_meaning(rule.reason));
        if let Some(condition) = &rule.condition {
            self.condition(condition, "", "");
        }
    }
}
