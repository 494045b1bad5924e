//! From lane groups to the configurations of the filters.

mod gray_release;
mod merge;
mod tag_route;
mod traffic_tag;

use meshlane_attributes::ProxyKind;
use meshlane_diagnostics::{Place, Violations};
use serde_json::Value;

use crate::group::LaneGroup;
use crate::origin::Origins;

/// The configurations of the filters.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// Of `traffic-tag`, where requests enter the mesh.
    pub traffic_tag: Value,
    /// Of `tag-route`, where requests enter the mesh and where they leave workloads.
    pub tag_route: Value,
    /// Of `gray-release`, where requests come to workloads and where they leave them.
    pub gray_release: Value,
}

/// The configurations that follow from a lane group.
pub fn render(group: &LaneGroup) -> Rendered {
    let root = Place::root();
    rendered(&[Member::new(group, root.key("spec"))])
}

/// The configurations that follow from several lane groups at once: each has its tag, and a request may be in a lane of each.
///
/// A service that is in several groups, by its name and all its hosts, gets one chain with the routers of each. Its workloads in
/// a lane of one group are in the baselines of the others; those that are in several lanes are its `combinations`. To a strict
/// lane a service that its group does not have is no less outside than the baseline.
///
/// # Errors
/// What does not go together. Places begin with the position of the group: `[1].spec.label`.
pub fn merge(groups: &[LaneGroup]) -> Result<Rendered, Violations> {
    let root = Place::root();
    let places: Vec<_> = (0..groups.len()).map(|index| root.index(index)).collect();
    let members = |groups| members(groups, &places);
    let opened: Vec<_> = groups.iter().map(LaneGroup::opened).collect();
    let opened = members(&opened);
    let mut violations = Violations::default();
    merge::check(&opened, &places, &mut violations);
    check(&opened, &mut violations);
    violations.into_result(rendered(&members(groups)))
}

fn members<'a>(groups: &'a [LaneGroup], places: &'a [Place<'a>]) -> Vec<Member<'a>> {
    let members = groups.iter().zip(places);
    members
        .map(|(group, place)| Member::new(group, place.key("spec")))
        .collect()
}

/// A lane group among those that are rendered, and the place of its `spec`.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a> {
    group: &'a LaneGroup,
    place: Place<'a>,
}

impl<'a> Member<'a> {
    pub(crate) fn new(group: &'a LaneGroup, place: Place<'a>) -> Self {
        Self { group, place }
    }
}

/// A configuration, and where its parts come from.
struct Document {
    value: Value,
    origins: Origins,
}

fn rendered(members: &[Member<'_>]) -> Rendered {
    Rendered {
        traffic_tag: traffic_tag::render(members).value,
        tag_route: tag_route::render(members).value,
        gray_release: gray_release::render(members).value,
    }
}

/// Notes what the filters would find wrong in their configurations.
pub(crate) fn check(members: &[Member<'_>], violations: &mut Violations) {
    let document = gray_release::render(members);
    let policy = meshlane_gray_release::Policy::parse(&document.bytes());
    document.report(policy.err(), violations);
    let document = traffic_tag::render(members);
    let policy = meshlane_traffic_tag::Policy::parse(&document.bytes(), ProxyKind::Gateway);
    document.report(policy.err(), violations);
    let document = tag_route::render(members);
    let policy = meshlane_tag_route::Policy::parse(&document.bytes(), ProxyKind::Sidecar);
    document.report(policy.err(), violations);
}

impl Document {
    fn bytes(&self) -> Vec<u8> {
        self.value.to_string().into_bytes()
    }

    fn report(&self, found: Option<Violations>, violations: &mut Violations) {
        self.origins.report(found.unwrap_or_default(), violations);
    }
}

/// A name in metrics and logs: dots, which values of labels may have, are none of its letters.
fn identifier(name: &str) -> String {
    name.replace('.', "_")
}

#[cfg(test)]
mod tests;
