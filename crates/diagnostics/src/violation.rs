//! What is wrong in a configuration document.

use std::collections::BTreeMap;
use std::fmt;

use crate::nearest::nearest;
use crate::path::{JsonPath, Place};

/// One thing that is wrong in a configuration document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct Violation {
    /// Where it is.
    pub path: JsonPath,
    /// What it is.
    pub problem: Problem,
}

/// The ways in which a configuration value can be wrong.
///
/// A variant carries the offending value and what was expected, never a sentence;
/// [`fmt::Display`] makes the sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The document is not JSON (or its structure does not fit, in the words of the parser).
    #[error("{detail}")]
    Malformed {
        /// What the parser said.
        detail: String,
    },
    /// An object has a key that does not exist.
    #[error("unknown key `{key}`{}", did_you_mean(key, known))]
    UnknownKey {
        /// The key that was found.
        key: String,
        /// The keys that exist at this place.
        known: Vec<String>,
    },
    /// A key is required and absent.
    #[error("key `{key}` is missing")]
    MissingKey {
        /// The key.
        key: &'static str,
    },
    /// A value has the wrong JSON type.
    #[error("found {found}, expected {expected}")]
    WrongType {
        /// The value, as JSON.
        found: String,
        /// The type.
        expected: String,
    },
    /// A value has the right type and is not acceptable.
    #[error("found `{found}`, expected {expected}")]
    InvalidValue {
        /// The value.
        found: String,
        /// What is acceptable here.
        expected: &'static str,
    },
    /// A name is not one of those that exist.
    #[error(
        "unknown {kind} `{found}`, expected one of {}{}",
        list(known),
        did_you_mean(found, known)
    )]
    UnknownName {
        /// What is named: `attribute`, `tag` …
        kind: &'static str,
        /// The name.
        found: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// Exactly one of several keys must be there.
    #[error("expected exactly one of {}, found {}", list(of), found_keys(found))]
    NotExactlyOne {
        /// The keys that were found.
        found: Vec<&'static str>,
        /// The keys of which one is expected.
        of: &'static [&'static str],
    },
    /// A list or a text is longer than allowed.
    #[error("{what}: found {found}, at most {limit} are allowed")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A list is empty where an empty one would mean nothing.
    #[error("{what}: found none, at least one is needed")]
    Empty {
        /// What is counted.
        what: &'static str,
    },
    /// A name occurs twice where it must be unique.
    #[error("`{value}` is already used at {first}")]
    Duplicate {
        /// The name.
        value: String,
        /// Where it was used first.
        first: JsonPath,
    },
    /// Something refers to a thing that is decided only later.
    #[error("`{name}` is decided after this place, at {defined}; put it earlier in the list")]
    UsedBeforeDecided {
        /// The name.
        name: String,
        /// Where it is decided.
        defined: JsonPath,
    },
    /// A number has more digits than a double carries; Istio delivers numbers as doubles.
    #[error(
        "the number {found} loses digits on its way through Istio (numbers are doubles there); write it as a string"
    )]
    InexactNumber {
        /// The number as it arrived.
        found: String,
    },
    /// The weights of a split exceed what they are shares of.
    #[error("the weights add up to {sum}, which is more than {of}")]
    WeightsExceed {
        /// Their sum.
        sum: String,
        /// What they are shares of.
        of: String,
    },
    /// A regular expression does not compile.
    #[error("`{pattern}` is not a regular expression of the accepted syntax: {detail}")]
    InvalidRegex {
        /// The expression.
        pattern: String,
        /// What the engine said.
        detail: String,
    },
    /// A key that cannot be combined with a value elsewhere in the same object.
    #[error("`{key}` cannot be used with {with}")]
    Incompatible {
        /// The key.
        key: &'static str,
        /// What it does not go with.
        with: &'static str,
    },
}

impl Problem {
    /// A stable name of the kind of problem, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::UnknownKey { .. } => "unknown-key",
            Self::MissingKey { .. } => "missing-key",
            Self::WrongType { .. } => "wrong-type",
            Self::InvalidValue { .. } => "invalid-value",
            Self::UnknownName { .. } => "unknown-name",
            Self::NotExactlyOne { .. } => "not-exactly-one",
            Self::TooMany { .. } => "too-many",
            Self::Empty { .. } => "empty",
            Self::Duplicate { .. } => "duplicate",
            Self::UsedBeforeDecided { .. } => "used-before-decided",
            Self::InexactNumber { .. } => "inexact-number",
            Self::WeightsExceed { .. } => "weights-exceed",
            Self::InvalidRegex { .. } => "invalid-regex",
            Self::Incompatible { .. } => "incompatible",
        }
    }

    /// What was found, where that can be said in a word.
    pub fn found(&self) -> Option<String> {
        match self {
            Self::UnknownKey { key, .. } => Some(key.clone()),
            Self::WrongType { found, .. }
            | Self::InvalidValue { found, .. }
            | Self::UnknownName { found, .. }
            | Self::InexactNumber { found } => Some(found.clone()),
            Self::NotExactlyOne { found, .. } => Some(found_keys(found)),
            Self::TooMany { found, .. } => Some(found.to_string()),
            Self::Duplicate { value, .. } => Some(value.clone()),
            Self::UsedBeforeDecided { name, .. } => Some(name.clone()),
            Self::WeightsExceed { sum, .. } => Some(sum.clone()),
            Self::InvalidRegex { pattern, .. } => Some(pattern.clone()),
            Self::Incompatible { key, .. } => Some((*key).to_owned()),
            Self::Malformed { .. } | Self::MissingKey { .. } | Self::Empty { .. } => None,
        }
    }

    /// What was expected, where that can be said in a few words.
    pub fn expected(&self) -> Option<String> {
        match self {
            Self::UnknownKey { known, .. } | Self::UnknownName { known, .. } => Some(list(known)),
            Self::MissingKey { key } => Some((*key).to_owned()),
            Self::WrongType { expected, .. } => Some(expected.clone()),
            Self::InvalidValue { expected, .. } => Some((*expected).to_owned()),
            Self::NotExactlyOne { of, .. } => Some(list(of)),
            Self::TooMany { limit, .. } => Some(format!("at most {limit}")),
            Self::Empty { .. } => Some("at least one".to_owned()),
            Self::WeightsExceed { of, .. } => Some(format!("at most {of}")),
            Self::InexactNumber { .. } => Some("a string".to_owned()),
            Self::Malformed { .. }
            | Self::Duplicate { .. }
            | Self::UsedBeforeDecided { .. }
            | Self::InvalidRegex { .. }
            | Self::Incompatible { .. } => None,
        }
    }

    /// The name that was most likely meant.
    pub fn suggestion(&self) -> Option<&str> {
        match self {
            Self::UnknownKey { key: found, known } | Self::UnknownName { found, known, .. } => {
                nearest(found, known.iter().map(String::as_str))
            }
            _ => None,
        }
    }
}

/// All that is wrong in a document, in the order in which it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Notes a problem at a place.
    pub fn push(&mut self, place: &Place<'_>, problem: Problem) {
        self.0.push(Violation {
            path: place.to_path(),
            problem,
        });
    }

    /// Notes a value that has the right type and is not acceptable.
    pub fn invalid(&mut self, place: &Place<'_>, found: impl ToString, expected: &'static str) {
        let found = found.to_string();
        self.push(place, Problem::InvalidValue { found, expected });
    }

    /// Notes a list that is empty or longer than `limit`; tells whether it is neither.
    pub fn bounded<T>(
        &mut self,
        place: &Place<'_>,
        what: &'static str,
        list: &[T],
        limit: usize,
    ) -> bool {
        if list.is_empty() {
            self.push(place, Problem::Empty { what });
            return false;
        }
        self.at_most(place, what, list, limit)
    }

    /// Notes a list that is longer than `limit`; tells whether it is not.
    pub fn at_most<T>(
        &mut self,
        place: &Place<'_>,
        what: &'static str,
        list: &[T],
        limit: usize,
    ) -> bool {
        let found = list.len();
        if found > limit {
            self.push(place, Problem::TooMany { what, found, limit });
        }
        found <= limit
    }

    /// Notes a name that cannot go into metrics and logs.
    pub fn identifier(&mut self, place: &Place<'_>, text: &str) {
        let is_valid = (1..=MAX_IDENTIFIER).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/'));
        if !is_valid {
            self.invalid(place, text, "a name of 1 to 64 letters, digits and `-_/`");
        }
    }

    /// Notes a label's name that is none.
    pub fn label(&mut self, place: &Place<'_>, name: &str) {
        if !is_label(name) {
            let expected = "a label's name: 1 to 128 visible ASCII characters";
            self.invalid(place, name, expected);
        }
    }

    /// Notes a label's value that is none.
    pub fn label_value(&mut self, place: &Place<'_>, value: &str) {
        if !is_label(value) {
            let expected = "a label's value: 1 to 128 visible ASCII characters";
            self.invalid(place, value, expected);
        }
    }

    /// Notes that not exactly one of the keys `of` is there.
    pub fn not_exactly_one(
        &mut self,
        place: &Place<'_>,
        of: &'static [&'static str],
        there: &[bool],
    ) {
        let named = of.iter().zip(there).filter(|(_, there)| **there);
        let found = named.map(|(key, _)| *key).collect();
        self.push(place, Problem::NotExactlyOne { found, of });
    }

    /// Notes a name whose `key` was used before; remembers it otherwise.
    pub fn unique(
        &mut self,
        place: &Place<'_>,
        name: &str,
        key: String,
        names: &mut BTreeMap<String, JsonPath>,
    ) {
        match names.get(&key) {
            Some(first) => {
                let (value, first) = (name.to_owned(), first.clone());
                self.push(place, Problem::Duplicate { value, first });
            }
            None => {
                names.insert(key, place.to_path());
            }
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many things are wrong.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Everything that is wrong.
    pub fn iter(&self) -> std::slice::Iter<'_, Violation> {
        self.0.iter()
    }

    /// `value` when nothing is wrong, what is wrong otherwise.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

/// Whether a text may be the name or the value of a label: what Kubernetes has there, and a little more.
pub fn is_label(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl From<Violation> for Violations {
    fn from(violation: Violation) -> Self {
        Self(vec![violation])
    }
}

impl IntoIterator for Violations {
    type Item = Violation;
    type IntoIter = std::vec::IntoIter<Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Violations {
    type Item = &'a Violation;
    type IntoIter = std::slice::Iter<'a, Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::error::Error for Violations {}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, violation) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{violation}")?;
        }
        Ok(())
    }
}

fn list(names: &[impl AsRef<str>]) -> String {
    let mut text = String::new();
    for (position, name) in names.iter().enumerate() {
        if position > 0 {
            text.push_str(", ");
        }
        text.push('`');
        text.push_str(name.as_ref());
        text.push('`');
    }
    text
}

fn found_keys(keys: &[&'static str]) -> String {
    if keys.is_empty() {
        "none".to_owned()
    } else {
        list(keys)
    }
}

fn did_you_mean(found: &str, known: &[String]) -> String {
    nearest(found, known.iter().map(String::as_str))
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}

const MAX_IDENTIFIER: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn says_where_what_and_what_was_meant() {
        let mut violations = Violations::default();
        let root = Place::root();
        violations.push(
            &root.key("when"),
            Problem::UnknownKey {
                key: "exakt".into(),
                known: vec!["exact".into(), "prefix".into()],
            },
        );
        violations.push(
            &root,
            Problem::NotExactlyOne {
                found: vec![],
                of: &["value", "split"],
            },
        );
        assert_eq!(
            violations.to_string(),
            "when: unknown key `exakt`; did you mean `exact`?\n\
             .: expected exactly one of `value`, `split`, found none"
        );
        let first = violations.iter().next().unwrap();
        assert_eq!(first.problem.suggestion(), Some("exact"));
        assert_eq!(first.problem.code(), "unknown-key");
    }
}
