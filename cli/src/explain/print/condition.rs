//! Conditions with what was found.

use meshlane_conditions::Explanation as Condition;

use super::Page;

impl Page {
    /// A condition and the conditions inside it, as a tree.
    pub(super) fn condition(&mut self, condition: &Condition, first: &str, rest: &str) {
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
}
