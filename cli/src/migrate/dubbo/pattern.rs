//! Values of condition rules: whole words, words with one `*`, ranges. What a value matches is decided as Dubbo's `ValuePattern`s
//! decide it.

use meshlane_conditions::config::{Condition, Range};

use super::expression::Matcher;
use crate::migrate::condition::{all, any, exact, not, of, prefix, present, regex, suffix};

/// What a value stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern<'t> {
    /// Everything.
    Anything,
    /// This word.
    Word(&'t str),
    /// What begins and ends so.
    Ends(&'t str, &'t str),
    /// A number between these. What is no number counts as 0.
    Range(i32, i32),
    /// A range that Dubbo cannot read: it matches no request, and every provider.
    Unreadable,
}

/// Which side of `=>` a pattern stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// It is about requests.
    When,
    /// It is about providers.
    Then,
}

impl<'t> Pattern<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        if text.contains('~') {
            return range(text).map_or(Self::Unreadable, |(min, max)| Self::Range(min, max));
        }
        match text.rsplit_once('*') {
            None => Self::Word(text),
            Some(("", "")) => Self::Anything,
            Some((prefix, suffix)) => Self::Ends(prefix, suffix),
        }
    }

    /// Whether a value that is there matches.
    pub(super) fn matches(&self, value: &str, side: Side) -> bool {
        match self {
            Self::Anything => true,
            Self::Word(word) => value == *word,
            Self::Ends(prefix, suffix) => {
                !value.is_empty() && value.starts_with(prefix) && value.ends_with(suffix)
            }
            Self::Range(min, max) => {
                integer(value).map_or(side == Side::Then, |number| (*min..=*max).contains(&number))
            }
            Self::Unreadable => side == Side::Then,
        }
    }

    /// The same for an attribute of requests; nothing when none matches.
    fn condition(&self, attribute: &str) -> Option<Condition> {
        match self {
            Self::Anything => Some(present(attribute, true)),
            Self::Word(word) => Some(exact(attribute, *word)),
            Self::Ends(start, end) => {
                let start = (!start.is_empty()).then(|| prefix(attribute, *start));
                let end = (!end.is_empty()).then(|| suffix(attribute, *end));
                all([start, end].into_iter().flatten().collect())
            }
            Self::Range(min, max) => {
                let digits = || regex(attribute, "[0-9]+");
                let range = Condition {
                    range: Some(Range {
                        min: Some(f64::from(*min)),
                        max: Some(f64::from(*max)),
                    }),
                    ..of(attribute)
                };
                let number = all(vec![digits(), range])?;
                match (*min..=*max).contains(&0) {
                    true => any(vec![number, not(digits())]),
                    false => Some(number),
                }
            }
            Self::Unreadable => None,
        }
    }
}

impl Matcher {
    /// Whether a value that is there matches.
    pub(super) fn is_match(&self, value: &str, side: Side) -> bool {
        let is_one = |patterns: &[String]| {
            let mut patterns = patterns.iter();
            patterns.any(|pattern| Pattern::of(pattern).matches(value, side))
        };
        match (self.matches.as_slice(), self.mismatches.as_slice()) {
            ([], []) => false,
            ([], mismatches) => !is_one(mismatches),
            (matches, mismatches) => !is_one(mismatches) && is_one(matches),
        }
    }

    /// The same for an attribute of requests, which has to be there; nothing when no request matches.
    pub(super) fn condition(&self, attribute: &str) -> Option<Condition> {
        let one = |patterns: &[String]| {
            let patterns = patterns.iter();
            let conditions = patterns.filter_map(|text| Pattern::of(text).condition(attribute));
            any(conditions.collect())
        };
        if self.matches.is_empty() && self.mismatches.is_empty() {
            return None;
        }
        let is_anything = |text: &String| Pattern::of(text) == Pattern::Anything;
        if self.mismatches.iter().any(is_anything) {
            return None;
        }
        let mut conditions = Vec::new();
        if !self.mismatches.is_empty() {
            conditions.push(match one(&self.mismatches) {
                Some(mismatch) => not(mismatch),
                None => present(attribute, true),
            });
        }
        if !self.matches.is_empty() {
            conditions.push(one(&self.matches)?);
        }
        all(conditions)
    }
}

/// The two ends, as far as Dubbo can read them: of a range that has no end it reads none of both.
fn range(text: &str) -> Option<(i32, i32)> {
    // `String.split` of Java leaves out empty parts at the end.
    let text = text.trim_end_matches('~');
    let mut parts = text.split('~');
    let (start, end) = (parts.next()?, parts.next()?);
    let end_or = |text: &str, open: i32| match text {
        "" => Some(open),
        text => integer(text),
    };
    match (start, end) {
        ("", "") => None,
        (start, end) => Some((end_or(start, i32::MIN)?, end_or(end, i32::MAX)?)),
    }
}

/// `StringUtils.parseInteger`: 0 for what is no row of digits; nothing for what is too large.
fn integer(text: &str) -> Option<i32> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match is_number {
        true => text.parse().ok(),
        false => Some(0),
    }
}

/// What an argument is to Dubbo that is not there.
pub(super) const NOT_FOUND: &str = "dubbo_internal_not_found_argument_condition_value";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_dubbo() {
        for (text, pattern) in [
            ("*", Pattern::Anything),
            ("find", Pattern::Word("find")),
            ("find*", Pattern::Ends("find", "")),
            ("*ById", Pattern::Ends("", "ById")),
            ("find*ById", Pattern::Ends("find", "ById")),
            // Only the last `*` is one.
            ("*a*", Pattern::Ends("*a", "")),
            ("1~100", Pattern::Range(1, 100)),
            ("~100", Pattern::Range(i32::MIN, 100)),
            // Documented, and not what the code does.
            ("1~", Pattern::Unreadable),
            ("~", Pattern::Unreadable),
            ("a~b", Pattern::Range(0, 0)),
            ("1~99999999999", Pattern::Unreadable),
            ("-5~5", Pattern::Range(0, 5)),
        ] {
            assert_eq!(Pattern::of(text), pattern, "{text}");
        }
    }
}
