//! The services of a `tag-route` configuration.

use std::collections::BTreeMap;
use std::fmt;

use meshlane_attributes::ProxyKind;
use meshlane_diagnostics::Violations;
use meshlane_tag_route::Policy;
use serde_json::{Value, json};

use super::hosts::Host;
use super::resources::{Place, Resources, Subset};
use super::yaml::{list, scalar};
use crate::check::{Message, document_bytes};
use crate::diagnostic::Diagnostic;
use crate::source::Source;

/// The services of a `tag-route` configuration. It displays as YAML.
#[derive(Debug)]
pub struct Inventory {
    services: Vec<Service>,
    /// Short hosts that several namespaces have, with the namespaces.
    ambiguous: BTreeMap<String, Vec<String>>,
}

#[derive(Debug)]
struct Service {
    name: String,
    hosts: Vec<String>,
    destinations: Vec<Destination>,
}

#[derive(Debug)]
struct Destination {
    name: String,
    cluster: String,
    labels: BTreeMap<String, String>,
}

impl Inventory {
    /// The services that some resources describe. `ports` are those of hosts whose own are not
    /// known.
    ///
    /// # Errors
    /// What is wrong, each with the number of the file that it is in.
    pub fn new(resources: &Resources, ports: &[u16]) -> Result<Self, Vec<(usize, Message)>> {
        let names = Names::of(resources);
        let mut services = Vec::new();
        let mut messages = Vec::new();
        for (host, subsets) in &resources.subsets {
            let known = resources.ports.get(host);
            let known = known.map(Vec::as_slice);
            match known.unwrap_or(ports) {
                [] => messages.extend(
                    resources
                        .rules
                        .get(host)
                        .map(|place| (place.file, no_port(host, place, known.is_some()))),
                ),
                ports => services.extend(names.services(host, subsets, ports)),
            }
        }
        if !messages.is_empty() {
            return Err(messages);
        }
        let ambiguous = names.ambiguous(resources);
        Ok(Self {
            services,
            ambiguous,
        })
    }

    /// Whether there is no service.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// Asks the filter whether it would accept the services.
    ///
    /// # Errors
    /// What it would say.
    pub fn validate(&self) -> Result<(), Violations> {
        let contents = Source::new("inventory.yaml", self.to_string()).read();
        let document = document_bytes(contents.documents.first());
        Policy::parse(&document, ProxyKind::Sidecar).map(|_| ())
    }
}

impl fmt::Display for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (short, namespaces) in &self.ambiguous {
            let namespaces = namespaces.join(", ");
            writeln!(
                f,
                "# `{short}` is a Service in several namespaces ({namespaces}): the short host goes to none of them."
            )?;
        }
        writeln!(f, "services:")?;
        for service in &self.services {
            writeln!(f, "- name: {}", scalar(&service.name))?;
            let hosts = service.hosts.iter().map(String::as_str);
            writeln!(f, "  hosts: {}", list(hosts))?;
            writeln!(f, "  destinations:")?;
            for destination in &service.destinations {
                writeln!(f, "  - name: {}", scalar(&destination.name))?;
                writeln!(f, "    cluster: {}", scalar(&destination.cluster))?;
                let labels = destination.labels.iter();
                let labels =
                    labels.map(|(name, value)| format!("{}: {}", scalar(name), scalar(value)));
                let labels: Vec<_> = labels.collect();
                writeln!(f, "    labels: {{{}}}", labels.join(", "))?;
            }
        }
        Ok(())
    }
}

impl Resources {
    /// The services of one host, as `tag-route` has them.
    ///
    /// # Errors
    /// What is not known about it.
    pub(super) fn inventory(&self, host: &Host) -> Result<Vec<Value>, Box<Diagnostic>> {
        let missing = |message: String, expected: &'static str| {
            Box::new(Diagnostic::error("no-subsets", 0..0, message).expected(expected))
        };
        let name = host.name();
        let Some(subsets) = self.subsets.get(host) else {
            let message = format!("nothing says which subsets {name} has");
            return Err(missing(message, "its DestinationRule among the files"));
        };
        let Some(ports) = self.ports.get(host).filter(|ports| !ports.is_empty()) else {
            let message = format!("nothing says which ports of {name} speak HTTP");
            return Err(missing(
                message,
                "its Service or ServiceEntry among the files",
            ));
        };
        let services = Names::of(self).services(host, subsets, ports);
        Ok(services.iter().map(Service::to_json).collect())
    }
}

impl Service {
    fn to_json(&self) -> Value {
        let destinations = self.destinations.iter();
        let destinations = destinations.map(|destination| {
            json!({"name": destination.name, "cluster": destination.cluster, "labels": destination.labels})
        });
        json!({"name": self.name, "hosts": self.hosts, "destinations": destinations.collect::<Value>()})
    }
}

/// How many hosts each short name could mean.
struct Names<'r>(BTreeMap<&'r str, Vec<&'r Host>>);

impl<'r> Names<'r> {
    fn of(resources: &'r Resources) -> Self {
        let mut names: BTreeMap<&str, Vec<&Host>> = BTreeMap::new();
        for host in resources.ports.keys().chain(resources.subsets.keys()) {
            let Some(short) = host.short() else { continue };
            let hosts = names.entry(short).or_default();
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        Self(names)
    }

    /// A service for each port of a host.
    fn services(&self, host: &Host, subsets: &[Subset], ports: &[u16]) -> Vec<Service> {
        let hosts = self.hosts(host);
        let name = host.name();
        if let [port] = ports {
            return vec![service(name, hosts, host, subsets, *port)];
        }
        let mut services = Vec::with_capacity(ports.len());
        for port in ports {
            let with_port = hosts.iter().map(|host| format!("{host}:{port}"));
            // Requests for port 80 need not say it.
            let without = hosts.iter().filter(|_| *port == 80).cloned();
            let hosts = without.chain(with_port).collect();
            services.push(service(
                format!("{name}/{port}"),
                hosts,
                host,
                subsets,
                *port,
            ));
        }
        services
    }

    /// What requests call a host.
    fn hosts(&self, host: &Host) -> Vec<String> {
        let is_own = |short: &&str| self.0.get(short).is_some_and(|hosts| hosts.len() == 1);
        let short = host.short().filter(is_own).map(str::to_owned);
        short.into_iter().chain(host.long()).collect()
    }

    fn ambiguous(&self, resources: &Resources) -> BTreeMap<String, Vec<String>> {
        let is_rendered = |host: &&Host| resources.subsets.contains_key(host);
        let several = self.0.iter();
        let several = several.filter(|(_, hosts)| hosts.len() > 1 && hosts.iter().any(is_rendered));
        several
            .map(|(short, hosts)| {
                let mut namespaces: Vec<_> =
                    hosts.iter().filter_map(|host| host.namespace()).collect();
                namespaces.sort_unstable();
                let namespaces = namespaces.into_iter().map(str::to_owned);
                ((*short).to_owned(), namespaces.collect())
            })
            .collect()
    }
}

fn service(
    name: String,
    hosts: Vec<String>,
    host: &Host,
    subsets: &[Subset],
    port: u16,
) -> Service {
    let full = host.full();
    let destinations = subsets.iter().map(|subset| Destination {
        name: subset.name.clone(),
        cluster: format!("outbound|{port}|{}|{full}", subset.name),
        labels: subset.labels.clone(),
    });
    Service {
        name,
        hosts,
        destinations: destinations.collect(),
    }
}

fn no_port(host: &Host, place: &Place, is_known: bool) -> Message {
    let name = host.name();
    let (message, expected) = match is_known {
        true => (
            format!("`{name}` has no port that speaks HTTP"),
            "a port whose `appProtocol` or name says `http`, `http2` or `grpc`",
        ),
        false => (
            format!("nothing says which ports `{name}` has"),
            "a Service or a ServiceEntry in the files, or --port PORT",
        ),
    };
    let diagnostic = Diagnostic::error("no-port", place.span.clone(), message)
        .expected(expected)
        .at(place.path.clone());
    Message {
        diagnostic,
        plugin: Some(place.resource.clone()),
    }
}
