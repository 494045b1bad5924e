//! Conditions of ours.

use meshlane_attributes::AttributeTable;
use meshlane_conditions::config::{Condition, Scalar};
use meshlane_conditions::{AttributeScope, Condition as Validated};
use meshlane_diagnostics::{Place, Violations};

/// A condition on an attribute; the operator is to be filled in.
pub(super) fn of(attribute: impl Into<String>) -> Condition {
    Condition {
        attribute: Some(attribute.into()),
        ..Condition::default()
    }
}

pub(super) fn exact(attribute: impl Into<String>, value: impl Into<String>) -> Condition {
    Condition {
        exact: Some(Scalar::Text(value.into())),
        ..of(attribute)
    }
}

pub(super) fn one_of<T: Into<String>>(
    attribute: impl Into<String>,
    values: impl IntoIterator<Item = T>,
) -> Condition {
    Condition {
        one_of: Some(texts(values)),
        ..of(attribute)
    }
}

pub(super) fn not_in<T: Into<String>>(
    attribute: impl Into<String>,
    values: impl IntoIterator<Item = T>,
) -> Condition {
    Condition {
        not_in: Some(texts(values)),
        ..of(attribute)
    }
}

pub(super) fn prefix(attribute: impl Into<String>, text: impl Into<String>) -> Condition {
    Condition {
        prefix: Some(text.into()),
        ..of(attribute)
    }
}

pub(super) fn suffix(attribute: impl Into<String>, text: impl Into<String>) -> Condition {
    Condition {
        suffix: Some(text.into()),
        ..of(attribute)
    }
}

pub(super) fn regex(attribute: impl Into<String>, pattern: impl Into<String>) -> Condition {
    Condition {
        regex: Some(pattern.into()),
        ..of(attribute)
    }
}

pub(super) fn present(attribute: impl Into<String>, is_present: bool) -> Condition {
    Condition {
        present: Some(is_present),
        ..of(attribute)
    }
}

/// All of these; one alone is itself, none is nothing.
pub(super) fn all(mut conditions: Vec<Condition>) -> Option<Condition> {
    match conditions.len() {
        0 | 1 => conditions.pop(),
        _ => Some(Condition {
            all: Some(conditions),
            ..Condition::default()
        }),
    }
}

/// One of these; one alone is itself, none is nothing.
pub(super) fn any(mut conditions: Vec<Condition>) -> Option<Condition> {
    match conditions.len() {
        0 | 1 => conditions.pop(),
        _ => Some(Condition {
            any: Some(conditions),
            ..Condition::default()
        }),
    }
}

pub(super) fn not(condition: Condition) -> Condition {
    Condition {
        not: Some(Box::new(condition)),
        ..Condition::default()
    }
}

/// The condition where what cannot be decided, because an attribute is absent, does not hold: so that it can be turned round.
pub(super) fn decided(condition: Condition) -> Condition {
    let list = |conditions: Vec<Condition>| conditions.into_iter().map(decided).collect();
    match condition {
        Condition {
            all: Some(inner), ..
        } => Condition {
            all: Some(list(inner)),
            ..Condition::default()
        },
        Condition {
            any: Some(inner), ..
        } => Condition {
            any: Some(list(inner)),
            ..Condition::default()
        },
        leaf => match leaf.attribute.clone() {
            Some(attribute) => Condition {
                all: Some(vec![present(attribute, true), leaf]),
                ..Condition::default()
            },
            None => leaf,
        },
    }
}

/// What a filter would say against a condition.
pub(super) fn violations(condition: &Condition) -> Option<String> {
    let mut table = AttributeTable::default();
    let mut violations = Violations::default();
    let mut scope = AttributeScope {
        table: &mut table,
        violations: &mut violations,
        accepts: &|_| Ok(()),
    };
    Validated::new(condition, &Place::root(), &mut scope);
    let mut said = violations.iter();
    said.next().map(|violation| violation.problem.to_string())
}

fn texts<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Vec<Scalar> {
    let values = values.into_iter();
    values.map(|value| Scalar::Text(value.into())).collect()
}
