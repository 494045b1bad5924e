//! A validated configuration.

use std::collections::BTreeMap;

use meshlane_attributes::{
    AttributeId, AttributeTable, Headers, Locality, ProxyKind, RequestSettings, Workload,
    without_port,
};
use meshlane_conditions::Sticky;
use meshlane_diagnostics::{Violations, parse_json};

use crate::chain::Chain;
use crate::config::{Balance, OutputValue, TagRouteConfig};
use crate::health::HealthSource;
use crate::inventory::{Destination, Service};

/// A validated configuration: decides where requests go.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) table: AttributeTable,
    pub(crate) output: Output,
    pub(crate) locality: BTreeMap<String, String>,
    pub(crate) health: Option<HealthSource>,
    pub(crate) select: Select,
    pub(crate) chains: Vec<Chain>,
    pub(crate) services: Vec<Service>,
    pub(crate) hosts: Hosts,
    pub(crate) debug: bool,
}

/// How Envoy is told the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub(crate) header: String,
    pub(crate) value: OutputValue,
}

/// How one of several destinations is chosen.
#[derive(Debug, Clone)]
pub(crate) struct Select {
    pub(crate) balance: Balance,
    pub(crate) by: Option<StickyBy>,
}

/// An attribute whose value always falls on the same place.
#[derive(Debug, Clone)]
pub(crate) struct StickyBy {
    pub(crate) attribute: AttributeId,
    pub(crate) sticky: Sticky,
}

/// Which service a host belongs to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hosts {
    pub(crate) exact: BTreeMap<String, usize>,
    /// What follows the `*`.
    pub(crate) suffixes: BTreeMap<String, usize>,
}

impl Policy {
    /// The most services in a document.
    pub const MAX_SERVICES: usize = 2_000;
    /// The most destinations in a document.
    pub const MAX_DESTINATIONS: usize = 20_000;
    /// The most labels of a destination.
    pub const MAX_LABELS: usize = 32;
    /// The most hosts of a service.
    pub const MAX_HOSTS: usize = 64;
    /// The most chains in a document.
    pub const MAX_CHAINS: usize = 100;
    /// The most routers of a chain.
    pub const MAX_ROUTERS: usize = 16;
    /// The most rules of a router, and the most entries of a list in it.
    pub const MAX_ENTRIES: usize = 1_000;

    /// Reads and validates a document.
    ///
    /// # Errors
    /// The first structural error, or every semantic one.
    pub fn parse(document: &[u8], _: ProxyKind) -> Result<Self, Violations> {
        let config: TagRouteConfig = parse_json(document)?;
        Self::new(&config)
    }

    /// The services, in the order of the document.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The names of the routers that a service's requests go through, in their order.
    pub fn routers(&self, service: &Service) -> impl Iterator<Item = &str> {
        let chain = self.chains.get(service.chain).into_iter();
        chain.flat_map(|chain| chain.routers.iter().map(|router| router.name.as_str()))
    }

    /// How Envoy is told the destination.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// How it is known which destinations are healthy.
    pub fn health_source(&self) -> Option<&HealthSource> {
        self.health.as_ref()
    }

    /// Whether answers tell the decision.
    pub fn debug(&self) -> bool {
        self.debug
    }

    /// How attributes are read that can be read in several ways.
    pub fn settings(&self) -> &RequestSettings {
        &self.table.settings
    }

    /// The attributes that the policy asks for.
    pub fn attributes(&self) -> &AttributeTable {
        &self.table
    }

    /// Where this proxy is, by a label.
    pub(crate) fn own<'w>(&'w self, label: &str, workload: &'w Workload) -> Option<&'w str> {
        let Locality {
            region,
            zone,
            sub_zone,
        } = &workload.locality;
        let node = match label {
            "region" => Some(region),
            "zone" => Some(zone),
            "subZone" => Some(sub_zone),
            _ => None,
        };
        let mut places = [self.locality.get(label), workload.labels.get(label), node]
            .into_iter()
            .flatten();
        places.find(|own| !own.is_empty()).map(String::as_str)
    }

    /// The service that a request is for.
    pub(crate) fn service(&self, headers: &Headers) -> Option<usize> {
        let authority = headers
            .first(":authority")
            .or_else(|| headers.first("host"))?;
        self.hosts.find(std::str::from_utf8(authority).ok()?)
    }
}

impl Output {
    /// The request header that is written, in lower case.
    pub fn header(&self) -> &str {
        &self.header
    }

    /// What is written for a destination.
    pub fn value<'d>(&self, destination: &'d Destination) -> &'d str {
        match (self.value, &destination.cluster) {
            (OutputValue::Cluster, Some(cluster)) => cluster,
            _ => &destination.name,
        }
    }
}

impl Hosts {
    /// The longest host of a service, without its port.
    pub(crate) const MAX_LENGTH: usize = 253;

    /// The service of an authority: `HOST` or `HOST:PORT`, in any case.
    pub(crate) fn find(&self, authority: &str) -> Option<usize> {
        let authority = authority.to_ascii_lowercase();
        if let Some(service) = self.exact.get(&authority) {
            return Some(*service);
        }
        let host = without_port(&authority);
        if let Some(service) = self.exact.get(host) {
            return Some(*service);
        }
        // The longest suffix begins at the first dot; a client that sends a thousand more gets no more lookups.
        let dots = host.match_indices('.').map(|(at, _)| at);
        let suffixes = dots.filter_map(|at| host.get(at..));
        suffixes
            .filter(|suffix| suffix.len() <= Self::MAX_LENGTH)
            .chain([""])
            .find_map(|suffix| self.suffixes.get(suffix).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_host_is_looked_for_from_the_exact_one_to_the_shortest_end() {
        let map = |names: &[(&str, usize)]| {
            let names = names.iter();
            names.map(|(name, at)| ((*name).to_owned(), *at)).collect()
        };
        let mut hosts = Hosts {
            exact: map(&[("a.shop:80", 0), ("a.shop", 1), ("[::1]", 2)]),
            suffixes: map(&[(".shop", 3), (".b.shop", 4)]),
        };
        for (authority, service) in [
            ("A.Shop:80", Some(0)),
            ("a.shop:81", Some(1)),
            ("a.shop:", Some(1)),
            ("a.shop:80a", None),
            ("[::1]:80", Some(2)),
            ("[::2]:80", None),
            ("b.shop", Some(3)),
            ("c.b.shop:80", Some(4)),
            ("shop", None),
            ("", None),
            (":80", None),
        ] {
            assert_eq!(hosts.find(authority), service, "{authority}");
        }
        hosts.suffixes.insert(String::new(), 5);
        assert_eq!(hosts.find("shop"), Some(5));
        assert_eq!(
            hosts.find(&format!("{}.shop", ".a".repeat(10_000))),
            Some(3)
        );
    }
}
