//! What is most likely not meant in a configuration of `traffic-tag`.

use meshlane_diagnostics::{JsonPath, Segment};

use super::{is_enabled, is_unconditional, never_reached};
use crate::diagnostic::Diagnostic;
use crate::source::{Node, Span};

/// Rules behind one that always gives a value.
pub(super) fn unreachable_rules(config: &Node, warnings: &mut Vec<Diagnostic>) {
    let tags = config.get("tags").map(Node::items).unwrap_or_default();
    for (tag_index, tag) in tags.iter().enumerate() {
        let rules = tag.get("rules").map(Node::items).unwrap_or_default();
        let Some(always) = rules.iter().position(always_decides) else {
            continue;
        };
        let Some(deciding) = rules.get(always).map(Node::place) else {
            continue;
        };
        let path = |segments: &[Segment]| -> JsonPath {
            [Segment::Key("tags".to_owned()), Segment::Index(tag_index)]
                .iter()
                .chain(segments)
                .cloned()
                .collect()
        };
        let never = |what: &str, place: Span, path: JsonPath| {
            let why = " and always gives a value";
            never_reached(what, why, place, deciding.clone(), path)
        };
        for (index, rule) in rules.iter().enumerate().skip(always + 1) {
            if is_enabled(rule) {
                let segments = [Segment::Key("rules".to_owned()), Segment::Index(index)];
                warnings.push(never("this rule", rule.place(), path(&segments)));
            }
        }
        if let Some(default) = tag.entry("default") {
            let segments = [Segment::Key("default".to_owned())];
            warnings.push(never(
                "the default",
                default.key_span.clone(),
                path(&segments),
            ));
        }
    }
}

fn always_decides(rule: &Node) -> bool {
    let gives_value = rule
        .get("value")
        .is_some_and(|value| value.text().is_some());
    // With more than one source of a value the rule is wrong, which is said elsewhere.
    let only_value = rule.get("valueFrom").is_none() && rule.get("split").is_none();
    is_unconditional(rule, "when") && gives_value && only_value && is_enabled(rule)
}
