//! What is asked of an attribute that is present.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use meshlane_attributes::Value;

use crate::bucket::Sticky;
use crate::pattern::Pattern;
use crate::scalar::{LARGEST_EXACT, Scalar};
use crate::truth::Truth;

/// A validated operator with its operand.
#[derive(Debug, Clone)]
pub struct Operator(pub(crate) Kind);

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Exact(Scalar),
    Prefix(String),
    Suffix(String),
    Contains(String),
    Regex(Pattern),
    In(Vec<Scalar>),
    NotIn(Vec<Scalar>),
    Present(bool),
    Range {
        min: f64,
        max: f64,
    },
    Cidr(Vec<IpNet>),
    Mod {
        divisor: i128,
        remainders: Vec<i128>,
    },
    Bucket {
        below: f64,
        sticky: Sticky,
    },
}

impl Operator {
    /// Whether the attribute passes; one that is absent is unknown to all but `present`.
    pub fn check(&self, value: Option<&Value<'_>>) -> Truth {
        match (&self.0, value) {
            (Kind::Present(expected), _) => Truth::from(value.is_some() == *expected),
            (_, None) => Truth::Unknown,
            (Kind::Exact(expected), Some(value)) => expected.equals(value).into(),
            (Kind::In(list), Some(value)) => contains(list, value).into(),
            (Kind::NotIn(list), Some(value)) => (!contains(list, value)).into(),
            (kind, Some(Value::List(elements))) => kind.check_any(elements),
            (kind, Some(value)) => kind.check_one(value),
        }
    }

    /// The operator's name in a configuration.
    pub fn name(&self) -> &'static str {
        match &self.0 {
            Kind::Exact(_) => "exact",
            Kind::Prefix(_) => "prefix",
            Kind::Suffix(_) => "suffix",
            Kind::Contains(_) => "contains",
            Kind::Regex(_) => "regex",
            Kind::In(_) => "in",
            Kind::NotIn(_) => "notIn",
            Kind::Present(_) => "present",
            Kind::Range { .. } => "range",
            Kind::Cidr(_) => "cidr",
            Kind::Mod { .. } => "mod",
            Kind::Bucket { .. } => "bucket",
        }
    }

    /// Where the value falls, for a `bucket`: what people ask when a user is not in a share.
    pub fn position(&self, value: &Value<'_>) -> Option<f64> {
        match &self.0 {
            Kind::Bucket { sticky, .. } => Some(sticky.position(value.as_text()?.as_bytes())),
            _ => None,
        }
    }
}

impl Kind {
    /// True when one element passes, unknown when none does and one cannot be read.
    fn check_any(&self, elements: &[Value<'_>]) -> Truth {
        let mut result = Truth::False;
        for element in elements {
            match self.check_one(element) {
                Truth::True => return Truth::True,
                Truth::Unknown => result = Truth::Unknown,
                Truth::False => {}
            }
        }
        result
    }

    fn check_one(&self, value: &Value<'_>) -> Truth {
        let text = value.as_text();
        let text = text.as_deref();
        let holds = match self {
            Self::Prefix(prefix) => text.map(|text| text.starts_with(prefix.as_str())),
            Self::Suffix(suffix) => text.map(|text| text.ends_with(suffix.as_str())),
            Self::Contains(part) => text.map(|text| text.contains(part.as_str())),
            Self::Regex(pattern) => text.and_then(|text| pattern.matches(text)),
            Self::Range { min, max } => value
                .as_number()
                .map(|found| *min <= found && found <= *max),
            Self::Cidr(networks) => text
                .and_then(address)
                .map(|found| networks.iter().any(|network| network.contains(&found))),
            Self::Mod {
                divisor,
                remainders,
            } => integer(value).map(|found| remainders.contains(&found.rem_euclid(*divisor))),
            Self::Bucket { below, sticky } => {
                text.map(|text| sticky.position(text.as_bytes()) < *below)
            }
            Self::Exact(expected) => Some(expected.equals(value)),
            Self::In(list) => Some(contains(list, value)),
            Self::NotIn(list) => Some(!contains(list, value)),
            Self::Present(expected) => Some(*expected),
        };
        holds.into()
    }
}

fn contains(list: &[Scalar], value: &Value<'_>) -> bool {
    list.iter().any(|scalar| scalar.equals(value))
}

fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical())
}

/// The integer that a value is. A text is read digit by digit: it may be larger than a double holds.
/// A number that large has lost its last digits already.
pub fn integer(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Text(text) => text.parse().ok(),
        Value::Number(number) if number.fract() == 0.0 && number.abs() <= LARGEST_EXACT => {
            Some(*number as i128)
        }
        _ => None,
    }
}

/// The operand, as it would stand in a configuration.
impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Exact(scalar) => write!(f, "{scalar}"),
            Kind::Prefix(text) | Kind::Suffix(text) | Kind::Contains(text) => f.write_str(text),
            Kind::Regex(pattern) => f.write_str(pattern.as_str()),
            Kind::In(list) | Kind::NotIn(list) => write_list(f, list),
            Kind::Present(expected) => write!(f, "{expected}"),
            Kind::Range { min, max } => write!(f, "{min} to {max}"),
            Kind::Cidr(networks) => write_list(f, networks),
            Kind::Mod {
                divisor,
                remainders,
            } => {
                write!(f, "{divisor} in ")?;
                write_list(f, remainders)
            }
            Kind::Bucket { below, sticky } => write!(f, "below {below} of {}", sticky.of()),
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, list: &[impl fmt::Display]) -> fmt::Result {
    f.write_str("[")?;
    for (position, element) in list.iter().enumerate() {
        if position > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{element}")?;
    }
    f.write_str("]")
}
