//! Istio's `WasmPlugin` and `TrafficExtension`.

use meshlane_attributes::ProxyKind;
use meshlane_diagnostics::nearest;
use meshlane_gray_release::config::Direction;

use super::module::{Module, module_name};
use super::resource::{Fields, Identity, list};
use super::{Findings, Kind, Origin, Phase, Plugin, Surroundings, Traffic, collect_oddities, keys};
use crate::diagnostic::Diagnostic;
use crate::package::is_hash;
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

/// The phases of a `WasmPlugin`.
const PHASES: [&str; 4] = ["UNSPECIFIED_PHASE", "AUTHN", "AUTHZ", "STATS"];

/// The phases of a `TrafficExtension`.
const EXTENSION_PHASES: [&str; 4] = ["UNSPECIFIED", "AUTHN", "AUTHZ", "STATS"];

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
    let keys = TARGET_KEYS.into_iter().filter(|key| *key != "targetRef");
    let known: Vec<_> = keys.chain(["wasm", "lua"]).collect();
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
        let is_sidecar = proxy.kind == Some(ProxyKind::Sidecar);
        // What comes in and what goes out is one thing to `gray-release`.
        let is_for_one_side = kind != Kind::GrayRelease;
        if is_sidecar && is_for_one_side && self.target.get("match").is_none() {
            findings.diagnostics.push(self.no_match(kind));
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
        let url = self.wasm.get("url").and_then(Node::text);
        let module = url.and_then(Module::of);
        let Some(plugin_name) = self.wasm.get("pluginName") else {
            return self.kind_of(module, findings);
        };
        let Some(text) = plugin_name.text() else {
            // Reported with the other fields, when the module is ours.
            return match module {
                Some(Module::Of(kind)) => Some((kind, None)),
                _ => None,
            };
        };
        let Some(found) = Kind::of_plugin_name(text) else {
            let is_near = url.is_some_and(|url| module_name(url).starts_with("meshlane"));
            findings
                .diagnostics
                .extend(self.unknown_plugin(text, module.is_some() || is_near));
            findings.passed_over += 1;
            return None;
        };
        if let Some(module) = module.filter(|module| !module.has(found.0)) {
            findings
                .diagnostics
                .push(self.other_module(text, found.0, module));
        }
        Some(found)
    }

    /// The filter that runs when no `pluginName` is given.
    fn kind_of(
        &self,
        module: Option<Module>,
        findings: &mut Findings,
    ) -> Option<(Kind, Option<&str>)> {
        if let Some(Module::Of(kind)) = module {
            return Some((kind, None));
        }
        findings.passed_over += 1;
        let module = module?;
        let diagnostic = Diagnostic::error(
            "missing-key",
            self.wasm.place(),
            "the module `suite` has several filters in it, and nothing says which of them runs: it does nothing",
        )
        .expected(format!("`pluginName`: {}", plugin_names(module)))
        .label("in this object `pluginName` is required")
        .at(keys(self.wasm_path));
        findings.diagnostics.push(diagnostic);
        None
    }

    fn unknown_plugin(&self, text: &str, is_ours: bool) -> Option<Diagnostic> {
        let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        let suggestion = nearest(
            text.split('/').next().unwrap_or_default(),
            known.iter().copied(),
        );
        let message =
            format!("`{text}` names no filter of meshlane; the configuration is not checked");
        (is_ours || suggestion.is_some()).then(|| {
            self.about_plugin_name("unknown-plugin", text, message)
                .expected(format!("{}, alone or followed by /NAME", list(&known)))
                .suggestion(suggestion)
        })
    }

    /// A module that is one filter runs that one, whatever the plugin is called.
    fn other_module(&self, text: &str, kind: Kind, module: Module) -> Diagnostic {
        let kind = kind.as_str();
        let message = format!("the filter `{kind}` is not in the module of this plugin");
        self.about_plugin_name("plugin-mismatch", text, message)
            .expected(plugin_names(module))
    }

    fn about_plugin_name(&self, code: &'static str, text: &str, message: String) -> Diagnostic {
        let place = self.wasm.get("pluginName").unwrap_or(self.wasm).place();
        let path = [self.wasm_path, &["pluginName"]].concat();
        Diagnostic::warning(code, place, message)
            .found(text)
            .at(keys(&path))
    }

    fn check_target(&self, findings: &mut Findings) {
        let mut fields = Fields {
            object: self.target,
            path: keys(&["spec"]),
            findings,
        };
        fields.only(self.target_keys);
        let phases = match self.origin {
            Origin::TrafficExtension => EXTENSION_PHASES,
            _ => PHASES,
        };
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
        let priority = match self.target.get("priority").map(|node| &node.value) {
            Some(Value::Number(number)) => number.as_i64(),
            _ => None,
        };
        Phase {
            written: written.map(str::to_owned),
            priority: priority.unwrap_or_default(),
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
        let modes = self.modes();
        Surroundings {
            kind: Some(kind),
            namespace: identity.workload_namespace(),
            labels,
            traffic: match modes.as_deref() {
                Some("SERVER") => Traffic::Of(Direction::Inbound),
                Some("CLIENT") => Traffic::Of(Direction::Outbound),
                _ => Traffic::Unknown,
            },
            listener: modes,
            ..Surroundings::default()
        }
    }

    /// The directions of the traffic that the plugin sees.
    fn modes(&self) -> Option<String> {
        let matches = self.target.get("match").map(Node::items)?.iter();
        let mut modes: Vec<_> = matches
            .filter_map(|matched| matched.get("mode")?.text())
            .collect();
        modes.sort_unstable();
        modes.dedup();
        (!modes.is_empty()).then(|| modes.join(", "))
    }

    fn no_match(&self, kind: Kind) -> Diagnostic {
        let both = match kind {
            Kind::RateLimit => "a limit counts them together",
            _ => "a request is tagged once on each side",
        };
        Diagnostic::warning(
            "match-missing",
            self.target.place(),
            "without `match` the plugin runs for all traffic of the sidecars, in and out",
        )
        .expected("`match: [{mode: SERVER}]` or `[{mode: CLIENT}]`, with `ports` where it helps")
        .note(format!(
            "SERVER is what comes in, CLIENT what goes out; both means that {both}"
        ))
        .at(keys(&["spec"]))
    }
}

/// The names that a plugin may have to run a filter of a module.
fn plugin_names(module: Module) -> String {
    format!("{}, alone or followed by /NAME", list(&module.kinds()))
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
    if !(digest.is_empty() || is_hash(&digest)) {
        let diagnostic = fields
            .value_error("sha256", "this is no SHA-256 digest".to_owned())
            .found(digest)
            .expected("64 digits of lower-case hexadecimal");
        fields.report(diagnostic);
    }
}
