//! From what is written to what is meant: everything that is wrong is found at once.
//!
//! What a filter has an opinion on, its own crate says: the group is rendered as far as it can be, and what is wrong in that is
//! told by the place where it comes from.

mod entry;
mod lane;
mod service;
mod share;

use meshlane_diagnostics::{Place, Violations};

use crate::config::{self, Spec};
use crate::group::LaneGroup;
use crate::render::{self, Member};

impl LaneGroup {
    /// Validates a document.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn new(config: &config::LaneGroup) -> Result<Self, Violations> {
        let mut violations = Violations::default();
        let root = Place::root();
        head(config, &root, &mut violations);
        let place = root.key("spec");
        let spec = &config.spec;
        let label = spec.label.clone().unwrap_or_else(|| "lane".to_owned());
        let baseline = spec.baseline.clone().unwrap_or_else(|| "base".to_owned());
        if !is_label_value(&baseline) {
            violations.invalid(&place.key("baseline"), &baseline, LABEL_VALUE);
        }
        let group = Self {
            name: config.metadata.name.clone(),
            namespace: config.metadata.namespace.clone(),
            tag: spec.tag.clone().unwrap_or_else(|| "x-mse-tag".to_owned()),
            carriers: spec.carriers.clone(),
            correlation: spec.correlation.clone(),
            own_label: spec.own_label.unwrap_or(true),
            response_header: spec.response_header.clone(),
            services: service::services(spec, &baseline, &place, &mut violations),
            label,
            baseline,
            on_untagged: spec.on_untagged.unwrap_or_default(),
            on_other_lane: spec.on_other_lane.unwrap_or_default(),
            on_unknown_tag: spec.on_unknown_tag.unwrap_or_default(),
            exempt: spec.exempt.clone(),
            health: spec.health.clone(),
            lanes: lane::lanes(spec, &place, &mut violations),
        };
        carriers(&group, spec, &place, &mut violations);
        render::check(&[Member::new(&group.opened(), place)], &mut violations);
        violations.into_result(group)
    }
}

fn head(config: &config::LaneGroup, root: &Place<'_>, violations: &mut Violations) {
    if config.api_version != LaneGroup::API_VERSION {
        let expected = "`meshlane.dev/v1alpha1`";
        violations.invalid(&root.key("apiVersion"), &config.api_version, expected);
    }
    if config.kind != LaneGroup::KIND {
        violations.invalid(&root.key("kind"), &config.kind, "`LaneGroup`");
    }
    let place = root.key("metadata");
    let name = &config.metadata.name;
    if !is_name(name, 50) {
        let expected = "1 to 50 lower-case letters, digits and `-`, none of these at an end";
        violations.invalid(&place.key("name"), name, expected);
    }
    if let Some(namespace) = &config.metadata.namespace
        && !is_name(namespace, 63)
    {
        let expected = "1 to 63 lower-case letters, digits and `-`, none of these at an end";
        violations.invalid(&place.key("namespace"), namespace, expected);
    }
}

/// Routers must be able to read the tag.
fn carriers(group: &LaneGroup, spec: &Spec, place: &Place<'_>, violations: &mut Violations) {
    let only_baggage = spec.carriers.as_deref().is_some_and(|carriers| {
        let mut carriers = carriers.iter();
        carriers.len() > 0 && carriers.all(|carrier| carrier.baggage.is_some())
    });
    if only_baggage && group.keys().is_empty() {
        let expected =
            "a header, a cookie or an attachment among them: routers do not read `baggage`";
        violations.invalid(&place.key("carriers"), "baggage", expected);
    }
}

/// A name in Kubernetes, without dots.
fn is_name(name: &str, longest: usize) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=longest).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// The value of a label in Kubernetes.
fn is_label_value(value: &str) -> bool {
    let is_inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let is_end = |c: char| c.is_ascii_alphanumeric();
    (1..=63).contains(&value.len())
        && value.bytes().all(is_inner)
        && value.starts_with(is_end)
        && value.ends_with(is_end)
}

const LABEL_VALUE: &str =
    "the value of a label: 1 to 63 letters, digits and `-_.`, a letter or a digit at both ends";

#[cfg(test)]
mod tests;
