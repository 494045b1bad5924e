//! Explanations for people.

use std::fmt::Write as _;

use meshlane_conditions::Explanation as Condition;
use meshlane_diagnostics::Reason;
use meshlane_traffic_tag::{HeaderWrite, RuleExplanation, TagExplanation};

use super::Explained;

/// An explained request as text.
pub fn print(explained: &Explained) -> String {
    let mut page = Page::default();
    page.line(0, &explained.request);
    if !explained.reserved_headers_removed.is_empty() {
        let names = explained.reserved_headers_removed.join(", ");
        page.line(1, &format!("reserved headers are removed first: {names}"));
    }
    if let Some(needs) = &explained.bridge_needs {
        page.line(1, &format!("if the filter `dubbo` has {needs}"));
    }
    for tag in &explained.explanation.tags {
        page.gap();
        page.tag(tag);
    }
    page.gap();
    page.writes(explained);
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn tag(&mut self, tag: &TagExplanation) {
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

    /// A condition and the conditions inside it, as a tree.
    fn condition(&mut self, condition: &Condition, first: &str, rest: &str) {
        let truth = condition.truth().as_str();
        let (text, parts): (String, Vec<&Condition>) = match condition {
            Condition::Leaf {
                attribute,
                found,
                operator,
                expected,
                position,
                ..
            } => {
                let found = match found {
                    Some(found) => format!("found {found:?}"),
                    None => "absent".to_owned(),
                };
                let position = position
                    .map(|position| format!(", falls at {position}"))
                    .unwrap_or_default();
                let text = format!("{attribute} {operator} {expected}: {found}{position}");
                (text, Vec::new())
            }
            Condition::All { parts, .. } => ("all of".to_owned(), parts.iter().collect()),
            Condition::Any { parts, .. } => ("any of".to_owned(), parts.iter().collect()),
            Condition::Not { part, .. } => ("not".to_owned(), vec![part]),
        };
        self.line(5, &format!("{first}{truth:<7} {text}"));
        let last = parts.len().saturating_sub(1);
        for (index, part) in parts.into_iter().enumerate() {
            let (branch, below) = if index == last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            self.condition(part, &format!("{rest}{branch}"), &format!("{rest}{below}"));
        }
    }

    fn writes(&mut self, explained: &Explained) {
        let explanation = &explained.explanation;
        if explanation.headers.is_empty() && explanation.set_cookies.is_empty() {
            self.line(1, "nothing is written");
        }
        for HeaderWrite { name, value } in &explanation.headers {
            match value {
                Some(value) => self.line(1, &format!("set     {name}: {value}")),
                None => self.line(1, &format!("remove  {name}")),
            }
        }
        for cookie in &explanation.set_cookies {
            self.line(1, &format!("respond set-cookie: {cookie}"));
        }
        self.line(1, &format!("log     {}", explanation.summary));
        if let Some(random) = &explained.random {
            self.line(
                1,
                &format!("chance  --random {random} gives the same again"),
            );
        }
    }

    fn line(&mut self, indentation: usize, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{:width$}{text}", "", width = indentation * 2);
    }

    fn gap(&mut self) {
        self.text.push('\n');
    }
}

/// A reason code with what it means.
fn with_meaning(code: &str) -> String {
    let meaning = Reason::ALL
        .iter()
        .find(|reason| reason.as_str() == code)
        .map(|reason| reason.description());
    match meaning {
        Some(meaning) => format!("{code}: {meaning}"),
        None => code.to_owned(),
    }
}
