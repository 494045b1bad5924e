//! Services that speak Dubbo2.

use std::collections::BTreeMap;

use meshlane_bridge::config::{DubboConfig, Expose, Mode};
use meshlane_diagnostics::{Place, Problem, Segment, Violations, parse_json};
use meshlane_lane_group::{head, is_label_value};

use super::{access, labels, port, validate_retries};
use crate::config::{self, ConsumersConfig, VersionsConfig};
use crate::dubbo_service::{Consumers, DubboService, Versions};

/// Validates a document.
pub(crate) fn dubbo_service(document: &[u8]) -> Result<DubboService, Violations> {
    let config: config::DubboService = parse_json(document)?;
    let mut violations = Violations::default();
    let (written, metadata) = ((&*config.api_version, &*config.kind), &config.metadata);
    let kind = (DubboService::KIND, "`DubboService`");
    head(written, kind, metadata, &mut violations);
    let root = Place::root();
    let place = root.key("spec");
    let spec = config.spec;
    let found = &mut violations;
    if spec.selector.is_empty() {
        let what = "labels of the pods";
        found.push(&place.key("selector"), Problem::Empty { what });
    }
    labels(&spec.selector, &place.key("selector"), found);
    interfaces(&spec.interfaces, &place.key("interfaces"), found);
    let own = port(spec.port.unwrap_or(20_880.0), &place.key("port"), found);
    let at = place.key("loopbackPort");
    let loopback = port(spec.loopback_port.unwrap_or(20_887.0), &at, found);
    if own == loopback {
        let expected = "another port than that of the service";
        found.invalid(&at, loopback, expected);
    }
    let expose = spec.expose.unwrap_or_default();
    check_expose(&expose, &place.key("expose"), found);
    let consumers = consumers(spec.consumers, &place.key("consumers"), found);
    let versions = spec.versions;
    let versions = versions.map(|given| validate_versions(given, &place.key("versions"), found));
    let rules = spec.access.map(|rules| {
        let scope = access::Scope {
            namespace: config.metadata.namespace.as_deref(),
            interfaces: &spec.interfaces,
            expose: &expose,
        };
        access::rules(rules, &scope, &place.key("access"), found)
    });
    let is_strict = spec.strict_mtls.unwrap_or(false);
    if rules.is_some() && !is_strict {
        let (key, with) = (
            "access",
            "no `strictMtls: true`: callers without a certificate are nobody",
        );
        let problem = Problem::Incompatible { key, with };
        found.push(&place.key("access"), problem);
    }
    violations.into_result(DubboService {
        name: config.metadata.name,
        namespace: config.metadata.namespace,
        selector: spec.selector,
        interfaces: spec.interfaces,
        port: own,
        loopback_port: loopback,
        listener: spec.provider_listener.unwrap_or_default(),
        consumers,
        expose,
        versions,
        access: rules,
        is_strict,
    })
}

fn interfaces(given: &[String], place: &Place<'_>, violations: &mut Violations) {
    violations.bounded(place, "interfaces", given, MAX_INTERFACES);
    let mut names = BTreeMap::new();
    for (index, interface) in given.iter().enumerate() {
        let place = place.index(index);
        if !is_interface(interface) {
            let expected = "a Java name, or its beginning followed by `*`";
            violations.invalid(&place, interface, expected);
        }
        violations.unique(&place, interface, interface.clone(), &mut names);
    }
}

/// The bridge has an opinion on what it is to show.
fn check_expose(expose: &Expose, place: &Place<'_>, violations: &mut Violations) {
    let config = DubboConfig {
        mode: Some(Mode::ToHttp),
        expose: Some(expose.clone()),
        ..DubboConfig::default()
    };
    let found = meshlane_bridge::Policy::new(&config).err();
    for violation in found.unwrap_or_default() {
        match violation.path.segments() {
            [_, Segment::Key(list), Segment::Index(index), ..] => {
                violations.push(&place.key(list).index(*index), violation.problem);
            }
            [_, Segment::Key(list), ..] => violations.push(&place.key(list), violation.problem),
            _ => violations.push(place, violation.problem),
        }
    }
}

fn consumers(
    given: Vec<ConsumersConfig>,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Vec<Consumers> {
    let mut consumers: Vec<Consumers> = Vec::with_capacity(given.len());
    for (index, one) in given.into_iter().enumerate() {
        let place = place.index(index);
        let at = place.key("selector");
        if one.selector.is_empty() {
            let what = "labels of consumers";
            violations.push(&at, Problem::Empty { what });
        }
        labels(&one.selector, &at, violations);
        let one = Consumers {
            selector: one.selector,
            capture: one.capture.unwrap_or_default(),
        };
        if consumers.iter().any(|other| other.selector == one.selector) {
            let expected = "each selector once";
            violations.invalid(&at, format!("{:?}", one.selector), expected);
        }
        consumers.push(one);
    }
    consumers
}

fn validate_versions(
    given: VersionsConfig,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Versions {
    let label = given.label.unwrap_or_else(|| "version".to_owned());
    let one = BTreeMap::from([(label.clone(), String::new())]);
    labels(&one, &place.key("label"), violations);
    let tagged = place.key("tagged");
    violations.bounded(&tagged, "versions", &given.tagged, MAX_VERSIONS);
    let mut names = BTreeMap::new();
    let all = given.tagged.iter().enumerate();
    let otherwise = place.key("otherwise");
    for (index, version) in all {
        let place = tagged.index(index);
        version_name(version, &place, violations);
        violations.unique(&place, version, version.clone(), &mut names);
    }
    version_name(&given.otherwise, &otherwise, violations);
    let header = given.header.unwrap_or_else(|| "dubbo.tag".to_owned());
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    if header.is_empty() || !header.bytes().all(allowed) {
        let expected = "a header's name in lower case";
        violations.invalid(&place.key("header"), &header, expected);
    }
    let retries = given.retries.unwrap_or_default();
    Versions {
        label,
        tagged: given.tagged,
        otherwise: given.otherwise,
        header,
        retries: validate_retries(retries, &place.key("retries"), violations),
    }
}

/// A version is the name of a subset, too.
fn version_name(version: &str, place: &Place<'_>, violations: &mut Violations) {
    if !is_label_value(version) {
        let expected = "the value of a label: 1 to 63 letters, digits and `-_.`";
        violations.invalid(place, version, expected);
    }
}

pub(super) fn is_interface(interface: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'$');
    let name = interface.strip_suffix('*').unwrap_or(interface);
    (1..=253).contains(&name.len()) && name.bytes().all(allowed)
}

const MAX_INTERFACES: usize = 1_000;
const MAX_VERSIONS: usize = 100;
