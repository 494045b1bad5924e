//! From what is written to what is meant: everything that is wrong is found at once.

mod access;
mod dubbo_service;
mod proxies;

use std::collections::BTreeMap;

use meshlane_diagnostics::{Place, Violations, parse_json};
use meshlane_lane_group::{head, is_host, is_label_value};

use crate::config::{RateLimit, RetriesConfig, RouterChain, RoutesConfig, TrafficLabel};
use crate::dubbo_service::Retries;
use crate::filter::{FilterDocument, FilterKind, Routes};
pub(crate) use dubbo_service::dubbo_service;
use proxies::Target;

/// Validates what is around the configuration of a filter.
pub(crate) fn filter(kind: FilterKind, document: &[u8]) -> Result<FilterDocument, Violations> {
    let mut violations = Violations::default();
    let (written, metadata, target, hosts, routes) = match kind {
        FilterKind::TrafficLabel => {
            let document: TrafficLabel = parse_json(document)?;
            let spec = document.spec;
            let target = Target::new(spec.workloads, spec.direction, spec.ports);
            let written = (document.api_version, document.kind);
            (written, document.metadata, target, Vec::new(), None)
        }
        FilterKind::RouterChain => {
            let document: RouterChain = parse_json(document)?;
            let spec = document.spec;
            let target = Target::outbound(spec.workloads, spec.ports);
            let written = (document.api_version, document.kind);
            (written, document.metadata, target, spec.hosts, spec.routes)
        }
        FilterKind::RateLimit => {
            let document: RateLimit = parse_json(document)?;
            let spec = document.spec;
            let target = Target::new(spec.workloads, spec.direction, spec.ports);
            let written = (document.api_version, document.kind);
            (written, document.metadata, target, Vec::new(), None)
        }
    };
    let (written, known) = ((&*written.0, &*written.1), (kind.as_str(), kind.quoted()));
    head(written, known, &metadata, &mut violations);
    let root = Place::root();
    let spec = root.key("spec");
    let proxies = target.proxies(&spec, &mut violations);
    let ports = target.ports(&spec, &mut violations);
    let place = spec.key("hosts");
    for (index, host) in hosts.iter().enumerate() {
        if !is_host(host) {
            let expected = "a host as Istio knows it: `orders` or `orders.shop.svc.cluster.local`";
            violations.invalid(&place.index(index), host, expected);
        }
    }
    let routes = routes.map(|routes| validate_routes(routes, &spec.key("routes"), &mut violations));
    let Some(proxies) = proxies else {
        return Err(violations);
    };
    violations.into_result(FilterDocument {
        kind,
        name: metadata.name,
        namespace: metadata.namespace,
        proxies,
        ports,
        hosts,
        routes,
    })
}

fn validate_routes(routes: RoutesConfig, place: &Place<'_>, violations: &mut Violations) -> Routes {
    if routes.otherwise.is_empty() {
        let expected = "the name of a destination";
        violations.invalid(&place.key("otherwise"), "", expected);
    }
    let gateways = place.key("gateways");
    for (index, gateway) in routes.gateways.iter().enumerate() {
        let is_gateway = gateway.split('/').count() <= 2 && gateway.split('/').all(is_dotted_name);
        if !is_gateway {
            let expected = "a Gateway of Istio: `shop` or `istio-system/shop`";
            violations.invalid(&gateways.index(index), gateway, expected);
        }
    }
    let retries = routes.retries;
    Routes {
        retries: retries.map(|given| validate_retries(given, &place.key("retries"), violations)),
        otherwise: routes.otherwise,
        gateways: routes.gateways,
    }
}

fn validate_retries(
    given: RetriesConfig,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Retries {
    let otherwise = Retries::default();
    let attempts = given.attempts.unwrap_or(otherwise.attempts.into());
    if !((0.0..=10.0).contains(&attempts) && attempts.fract() == 0.0) {
        let expected = "a whole number from 0 to 10";
        violations.invalid(&place.key("attempts"), attempts, expected);
    }
    let on = given.retry_on.unwrap_or(otherwise.on);
    let is_word = |word: &str| {
        let mut bytes = word.bytes();
        !word.is_empty() && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if !on.split(',').all(is_word) {
        let expected = "conditions of Envoy, separated by commas: `connect-failure,refused-stream`";
        violations.invalid(&place.key("retryOn"), &on, expected);
    }
    Retries {
        attempts: attempts as u32,
        on,
    }
}

/// Notes labels that no pod can have.
fn labels(labels: &BTreeMap<String, String>, place: &Place<'_>, violations: &mut Violations) {
    for (name, value) in labels {
        let (prefix, short) = name.rsplit_once('/').unwrap_or(("", name));
        if !(is_label_value(short) && (prefix.is_empty() || is_dotted_name(prefix))) {
            let expected = "a label's name: 1 to 63 letters, digits and `-_.`, perhaps behind a domain and `/`";
            violations.invalid(&place.key(name), name, expected);
        }
        if !(value.is_empty() || is_label_value(value)) {
            let expected = "a label's value: at most 63 letters, digits and `-_.`";
            violations.invalid(&place.key(name), value, expected);
        }
    }
}

/// The number of a port; it is noted when it is none.
fn port(given: f64, place: &Place<'_>, violations: &mut Violations) -> u16 {
    if !((1.0..=65_535.0).contains(&given) && given.fract() == 0.0) {
        violations.invalid(place, given, "a whole number from 1 to 65535");
    }
    given as u16
}

/// A name in Kubernetes, perhaps with dots.
fn is_dotted_name(name: &str) -> bool {
    name.len() <= 253
        && name
            .split('.')
            .all(|part| meshlane_lane_group::is_name(part, 63))
}

#[cfg(test)]
mod tests;
