//! Who enters a lane.

use meshlane_diagnostics::{Place, Problem, Violations};

use super::is_host;
use super::share::{share, time};
use crate::config;
use crate::group::{Entry, Host, LaneGroup, Path, Window};

pub(super) fn entry(
    at: usize,
    config: &config::Entry,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Entry {
    if let Some(name) = &config.name {
        violations.identifier(&place.key("name"), name);
    }
    let says_nothing = config.hosts.is_none()
        && config.paths.is_none()
        && config.when.is_none()
        && config.users.is_none()
        && config.share.is_none()
        && config.from.is_none()
        && config.until.is_none();
    if says_nothing {
        let what = "conditions";
        violations.push(place, Problem::Empty { what });
    }
    let hosts = hosts(config, &place.key("hosts"), violations);
    let paths = paths(config, &place.key("paths"), violations);
    let window = window(config, place, violations);
    let share_place = place.key("share");
    let share = config.share.as_ref();
    let share = share.map(|config| self::share(config, &share_place, violations));
    Entry {
        at,
        name: config.name.clone(),
        is_enabled: config.enabled.unwrap_or(true),
        hosts,
        paths,
        when: config.when.clone(),
        users: config.users.clone(),
        window,
        share,
    }
}

fn hosts(config: &config::Entry, place: &Place<'_>, violations: &mut Violations) -> Vec<Host> {
    let Some(given) = &config.hosts else {
        return Vec::new();
    };
    violations.bounded(place, "hosts", given, LaneGroup::MAX_ENTRIES);
    let mut hosts = Vec::with_capacity(given.len());
    for (index, host) in given.iter().enumerate() {
        let lower = host.to_ascii_lowercase();
        match lower.strip_prefix('*') {
            Some(suffix) if suffix.starts_with('.') && is_host(suffix) => {
                hosts.push(Host::Suffix(suffix.to_owned()));
            }
            None if is_host(&lower) => hosts.push(Host::Exact(lower)),
            _ => {
                let expected = "a host without a port, or `*.` with the end of a host";
                violations.invalid(&place.index(index), host, expected);
            }
        }
    }
    hosts
}

fn paths(config: &config::Entry, place: &Place<'_>, violations: &mut Violations) -> Vec<Path> {
    let Some(given) = &config.paths else {
        return Vec::new();
    };
    violations.bounded(place, "paths", given, LaneGroup::MAX_ENTRIES);
    let mut paths = Vec::with_capacity(given.len());
    for (index, path) in given.iter().enumerate() {
        let place = place.index(index);
        let (key, text) = match (&path.exact, &path.prefix) {
            (Some(exact), None) => ("exact", exact),
            (None, Some(prefix)) => ("prefix", prefix),
            (exact, prefix) => {
                let there = [exact.is_some(), prefix.is_some()];
                violations.not_exactly_one(&place, &["exact", "prefix"], &there);
                continue;
            }
        };
        if !text.starts_with('/') || text.contains(['?', '#']) {
            let expected = "a path that begins with `/`, without the query";
            violations.invalid(&place.key(key), text, expected);
        }
        paths.push(match key {
            "exact" => Path::Exact(text.clone()),
            _ => Path::Prefix(text.clone()),
        });
    }
    paths
}

fn window(config: &config::Entry, place: &Place<'_>, violations: &mut Violations) -> Window {
    let mut end = |key: &str, text: Option<&String>| time(text?, &place.key(key), violations);
    let from = end("from", config.from.as_ref());
    let until = end("until", config.until.as_ref());
    if let (Some(from), Some(until), Some(text)) = (from, until, &config.until)
        && from >= until
    {
        violations.invalid(&place.key("until"), text, "a time after `from`");
        return Window::default();
    }
    Window { from, until }
}
