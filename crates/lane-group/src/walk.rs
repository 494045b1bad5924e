//! The way of a request through the services of a mesh, hop by hop.

mod explanation;

use std::collections::BTreeMap;
use std::time::Duration;

use meshlane_attributes::{Headers, ProxyKind, RequestFacts, StaticFacts, Workload};
use meshlane_conditions::RandomBytes;
use meshlane_diagnostics::{Place, Problem, Violations};
use meshlane_gray_release::Correlations;
use meshlane_gray_release::config::GrayReleaseConfig;
use meshlane_shared_data::MapData;
use meshlane_tag_route::{Destination, Health, Service, Snapshot};
use meshlane_tags::Mutation;
use serde::Deserialize;

pub use explanation::{EntryTag, Hop, HopTag, Refusal, Route, RouterStep, TagStep, Walk};

use crate::render::Rendered;

/// A mesh whose proxies have the configurations of lane groups.
#[derive(Debug, Clone)]
pub struct Mesh {
    traffic_tag: meshlane_traffic_tag::Policy,
    tag_route: meshlane_tag_route::Policy,
    gray_release: meshlane_gray_release::Policy,
    /// The label of each tag of `gray_release`, in their order.
    labels: Vec<String>,
}

impl Mesh {
    /// A mesh with these configurations.
    ///
    /// # Errors
    /// What a filter finds wrong in its configuration; what [`render`](crate::render) gave is never wrong.
    pub fn new(rendered: &Rendered) -> Result<Self, Violations> {
        let bytes = |value: &serde_json::Value| value.to_string().into_bytes();
        let tags = GrayReleaseConfig::deserialize(&rendered.gray_release).unwrap_or_default();
        let labels = tags.tags.into_iter().map(|tag| tag.lanes);
        Ok(Self {
            traffic_tag: meshlane_traffic_tag::Policy::parse(
                &bytes(&rendered.traffic_tag),
                ProxyKind::Gateway,
            )?,
            tag_route: meshlane_tag_route::Policy::parse(
                &bytes(&rendered.tag_route),
                ProxyKind::Sidecar,
            )?,
            gray_release: meshlane_gray_release::Policy::parse(&bytes(&rendered.gray_release))?,
            labels: labels
                .map(|lanes| lanes.map(|lanes| lanes.label).unwrap_or_default())
                .collect(),
        })
    }

    /// The way of a request that enters the mesh and comes to the first of `services`, which calls the second one, and so on.
    /// Applications forward the identifiers of the request and nothing else. It ends where a request is refused.
    ///
    /// `random` is asked for what filters draw by chance. Without a `snapshot`, health is known as little as in a proxy that
    /// has not asked yet.
    ///
    /// # Errors
    /// A service that the mesh does not have; its place is the position in `services`.
    pub fn walk(
        &self,
        entry: &dyn RequestFacts,
        services: &[&str],
        snapshot: Option<&Snapshot>,
        random: RandomBytes<'_>,
    ) -> Result<Walk, Violations> {
        let services = self.services(services)?;
        let gateway = Workload {
            proxy: ProxyKind::Gateway,
            ..Workload::default()
        };
        let mut facts = StaticFacts {
            headers: entry.headers().clone(),
            source_address: entry.source_address(),
            peer_uri: entry.peer_uri(),
            metadata: entry.metadata(),
            time: entry.time(),
        };
        let decision = self.traffic_tag.decide(&facts, &gateway, &mut *random);
        let tags = self.traffic_tag.tags().iter().zip(&decision.tags);
        let mut walk = Walk {
            entry: tags.map(|(tag, found)| EntryTag::new(tag, found)).collect(),
            hops: Vec::with_capacity(services.len()),
        };
        let mutations = decision.mutations;
        facts.headers = self.identified(changed(&facts.headers, &mutations));
        let mut call = Call {
            facts,
            caller: gateway,
            sent: None,
        };
        let mut on_the_way = OnTheWay {
            mesh: self,
            health: Health::new(&self.tag_route, snapshot),
            random,
            memories: BTreeMap::new(),
        };
        for service in services {
            let (hop, received) = on_the_way.hop(walk.hops.len() + 1, call, service);
            walk.hops.push(hop);
            match received {
                Some(received) => call = on_the_way.call(received),
                None => break,
            }
        }
        Ok(walk)
    }

    fn services(&self, names: &[&str]) -> Result<Vec<&Service>, Violations> {
        let known = self.tag_route.services();
        let mut violations = Violations::default();
        let mut services = Vec::with_capacity(names.len());
        let root = Place::root();
        for (index, name) in names.iter().enumerate() {
            match known.iter().find(|service| service.name() == *name) {
                Some(service) => services.push(service),
                None => {
                    let problem = Problem::UnknownName {
                        kind: "service",
                        found: (*name).to_owned(),
                        known: known.iter().map(|known| known.name().to_owned()).collect(),
                    };
                    violations.push(&root.index(index), problem);
                }
            }
        }
        violations.into_result(services)
    }

    /// Envoy gives a request an identifier that has none.
    fn identified(&self, headers: Headers) -> Headers {
        let mut identifiers = self.gray_release.identifiers();
        if identifiers.any(|name| headers.first(name).is_some()) {
            return headers;
        }
        set(
            &headers,
            REQUEST_ID,
            b"00000000-0000-4000-8000-000000000000",
        )
    }
}

/// A call on its way to a service.
struct Call {
    facts: StaticFacts,
    /// The workload that it comes from.
    caller: Workload,
    /// What the sidecar there decided; nothing of the request that enters the mesh.
    sent: Option<meshlane_gray_release::Decision>,
}

/// A request that came to an application.
struct Received<'a> {
    headers: Headers,
    time: Option<Duration>,
    service: &'a str,
    destination: &'a str,
    workload: Workload,
}

/// What is known while a request is on its way.
struct OnTheWay<'a, 'r> {
    mesh: &'a Mesh,
    health: Health,
    random: RandomBytes<'r>,
    /// What the sidecar of each workload remembers, by service and destination.
    memories: BTreeMap<(&'a str, &'a str), MapData>,
}

impl<'a> OnTheWay<'a, '_> {
    /// A call goes to a service, and there to its application unless it is refused.
    fn hop(
        &mut self,
        number: usize,
        mut call: Call,
        service: &'a Service,
    ) -> (Hop, Option<Received<'a>>) {
        let mesh = self.mesh;
        let host = host(service, &call.facts.headers);
        call.facts.headers = set(&call.facts.headers, ":authority", host.as_bytes());
        let policy = &mesh.tag_route;
        let random = &mut *self.random;
        let decision = policy.decide(&call.facts, &call.caller, &self.health, random);
        let mut hop = Hop::new(
            number,
            service.name(),
            Route::new(policy, service, &decision),
        );
        let Some(destination) = decision.destination else {
            hop.tags = self.tags(None, call.sent.as_ref(), None);
            hop.refused = decision.is_refused().then(|| Refusal {
                by: "tag-route",
                reason: decision.reason.as_str(),
            });
            return (hop, None);
        };
        hop.destination = Some(destination.name().to_owned());
        hop.cluster = destination.cluster().map(str::to_owned);
        let workload = Workload {
            proxy: ProxyKind::Sidecar,
            labels: destination.labels().clone(),
            ..Workload::default()
        };
        let received = mesh.gray_release.inbound(&call.facts, &workload);
        hop.tags = self.tags(Some(destination), call.sent.as_ref(), Some(&received));
        hop.refused = received.refused.map(|reason| Refusal {
            by: "gray-release",
            reason: reason.as_str(),
        });
        hop.sent_on = received.reroute.clone();
        if hop.refused.is_some() || hop.sent_on.is_some() {
            return (hop, None);
        }
        let time = call.facts.time;
        let place = (service.name(), destination.name());
        let data = self.memories.entry(place).or_default();
        let memory = memory(data, &mesh.gray_release);
        for key in &received.keys {
            let remembered = received.remembered(&mesh.gray_release);
            memory.remember(data, time.unwrap_or_default(), key, &remembered);
        }
        let received = Received {
            headers: changed(&call.facts.headers, &received.mutations),
            time,
            service: place.0,
            destination: place.1,
            workload,
        };
        (hop, Some(received))
    }

    /// The application calls another service. It forwards what identifies the request.
    fn call(&mut self, received: Received<'a>) -> Call {
        let policy = &self.mesh.gray_release;
        let new = [(":method", "GET"), (":scheme", "http"), (":path", "/")];
        let mut lines: Vec<_> = new
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .into();
        for name in policy.identifiers().chain([REQUEST_ID]) {
            if lines.iter().any(|(known, _)| known == name) {
                continue;
            }
            let values = received.headers.lines(name);
            lines.extend(values.map(|value| (name.to_owned(), value.to_vec())));
        }
        let facts = StaticFacts {
            headers: lines.into_iter().collect(),
            time: received.time,
            ..StaticFacts::default()
        };
        let place = (received.service, received.destination);
        let data = self.memories.entry(place).or_default();
        let memory = memory(data, policy);
        let now = received.time.unwrap_or_default();
        let mut recall = |key: &_| memory.recall(data, now, key);
        let sent = policy.outbound(&facts, &received.workload, &mut recall);
        Call {
            facts: StaticFacts {
                headers: changed(&facts.headers, &sent.mutations),
                ..facts
            },
            caller: received.workload,
            sent: Some(sent),
        }
    }

    fn tags(
        &self,
        destination: Option<&Destination>,
        sent: Option<&meshlane_gray_release::Decision>,
        received: Option<&meshlane_gray_release::Decision>,
    ) -> Vec<HopTag> {
        let step = |decision: Option<&meshlane_gray_release::Decision>, index: usize| {
            Some(TagStep::new(decision?.tags.get(index)?))
        };
        let tags = self.mesh.gray_release.tags().iter();
        let tags = tags.zip(&self.mesh.labels).enumerate();
        tags.map(|(index, (tag, label))| {
            let value = destination.and_then(|destination| destination.labels().get(label));
            HopTag {
                name: tag.name().to_owned(),
                lane: value.filter(|value| tag.has_lane(value)).cloned(),
                sent: step(sent, index),
                received: step(received, index),
            }
        })
        .collect()
    }
}

/// The memory of a sidecar, whose size does not matter here.
fn memory(data: &MapData, policy: &meshlane_gray_release::Policy) -> Correlations {
    let capacity = Correlations::MIN_CAPACITY;
    Correlations::open(data, capacity, policy.lifetime(), &mut || [0; 16])
}

/// The host of a request to a service: its own when the service has it.
fn host(service: &Service, headers: &Headers) -> String {
    let own = headers.first(":authority").unwrap_or_default();
    let own = String::from_utf8_lossy(own).to_ascii_lowercase();
    let mut hosts = service.hosts().iter();
    if hosts.any(|host| *host == own) {
        return own;
    }
    let host = service.hosts().first().map_or("*", String::as_str);
    host.replacen('*', "walk", 1)
}

/// Headers with the changes that a filter makes.
fn changed(headers: &Headers, mutations: &[Mutation]) -> Headers {
    let is_left = |name: &[u8]| {
        mutations
            .iter()
            .all(|change| change.name.as_bytes() != name)
    };
    let left = headers.iter().filter(|(name, _)| is_left(name));
    let new = mutations.iter();
    let new = new.filter_map(|change| Some((change.name.as_bytes(), change.value.as_deref()?)));
    left.chain(new).collect()
}

/// Headers of which one is set.
fn set(headers: &Headers, name: &str, value: &[u8]) -> Headers {
    let change = Mutation {
        name: name.to_owned(),
        value: Some(value.to_vec()),
    };
    changed(headers, &[change])
}

const REQUEST_ID: &str = "x-request-id";

#[cfg(test)]
mod tests;
