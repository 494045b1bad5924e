//! Expressions of condition rules, read as Dubbo's `ConditionStateRouter` reads them.

/// What is asked of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Matcher {
    pub(super) key: String,
    /// One of these is to match; what is among the others as well does not.
    pub(super) matches: Vec<String>,
    /// None of these is to match.
    pub(super) mismatches: Vec<String>,
}

impl Matcher {
    /// All that the key is compared with.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &String> {
        self.matches.iter().chain(&self.mismatches)
    }
}

/// An expression that Dubbo refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the separator `{separator}` before `{before}` makes no sense to Dubbo, which ignores the whole rule"
)]
pub(super) struct InvalidExpression {
    pub(super) separator: String,
    pub(super) before: String,
}

/// Reads `method=find*,list & host!=10.0.0.1`: every key must match.
pub(super) fn parse(text: &str) -> Result<Vec<Matcher>, InvalidExpression> {
    let mut matchers: Vec<Matcher> = Vec::new();
    let mut current = None;
    // The list that the last value went to: its matcher, and whether it is that of mismatches.
    let mut values: Option<(usize, bool)> = None;
    for (separator, content) in Tokens(text) {
        let refused = || InvalidExpression {
            separator: separator.to_owned(),
            before: content.to_owned(),
        };
        let known = matchers.iter().position(|matcher| matcher.key == content);
        match separator {
            "" | "&" => {
                let fresh = Matcher {
                    key: content.to_owned(),
                    matches: Vec::new(),
                    mismatches: Vec::new(),
                };
                current = Some(match known {
                    Some(at) => {
                        if let Some(matcher) = matchers.get_mut(at).filter(|_| separator.is_empty())
                        {
                            *matcher = fresh;
                        }
                        at
                    }
                    None => {
                        matchers.push(fresh);
                        matchers.len() - 1
                    }
                });
            }
            "=" => values = Some((current.ok_or_else(refused)?, false)),
            "!=" => values = Some((current.ok_or_else(refused)?, true)),
            "," if values.is_some() => {}
            _ => return Err(refused()),
        }
        let list = values.filter(|_| !matches!(separator, "" | "&"));
        if let Some((at, is_mismatch)) = list
            && let Some(matcher) = matchers.get_mut(at)
        {
            let list = match is_mismatch {
                true => &mut matcher.mismatches,
                false => &mut matcher.matches,
            };
            if !list.iter().any(|value| value == content) {
                list.push(content.to_owned());
            }
        }
    }
    Ok(matchers)
}

/// A separator, possibly none, and the word behind it: what `([&!=,]*)\s*([^&!=,\s]+)` finds, one after the other.
struct Tokens<'t>(&'t str);

impl<'t> Iterator for Tokens<'t> {
    type Item = (&'t str, &'t str);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.0.is_empty() {
            let text = self.0;
            let (separator, rest) = split(text, is_separator);
            let (_, rest) = split(rest, is_space);
            let (content, rest) = split(rest, |c| !is_separator(c) && !is_space(c));
            if !content.is_empty() {
                self.0 = rest;
                return Some((separator, content));
            }
            let mut skipped = text.chars();
            skipped.next();
            self.0 = skipped.as_str();
        }
        None
    }
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn is_separator(c: char) -> bool {
    matches!(c, '&' | '!' | '=' | ',')
}

/// What `\s` is in Java.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let matchers = parse(text).map(|matchers| {
            let matchers = matchers.iter().map(|matcher| {
                let Matcher {
                    key,
                    matches,
                    mismatches,
                } = matcher;
                format!("{key}={}!={}", matches.join(","), mismatches.join(","))
            });
            matchers.collect::<Vec<_>>().join(" & ")
        });
        matchers.unwrap_or_else(|error| format!("{}{}", error.separator, error.before))
    }

    #[test]
    fn is_read_as_dubbo_reads_it() {
        for (text, expected) in [
            ("method=find*,list", "method=find*,list!="),
            (
                "method = find* & host != 10.0.0.1,10.0.0.2",
                "method=find*!= & host=!=10.0.0.1,10.0.0.2",
            ),
            ("method=a & method=b & method!=c", "method=a,b!=c"),
            ("method=a,a", "method=a!="),
            ("method", "method=!="),
            // Without `&` a key begins anew.
            ("method=a method!=b", "method=!=b"),
            // A value behind a comma goes where the last one went.
            ("a=1 & b,2", "a=1,2!= & b=!="),
            ("=a", "=a"),
            (",a", ",a"),
            ("a==b", "==b"),
            ("a=b &", "a=b!="),
        ] {
            assert_eq!(written(text), expected, "{text}");
        }
    }
}
