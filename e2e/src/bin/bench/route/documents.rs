//! Documents of `tag-route`: one service whose destinations are of some units, two zones and some versions.

use anyhow::{Context, Result, anyhow};
use meshlane_attributes::{ProxyKind, Workload};
use meshlane_tag_route::{Health, Policy};
use serde_json::{Value, json};

use crate::{native, request, rules::TAG};

/// The numbers of destinations that are compared.
pub(super) const COUNTS: [usize; 3] = [10, 100, 1000];

/// The headers that a request to be routed has besides those of every request.
pub(super) const GRAY_TAG: [(&str, &str); 1] = [(TAG, "gray")];

/// The cluster that leads to the admin interface.
pub(super) const ADMIN: &str = "admin";

/// A service with so many destinations, whose chain goes by unit, zone and version.
pub(super) struct Shop {
    units: usize,
    versions: usize,
}

impl Shop {
    pub(super) fn of(destinations: usize) -> Self {
        let (units, versions) = match destinations {
            0..100 => (1, 5),
            100..1000 => (5, 10),
            _ => (10, 50),
        };
        Self { units, versions }
    }

    /// The document; what stands in the output is a destination's name or its cluster.
    pub(super) fn document(&self, output: &str) -> Value {
        let share = 100 / self.units;
        let ranges = (0..self.units).map(|unit| {
            json!({"unit": unit_name(unit), "from": unit * share, "below": (unit + 1) * share})
        });
        let units = (0..self.units).map(unit_name);
        json!({
            "output": {"value": output},
            "locality": {"zone": ZONES[0]},
            "chains": {"default": [
                {
                    "name": "unit",
                    "unit": {"keys": ["header.x-user"], "ranges": ranges.collect::<Vec<_>>()},
                    "fallback": {"values": units.collect::<Vec<_>>()},
                },
                {"name": "zone", "locality": {"levels": ["zone"]}},
                {"name": "lane", "tag": {"keys": [format!("header.{TAG}")], "label": "version", "untagged": ["v1"]}},
            ]},
            "services": [{
                "name": "shop",
                "hosts": [request::AUTHORITY],
                "destinations": self.destinations(),
            }],
        })
    }

    /// The same with health, asked for that often.
    pub(super) fn document_with_health(&self, seconds: f64) -> Value {
        let mut document = self.document("name");
        if let Some(members) = document.as_object_mut() {
            let health = json!({"cluster": ADMIN, "interval": seconds});
            members.insert("health".to_owned(), health);
        }
        document
    }

    fn destinations(&self) -> Vec<Value> {
        let each = self.labels().map(|(unit, zone, version)| {
            let name = format!("{unit}-{zone}-{version}");
            json!({
                "cluster": cluster(&name),
                "name": name,
                "labels": {"unit": unit, "zone": zone, "version": version},
            })
        });
        each.collect()
    }

    /// The names of all destinations, the one of the benchmark's request last.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let chosen = self.chosen()?;
        let names = self.labels();
        let names = names.map(|(unit, zone, version)| format!("{unit}-{zone}-{version}"));
        let others = names.filter(|name| *name != chosen);
        Ok(others.chain([chosen.clone()]).collect())
    }

    /// The name of the destination of the benchmark's request.
    pub(super) fn chosen(&self) -> Result<String> {
        let policy = policy(&self.document("name"))?;
        let facts = native::facts(request::pairs(&GRAY_TAG))?;
        let (workload, health) = (Workload::default(), Health::default());
        let decision = policy.decide(&facts, &workload, &health, &mut || [0; 16]);
        let chosen = decision.destination.context("no destination")?;
        Ok(chosen.name().to_owned())
    }

    fn labels(&self) -> impl Iterator<Item = (String, &'static str, String)> {
        let versions = self.versions;
        (0..self.units).flat_map(move |unit| {
            ZONES.into_iter().flat_map(move |zone| {
                (0..versions).map(move |version| (unit_name(unit), zone, version_name(version)))
            })
        })
    }
}

/// The cluster of a destination, as Istio names them.
pub(super) fn cluster(name: &str) -> String {
    format!("outbound|8080|{name}|orders.shop.svc.cluster.local")
}

pub(super) fn policy(document: &Value) -> Result<Policy> {
    Policy::parse(document.to_string().as_bytes(), ProxyKind::Gateway)
        .map_err(|violations| anyhow!("the benchmark's own document: {violations:?}"))
}

fn unit_name(unit: usize) -> String {
    format!("u{unit}")
}

fn version_name(version: usize) -> String {
    match version {
        0 => "v1".to_owned(),
        1 => "gray".to_owned(),
        _ => format!("lane-{version}"),
    }
}

/// The own one is the first.
const ZONES: [&str; 2] = ["east", "west"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_destinations_as_asked_for() {
        for count in COUNTS {
            let names = Shop::of(count).names().unwrap();
            assert_eq!(names.len(), count);
            assert!(names.last().unwrap().ends_with("-east-gray"), "{names:?}");
        }
    }
}
