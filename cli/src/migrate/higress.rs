//! Plugins of Higress.

mod key_rate_limit;
mod scope;
mod traffic_tag;

use meshlane_diagnostics::Place;
use meshlane_documents::FilterKind;
use serde::Deserialize;
use serde_json::Value;

use super::document::{Converted, Workloads};
use super::name::object_name;
use super::origin::{Origin, plugin};
use super::read::read;
use super::report::Report;
use crate::documents::Identity;
use key_rate_limit::Limits;
use scope::Scope;
use traffic_tag::Tags;

/// A resource of Higress's own API group.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct WasmPlugin {
    selector: Option<Value>,
    #[serde(rename = "url")]
    _url: Option<String>,
    #[serde(rename = "sha256")]
    _sha256: Option<String>,
    #[serde(rename = "imagePullPolicy")]
    _image_pull_policy: Option<String>,
    #[serde(rename = "imagePullSecret")]
    _image_pull_secret: Option<String>,
    #[serde(rename = "verificationKey")]
    _verification_key: Option<String>,
    #[serde(rename = "pluginName")]
    _plugin_name: Option<String>,
    #[serde(rename = "phase")]
    _phase: Option<String>,
    #[serde(rename = "priority")]
    _priority: Option<f64>,
    #[serde(rename = "vmConfig")]
    _vm_config: Option<Value>,
    fail_strategy: Option<String>,
    default_config: Option<Value>,
    default_config_disable: Option<bool>,
    match_rules: Option<Vec<MatchRule>>,
}

/// A configuration for some requests.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MatchRule {
    #[serde(default)]
    ingress: Vec<String>,
    #[serde(default)]
    domain: Vec<String>,
    #[serde(default)]
    service: Vec<String>,
    #[serde(rename = "config")]
    _config: Option<Value>,
    config_disable: Option<bool>,
}

/// What a WasmPlugin is converted to.
pub(super) fn wasm_plugin(resource: &str, report: &mut Report) -> Vec<Converted> {
    let root = Place::root();
    let place = root.key("spec");
    let Some(kind) = plugin(&report.node) else {
        return Vec::new();
    };
    let Some(spec) = read::<WasmPlugin>(report, &place) else {
        return Vec::new();
    };
    if spec.selector.is_some() {
        report.changed(
            &place.key("selector"),
            "Higress runs its plugins in its gateway",
            "the document is for gateways; narrow it down in `workloads`",
        );
    }
    if spec.fail_strategy.is_some() {
        report.changed(
            &place.key("failStrategy"),
            "what happens when the module cannot be fetched is said where the filter is installed",
            "`onInvalidConfig` says what happens while the configuration is invalid",
        );
    }
    let config = match kind {
        Origin::HigressTrafficTag => {
            let mut tags = Tags::default();
            each(&spec, &place, report, &mut |report, place, scope| {
                tags.add(report, place, scope);
            });
            tags.into_config()
        }
        Origin::HigressKeyRateLimit => {
            let mut limits = Limits::default();
            each(&spec, &place, report, &mut |report, place, scope| {
                limits.add(report, place, scope);
            });
            limits.into_config()
        }
        _ => {
            counted_in_redis(&place, report);
            None
        }
    };
    let Some(config) = config else {
        return Vec::new();
    };
    let identity = Identity::of(&report.node);
    let filter = match kind {
        Origin::HigressTrafficTag => FilterKind::TrafficLabel,
        _ => FilterKind::RateLimit,
    };
    let mut document = Converted::filter(filter, object_name(&identity.name), config, resource);
    document.namespace = report.namespace();
    document.workloads = Workloads::Gateway;
    vec![document]
}

/// The configuration of traffic-tag alone.
pub(super) fn traffic_tag(resource: &str, report: &mut Report) -> Vec<Converted> {
    let mut tags = Tags::default();
    tags.add(report, &Place::root(), &Scope::default());
    bare(
        FilterKind::TrafficLabel,
        "traffic-tag",
        tags.into_config(),
        resource,
    )
}

/// The configuration of key-rate-limit alone.
pub(super) fn key_rate_limit(resource: &str, report: &mut Report) -> Vec<Converted> {
    let mut limits = Limits::default();
    limits.add(report, &Place::root(), &Scope::default());
    bare(
        FilterKind::RateLimit,
        "key-rate-limit",
        limits.into_config(),
        resource,
    )
}

/// The configuration of cluster-key-rate-limit alone.
pub(super) fn cluster_key_rate_limit(report: &mut Report) -> Vec<Converted> {
    counted_in_redis(&Place::root(), report);
    Vec::new()
}

fn bare(kind: FilterKind, name: &str, config: Option<Value>, resource: &str) -> Vec<Converted> {
    let document = config.map(|config| {
        let mut document = Converted::filter(kind, name.to_owned(), config, resource);
        document.workloads = Workloads::Gateway;
        document
    });
    document.into_iter().collect()
}

fn counted_in_redis(place: &Place<'_>, report: &mut Report) {
    report.lost(
        place,
        "cluster-key-rate-limit counts in Redis, by a protocol that stock Envoy does not have",
        "write limits with `cluster`, which a rate limit service counts for all proxies, in Redis too",
    );
}

/// Each configuration in a resource, with the requests that it is for.
fn each(
    spec: &WasmPlugin,
    place: &Place<'_>,
    report: &mut Report,
    add: &mut dyn FnMut(&mut Report, &Place<'_>, &Scope),
) {
    let rules_place = place.key("matchRules");
    let rules = spec.match_rules.as_deref().unwrap_or_default();
    let mut earlier = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let place = rules_place.index(index);
        for (is_there, key, what) in [
            (!rule.ingress.is_empty(), "ingress", "route"),
            (!rule.service.is_empty(), "service", "service"),
        ] {
            if is_there {
                report.lost(
                    &place.key(key),
                    format!("a filter does not see which {what} of the gateway a request goes to"),
                    "this configuration is left out for them; say which requests they are by `host` and `path`",
                );
            }
        }
        let Some(own) = scope::hosts(&rule.domain) else {
            continue;
        };
        let scope = Scope::new(Some(own.clone()), &earlier);
        earlier.push(own);
        if rule.config_disable != Some(true) {
            add(report, &place.key("config"), &scope);
        }
    }
    if spec.default_config.is_some() && spec.default_config_disable != Some(true) {
        add(
            report,
            &place.key("defaultConfig"),
            &Scope::new(None, &earlier),
        );
    }
}
