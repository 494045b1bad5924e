//! From what is written to what is meant: everything that is wrong is found at once.

use meshlane_attributes::ArgumentPath;
use meshlane_diagnostics::{Place, Problem, Violations};

use super::authority::is_host;
use super::{Authority, AuthoritySource, Carrier, InterfacePattern, Limits, Policy};
use crate::config::{self, DubboConfig, Mode};

impl Policy {
    /// Validates a configuration.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn new(config: &DubboConfig) -> Result<Self, Violations> {
        let mut violations = Violations::default();
        let root = Place::root();
        if let Some(name) = &config.name {
            violations.identifier(&root.key("name"), name);
        }
        if config.mode.is_none() {
            violations.push(&root, Problem::MissingKey { key: "mode" });
        }
        let mut policy = Self::with_defaults(config.mode.unwrap_or(Mode::ToHttp));
        policy.enabled = config.enabled.unwrap_or(true);
        policy.timeout = config.timeout.unwrap_or(policy.timeout);
        policy.on_unreadable_head = config
            .on_unreadable_head
            .unwrap_or(policy.on_unreadable_head);
        policy.on_broken_frame = config.on_broken_frame.unwrap_or(policy.on_broken_frame);
        if let Some(given) = &config.authority {
            policy.authority = authority(given, &root.key("authority"), &mut violations);
        }
        if let Some(given) = &config.original_destination {
            let place = root.key("originalDestination");
            policy.original_destination = interfaces(given, &place, &mut violations);
        }
        if let Some(given) = &config.expose {
            expose(given, &mut policy, &root.key("expose"), &mut violations);
        }
        if let Some(given) = &config.carriers {
            policy.carriers = carriers(given, &root.key("carriers"), &mut violations);
        }
        if let Some(given) = &config.limits {
            limits(
                given,
                &mut policy.limits,
                &root.key("limits"),
                &mut violations,
            );
        }
        if let Some(given) = &config.metrics {
            let place = root.key("metrics");
            let place = place.key("maxNames");
            let target = &mut policy.max_metric_names;
            let range = (0, 10_000, "an integer from 0 to 10000");
            number(given.max_names, range, target, &place, &mut violations);
        }
        violations.into_result(policy)
    }
}

fn authority(
    given: &config::Authority,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Authority {
    let mut hosts = Vec::new();
    if let Some(given) = &given.hosts {
        let place = place.key("hosts");
        let found = given.len();
        if found > Policy::MAX_INTERFACES {
            let (what, limit) = ("hosts", Policy::MAX_INTERFACES);
            violations.push(&place, Problem::TooMany { what, found, limit });
        } else {
            for (interface, name) in given {
                let place = place.key(interface);
                let pattern = pattern(interface, &place, violations);
                let host = host(name, &place, violations);
                hosts.extend(pattern.zip(host));
            }
        }
    }
    let otherwise = match (&given.host, given.from) {
        (Some(_), Some(_)) => {
            let (key, with) = ("from", "`host`");
            violations.push(place, Problem::Incompatible { key, with });
            AuthoritySource::Destination
        }
        (Some(name), None) => host(name, &place.key("host"), violations)
            .map_or(AuthoritySource::Destination, AuthoritySource::Host),
        (None, Some(config::AuthoritySource::Interface)) => AuthoritySource::Interface,
        (None, Some(config::AuthoritySource::Destination) | None) => AuthoritySource::Destination,
    };
    let instances = given.original_destination.as_ref();
    let instances =
        instances.and_then(|name| host(name, &place.key("originalDestination"), violations));
    Authority::new(hosts, otherwise, instances)
}

fn host(name: &str, place: &Place<'_>, violations: &mut Violations) -> Option<Box<str>> {
    if is_host(name) {
        return Some(name.into());
    }
    violations.invalid(place, name, "a host, with or without a port");
    None
}

fn interfaces(
    given: &[String],
    place: &Place<'_>,
    violations: &mut Violations,
) -> Vec<InterfacePattern> {
    if !violations.at_most(place, "interfaces", given, Policy::MAX_INTERFACES) {
        return Vec::new();
    }
    let patterns = given.iter().enumerate();
    patterns
        .filter_map(|(index, text)| pattern(text, &place.index(index), violations))
        .collect()
}

fn pattern(text: &str, place: &Place<'_>, violations: &mut Violations) -> Option<InterfacePattern> {
    InterfacePattern::parse(text)
        .map_err(|_| violations.invalid(place, text, InterfacePattern::EXPECTED))
        .ok()
}

fn expose(
    given: &config::Expose,
    policy: &mut Policy,
    place: &Place<'_>,
    violations: &mut Violations,
) {
    let arguments = given.arguments.as_deref().unwrap_or_default();
    let at = place.key("arguments");
    if violations.at_most(&at, "arguments", arguments, Policy::MAX_EXPOSED) {
        for (index, text) in arguments.iter().enumerate() {
            let at = at.index(index);
            match text.parse::<ArgumentPath>() {
                _ if text.len() > MAX_PATH => violations.invalid(&at, text, ARGUMENT),
                Err(_) => violations.invalid(&at, text, ARGUMENT),
                Ok(path) => {
                    let is_it = |earlier: &String| earlier.parse().as_ref() == Ok(&path);
                    match arguments.iter().take(index).position(is_it) {
                        Some(first) => duplicate(text, first, &at, place, "arguments", violations),
                        None => policy.exposed_arguments.push(path),
                    }
                }
            }
        }
    }
    let attachments = given.attachments.as_deref().unwrap_or_default();
    let at = place.key("attachments");
    if violations.at_most(&at, "attachments", attachments, Policy::MAX_EXPOSED) {
        for (index, name) in attachments.iter().enumerate() {
            let at = at.index(index);
            let mut earlier = attachments.iter().take(index);
            match earlier.position(|earlier| earlier == name) {
                Some(first) => duplicate(name, first, &at, place, "attachments", violations),
                None if is_attachment(name) => {
                    policy.exposed_attachments.push(name.as_str().into());
                }
                None => {
                    violations.invalid(&at, name, "the name of an attachment, of 1 to 128 bytes")
                }
            }
        }
    }
}

fn duplicate(
    value: &str,
    first: usize,
    at: &Place<'_>,
    parent: &Place<'_>,
    key: &str,
    violations: &mut Violations,
) {
    let (value, first) = (value.to_owned(), parent.key(key).index(first).to_path());
    violations.push(at, Problem::Duplicate { value, first });
}

fn carriers(
    given: &config::Carriers,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Vec<Carrier> {
    let mut carriers = match given.defaults {
        None | Some(true) => Carrier::defaults(),
        Some(false) => Vec::new(),
    };
    let names = given.names.as_deref().unwrap_or_default();
    let place = place.key("names");
    if !violations.at_most(&place, "carriers", names, Policy::MAX_CARRIERS) {
        return carriers;
    }
    for (index, name) in names.iter().enumerate() {
        let place = place.index(index);
        match Carrier::new(name) {
            None => violations.invalid(&place, name, CARRIER),
            Some(carrier) if carriers.contains(&carrier) => {}
            Some(carrier) => carriers.push(carrier),
        }
    }
    carriers
}

fn is_attachment(name: &str) -> bool {
    (1..=MAX_ATTACHMENT).contains(&name.len())
}

fn limits(
    given: &config::Limits,
    limits: &mut Limits,
    place: &Place<'_>,
    violations: &mut Violations,
) {
    let mut check = |key, given, range, target| {
        number(given, range, target, &place.key(key), violations);
    };
    let range = (1_024, 256 << 20, "an integer from 1024 to 268435456");
    check(
        "maxFrameBytes",
        given.max_frame_bytes,
        range,
        &mut limits.max_frame_bytes,
    );
    let range = (65_536, 1 << 30, "an integer from 65536 to 1073741824");
    check(
        "maxBufferedBytes",
        given.max_buffered_bytes,
        range,
        &mut limits.max_buffered_bytes,
    );
    let range = (65_536, 1 << 31, "an integer from 65536 to 2147483648");
    let per_vm = &mut limits.max_buffered_bytes_per_vm;
    check(
        "maxBufferedBytesPerVm",
        given.max_buffered_bytes_per_vm,
        range,
        per_vm,
    );
    let range = (1, 100_000, "an integer from 1 to 100000");
    let calls = &mut limits.max_concurrent_calls;
    check(
        "maxConcurrentCalls",
        given.max_concurrent_calls,
        range,
        calls,
    );
    let range = (0, 100_000, "an integer from 0 to 100000");
    check(
        "maxQueuedCalls",
        given.max_queued_calls,
        range,
        &mut limits.max_queued_calls,
    );
    let range = (1_024, 1 << 20, "an integer from 1024 to 1048576");
    check(
        "maxHeaderBytes",
        given.max_header_bytes,
        range,
        &mut limits.max_header_bytes,
    );
    let range = (8, 10_000, "an integer from 8 to 10000");
    check("maxDepth", given.max_depth, range, &mut limits.max_depth);
    if limits.max_buffered_bytes_per_vm < limits.max_buffered_bytes {
        let place = place.key("maxBufferedBytesPerVm");
        let found = limits.max_buffered_bytes_per_vm;
        violations.invalid(&place, found, "no less than `maxBufferedBytes`");
    }
}

/// Takes over a number that lies in its range.
fn number(
    given: Option<f64>,
    (least, most, expected): (u32, u32, &'static str),
    target: &mut usize,
    place: &Place<'_>,
    violations: &mut Violations,
) {
    let Some(given) = given else { return };
    if (f64::from(least)..=f64::from(most)).contains(&given) && given.fract() == 0.0 {
        *target = given as usize;
    } else {
        violations.invalid(place, given, expected);
    }
}

const ARGUMENT: &str = "an argument like `0`, `0.user.id` or `1[0]`, of at most 200 bytes";
const CARRIER: &str = "the name of an attachment that is a header name, and none that HTTP, Envoy, Dubbo or meshlane use";
const MAX_ATTACHMENT: usize = 128;
/// With `dubbo.arg.` before it an argument must be a name that attributes can have.
const MAX_PATH: usize = 200;
