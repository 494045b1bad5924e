//! The left side of `=>`: which requests a rule is for.

use meshlane_attributes::Attribute;
use meshlane_conditions::config::Condition;
use meshlane_diagnostics::Place;

use super::expression::Matcher;
use super::pattern::{NOT_FOUND, Side};
use crate::migrate::condition::{all, any, present};
use crate::migrate::report::Report;

/// For which requests something holds.
pub(super) enum Requests {
    /// For all.
    All,
    /// For none.
    None,
    /// For those.
    These(Box<Condition>),
}

/// Where a key of the left side is found in a request.
enum Source {
    /// In an attribute; who does not have it does not match.
    Attribute(String),
    /// In an attribute; to Dubbo one that is absent has a value of its own.
    Argument(String),
    /// Dubbo never finds it, and takes it for a value of its own.
    Nowhere,
}

/// The requests that all of some matchers match; nothing where one cannot be said, which is reported.
pub(super) fn requests(
    matchers: &[Matcher],
    place: &Place<'_>,
    report: &mut Report,
) -> Option<Requests> {
    let mut conditions = Vec::new();
    for matcher in matchers {
        match one(matcher, place, report)? {
            Requests::All => {}
            Requests::None => return Some(Requests::None),
            Requests::These(condition) => conditions.push(*condition),
        }
    }
    Some(all(conditions).map_or(Requests::All, these))
}

fn one(matcher: &Matcher, place: &Place<'_>, report: &mut Report) -> Option<Requests> {
    let source = source(&matcher.key, place, report)?;
    for pattern in matcher.patterns() {
        told_range(pattern, place, report);
    }
    let absent = matcher.is_match(NOT_FOUND, Side::When);
    Some(match source {
        Source::Attribute(attribute) => {
            let condition = matcher.condition(&attribute);
            condition.map_or(Requests::None, these)
        }
        Source::Argument(attribute) => {
            let found = matcher.condition(&attribute);
            let absent = absent.then(|| present(attribute, false));
            let either = any([found, absent].into_iter().flatten().collect());
            either.map_or(Requests::None, these)
        }
        Source::Nowhere if absent => Requests::All,
        Source::Nowhere => Requests::None,
    })
}

fn source(key: &str, place: &Place<'_>, report: &mut Report) -> Option<Source> {
    // What is behind a dot Dubbo does not look at.
    let head = key.split('.').next().unwrap_or(key);
    if key.starts_with("arguments") {
        let index = indexed(head, "arguments");
        let index = index.and_then(|index| index.parse::<u32>().ok());
        return Some(match index {
            Some(index) => {
                report.changed(
                    place,
                    format!("`{key}` is an argument of a Dubbo call"),
                    format!("it is `dubbo.arg.{index}`, which the bridge has to show: `meshlane check` says how. Objects have no `toString()` here"),
                );
                Source::Argument(format!("dubbo.arg.{index}"))
            }
            None => {
                nowhere(key, place, report);
                Source::Nowhere
            }
        });
    }
    if key.starts_with("attachments") {
        let name = indexed(head, "attachments").filter(|name| !name.is_empty());
        return Some(match name {
            Some(name) => Source::Attribute(checked(
                format!("dubbo.attachment.{name}"),
                key,
                place,
                report,
            )?),
            None => {
                nowhere(key, place, report);
                Source::Nowhere
            }
        });
    }
    let attribute = match key {
        "method" | "methods" => "dubbo.method".to_owned(),
        "interface" => "dubbo.interface".to_owned(),
        "group" => "dubbo.group".to_owned(),
        "version" => "dubbo.version".to_owned(),
        other => caller(other, place, report),
    };
    checked(attribute, key, place, report).map(Source::Attribute)
}

fn these(condition: Condition) -> Requests {
    Requests::These(Box::new(condition))
}

/// The attribute for a parameter of the consumer's URL.
pub(super) fn caller(key: &str, place: &Place<'_>, report: &mut Report) -> String {
    let (attribute, how) = match key {
        "host" => (
            "source.ip".to_owned(),
            "the address of the calling pod".to_owned(),
        ),
        "application" => (
            "workload.app".to_owned(),
            "the label `app` of the calling pod".to_owned(),
        ),
        other => (
            format!("workload.{other}"),
            format!("the label `{other}` of the calling pod, which has to have it"),
        ),
    };
    report.changed(
        place,
        format!("`{key}` is a parameter of the consumer"),
        format!("it is `{attribute}`: {how}"),
    );
    attribute
}

/// `[1]` and `[foo]` behind a name.
fn indexed<'k>(key: &'k str, name: &str) -> Option<&'k str> {
    let (_, behind) = key.split_once(name)?;
    let inner = behind.strip_prefix('[')?;
    let (inner, _) = inner.rsplit_once(']')?;
    Some(inner)
}

fn checked(attribute: String, key: &str, place: &Place<'_>, report: &mut Report) -> Option<String> {
    if attribute.parse::<Attribute>().is_ok() {
        return Some(attribute);
    }
    report.lost(
        place,
        format!("`{key}` cannot be asked for"),
        "the condition is left out; a filter knows `method`, `arguments[0]`, `attachments[name]` and labels of the caller",
    );
    None
}

fn nowhere(key: &str, place: &Place<'_>, report: &mut Report) {
    report.changed(
        place,
        format!("Dubbo never finds `{key}`: it reads a name up to its first dot"),
        "the rule does what Dubbo does, which is hardly what was meant",
    );
}

/// Says that a range without an end is none.
pub(super) fn told_range(pattern: &str, place: &Place<'_>, report: &mut Report) {
    if super::pattern::Pattern::of(pattern) == super::pattern::Pattern::Unreadable {
        report.changed(
            place,
            format!(
                "`{pattern}` is a range that Dubbo cannot read, whatever its documentation says"
            ),
            "the rule does what Dubbo does: no request matches it, and every provider",
        );
    }
}
