//! Regular expressions that match a whole value in linear time.

use regex_lite::{Regex, RegexBuilder};

/// An anchored regular expression.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    written: String,
    anchored: Regex,
}

impl Pattern {
    /// Compiles an expression so that it matches only whole values. (Anchoring at compile time:
    /// searching and comparing the span afterwards would let `a|ab` reject `ab`.)
    pub(crate) fn compile(written: &str) -> Result<Self, regex_lite::Error> {
        // On its own first, so that no expression can close our group.
        builder(written).build()?;
        let anchored = builder(&format!("^(?:{written})$"))
            .build()
            // In verbose mode a comment at the end takes our parenthesis with it.
            .or_else(|_| builder(&format!("^(?:{written}\n)$")).build())?;
        Ok(Self {
            written: written.to_owned(),
            anchored,
        })
    }

    /// Whether the expression matches; nothing when the value is longer than
    /// [`MAX_VALUE_LENGTH`].
    pub(crate) fn matches(&self, value: &str) -> Option<bool> {
        (value.len() <= MAX_VALUE_LENGTH).then(|| self.anchored.is_match(value))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }
}

fn builder(pattern: &str) -> RegexBuilder {
    let mut builder = RegexBuilder::new(pattern);
    builder
        .size_limit(MAX_COMPILED_SIZE)
        .nest_limit(MAX_NESTING);
    builder
}

/// The time of a match is proportional to the length of the value times the size of the
/// compiled expression; both are bounded, so that no request can hold up a worker.
pub(crate) const MAX_VALUE_LENGTH: usize = 8 * 1024;
const MAX_COMPILED_SIZE: usize = 64 * 1024;
const MAX_NESTING: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_whole_value_must_match() {
        let pattern = Pattern::compile("a|ab").unwrap();
        for (value, matches) in [
            ("a", true),
            ("ab", true),
            ("abc", false),
            ("xa", false),
            ("", false),
        ] {
            assert_eq!(pattern.matches(value), Some(matches), "{value}");
        }
        let lines = Pattern::compile("(?m)a$").unwrap();
        assert_eq!(lines.matches("a\nb"), Some(false));
    }

    #[test]
    fn a_comment_at_the_end_of_a_verbose_expression_is_one() {
        let pattern = Pattern::compile("(?x) a  # a letter").unwrap();
        assert_eq!(pattern.matches("a"), Some(true));
        assert_eq!(pattern.matches("ab"), Some(false));
    }

    #[test]
    fn an_expression_cannot_leave_its_group() {
        assert!(Pattern::compile("a)|(?:.*").is_err());
        assert!(Pattern::compile("(").is_err());
    }

    #[test]
    fn catastrophic_patterns_stay_linear_and_long_values_are_not_tried() {
        let pattern = Pattern::compile("(a*)*b").unwrap();
        assert_eq!(pattern.matches(&"a".repeat(MAX_VALUE_LENGTH)), Some(false));
        assert_eq!(pattern.matches(&"a".repeat(MAX_VALUE_LENGTH + 1)), None);
    }

    #[test]
    fn a_pattern_that_would_be_huge_is_refused() {
        assert!(Pattern::compile("(a{1000}){1000}").is_err());
    }
}
