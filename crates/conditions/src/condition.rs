//! Validated conditions.

mod operand;

use meshlane_attributes::{Attribute, AttributeId, AttributeTable, InvalidAttribute, Request};
use meshlane_diagnostics::{Place, Problem, Violations};

use crate::config;
use crate::operator::Operator;
use crate::truth::Truth;

/// A validated condition.
#[derive(Debug, Clone)]
pub enum Condition {
    /// An attribute and what is asked of it.
    Leaf {
        /// The attribute.
        attribute: AttributeId,
        /// What is asked of it.
        operator: Operator,
    },
    /// Every one must hold.
    All(Vec<Condition>),
    /// At least one must hold.
    Any(Vec<Condition>),
    /// It must be decided and not hold.
    Not(Box<Condition>),
}

/// Where the attributes of a policy are collected, and which are allowed at a place.
pub struct AttributeScope<'a> {
    /// The attributes so far.
    pub table: &'a mut AttributeTable,
    /// What is wrong so far.
    pub violations: &'a mut Violations,
    /// Says what is wrong with an attribute at this place, if anything is.
    pub accepts: &'a dyn Fn(&Attribute) -> Result<(), Problem>,
}

impl AttributeScope<'_> {
    /// Takes an attribute by its name.
    pub fn attribute(&mut self, name: &str, place: &Place<'_>) -> Option<AttributeId> {
        let accepted = name
            .parse::<Attribute>()
            .map_err(|error| wrong_attribute(name, error))
            .and_then(|attribute| has_a_value(name, attribute))
            .and_then(|attribute| (self.accepts)(&attribute).map(|()| attribute))
            .and_then(|attribute| self.intern(attribute));
        match accepted {
            Ok(id) => Some(id),
            Err(problem) => {
                self.violations.push(place, problem);
                None
            }
        }
    }

    /// Each attribute takes a slot in every request; one that is known takes no other.
    fn intern(&mut self, attribute: Attribute) -> Result<AttributeId, Problem> {
        let id = self.table.intern(attribute);
        let (found, limit) = (self.table.iter().count(), Condition::MAX_ATTRIBUTES);
        if found > limit {
            let what = "different attributes";
            return Err(Problem::TooMany { what, found, limit });
        }
        Ok(id)
    }
}

fn wrong_attribute(name: &str, error: InvalidAttribute) -> Problem {
    let expected = match error {
        InvalidAttribute::HeaderName => "a header name after `header.`",
        InvalidAttribute::MissingName => "a name after the dot",
        InvalidAttribute::ArgumentPath => {
            "an argument's path after `dubbo.arg.`: `0`, `0.user.id`, `1[0]`"
        }
        InvalidAttribute::TooLong => "an attribute of at most 256 bytes",
        _ => return unknown_attribute(name),
    };
    let found = name.to_owned();
    Problem::InvalidValue { found, expected }
}

/// HTTP/2 and Envoy have no header `host`: a condition on it would never hold.
fn has_a_value(name: &str, attribute: Attribute) -> Result<Attribute, Problem> {
    match &attribute {
        Attribute::Header(header) if header.as_str() == "host" => Err(Problem::InvalidValue {
            found: name.to_owned(),
            expected: "the attribute `host`; Envoy keeps it as `:authority`",
        }),
        _ => Ok(attribute),
    }
}

/// The known names, with the user's own part filled in, so that the nearest one can be copied.
fn unknown_attribute(name: &str) -> Problem {
    let own = name.split_once('.').map_or("NAME", |(_, own)| own);
    let fill = |known: &&str| match known.rsplit_once('.') {
        Some((kind, "NAME" | "CLAIM" | "LABEL")) => format!("{kind}.{own}"),
        _ => (*known).to_owned(),
    };
    Problem::UnknownName {
        kind: "attribute",
        found: name.to_owned(),
        known: Attribute::NAMES.iter().map(fill).collect(),
    }
}

impl Condition {
    /// The deepest nesting of `all`, `any` and `not`.
    pub const MAX_DEPTH: usize = 16;
    /// The longest list of any kind in a condition.
    pub const MAX_LIST: usize = 10_000;
    /// The most different attributes that a policy may ask for.
    pub const MAX_ATTRIBUTES: usize = 500;

    /// Validates a condition; everything that is wrong goes to the scope's violations.
    pub fn new(
        config: &config::Condition,
        place: &Place<'_>,
        scope: &mut AttributeScope<'_>,
    ) -> Option<Self> {
        Self::nested(config, place, scope, 0)
    }

    fn nested(
        config: &config::Condition,
        place: &Place<'_>,
        scope: &mut AttributeScope<'_>,
        depth: usize,
    ) -> Option<Self> {
        if depth > Self::MAX_DEPTH {
            scope.violations.push(
                place,
                Problem::TooMany {
                    what: "nested conditions",
                    found: depth,
                    limit: Self::MAX_DEPTH,
                },
            );
            return None;
        }
        let operators = config.operators();
        match (&config.attribute, &config.all, &config.any, &config.not) {
            (Some(name), None, None, None) => leaf(config, name, &operators, place, scope),
            (None, Some(all), None, None) if operators.is_empty() => {
                joined(all, &place.key("all"), scope, depth).map(Self::All)
            }
            (None, None, Some(any), None) if operators.is_empty() => {
                joined(any, &place.key("any"), scope, depth).map(Self::Any)
            }
            (None, None, None, Some(not)) if operators.is_empty() => {
                let place = place.key("not");
                let condition = Self::nested(not, &place, scope, depth + 1)?;
                Some(Self::Not(Box::new(condition)))
            }
            (None, None, None, None) if !operators.is_empty() => {
                let key = "attribute";
                scope.violations.push(place, Problem::MissingKey { key });
                None
            }
            _ => {
                let found = config.shapes(&operators);
                let of = SHAPES;
                scope
                    .violations
                    .push(place, Problem::NotExactlyOne { found, of });
                None
            }
        }
    }

    /// Whether the condition holds for a request. Looks attributes up only as far as needed.
    pub fn evaluate(&self, request: &Request<'_>) -> Truth {
        match self {
            Self::Leaf {
                attribute,
                operator,
            } => operator.check(request.value(*attribute)),
            Self::All(parts) => evaluate_until(parts, request, Truth::False),
            Self::Any(parts) => evaluate_until(parts, request, Truth::True),
            Self::Not(part) => part.evaluate(request).negated(),
        }
    }
}

/// The parts until one decides; otherwise unknown if one is, and the opposite if none is.
fn evaluate_until(parts: &[Condition], request: &Request<'_>, deciding: Truth) -> Truth {
    let mut result = deciding.negated();
    for part in parts {
        match part.evaluate(request) {
            truth if truth == deciding => return deciding,
            Truth::Unknown => result = Truth::Unknown,
            _ => {}
        }
    }
    result
}

fn joined(
    parts: &[config::Condition],
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
    depth: usize,
) -> Option<Vec<Condition>> {
    if !scope
        .violations
        .bounded(place, "conditions", parts, Condition::MAX_LIST)
    {
        return None;
    }
    let validated: Vec<_> = parts
        .iter()
        .enumerate()
        .map(|(index, part)| Condition::nested(part, &place.index(index), scope, depth + 1))
        .collect();
    validated.into_iter().collect()
}

fn leaf(
    config: &config::Condition,
    name: &str,
    operators: &[&'static str],
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<Condition> {
    let attribute = scope.attribute(name, &place.key("attribute"));
    let operator = match operators {
        [operator] => config.operator(&place.key(operator), scope.violations),
        _ => {
            let found = operators.to_vec();
            let of = OPERATORS;
            scope
                .violations
                .push(place, Problem::NotExactlyOne { found, of });
            None
        }
    };
    Some(Condition::Leaf {
        attribute: attribute?,
        operator: operator?,
    })
}

const OPERATORS: &[&str] = &[
    "exact", "prefix", "suffix", "contains", "regex", "in", "notIn", "present", "range", "cidr",
    "mod", "bucket",
];
const SHAPES: &[&str] = &["attribute", "all", "any", "not"];

impl config::Condition {
    /// The operators that are there.
    fn operators(&self) -> Vec<&'static str> {
        let there = [
            self.exact.is_some(),
            self.prefix.is_some(),
            self.suffix.is_some(),
            self.contains.is_some(),
            self.regex.is_some(),
            self.one_of.is_some(),
            self.not_in.is_some(),
            self.present.is_some(),
            self.range.is_some(),
            self.cidr.is_some(),
            self.modulo.is_some(),
            self.bucket.is_some(),
        ];
        let named = OPERATORS.iter().zip(there);
        named
            .filter(|(_, there)| *there)
            .map(|(name, _)| *name)
            .collect()
    }

    /// The keys that say what kind of condition this is, and the operators that stand beside them.
    fn shapes(&self, operators: &[&'static str]) -> Vec<&'static str> {
        let there = [
            self.attribute.is_some(),
            self.all.is_some(),
            self.any.is_some(),
            self.not.is_some(),
        ];
        let named = SHAPES.iter().zip(there);
        let shapes = named.filter(|(_, there)| *there).map(|(name, _)| *name);
        shapes.chain(operators.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests;
