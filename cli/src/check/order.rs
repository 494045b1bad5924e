//! Plugins that undo what another one decided.
//!
//! Every filter removes reserved headers, also the one that `tag-route` wrote. So it has to be the
//! last.

use meshlane_attributes::{ProxyKind, is_reserved};

use super::{Message, document_bytes};
use crate::diagnostic::Diagnostic;
use crate::documents::{Origin, Plugin};
use crate::policy::Policy;

/// Warnings about plugins of one proxy that come in the wrong order.
pub(super) fn check(plugins: &[Plugin]) -> Vec<Message> {
    let mut found = Vec::new();
    for (position, plugin) in plugins.iter().enumerate() {
        let Some(header) = header(plugin) else {
            continue;
        };
        let others = plugins.iter().enumerate();
        let mut others = others.filter(|(_, other)| is_near(plugin, other));
        let undoing =
            others.find_map(|(at, other)| Some((other, undoes(plugin, other, at, position)?)));
        found.extend(undoing.map(|(other, why)| Message {
            diagnostic: undone(plugin, other, &header, why),
            plugin: Some(plugin.resource.clone()),
        }));
    }
    found
}

/// The reserved header that a plugin tells Envoy the destination by.
fn header(plugin: &Plugin) -> Option<String> {
    let document = document_bytes(plugin.config.as_ref());
    let policy = Policy::parse(plugin.kind, &document, ProxyKind::Sidecar);
    match policy.ok()?? {
        Policy::TagRoute(policy) => Some(policy.output().header().to_owned()),
        Policy::TrafficTag(_) => None,
    }
    .filter(|header| is_reserved(header.as_bytes()))
}

/// Whether two plugins see the same requests.
fn is_near(plugin: &Plugin, other: &Plugin) -> bool {
    plugin.origin != Origin::Bare
        && plugin.origin == other.origin
        && plugin.proxy == other.proxy
        && other.kind.decides()
}

/// How it comes that another plugin runs behind this one, when it does.
fn undoes(plugin: &Plugin, other: &Plugin, at: usize, position: usize) -> Option<&'static str> {
    if at == position {
        return None;
    }
    match (&plugin.phase, &other.phase) {
        (Some(here), Some(there)) if here.order() == there.order() => {
            // Of two that undo each other one is enough.
            (plugin.kind != other.kind || at > position).then_some("may run behind")
        }
        (Some(here), Some(there)) => (here.order() < there.order()).then_some("runs behind"),
        _ => (at > position).then_some("runs behind"),
    }
}

fn undone(plugin: &Plugin, other: &Plugin, header: &str, why: &str) -> Diagnostic {
    let (this, that) = (plugin.kind.as_str(), other.kind.as_str());
    let message =
        format!("`{that}` {why} `{this}` and removes the header `{header}` that it writes");
    let place = match &plugin.phase {
        Some(phase) => phase.place.clone(),
        None => plugin.place.clone(),
    };
    let expected = match &plugin.phase {
        _ if plugin.kind == other.kind => "another `output.header` for one of them".to_owned(),
        Some(_) => format!("an earlier `phase` for `{that}`: `{this}` has to be the last"),
        None => format!("`{that}` in front of `{this}`, which has to be the last"),
    };
    Diagnostic::warning("plugin-order", place, message)
        .related(other.place.clone(), "this one removes it")
        .expected(expected)
}
