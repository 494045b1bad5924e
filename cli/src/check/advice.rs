//! What is accepted and most likely not meant.

use meshlane_attributes::ProxyKind;
use meshlane_diagnostics::{JsonPath, Segment};

use crate::diagnostic::Diagnostic;
use crate::documents::{Kind, Plugin};
use crate::source::{Node, Span, Value};

/// Warnings about a plugin.
pub(super) fn about(plugin: &Plugin) -> Vec<Diagnostic> {
    let Some(config) = &plugin.config else {
        return vec![match plugin.kind {
            Kind::Dubbo => no_mode(plugin),
            Kind::TrafficTag => empty(plugin),
        }];
    };
    let mut warnings = Vec::new();
    match plugin.kind {
        Kind::Dubbo => {}
        Kind::TrafficTag => {
            warnings.extend(jwt_before_jwt_authn(plugin, config));
            unreachable_rules(config, &mut warnings);
            warnings.extend(clients_believed(plugin, config));
        }
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
    if phase.sees_jwt || is_behind_authz(phase.written.as_deref()) {
        return None;
    }
    let (path, place, attribute) = first_jwt_attribute(config)?;
    let message = match &phase.written {
        Some(written) => format!(
            "a rule uses `{attribute}`, but plugins of phase {written} run before Istio's jwt_authn has verified the token"
        ),
        None => return Some(no_phase(&attribute, place, phase.place.clone(), path)),
    };
    let mut warning = Diagnostic::warning("jwt-phase", phase.place.clone(), message)
        .related(place, "claims are absent here")
        .expected("`phase: AUTHZ`")
        .note("Istio runs jwt_authn between the phases AUTHN and AUTHZ")
        .at(path);
    warning.found = phase.written.clone();
    Some(warning)
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

/// Without a phase istiod puts the plugin at the end of the chain: claims are there, but
/// it is not said so anywhere.
fn no_phase(attribute: &str, place: Span, phase: Span, path: JsonPath) -> Diagnostic {
    Diagnostic::warning(
        "jwt-phase",
        place,
        format!("a rule uses `{attribute}`, and nothing says that the plugin runs behind Istio's jwt_authn"),
    )
    .related(phase, "`phase: AUTHZ` belongs here")
    .expected("`phase: AUTHZ`")
    .note("Istio runs jwt_authn between the phases AUTHN and AUTHZ")
    .at(path)
}

/// STATS stands behind AUTHZ, and so does what has no phase.
fn is_behind_authz(phase: Option<&str>) -> bool {
    matches!(phase, Some("STATS" | "EXECUTION_PHASE_STATS"))
}

fn first_jwt_attribute(config: &Node) -> Option<(JsonPath, Span, String)> {
    let mut first = None;
    config.walk(&JsonPath::default(), &mut |path, node| {
        let names_attribute = matches!(
            path.segments().last(),
            Some(Segment::Key(key)) if key == "attribute" || key == "valueFrom"
        );
        if let (true, Some(text), None) = (names_attribute, node.text(), &first)
            && text.starts_with("jwt.")
        {
            first = Some((path.clone(), node.place(), text.to_owned()));
        }
    });
    first
}

/// Rules behind one that always gives a value.
fn unreachable_rules(config: &Node, warnings: &mut Vec<Diagnostic>) {
    let tags = config.get("tags").map(Node::items).unwrap_or_default();
    for (tag_index, tag) in tags.iter().enumerate() {
        let rules = tag.get("rules").map(Node::items).unwrap_or_default();
        let Some(always) = rules.iter().position(always_decides) else {
            continue;
        };
        let Some(deciding) = rules.get(always).map(Node::place) else {
            continue;
        };
        let path = |segments: &[Segment]| -> JsonPath {
            [Segment::Key("tags".to_owned()), Segment::Index(tag_index)]
                .iter()
                .chain(segments)
                .cloned()
                .collect()
        };
        let never = |what: &str, place: Span, path: JsonPath| {
            Diagnostic::warning(
                "never-reached",
                place,
                format!("{what} is never reached: an earlier rule has no condition and always gives a value"),
            )
            .related(deciding.clone(), "this rule decides every request")
            .at(path)
        };
        for (index, rule) in rules.iter().enumerate().skip(always + 1) {
            if is_enabled(rule) {
                let segments = [Segment::Key("rules".to_owned()), Segment::Index(index)];
                warnings.push(never("this rule", rule.place(), path(&segments)));
            }
        }
        if let Some(default) = tag.entry("default") {
            let segments = [Segment::Key("default".to_owned())];
            warnings.push(never(
                "the default",
                default.key_span.clone(),
                path(&segments),
            ));
        }
    }
}

fn always_decides(rule: &Node) -> bool {
    let unconditional = rule
        .get("when")
        .is_none_or(|when| matches!(when.value, Value::Null));
    let gives_value = rule
        .get("value")
        .is_some_and(|value| value.text().is_some());
    // With more than one source of a value the rule is wrong, which is said elsewhere.
    let only_value = rule.get("valueFrom").is_none() && rule.get("split").is_none();
    unconditional && gives_value && only_value && is_enabled(rule)
}

fn is_enabled(rule: &Node) -> bool {
    !rule
        .get("enabled")
        .is_some_and(|enabled| enabled.value == Value::Bool(false))
}
