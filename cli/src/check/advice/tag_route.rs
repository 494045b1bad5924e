//! What is most likely not meant in a configuration of `tag-route`.

mod labels;

use meshlane_diagnostics::{JsonPath, Place};
use meshlane_tag_route::config::{Service, TagRouteConfig};

use super::{is_enabled, is_unconditional, never_reached};
use crate::diagnostic::Diagnostic;
use crate::documents::{Origin, Plugin};
use crate::source::Node;

/// Warnings about a plugin's configuration. One whose structure is wrong has other troubles.
pub(super) fn about(plugin: &Plugin, node: &Node) -> Vec<Diagnostic> {
    let Ok(config) = serde_json::from_value(node.to_json()) else {
        return Vec::new();
    };
    let document = Document {
        config: &config,
        node,
    };
    let mut found = Vec::new();
    found.extend(document.nothing_to_route(plugin));
    document.chains(&mut found);
    found.extend(document.unknown_health());
    found.extend(document.debug());
    found
}

/// A configuration as it is meant and as it is written.
struct Document<'d> {
    config: &'d TagRouteConfig,
    node: &'d Node,
}

impl Document<'_> {
    fn nothing_to_route(&self, plugin: &Plugin) -> Option<Diagnostic> {
        let message = "without `services` no request is given a destination";
        // A document may name hosts instead; what is around a configuration is looked at elsewhere.
        let is_complete = plugin.origin != Origin::Document;
        (is_complete && self.config.services.is_empty()).then(|| {
            Diagnostic::warning("config-empty", plugin.place.clone(), message)
                .at(JsonPath::default())
        })
    }

    fn chains(&self, found: &mut Vec<Diagnostic>) {
        let root = Place::root();
        let place = root.key("chains");
        for (name, routers) in &self.config.chains {
            let place = place.key(name);
            let users = self.users(name);
            if users.is_empty() {
                found.extend(self.unused(&place, name));
                continue;
            }
            for (index, router) in routers.iter().enumerate() {
                let place = place.index(index);
                if router.enabled != Some(false) {
                    labels::check(self, router, index, &place, &users, found);
                    self.unreachable_rules(&place, found);
                }
            }
        }
    }

    /// The services that go through a chain, with their positions.
    fn users(&self, chain: &str) -> Vec<(usize, &Service)> {
        let services = self.config.services.iter().enumerate();
        services
            .filter(|(_, service)| service.chain.as_deref().unwrap_or("default") == chain)
            .collect()
    }

    fn unused(&self, place: &Place<'_>, name: &str) -> Option<Diagnostic> {
        let path = place.to_path();
        let message = format!("no service uses the chain `{name}`");
        let expected = match name {
            "default" => "a service without `chain`".to_owned(),
            name => format!("`chain: {name}` at a service"),
        };
        (!self.config.services.is_empty()).then(|| {
            Diagnostic::warning("unused-chain", self.node.locate(&path), message)
                .expected(expected)
                .at(path)
        })
    }

    /// Rules of a `condition` behind one that holds for every request.
    fn unreachable_rules(&self, router: &Place<'_>, found: &mut Vec<Diagnostic>) {
        let condition = router.key("condition");
        let place = condition.key("rules");
        let rules = self.node.find(&place.to_path()).map(Node::items);
        let rules = rules.unwrap_or_default();
        let decides = |rule: &&Node| is_unconditional(rule, "from") && is_enabled(rule);
        let Some((always, deciding)) = rules.iter().enumerate().find(|(_, rule)| decides(rule))
        else {
            return;
        };
        let behind = rules.iter().enumerate().skip(always + 1);
        for (index, rule) in behind.filter(|(_, rule)| is_enabled(rule)) {
            let path = place.index(index).to_path();
            let (what, why) = ("this rule", "");
            found.push(never_reached(
                what,
                why,
                rule.place(),
                deciding.place(),
                path,
            ));
        }
    }

    /// Envoy's health checks speak of clusters.
    fn unknown_health(&self) -> Vec<Diagnostic> {
        let services = self.config.services.iter().enumerate();
        let services = services.filter(|_| self.config.health.is_some());
        services
            .filter_map(|(index, service)| self.unknown_health_of(index, service))
            .collect()
    }

    fn unknown_health_of(&self, index: usize, service: &Service) -> Option<Diagnostic> {
        let destinations = service.destinations.iter().enumerate();
        let mut unknown = destinations.filter(|(_, destination)| destination.cluster.is_none());
        let (first, destination) = unknown.next()?;
        let others = unknown.count();
        let who = match others {
            0 => format!("`{}` names no cluster", destination.name),
            others => format!("`{}` and {others} more name no cluster", destination.name),
        };
        let message = format!("{who}, so health is not known there: it always counts as healthy");
        let root = Place::root();
        let services = root.key("services");
        let service = services.index(index);
        let destinations = service.key("destinations");
        let warning = self.warning("health-unknown", &destinations.index(first), message);
        Some(warning.expected("`cluster`"))
    }

    fn debug(&self) -> Option<Diagnostic> {
        let entry = self.node.entry("debug")?;
        let message = "answers name every router and destination to clients";
        (self.config.debug == Some(true)).then(|| {
            Diagnostic::note_about("debug-on", entry.key_span.clone(), message)
                .note("the header is `x-meshlane-route-decision`; not for production")
                .at(Place::root().key("debug").to_path())
        })
    }

    fn warning(&self, code: &'static str, place: &Place<'_>, message: String) -> Diagnostic {
        let path = place.to_path();
        Diagnostic::warning(code, self.node.locate_value(&path), message).at(path)
    }
}
