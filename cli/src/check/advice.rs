//! What is accepted and most likely not meant.

mod gray_release;
mod rate_limit;
mod tag_route;
mod traffic_tag;

use meshlane_attributes::ProxyKind;
use meshlane_diagnostics::{JsonPath, Segment};

use super::mentions::{self, Mention};
use crate::diagnostic::Diagnostic;
use crate::documents::{Kind, Plugin};
use crate::source::{Node, Span, Value};

/// Warnings about a plugin.
pub(super) fn about(plugin: &Plugin) -> Vec<Diagnostic> {
    let Some(config) = &plugin.config else {
        return vec![match plugin.kind {
            Kind::Dubbo => no_mode(plugin),
            Kind::GrayRelease | Kind::RateLimit | Kind::TagRoute | Kind::TrafficTag => {
                empty(plugin)
            }
        }];
    };
    let mut warnings = Vec::new();
    warnings.extend(jwt_before_jwt_authn(plugin, config));
    match plugin.kind {
        Kind::Dubbo => {}
        Kind::GrayRelease => warnings.extend(gray_release::about(plugin, config)),
        Kind::RateLimit => warnings.extend(rate_limit::about(plugin, config)),
        Kind::TagRoute => warnings.extend(tag_route::about(plugin, config)),
        Kind::TrafficTag => traffic_tag::unreachable_rules(config, &mut warnings),
    }
    if plugin.kind.decides() {
        warnings.extend(clients_believed(plugin, config));
    }
    warnings
}

fn empty(plugin: &Plugin) -> Diagnostic {
    Diagnostic::warning(
        "config-empty",
        plugin.place.clone(),
        format!(
            "`{}` has no configuration: it does nothing but remove reserved headers",
            plugin.kind.as_str()
        ),
    )
    .at(JsonPath::default())
}

fn no_mode(plugin: &Plugin) -> Diagnostic {
    let message =
        "`dubbo` has no configuration: it does not know its `mode` and closes every connection";
    Diagnostic::error("missing-key", plugin.place.clone(), message.to_owned())
        .expected("`mode`")
        .at(JsonPath::default())
}

/// Istio's order is AUTHN plugins, jwt_authn, AUTHZ plugins.
fn jwt_before_jwt_authn(plugin: &Plugin, config: &Node) -> Option<Diagnostic> {
    let phase = plugin.phase.as_ref()?;
    if phase.sees_jwt() {
        return None;
    }
    let mut mentions = mentions::attributes(plugin.kind, config).into_iter();
    let Mention { path, place, name } = mentions.find(|found| found.name.starts_with("jwt."))?;
    let who = match plugin.kind {
        Kind::GrayRelease | Kind::TagRoute => "the configuration",
        Kind::RateLimit => "a limit",
        Kind::Dubbo | Kind::TrafficTag => "a rule",
    };
    let warning = match &phase.written {
        Some(written) => {
            let message = format!(
                "{who} uses `{name}`, but plugins of phase {written} run before Istio's jwt_authn has verified the token"
            );
            Diagnostic::warning("jwt-phase", phase.place.clone(), message)
                .related(place, "claims are absent here")
                .found(written.as_str())
        }
        // Istiod puts it at the end of the chain: claims are there, but it is not said so anywhere.
        None => {
            let message = format!(
                "{who} uses `{name}`, and nothing says that the plugin runs behind Istio's jwt_authn"
            );
            Diagnostic::warning("jwt-phase", place, message)
                .related(phase.place.clone(), "`phase: AUTHZ` belongs here")
        }
    };
    Some(
        warning
            .expected("`phase: AUTHZ`")
            .note("Istio runs jwt_authn between the phases AUTHN and AUTHZ")
            .at(path),
    )
}

/// At a gateway the peers are clients, and nothing compares what they say with the call.
fn clients_believed(plugin: &Plugin, config: &Node) -> Option<Diagnostic> {
    let given = config.get("dubboHeaders")?;
    let is_open = plugin.proxy.kind == Some(ProxyKind::Gateway) && given.text() == Some("peer");
    let message = "at a gateway every client could say what it likes about a Dubbo call";
    is_open.then(|| {
        Diagnostic::warning("dubbo-headers-peer", given.place(), message)
            .expected("`bridge`")
            .at([Segment::Key("dubboHeaders".to_owned())]
                .into_iter()
                .collect())
    })
}

/// Something behind a rule that decides about every request.
fn never_reached(what: &str, why: &str, place: Span, deciding: Span, path: JsonPath) -> Diagnostic {
    let message = format!("{what} is never reached: an earlier rule has no condition{why}");
    Diagnostic::warning("never-reached", place, message)
        .related(deciding, "this rule decides every request")
        .at(path)
}

/// Whether a rule has no condition under a key.
fn is_unconditional(rule: &Node, key: &str) -> bool {
    rule.get(key)
        .is_none_or(|condition| matches!(condition.value, Value::Null))
}

fn is_enabled(rule: &Node) -> bool {
    !rule
        .get("enabled")
        .is_some_and(|enabled| enabled.value == Value::Bool(false))
}
