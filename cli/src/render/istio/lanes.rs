//! Lane groups.

use std::collections::{BTreeMap, BTreeSet};

use meshlane_documents::Proxies;
use meshlane_gray_release::config::Mode;
use meshlane_lane_group::{Gateways, LaneGroup, Rendered};
use serde_json::Value;

use super::plugin::{Plugin, Target};
use super::resource::Owner;
use super::routes::{Routed, RoutingPlan, with_services};
use super::{Place, Renderer, Routing};
use crate::documents::Kind;

impl Renderer<'_> {
    /// Gateways see the groups of all namespaces, sidecars those of their own.
    pub(super) fn lanes(&mut self, groups: &[(LaneGroup, Place)]) {
        self.document = groups.first().map(|(_, place)| place.clone());
        let mut gateways: BTreeMap<Gateways, Vec<LaneGroup>> = BTreeMap::new();
        let mut namespaces: BTreeMap<Option<String>, Vec<&(LaneGroup, Place)>> = BTreeMap::new();
        for one in groups {
            let (group, _) = one;
            let mut entrance = group.gateways().clone();
            entrance.routes.clear();
            gateways.entry(entrance).or_default().push(group.clone());
            let namespace = group.namespace().map(str::to_owned);
            namespaces.entry(namespace).or_default().push(one);
        }
        for (entrance, groups) in gateways {
            // What does not go together was found when the groups were read.
            if let Ok(rendered) = meshlane_lane_group::merge(&groups) {
                self.gateways(&entrance, &groups, rendered);
            }
        }
        for (namespace, groups) in namespaces {
            let own: Vec<_> = groups.iter().map(|(group, _)| group.clone()).collect();
            if let (Ok(rendered), [(_, place), ..]) =
                (meshlane_lane_group::merge(&own), groups.as_slice())
            {
                self.document = Some(place.clone());
                self.sidecars(namespace.as_deref(), &own, rendered, place);
            }
        }
    }

    fn gateways(&mut self, entrance: &Gateways, groups: &[LaneGroup], mut rendered: Rendered) {
        if self.options.routing == Routing::GatewayApi {
            with_services(&mut rendered.tag_route);
        }
        let plugin = |kind: Kind, config: Value, comment: &str| Plugin {
            kind,
            owner: owner(groups),
            namespace: Some(entrance.namespace.clone()),
            name: format!("lanes-{}", kind.as_str()),
            instance: "lanes".to_owned(),
            target: Target::Proxies(Proxies::Gateways(entrance.reference.clone())),
            ports: Vec::new(),
            fail_strategy: "FAIL_OPEN",
            config,
            comment: format!("{comment} Made of {}.", names(groups)),
        };
        self.plugin(plugin(
            Kind::TrafficTag,
            rendered.traffic_tag,
            "Says at the gateway who is in which lane. What a client claims is taken off.",
        ));
        self.plugin(plugin(
            Kind::TagRoute,
            rendered.tag_route,
            "Sends requests from the gateway to their lane while it has a healthy workload, otherwise to the baseline.",
        ));
    }

    fn sidecars(
        &mut self,
        namespace: Option<&str>,
        groups: &[LaneGroup],
        mut rendered: Rendered,
        place: &Place,
    ) {
        let owner = owner(groups);
        let is_strict = groups.iter().flat_map(LaneGroup::lanes);
        let is_strict = is_strict
            .map(|lane| lane.mode())
            .any(|mode| mode == Mode::Strict);
        let plugin = |kind: Kind, target, fail_strategy, config: Value, comment: &str| Plugin {
            kind,
            owner: owner.clone(),
            namespace: namespace.map(str::to_owned),
            name: format!("lanes-{}-sidecars", kind.as_str()),
            instance: "lanes".to_owned(),
            target,
            ports: Vec::new(),
            fail_strategy,
            config,
            comment: format!("{comment} Made of {}.", names(groups)),
        };
        self.plugin(plugin(
            Kind::GrayRelease,
            Target::BothWays(BTreeMap::new()),
            // A strict lane must not be open because a module is missing.
            if is_strict { "FAIL_RELOAD" } else { "FAIL_OPEN" },
            rendered.gray_release,
            "Remembers the tag of what comes in and gives it back to the calls that follow from it; keeps lanes apart.",
        ));
        let plan = RoutingPlan {
            place: place.clone(),
            owner: owner.clone(),
            namespace: namespace.map(str::to_owned),
            gateways: routes(groups),
            retries: Some(meshlane_documents::Retries::default()),
            has_mesh: true,
            services: Routed::of(&rendered.tag_route, |service| baseline(groups, service)),
        };
        if self.options.routing == Routing::GatewayApi {
            with_services(&mut rendered.tag_route);
        }
        let target = Target::Proxies(Proxies::Sidecars {
            labels: BTreeMap::new(),
            direction: meshlane_gray_release::config::Direction::Outbound,
        });
        self.plugin(plugin(
            Kind::TagRoute,
            target,
            "FAIL_OPEN",
            rendered.tag_route,
            "Sends each call to its lane while that has a healthy workload, otherwise to the baseline.",
        ));
        self.routes(&plan);
    }
}

fn owner(groups: &[LaneGroup]) -> Owner {
    Owner {
        kind: LaneGroup::KIND,
        name: match groups {
            [group] => Some(group.name().to_owned()),
            _ => None,
        },
    }
}

fn names(groups: &[LaneGroup]) -> String {
    let names = groups.iter().map(|group| match group.namespace() {
        Some(namespace) => format!("LaneGroup {namespace}/{}", group.name()),
        None => format!("LaneGroup {}", group.name()),
    });
    names.collect::<Vec<_>>().join(", ")
}

/// The Gateways whose requests are routed.
fn routes(groups: &[LaneGroup]) -> Vec<String> {
    let routes = groups.iter().flat_map(|group| &group.gateways().routes);
    let routes: BTreeSet<_> = routes.cloned().collect();
    routes.into_iter().collect()
}

/// The baseline of the group that has a service.
fn baseline(groups: &[LaneGroup], service: &str) -> String {
    let mut groups = groups.iter();
    let has = |group: &&LaneGroup| {
        let mut services = group.services().iter();
        services.any(|known| known.name() == service)
    };
    let group = groups.find(has);
    group.map_or_else(String::new, |group| group.baseline().to_owned())
}
