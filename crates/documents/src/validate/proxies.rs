//! Which proxies.

use std::collections::BTreeMap;

use meshlane_diagnostics::{Place, Problem, Violations};
use meshlane_gray_release::config::Direction;

use super::{is_dotted_name, labels, port};
use crate::config::Workloads;
use crate::filter::{GatewayReference, Proxies};

/// Which proxies, as a document has it.
pub(super) struct Target {
    workloads: Workloads,
    direction: Option<Direction>,
    /// The direction of every document of the kind.
    implied: Option<Direction>,
    ports: Vec<f64>,
}

impl Target {
    pub(super) fn new(workloads: Workloads, direction: Option<Direction>, ports: Vec<f64>) -> Self {
        Self {
            workloads,
            direction,
            implied: None,
            ports,
        }
    }

    /// For what sidecars send.
    pub(super) fn outbound(workloads: Workloads, ports: Vec<f64>) -> Self {
        Self {
            workloads,
            direction: None,
            implied: Some(Direction::Outbound),
            ports,
        }
    }

    /// The proxies; nothing when it is not said which.
    pub(super) fn proxies(&self, spec: &Place<'_>, violations: &mut Violations) -> Option<Proxies> {
        let place = spec.key("workloads");
        let given = &self.workloads;
        let there = [
            given.selector.is_some(),
            given.gateway_selector.is_some(),
            given.gateway.is_some(),
            given.waypoint.is_some(),
            given.service.is_some(),
        ];
        if there.iter().filter(|there| **there).count() != 1 {
            violations.not_exactly_one(&place, &KEYS, &there);
            return None;
        }
        let proxies = match given {
            Workloads {
                selector: Some(selector),
                ..
            } => {
                labels(selector, &place.key("selector"), violations);
                let direction = self.direction.or(self.implied);
                let Some(direction) = direction else {
                    let problem = Problem::MissingKey { key: "direction" };
                    violations.push(spec, problem);
                    return None;
                };
                Proxies::Sidecars {
                    labels: selector.clone(),
                    direction,
                }
            }
            Workloads {
                gateway_selector: Some(selector),
                ..
            } => gateways(selector, &place.key("gatewaySelector"), violations),
            Workloads {
                gateway: Some(name),
                ..
            } => {
                check_name(name, &place.key("gateway"), violations);
                Proxies::Gateways(GatewayReference::Name(name.clone()))
            }
            Workloads {
                waypoint: Some(name),
                ..
            } => {
                check_name(name, &place.key("waypoint"), violations);
                Proxies::Waypoint(name.clone())
            }
            Workloads { service, .. } => {
                let name = service.clone().unwrap_or_default();
                check_name(&name, &place.key("service"), violations);
                Proxies::WaypointService(name)
            }
        };
        let is_sidecar = matches!(proxies, Proxies::Sidecars { .. });
        if self.direction.is_some() && !is_sidecar {
            let (key, with) = (
                "direction",
                "gateways and waypoints, which see requests once",
            );
            let problem = Problem::Incompatible { key, with };
            violations.push(&spec.key("direction"), problem);
        }
        Some(proxies)
    }

    pub(super) fn ports(&self, spec: &Place<'_>, violations: &mut Violations) -> Vec<u16> {
        let place = spec.key("ports");
        let is_waypoint = self.workloads.waypoint.is_some() || self.workloads.service.is_some();
        if is_waypoint && !self.ports.is_empty() {
            let (key, with) = ("ports", "waypoints: Istio matches none of theirs");
            violations.push(&place, Problem::Incompatible { key, with });
        }
        let ports = self.ports.iter().enumerate();
        ports
            .map(|(index, given)| port(*given, &place.index(index), violations))
            .collect()
    }
}

fn gateways(
    selector: &BTreeMap<String, String>,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Proxies {
    if selector.is_empty() {
        let what = "labels of gateways";
        violations.push(place, Problem::Empty { what });
    }
    labels(selector, place, violations);
    Proxies::Gateways(GatewayReference::Labels(selector.clone()))
}

fn check_name(name: &str, place: &Place<'_>, violations: &mut Violations) {
    if !is_dotted_name(name) {
        let expected = "the name of a Kubernetes resource";
        violations.invalid(place, name, expected);
    }
}

const KEYS: [&str; 5] = [
    "selector",
    "gatewaySelector",
    "gateway",
    "waypoint",
    "service",
];
