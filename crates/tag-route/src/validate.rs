//! From what is written to what is meant: everything that is wrong is found at once.

mod inventory;
mod router;

use std::collections::BTreeMap;
use std::time::Duration;

use meshlane_attributes::{Attribute, AttributeTable, HeaderName, is_reserved};
use meshlane_conditions::{AttributeScope, Sticky, request_settings};
use meshlane_diagnostics::{JsonPath, Place, Problem, Violations};

use crate::chain::Chain;
use crate::config::{self, OutputValue, TagRouteConfig};
use crate::health::{HealthSource, Threshold};
use crate::inventory::LabelId;
use crate::policy::{Hosts, Output, Policy, Select, StickyBy};

impl Policy {
    /// Validates a configuration.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn new(config: &TagRouteConfig) -> Result<Self, Violations> {
        let mut violations = Violations::default();
        let mut table = AttributeTable::default();
        let root = Place::root();
        if let Some(name) = &config.name {
            violations.identifier(&root.key("name"), name);
        }
        table.settings = request_settings(
            config.source_ip.as_ref(),
            config.jwt.as_ref(),
            config.dubbo_headers,
            &root,
            &mut violations,
        );
        let output = output(config.output.as_ref(), &root.key("output"), &mut violations);
        let place = root.key("locality");
        labels(&config.locality, &place, &mut violations);
        let health_place = root.key("health");
        let health = config.health.as_ref();
        let source = health.and_then(|health| source(health, &health_place, &mut violations));
        let mut scope = AttributeScope {
            table: &mut table,
            violations: &mut violations,
            accepts: &no_tag,
        };
        let select = select(config.select.as_ref(), &root.key("select"), &mut scope);
        let mut labels = Labels::default();
        let chains = chains(config, &root.key("chains"), &mut labels, &mut scope);
        let default = health.and_then(|health| health.min_healthy.as_ref());
        let place = health_place.key("minHealthy");
        let default = threshold(default, &place, &mut violations).unwrap_or(ONE);
        let mut hosts = Hosts::default();
        let services = inventory::services(
            config,
            &chains,
            &labels,
            default,
            &mut hosts,
            &mut violations,
        );
        let output = output.unwrap_or_else(default_output);
        violations.into_result(Self {
            table,
            output,
            locality: config.locality.clone(),
            health: source,
            select,
            chains,
            services,
            hosts,
            debug: config.debug.unwrap_or_default(),
        })
    }
}

/// The labels that routers go by, each once.
#[derive(Default)]
struct Labels(Vec<String>);

impl Labels {
    fn intern(&mut self, label: &str) -> LabelId {
        let known = self.0.iter().position(|known| known == label);
        LabelId(known.unwrap_or_else(|| {
            self.0.push(label.to_owned());
            self.0.len() - 1
        }))
    }
}

/// Tags are what the filter before this one wrote; they are found in their carriers.
fn no_tag(attribute: &Attribute) -> Result<(), Problem> {
    match attribute {
        Attribute::Tag(name) => Err(Problem::InvalidValue {
            found: format!("tag.{name}"),
            expected: "the tag's carrier, as in `header.x-mse-tag` or `dubbo.attachment.dubbo.tag`",
        }),
        _ => Ok(()),
    }
}

fn default_output() -> Output {
    Output {
        header: "x-meshlane-route".to_owned(),
        value: OutputValue::Name,
    }
}

fn output(
    config: Option<&config::Output>,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Option<Output> {
    let mut output = default_output();
    let config = config?;
    output.value = config.value.unwrap_or_default();
    if let Some(header) = &config.header {
        let place = place.key("header");
        match HeaderName::parse(header) {
            Ok(name) if is_free(name.as_str()) => output.header = name.as_str().to_owned(),
            _ => violations.invalid(
                &place,
                header,
                "a header name that no one else writes: `x-meshlane-…`, or none of HTTP's own",
            ),
        }
    }
    Some(output)
}

/// Not what a request cannot do without, and not the words of the bridge.
fn is_free(header: &str) -> bool {
    let own = header.starts_with("x-meshlane-");
    let taken = [
        "host",
        "content-type",
        "content-length",
        "te",
        "transfer-encoding",
        "cookie",
    ];
    !header.starts_with(':') && !taken.contains(&header) && (own || !is_reserved(header.as_bytes()))
}

fn source(
    health: &config::Health,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Option<HealthSource> {
    let before = violations.len();
    if health.cluster.is_empty() || health.cluster.len() > MAX_NAME {
        let expected = "the name of a cluster, of 1 to 512 characters";
        violations.invalid(&place.key("cluster"), &health.cluster, expected);
    }
    let interval = health.interval.unwrap_or(5.0);
    if !(0.2..=300.0).contains(&interval) {
        let expected = "seconds from 0.2 to 300";
        violations.invalid(&place.key("interval"), interval, expected);
    }
    let max_bytes = health.max_bytes.unwrap_or(16_777_216.0);
    if !(is_whole(max_bytes) && (1_024.0..=268_435_456.0).contains(&max_bytes)) {
        let expected = "whole bytes from 1024 to 268435456";
        violations.invalid(&place.key("maxBytes"), max_bytes, expected);
    }
    let stale_after = health.stale_after.unwrap_or(3.0);
    if !(is_whole(stale_after) && (1.0..=100.0).contains(&stale_after)) {
        let expected = "a whole number from 1 to 100";
        violations.invalid(&place.key("staleAfter"), stale_after, expected);
    }
    (violations.len() == before).then(|| HealthSource {
        cluster: health.cluster.clone(),
        interval: Duration::from_secs_f64(interval),
        max_bytes: max_bytes as usize,
        stale_after: stale_after as u32,
    })
}

fn threshold(
    config: Option<&config::MinHealthy>,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Option<Threshold> {
    let config = config?;
    match (config.endpoints, config.percent) {
        (Some(count), None) if is_whole(count) && (1.0..=1_000_000.0).contains(&count) => {
            Some(Threshold::Endpoints(count as u32))
        }
        (Some(count), None) => {
            let expected = "a whole number from 1 to 1000000";
            violations.invalid(&place.key("endpoints"), count, expected);
            None
        }
        (None, Some(share)) if share > 0.0 && share <= 100.0 => Some(Threshold::Percent(share)),
        (None, Some(share)) => {
            let expected = "a number above 0, at most 100";
            violations.invalid(&place.key("percent"), share, expected);
            None
        }
        (endpoints, percent) => {
            let there = [endpoints.is_some(), percent.is_some()];
            violations.not_exactly_one(place, &["endpoints", "percent"], &there);
            None
        }
    }
}

fn select(
    config: Option<&config::Select>,
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Select {
    let none = config::Select::default();
    let config = config.unwrap_or(&none);
    let by = sticky_by(config.by.as_deref(), config.salt.as_deref(), place, scope);
    if config.by.is_some()
        && config
            .balance
            .is_some_and(|b| b != config::Balance::Destinations)
    {
        let (key, with) = (
            "by",
            "this `balance`: a key goes by the shares of `destinations`",
        );
        let problem = Problem::Incompatible { key, with };
        scope.violations.push(&place.key("by"), problem);
    }
    Select {
        balance: config.balance.unwrap_or_default(),
        by,
    }
}

/// An attribute that makes a choice sticky.
fn sticky_by(
    by: Option<&str>,
    salt: Option<&str>,
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<StickyBy> {
    let Some(by) = by else {
        if salt.is_some() {
            let problem = Problem::MissingKey { key: "by" };
            scope.violations.push(place, problem);
        }
        return None;
    };
    let attribute = scope.attribute(by, &place.key("by"));
    let sticky = Sticky::new(None, salt, None, place, scope.violations);
    Some(StickyBy {
        attribute: attribute?,
        sticky: sticky?,
    })
}

fn chains(
    config: &TagRouteConfig,
    place: &Place<'_>,
    labels: &mut Labels,
    scope: &mut AttributeScope<'_>,
) -> Vec<Chain> {
    let found = config.chains.len();
    if found > Policy::MAX_CHAINS {
        let (what, limit) = ("chains", Policy::MAX_CHAINS);
        scope
            .violations
            .push(place, Problem::TooMany { what, found, limit });
        return Vec::new();
    }
    let mut chains = Vec::with_capacity(found);
    for (name, routers) in &config.chains {
        let place = place.key(name);
        scope.violations.identifier(&place, name);
        let mut names: BTreeMap<String, JsonPath> = BTreeMap::new();
        let mut chain = Chain {
            name: name.clone(),
            routers: Vec::with_capacity(routers.len()),
        };
        if scope
            .violations
            .at_most(&place, "routers", routers, Policy::MAX_ROUTERS)
        {
            for (index, router) in routers.iter().enumerate() {
                let place = place.index(index);
                let router = router::router(index, router, &place, &mut names, labels, scope);
                chain.routers.extend(router);
            }
        }
        chains.push(chain);
    }
    chains
}

/// Labels and their values, as Kubernetes has them and a little more.
fn labels(labels: &BTreeMap<String, String>, place: &Place<'_>, violations: &mut Violations) {
    let found = labels.len();
    if found > Policy::MAX_LABELS {
        let (what, limit) = ("labels", Policy::MAX_LABELS);
        violations.push(place, Problem::TooMany { what, found, limit });
    }
    for (name, value) in labels {
        violations.label(place, name);
        violations.label_value(&place.key(name), value);
    }
}

fn is_whole(number: f64) -> bool {
    number.fract() == 0.0
}

/// A weight, or nothing when it is none.
fn weight(weight: f64, place: &Place<'_>, violations: &mut Violations) -> Option<f64> {
    if (0.0..=MAX_WEIGHT).contains(&weight) {
        Some(weight)
    } else {
        violations.invalid(place, weight, "a number from 0 to 1000000000");
        None
    }
}

const ONE: Threshold = Threshold::Endpoints(1);
const MAX_NAME: usize = 512;
const MAX_WEIGHT: f64 = 1_000_000_000.0;

#[cfg(test)]
mod tests;
