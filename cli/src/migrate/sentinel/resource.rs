//! What Sentinel calls a resource: which requests that are.

use meshlane_conditions::config::Condition;
use meshlane_diagnostics::Place;

use crate::migrate::condition::{all, exact, regex};
use crate::migrate::report::Report;

/// Which requests are of a resource, by the names that Sentinel's own adapters give.
pub(super) struct Resource {
    /// The condition that they fulfil.
    pub(super) when: Condition,
    /// Whether the types of a method's parameters were left out.
    pub(super) left_types: bool,
}

impl Resource {
    /// Tells of a rule that the types of parameters do not count.
    pub(super) fn tell_types(&self, rule: &Place<'_>, report: &mut Report) {
        if self.left_types {
            report.changed(
                &rule.key("resource"),
                "a proxy does not see the types of parameters in every call",
                "all methods of this name are counted together",
            );
        }
    }

    /// `/orders/{id}` and `GET:/orders` of the adapters for HTTP, `org.example.Orders` and `org.example.Orders:find(java.lang.String)`
    /// of those for Dubbo. Nothing for the names that applications make up.
    pub(super) fn of(name: &str) -> Option<Self> {
        let is_method =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase());
        let (method, rest) = match name.split_once(':') {
            Some((method, rest)) if is_method(method) && rest.starts_with('/') => {
                (Some(method), rest)
            }
            _ => (None, name),
        };
        if rest.starts_with('/') {
            let conditions = [
                method.map(|method| exact("method", method)),
                Some(path(rest)),
            ];
            let when = all(conditions.into_iter().flatten().collect())?;
            return Some(Self {
                when,
                left_types: false,
            });
        }
        let (interface, method) = match name.split_once(':') {
            Some((interface, method)) => (interface, Some(method)),
            None => (name, None),
        };
        if !is_interface(interface) {
            return None;
        }
        let Some(method) = method else {
            return Some(Self {
                when: exact("dubbo.interface", interface),
                left_types: false,
            });
        };
        let (method, types) = match method.split_once('(') {
            Some((method, types)) => (method, types.strip_suffix(')')?),
            None => (method, ""),
        };
        if !is_word(method) {
            return None;
        }
        let of_interface = exact("dubbo.interface", interface);
        let when = all(vec![of_interface, exact("dubbo.method", method)])?;
        Some(Self {
            when,
            left_types: !types.is_empty(),
        })
    }
}

/// A path, or the pattern of one as Spring has it: `{id}` and `*` are one segment, `**` is any number of them.
fn path(pattern: &str) -> Condition {
    if !pattern.contains(['{', '*', '?']) {
        return exact("path", pattern);
    }
    let mut expression = String::new();
    let mut rest = pattern;
    while let Some(next) = rest.chars().next() {
        let (part, length) = match next {
            '{' => match rest.find('}') {
                Some(end) => ("[^/]+".to_owned(), end + 1),
                None => (r"\{".to_owned(), 1),
            },
            '*' if rest.starts_with("**") => (".*".to_owned(), 2),
            '*' => ("[^/]*".to_owned(), 1),
            '?' => ("[^/]".to_owned(), 1),
            c if c.is_ascii_alphanumeric()
                || matches!(c, '/' | '-' | '_' | '~')
                || !c.is_ascii() =>
            {
                (c.to_string(), c.len_utf8())
            }
            c => (format!(r"\{c}"), 1),
        };
        expression.push_str(&part);
        rest = rest.get(length..).unwrap_or_default();
    }
    regex("path", expression)
}

/// `org.example.Orders`: words with dots between them.
fn is_interface(name: &str) -> bool {
    name.contains('.') && name.split('.').all(is_word)
}

fn is_word(word: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$');
    !word.is_empty() && word.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_adapters_are_understood() {
        let written = |name: &str| {
            let resource = Resource::of(name)?;
            let when = crate::migrate::document::pruned(serde_json::json!(resource.when));
            Some((when.to_string(), resource.left_types))
        };
        for (name, when, left_types) in [
            (
                "/orders",
                r#"{"attribute":"path","exact":"/orders"}"#,
                false,
            ),
            (
                "/orders/{id}/*.x",
                r#"{"attribute":"path","regex":"/orders/[^/]+/[^/]*\\.x"}"#,
                false,
            ),
            ("/a/**", r#"{"attribute":"path","regex":"/a/.*"}"#, false),
            (
                "GET:/a",
                r#"{"all":[{"attribute":"method","exact":"GET"},{"attribute":"path","exact":"/a"}]}"#,
                false,
            ),
            (
                "org.example.Orders",
                r#"{"attribute":"dubbo.interface","exact":"org.example.Orders"}"#,
                false,
            ),
            (
                "org.example.Orders:find(java.lang.String,int)",
                r#"{"all":[{"attribute":"dubbo.interface","exact":"org.example.Orders"},{"attribute":"dubbo.method","exact":"find"}]}"#,
                true,
            ),
        ] {
            assert_eq!(written(name), Some((when.to_owned(), left_types)), "{name}");
        }
        for name in [
            "HelloWorld",
            "createOrder",
            "a.b:c:d",
            "a.b:find(",
            "",
            "a..b",
        ] {
            assert_eq!(written(name), None, "{name}");
        }
    }
}
