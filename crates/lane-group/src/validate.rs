//! From what is written to what is meant: everything that is wrong is found at once.
//!
//! What a filter has an opinion on, its own crate says: the group is rendered as far as it can be, and what is wrong in that is
//! told by the place where it comes from.

mod entry;
mod lane;
mod service;
mod share;

use std::collections::BTreeMap;

use meshlane_diagnostics::{Place, Problem, Violations};

use crate::config::{self, Spec};
use crate::group::{GatewayReference, Gateways, LaneGroup};
use crate::render::{self, Member};

impl LaneGroup {
    /// Validates a document.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn new(config: &config::LaneGroup) -> Result<Self, Violations> {
        let mut violations = Violations::default();
        let root = Place::root();
        let (written, metadata) = ((&*config.api_version, &*config.kind), &config.metadata);
        let kind = (LaneGroup::KIND, "`LaneGroup`");
        head(written, kind, metadata, &mut violations);
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
            gateways: gateways(spec, &place, &mut violations),
            lanes: lane::lanes(spec, &place, &mut violations),
        };
        carriers(&group, spec, &place, &mut violations);
        render::check(&[Member::new(&group.opened(), place)], &mut violations);
        violations.into_result(group)
    }
}

/// Validates what all documents of `meshlane.dev/v1alpha1` begin with: `apiVersion` and `kind`, as written, and `metadata`. The
/// `kind` that is expected is given twice, the second time as messages have it.
pub fn head(
    (api_version, kind): (&str, &str),
    (known, expected): (&str, &'static str),
    metadata: &config::Metadata,
    violations: &mut Violations,
) {
    let root = Place::root();
    if api_version != LaneGroup::API_VERSION {
        let expected = "`meshlane.dev/v1alpha1`";
        violations.invalid(&root.key("apiVersion"), api_version, expected);
    }
    if kind != known {
        violations.invalid(&root.key("kind"), kind, expected);
    }
    let place = root.key("metadata");
    let name = &metadata.name;
    if !is_name(name, 50) {
        let expected = "1 to 50 lower-case letters, digits and `-`, none of these at an end";
        violations.invalid(&place.key("name"), name, expected);
    }
    if let Some(namespace) = &metadata.namespace
        && !is_name(namespace, 63)
    {
        let expected = "1 to 63 lower-case letters, digits and `-`, none of these at an end";
        violations.invalid(&place.key("namespace"), namespace, expected);
    }
}

fn gateways(spec: &Spec, place: &Place<'_>, violations: &mut Violations) -> Gateways {
    let given = spec.gateways.clone().unwrap_or_default();
    let place = place.key("gateways");
    let namespace = given.namespace.unwrap_or_else(|| "istio-system".to_owned());
    if !is_name(&namespace, 63) {
        violations.invalid(&place.key("namespace"), &namespace, "a namespace");
    }
    if given.name.is_some() && given.selector.is_some() {
        let (key, with) = ("name", "`selector`");
        let problem = Problem::Incompatible { key, with };
        violations.push(&place.key("name"), problem);
    }
    let labels = given.selector.unwrap_or_else(|| {
        let label = ("istio".to_owned(), "ingressgateway".to_owned());
        BTreeMap::from([label])
    });
    Gateways {
        namespace,
        reference: match given.name {
            Some(name) => GatewayReference::Name(name),
            None => GatewayReference::Labels(labels),
        },
        routes: given.routes,
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

/// Whether a text is a name in Kubernetes, without dots.
pub fn is_name(name: &str, longest: usize) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=longest).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Whether a text can be a host, as far as its characters and its length tell.
pub fn is_host(host: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=253).contains(&host.len()) && host.bytes().all(allowed)
}

/// Whether a text is the value of a label in Kubernetes.
pub fn is_label_value(value: &str) -> bool {
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
