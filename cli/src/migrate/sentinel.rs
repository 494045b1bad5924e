//! Rules of Sentinel, as they lie in a configuration center: lists of JSON objects.

mod flow;
mod param;
mod resource;

use meshlane_conditions::config::Condition;
use meshlane_diagnostics::Place;
use meshlane_documents::FilterKind;
use meshlane_gray_release::config::Direction;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(super) use flow::flow_rules;
pub(super) use param::param_flow_rules;

use super::document::{Converted, pruned};
use super::name::Names;
use super::report::Report;

/// What the token server is told of a rule.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ClusterConfig {
    #[serde(rename = "flowId")]
    _flow_id: Option<Value>,
    threshold_type: Option<f64>,
    #[serde(rename = "fallbackToLocalWhenFail")]
    _fallback: Option<bool>,
    #[serde(rename = "strategy")]
    _strategy: Option<f64>,
    #[serde(rename = "sampleCount")]
    _sample_count: Option<f64>,
    #[serde(rename = "windowIntervalMs")]
    _window_interval: Option<f64>,
    #[serde(rename = "resourceTimeout")]
    _resource_timeout: Option<f64>,
    #[serde(rename = "resourceTimeoutStrategy")]
    _resource_timeout_strategy: Option<f64>,
    #[serde(rename = "acquireRefuseStrategy")]
    _acquire_refuse_strategy: Option<f64>,
    #[serde(rename = "clientOfflineTime")]
    _client_offline_time: Option<f64>,
}

/// A limit of `rate-limit` on its way.
struct Limit {
    name: String,
    when: Option<Condition>,
    key: Vec<String>,
    /// One of the kinds, with its numbers.
    kind: (&'static str, Value),
    exceptions: Vec<Value>,
}

impl Limit {
    fn to_json(&self) -> Value {
        let (kind, numbers) = &self.kind;
        let mut limit = Map::new();
        limit.insert("name".to_owned(), json!(self.name));
        if let Some(when) = &self.when {
            limit.insert("when".to_owned(), pruned(json!(when)));
        }
        if !self.key.is_empty() {
            limit.insert("key".to_owned(), json!(self.key));
        }
        limit.insert((*kind).to_owned(), numbers.clone());
        if !self.exceptions.is_empty() {
            limit.insert("exceptions".to_owned(), json!(self.exceptions));
        }
        Value::Object(limit)
    }
}

/// Documents with some limits: as many as one may have, in each.
fn documents(resource: &str, name: &str, limits: Vec<Limit>) -> Vec<Converted> {
    let mut names = Names::default();
    let limits = limits.into_iter().map(|mut limit| {
        limit.name = names.unique(limit.name);
        limit.to_json()
    });
    let limits: Vec<_> = limits.collect();
    let most = meshlane_rate_limit::Policy::MAX_LIMITS;
    let chunks = limits.chunks(most).map(|limits| {
        let config = json!({ "limits": limits });
        let mut document =
            Converted::filter(FilterKind::RateLimit, name.to_owned(), config, resource);
        document.direction = Some(Direction::Inbound);
        document
    });
    chunks.collect()
}

/// How a rule for a whole cluster is kept.
fn cluster(config: Option<&ClusterConfig>, rule: &Place<'_>, report: &mut Report) {
    let place = rule.key("clusterMode");
    let is_global = config.and_then(|config| config.threshold_type) == Some(1.0);
    if is_global {
        report.lost(
            &place,
            "one count for all instances is not kept: here each proxy counts for itself, up to the whole of `count`",
            "use a limit with `cluster`, which a rate limit service counts for all proxies",
        );
    } else {
        report.changed(
            &place,
            "`count` is for each instance on average; the token server shares it out",
            "each proxy counts for itself, up to `count`",
        );
    }
}

/// Tells of a rule whose requests may wait longer than they can here, in seconds.
fn tell_wait(wait: f64, rule: &Place<'_>, report: &mut Report) {
    if wait > LONGEST_WAIT {
        report.lost(
            &rule.key("maxQueueingTimeMs"),
            format!("nobody waits longer than {LONGEST_WAIT} seconds"),
            "requests that would have to wait longer are refused",
        );
    }
}

/// So many requests, as whole numbers: of a fraction nobody makes use.
fn whole(count: f64, place: &Place<'_>, report: &mut Report) -> Option<f64> {
    let whole = count.floor();
    if whole < 1.0 {
        report.lost(
            place,
            format!("a limit of {count} refuses every request"),
            "it is left out; to refuse requests use Istio's AuthorizationPolicy",
        );
        return None;
    }
    if whole > MOST {
        report.lost(
            place,
            format!("{count} is as good as no limit"),
            format!("it is left out; the largest limit is {MOST}"),
        );
        return None;
    }
    Some(whole)
}

/// The most requests that a limit may have.
const MOST: f64 = 1_000_000_000.0;
/// The longest time in seconds that requests may wait.
const LONGEST_WAIT: f64 = 600.0;
