//! A filter in Istio's proxies: a WasmPlugin or a TrafficExtension.

use std::collections::BTreeMap;

use meshlane_documents::{GatewayReference, Proxies};
use meshlane_gray_release::config::Direction;
use serde_json::{Map, Value, json};

use super::resource::{Owner, Resource, set};
use super::{Api, Options};
use crate::documents::{Kind, Phase};

/// A filter, its configuration and the proxies that it is for.
#[derive(Debug, Clone)]
pub(super) struct Plugin {
    pub(super) kind: Kind,
    pub(super) owner: Owner,
    pub(super) namespace: Option<String>,
    /// The resource's name.
    pub(super) name: String,
    /// What is behind the kind in `pluginName`: the plugin's name in metrics.
    pub(super) instance: String,
    pub(super) target: Target,
    pub(super) ports: Vec<u16>,
    pub(super) fail_strategy: &'static str,
    pub(super) config: Value,
    pub(super) comment: String,
}

/// The proxies that a filter runs in, and which way the requests go there.
#[derive(Debug, Clone)]
pub(super) enum Target {
    Proxies(Proxies),
    /// Sidecars, both ways.
    BothWays(BTreeMap<String, String>),
}

impl Plugin {
    pub(super) fn phase(&self) -> Phase {
        Phase::of(self.kind, self.config.to_string().as_bytes(), 0..0)
    }

    /// Whether it runs for pods of a namespace, as far as namespaces tell: it is in theirs, or the whole mesh's.
    pub(super) fn is_near(&self, namespace: Option<&str>) -> bool {
        let own = self.namespace.as_deref();
        own == namespace || own == Some("istio-system")
    }

    pub(super) fn render(&self, options: &Options) -> Resource {
        let phase = self.phase();
        let mut wasm = Map::new();
        wasm.insert("url".to_owned(), json!(options.url(self.kind)));
        if let Some(digest) = options.digest(self.kind) {
            wasm.insert("sha256".to_owned(), json!(digest));
        }
        wasm.insert("pluginName".to_owned(), json!(self.plugin_name()));
        wasm.insert("failStrategy".to_owned(), json!(self.fail_strategy));
        if self.kind.is_network() {
            wasm.insert("type".to_owned(), json!("NETWORK"));
        }
        wasm.insert("pluginConfig".to_owned(), self.config.clone());
        if let Some(secret) = &options.pull_secret {
            wasm.insert("imagePullSecret".to_owned(), json!(secret));
        }
        let mut spec = self.target.choose();
        if !self.kind.is_network() {
            let written = match (options.api, phase.written.as_deref()) {
                (Api::TrafficExtension, Some("UNSPECIFIED_PHASE")) => Some("UNSPECIFIED"),
                (_, written) => written,
            };
            spec.insert("phase".to_owned(), json!(written));
            spec.insert("priority".to_owned(), json!(phase.priority));
        }
        if let Some(mode) = self.target.mode() {
            let mut matched = json!({"mode": mode});
            if !self.ports.is_empty() {
                let ports = self.ports.iter().map(|port| json!({"number": port}));
                set(&mut matched, "ports", ports.collect());
            }
            spec.insert("match".to_owned(), json!([matched]));
        }
        let kind = match options.api {
            Api::WasmPlugin => {
                spec.extend(wasm);
                "WasmPlugin"
            }
            Api::TrafficExtension => {
                spec.insert("wasm".to_owned(), Value::Object(wasm));
                "TrafficExtension"
            }
        };
        let identity = (self.namespace.as_deref(), self.name.as_str());
        let api = ("extensions.istio.io/v1alpha1", kind);
        Resource::new(api, identity, &self.owner, json!({"spec": spec}))
            .comment(self.comment.clone())
    }

    /// `rate-limit/orders`: which filter of the module runs, and what it is called in metrics.
    pub(super) fn plugin_name(&self) -> String {
        format!("{}/{}", self.kind.as_str(), self.instance)
    }
}

impl Target {
    /// How Istio is told which proxies.
    fn choose(&self) -> Map<String, Value> {
        let labels = |labels: &BTreeMap<String, String>| {
            let selector = json!({"matchLabels": labels});
            let chosen = (!labels.is_empty()).then_some(("selector".to_owned(), selector));
            chosen.into_iter().collect()
        };
        let reference = |group: &str, kind: &str, name: &str| {
            let reference = json!([{"group": group, "kind": kind, "name": name}]);
            Map::from_iter([("targetRefs".to_owned(), reference)])
        };
        match self {
            Self::BothWays(selector)
            | Self::Proxies(
                Proxies::Sidecars {
                    labels: selector, ..
                }
                | Proxies::Gateways(GatewayReference::Labels(selector)),
            ) => labels(selector),
            Self::Proxies(
                Proxies::Gateways(GatewayReference::Name(name)) | Proxies::Waypoint(name),
            ) => reference("gateway.networking.k8s.io", "Gateway", name),
            Self::Proxies(Proxies::WaypointService(name)) => reference("", "Service", name),
        }
    }

    /// Which way requests go that the filter sees; nothing for waypoints, which match nothing.
    fn mode(&self) -> Option<&'static str> {
        match self {
            Self::BothWays(_) => Some("CLIENT_AND_SERVER"),
            Self::Proxies(Proxies::Sidecars { direction, .. }) => Some(match direction {
                Direction::Inbound => "SERVER",
                Direction::Outbound => "CLIENT",
            }),
            Self::Proxies(Proxies::Gateways(_)) => Some("CLIENT"),
            Self::Proxies(Proxies::Waypoint(_) | Proxies::WaypointService(_)) => None,
        }
    }

    /// The labels of the sidecars whose outgoing requests the filter sees; nothing when it sees none.
    pub(super) fn outgoing(&self) -> Option<&BTreeMap<String, String>> {
        match self {
            Self::BothWays(labels)
            | Self::Proxies(Proxies::Sidecars {
                labels,
                direction: Direction::Outbound,
            }) => Some(labels),
            Self::Proxies(_) => None,
        }
    }
}
