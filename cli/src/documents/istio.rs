//! Istio's `WasmPlugin` and `TrafficExtension`.

use meshlane_attributes::ProxyKind;
use meshlane_diagnostics::nearest;

use super::resource::{Fields, Identity, list};
use super::{Findings, Kind, Origin, Phase, Plugin, Surroundings, collect_oddities, keys};
use crate::diagnostic::Diagnostic;
use crate::source::{Node, Value};

/// The keys that describe the module and its configuration.
const WASM_KEYS: [&str; 10] = [
    "url",
    "sha256",
    "imagePullPolicy",
    "imagePullSecret",
    "verificationKey",
    "pluginConfig",
    "pluginName",
    "failStrategy",
    "vmConfig",
    "type",
];

/// The keys that describe where the plugin applies.
const TARGET_KEYS: [&str; 6] = [
    "selector",
    "targetRef",
    "targetRefs",
    "phase",
    "priority",
    "match",
];

/// The phases, by both of the names that Istio's versions know.
const PHASES: [&str; 4] = ["UNSPECIFIED_PHASE", "AUTHN", "AUTHZ", "STATS"];

/// Reads a `WasmPlugin`: everything stands side by side in `spec`.
pub(super) fn wasm_plugin(document: &Node, findings: &mut Findings) {
    let Some(spec) = document.get("spec") else {
        findings.passed_over += 1;
        return;
    };
    let known = [WASM_KEYS.as_slice(), TARGET_KEYS.as_slice()].concat();
    let resource = Resource {
        origin: Origin::WasmPlugin,
        title: "WasmPlugin",
        document,
        target: spec,
        target_keys: &known,
        wasm: spec,
        wasm_path: &["spec"],
    };
    resource.read(findings);
}

/// Reads a `TrafficExtension`: the module is described in `spec.wasm`.
pub(super) fn traffic_extension(document: &Node, findings: &mut Findings) {
    let (Some(spec), Some(wasm)) = (document.get("spec"), document.descend(&["spec", "wasm"]))
    else {
        findings.passed_over += 1;
        return;
    };
    let known = [TARGET_KEYS.as_slice(), &["wasm", "lua"]].concat();
    let resource = Resource {
        origin: Origin::TrafficExtension,
        title: "TrafficExtension",
        document,
        target: spec,
        target_keys: &known,
        wasm,
        wasm_path: &["spec", "wasm"],
    };
    resource.read(findings);
}

struct Resource<'d> {
    origin: Origin,
    title: &'static str,
    document: &'d Node,
    target: &'d Node,
    target_keys: &'d [&'d str],
    wasm: &'d Node,
    wasm_path: &'d [&'d str],
}

impl Resource<'_> {
    fn read(&self, findings: &mut Findings) {
        let Some((kind, instance)) = self.kind(findings) else {
            return;
        };
        collect_oddities(self.document, findings);
        let identity = Identity::of(self.document);
        self.check_target(findings);
        self.check_wasm(kind, findings);
        let proxy = self.surroundings(&identity);
        if proxy.kind == Some(ProxyKind::Sidecar) && self.target.get("match").is_none() {
            findings.diagnostics.push(self.no_match());
        }
        let config = self.wasm.entry("pluginConfig");
        findings.plugins.push(Plugin {
            kind,
            origin: self.origin,
            resource: format!("{} {}", self.title, identity.written()),
            name: instance.map_or_else(|| identity.name.clone(), str::to_owned),
            place: config.map_or_else(|| self.wasm.place(), |entry| entry.key_span.clone()),
            config: config
                .filter(|entry| entry.value.value != Value::Null)
                .map(|entry| entry.value.clone()),
            proxy,
            phase: Some(self.phase()),
        });
    }

    /// Which of our filters the plugin is: by `pluginName`, or by the module's name when
    /// there is none. Plugins of others are passed over.
    fn kind(&self, findings: &mut Findings) -> Option<(Kind, Option<&str>)> {
        let module = self.wasm.get("url").and_then(Node::text).map(module_name);
        let by_module = || {
            Kind::ALL
                .iter()
                .find(|kind| module == Some(kind.as_str()))
                .map(|kind| (*kind, None))
        };
        let Some(plugin_name) = self.wasm.get("pluginName") else {
            let kind = by_module();
            findings.passed_over += usize::from(kind.is_none());
            return kind;
        };
        let Some(text) = plugin_name.text() else {
            // Reported with the other fields, when the module is ours.
            return by_module();
        };
        if let Some(found) = Kind::of_plugin_name(text) {
            return Some(found);
        }
        let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        let suggestion = nearest(
            text.split('/').next().unwrap_or_default(),
            known.iter().copied(),
        );
        let ours = by_module().is_some() || module.is_some_and(|name| name.starts_with("meshlane"));
        if ours || suggestion.is_some() {
            let mut path = self.wasm_path.to_vec();
            path.push("pluginName");
            findings.diagnostics.push(
                Diagnostic::warning(
                    "unknown-plugin",
                    plugin_name.place(),
                    format!(
                        "`{text}` names no filter of meshlane; the configuration is not checked"
                    ),
                )
                .found(text)
                .expected(format!("{}, alone or followed by /NAME", list(&known)))
                .suggestion(suggestion)
                .at(keys(&path)),
            );
        }
        findings.passed_over += 1;
        None
    }

    fn check_target(&self, findings: &mut Findings) {
        let mut fields = Fields {
            object: self.target,
            path: keys(&["spec"]),
            findings,
        };
        fields.only(self.target_keys);
        let phases = match self.origin {
            Origin::WasmPlugin => PHASES.map(str::to_owned).to_vec(),
            _ => PHASES
                .iter()
                .flat_map(|phase| [(*phase).to_owned(), format!("EXECUTION_PHASE_{phase}")])
                .collect(),
        };
        let phases: Vec<&str> = phases.iter().map(String::as_str).collect();
        fields.one_of("phase", &phases);
        let chosen_by: Vec<&str> = ["selector", "targetRef", "targetRefs"]
            .into_iter()
            .filter(|key| self.target.get(key).is_some())
            .collect();
        if let [_, second, ..] = chosen_by.as_slice() {
            let diagnostic = fields
                .value_error(
                    second,
                    "workloads are chosen in more than one way".to_owned(),
                )
                .found(list(&chosen_by))
                .expected("at most one of `selector`, `targetRefs`");
            fields.report(diagnostic);
        }
    }

    fn check_wasm(&self, kind: Kind, findings: &mut Findings) {
        let mut fields = Fields {
            object: self.wasm,
            path: keys(self.wasm_path),
            findings,
        };
        if self.origin == Origin::TrafficExtension {
            fields.only(&WASM_KEYS);
        }
        fields.text("pluginName");
        fields.one_of("failStrategy", &["FAIL_CLOSE", "FAIL_OPEN", "FAIL_RELOAD"]);
        fields.one_of(
            "imagePullPolicy",
            &["UNSPECIFIED_POLICY", "IfNotPresent", "Always"],
        );
        let plugin_type = fields.one_of("type", &["UNSPECIFIED_PLUGIN_TYPE", "HTTP", "NETWORK"]);
        let is_network = plugin_type.as_deref() == Some("NETWORK");
        if is_network != kind.is_network() {
            let (name, species) = (kind.as_str(), kind.species());
            let (given, expected) = match is_network {
                true => ("NETWORK", "`HTTP`"),
                false => ("HTTP", "`NETWORK`"),
            };
            let message = format!("`{name}` is {species} and cannot run as {given}");
            let diagnostic = fields
                .value_error("type", message)
                .found(plugin_type.as_deref().unwrap_or("no `type`"))
                .expected(expected);
            fields.report(diagnostic);
        }
        check_url(&mut fields);
        check_digest(&mut fields);
    }

    fn phase(&self) -> Phase {
        let entry = self.target.entry("phase");
        let written = entry.and_then(|entry| entry.value.text());
        Phase {
            sees_jwt: matches!(written, Some("AUTHZ" | "EXECUTION_PHASE_AUTHZ")),
            written: written.map(str::to_owned),
            place: entry.map_or_else(|| self.target.place(), |entry| entry.value.place()),
        }
    }

    fn surroundings(&self, identity: &Identity) -> Surroundings {
        let labels: Vec<(String, String)> = self
            .target
            .descend(&["selector", "matchLabels"])
            .map(Node::entries)
            .unwrap_or_default()
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), entry.value.text()?.to_owned())))
            .collect();
        let references = self.target.get("targetRefs").map(Node::items);
        let references = references.unwrap_or_default().iter();
        let reference = references
            .chain(self.target.get("targetRef"))
            .find_map(|reference| reference.get("kind")?.text());
        let selects_gateway = labels.iter().any(|(_, value)| value.contains("gateway"));
        let kind = match reference {
            Some("Service" | "ServiceEntry" | "GatewayClass") => ProxyKind::Waypoint,
            Some(_) => ProxyKind::Gateway,
            None if selects_gateway => ProxyKind::Gateway,
            None => ProxyKind::Sidecar,
        };
        Surroundings {
            kind: Some(kind),
            namespace: identity.workload_namespace(),
            labels,
        }
    }

    fn no_match(&self) -> Diagnostic {
        Diagnostic::warning(
            "match-missing",
            self.target.place(),
            "without `match` the plugin runs for all traffic of the sidecars, in and out",
        )
        .expected("`match: [{mode: SERVER}]` or `[{mode: CLIENT}]`, with `ports` where it helps")
        .note("SERVER is what comes in, CLIENT what goes out; both means that a request is tagged once on each side")
        .at(keys(&["spec"]))
    }
}

/// `…/traffic-tag:1.2@sha256:…`, `…/traffic-tag.wasm` → `traffic-tag`
fn module_name(url: &str) -> &str {
    let last = url.rsplit('/').next().unwrap_or_default();
    last.split(['@', ':', '?'])
        .next()
        .map(|name| name.trim_end_matches(".wasm"))
        .unwrap_or_default()
}

fn check_url(fields: &mut Fields<'_, '_>) {
    const SCHEMES: [&str; 4] = ["oci://", "https://", "http://", "file://"];
    let written = fields.object.get("url").is_some();
    let Some(url) = fields.text("url").map(str::to_owned) else {
        if !written {
            let diagnostic = Diagnostic::error(
                "missing-key",
                fields.object.place(),
                "the plugin has no `url` to take the module from",
            )
            .expected("url")
            .at(fields.path.clone());
            fields.report(diagnostic);
        }
        return;
    };
    if SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
        return;
    }
    let diagnostic = match url.split_once("://") {
        Some((scheme, _)) => fields
            .value_error("url", format!("`{scheme}://` is no scheme that Istio fetches modules by")),
        None => fields
            .value_error("url", "the URL has no scheme".to_owned())
            .suggestion(Some(&format!("oci://{url}")))
            .note("istiod accepts it and the agent then fails to fetch it: `localhost:5000/x` reads as scheme `localhost`"),
    };
    let diagnostic = diagnostic.found(url).expected(list(&SCHEMES));
    fields.report(diagnostic);
}

fn check_digest(fields: &mut Fields<'_, '_>) {
    let Some(digest) = fields.text("sha256").map(str::to_owned) else {
        return;
    };
    let is_hex = digest
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_digest = digest.len() == 64 && is_hex;
    if !(digest.is_empty() || is_digest) {
        let diagnostic = fields
            .value_error("sha256", "this is no SHA-256 digest".to_owned())
            .found(digest)
            .expected("64 digits of lower-case hexadecimal");
        fields.report(diagnostic);
    }
}
