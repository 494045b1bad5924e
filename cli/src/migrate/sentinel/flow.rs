//! Flow rules.

use meshlane_diagnostics::Place;
use serde::Deserialize;
use serde_json::{Value, json};

use super::resource::Resource;
use super::{ClusterConfig, LONGEST_WAIT, Limit, MOST, cluster, documents, tell_wait, whole};
use crate::migrate::Settings;
use crate::migrate::condition::{all, exact, not_in};
use crate::migrate::document::Converted;
use crate::migrate::name::identifier;
use crate::migrate::read::read;
use crate::migrate::report::Report;

/// A rule. What the dashboard adds for itself means nothing for limits.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct FlowRule {
    #[serde(rename = "id")]
    _id: Option<Value>,
    #[serde(rename = "app")]
    _app: Option<String>,
    #[serde(rename = "ip")]
    _ip: Option<String>,
    #[serde(rename = "port")]
    _port: Option<f64>,
    #[serde(rename = "gmtCreate")]
    _created: Option<Value>,
    #[serde(rename = "gmtModified")]
    _modified: Option<Value>,
    resource: String,
    limit_app: Option<String>,
    regex: Option<bool>,
    grade: Option<f64>,
    count: f64,
    strategy: Option<f64>,
    ref_resource: Option<String>,
    control_behavior: Option<f64>,
    warm_up_period_sec: Option<f64>,
    max_queueing_time_ms: Option<f64>,
    cluster_mode: Option<bool>,
    cluster_config: Option<ClusterConfig>,
}

/// The limits that flow rules are.
pub(in crate::migrate) fn flow_rules(
    resource: &str,
    report: &mut Report,
    settings: &Settings,
) -> Vec<Converted> {
    let root = Place::root();
    let Some(rules) = read::<Vec<FlowRule>>(report, &root) else {
        return Vec::new();
    };
    let mut limits = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let place = root.index(index);
        let callers = rules.iter().filter(|other| other.resource == rule.resource);
        let callers: Vec<_> = callers.filter_map(FlowRule::named_caller).collect();
        limits.extend(rule.limits(&place, &settings.caller, &callers, report));
    }
    documents(resource, "sentinel-flow", limits)
}

impl FlowRule {
    /// The application that the rule is for, when it is one.
    fn named_caller(&self) -> Option<&str> {
        let caller = self.limit_app.as_deref();
        caller.filter(|caller| !matches!(caller.trim(), "" | "default" | "other"))
    }

    fn limits(
        &self,
        place: &Place<'_>,
        caller: &str,
        callers: &[&str],
        report: &mut Report,
    ) -> Vec<Limit> {
        let Some(resource) = self.requests(place, report) else {
            return Vec::new();
        };
        let (of_caller, key) = match self.limit_app.as_deref().map(str::trim) {
            None | Some("" | "default") => (None, Vec::new()),
            // Who has no name is none of the others.
            Some("other") => (
                Some(not_in(caller, callers.iter().copied().chain([""]))),
                vec![caller.to_owned()],
            ),
            Some(named) => (Some(exact(caller, named)), Vec::new()),
        };
        if of_caller.is_some() {
            report.changed(
                &place.key("limitApp"),
                "the calling application is what the application's adapter finds out",
                format!("it is read from `{caller}`; another attribute can be given by --caller"),
            );
        }
        if self.cluster_mode == Some(true) {
            cluster(self.cluster_config.as_ref(), place, report);
        }
        let name = match self.limit_app.as_deref() {
            None | Some("" | "default") => identifier(&self.resource),
            Some(caller) => identifier(&format!("{}-of-{caller}", self.resource)),
        };
        let when = all([Some(resource.when), of_caller]
            .into_iter()
            .flatten()
            .collect());
        self.kinds(place, report)
            .into_iter()
            .map(|kind| Limit {
                name: name.clone(),
                when: when.clone(),
                // A queue is one for all callers, whoever they are; what counts requests counts each caller's.
                key: match kind.0 {
                    "queue" => Vec::new(),
                    _ => key.clone(),
                },
                kind,
                exceptions: Vec::new(),
            })
            .collect()
    }

    /// Which requests the rule is for; nothing when that cannot be said.
    fn requests(&self, place: &Place<'_>, report: &mut Report) -> Option<Resource> {
        if self.count < 0.0 {
            report.wrong(
                &place.key("count"),
                "`count` is negative; Sentinel ignores the rule",
            );
            return None;
        }
        let strategy = place.key("strategy");
        match self.strategy.unwrap_or_default() {
            0.0 => {}
            1.0 | 2.0 => {
                let other = self.ref_resource.as_deref().unwrap_or_default();
                report.lost(
                    &strategy,
                    format!("a limit that goes by another resource (`{other}`) is not kept"),
                    "the rule is left out; limit that resource itself, or use `adaptive`, which goes by how long answers take",
                );
                return None;
            }
            strange => {
                let message =
                    format!("there is no strategy {strange}: 0 (direct), 1 (relate), 2 (chain)");
                report.wrong(&strategy, message);
                return None;
            }
        }
        let resource = place.key("resource");
        if self.regex == Some(true) {
            report.lost(
                &place.key("regex"),
                "a rule for all resources whose names match a regular expression is not kept",
                "the rule is left out; write a limit whose `when` says which requests these are, with `path` or `dubbo.method` in its `key`",
            );
            return None;
        }
        let Some(found) = Resource::of(&self.resource) else {
            report.lost(
                &resource,
                format!(
                    "`{}` is a name that the application gives; which requests these are is not to be seen in it",
                    self.resource
                ),
                "the rule is left out; write a limit whose `when` says which requests these are",
            );
            return None;
        };
        found.tell_types(place, report);
        Some(found)
    }

    /// The kinds of limit that the rule is, with their numbers.
    fn kinds(&self, place: &Place<'_>, report: &mut Report) -> Vec<(&'static str, Value)> {
        let count = place.key("count");
        let grade = self.grade.unwrap_or(1.0);
        if grade == 0.0 {
            let requests = whole(self.count, &count, report).map(|requests| requests.min(1e6));
            return requests
                .map(|requests| ("concurrency", json!({ "requests": requests })))
                .into_iter()
                .collect();
        }
        if grade != 1.0 {
            let message = format!("there is no grade {grade}: 0 (threads), 1 (requests a second)");
            report.wrong(&place.key("grade"), message);
            return Vec::new();
        }
        let behavior = place.key("controlBehavior");
        match self.control_behavior.unwrap_or_default() {
            0.0 => {
                let requests = whole(self.count, &count, report);
                if requests.is_some() {
                    report.changed(
                        &count,
                        "Sentinel counts in halves of a second: in a second up to twice the limit may pass at their edges",
                        "in no second more pass than the limit",
                    );
                }
                let window =
                    requests.map(|requests| ("slidingWindow", json!([{ "requests": requests }])));
                window.into_iter().collect()
            }
            1.0 => self.warm_up(place, report).into_iter().collect(),
            2.0 => self.queue(place, report).into_iter().collect(),
            3.0 => {
                report.changed(
                    &behavior,
                    "warming up and queueing at once are two limits here",
                    "requests leave the queue at the pace of the warm service; those that are too many for a cold one are refused, and do not wait",
                );
                let both = [self.warm_up(place, report), self.queue(place, report)];
                both.into_iter().flatten().collect()
            }
            strange => {
                let message = format!(
                    "there is no controlBehavior {strange}: 0 (reject), 1 (warm up), 2 (rate limiter), 3 (both)"
                );
                report.wrong(&behavior, message);
                Vec::new()
            }
        }
    }

    fn warm_up(&self, place: &Place<'_>, report: &mut Report) -> Option<(&'static str, Value)> {
        let count = place.key("count");
        let requests = whole(self.count, &count, report)?;
        let period = self.warm_up_period_sec.unwrap_or(10.0);
        if !(1.0..=3_600.0).contains(&period) {
            let message = "Sentinel takes 1 second or more, a filter at most an hour";
            report.wrong(&place.key("warmUpPeriodSec"), message);
            return None;
        }
        report.changed(
            &count,
            "Sentinel counts in halves of a second, and in whole numbers",
            "the rate warms up along the same line; in no second more pass than the rate of that moment",
        );
        Some((
            "warmUp",
            json!({ "requests": requests, "period": period.floor() }),
        ))
    }

    fn queue(&self, place: &Place<'_>, report: &mut Report) -> Option<(&'static str, Value)> {
        let count = place.key("count");
        if self.count <= 0.0 || self.count > MOST {
            whole(self.count, &count, report)?;
        }
        let wait = self.max_queueing_time_ms.unwrap_or(500.0) / 1_000.0;
        if wait <= 0.0 {
            report.wrong(
                &place.key("maxQueueingTimeMs"),
                "Sentinel ignores a rule with which nobody may wait",
            );
            return None;
        }
        tell_wait(wait, place, report);
        let (requests, per) = pace(self.count);
        let mut queue = json!({ "requests": requests, "maxWait": wait.min(LONGEST_WAIT) });
        if let Some(queue) = queue.as_object_mut()
            && per != 1.0
        {
            queue.insert("per".to_owned(), json!(per));
        }
        Some(("queue", queue))
    }
}

/// So many requests in so many seconds, at the pace that Sentinel's `ThrottlingController` has for a `count`: it goes by whole
/// milliseconds where these divide a second evenly, and by nanoseconds otherwise.
fn pace(count: f64) -> (f64, f64) {
    let rounded = (count + 0.5).floor();
    let by_milliseconds = rounded >= 1.0 && 1_000.0 % rounded == 0.0 && count <= 1_000.0;
    if count.fract() == 0.0 {
        (count, 1.0)
    } else if by_milliseconds {
        (1.0, (1_000.0 / count + 0.5).floor() / 1_000.0)
    } else {
        let whole = (1..=1_000).map(f64::from);
        let whole = whole.map(|seconds| (count * seconds, seconds));
        let mut exact = whole.filter(|(requests, _)| (requests - requests.round()).abs() < 1e-9);
        let exact = exact
            .next()
            .map(|(requests, seconds)| (requests.round(), seconds));
        exact.unwrap_or((1.0, (1e9 / count).round() / 1e9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_have_the_pace_that_sentinel_gives_them() {
        for (count, expected) in [
            (10.0, (10.0, 1.0)),
            (3.0, (3.0, 1.0)),
            // In milliseconds: 227.27 is 227, 2000 is 2000.
            (4.4, (1.0, 0.227)),
            (0.5, (1.0, 2.0)),
            // In nanoseconds, since 1000 is no multiple of 3.
            (2.5, (5.0, 2.0)),
        ] {
            assert_eq!(pace(count), expected, "{count}");
        }
    }
}
