//! Envoy's own configuration, alone or inside Istio's `EnvoyFilter`.

use meshlane_attributes::{Locality, ProxyKind};
use meshlane_diagnostics::{JsonPath, Segment};
use meshlane_gray_release::config::Direction;

use super::module::Module;
use super::resource::{Identity, list};
use super::{Findings, Kind, Origin, Plugin, Surroundings, Traffic, collect_oddities};
use crate::diagnostic::Diagnostic;
use crate::source::{Node, Source, Span, Value};

/// Keys by which a document is known as a configuration of Envoy or a part of one.
const ENVOY_KEYS: [&str; 12] = [
    "@type",
    "admin",
    "dynamic_resources",
    "dynamicResources",
    "filter_chains",
    "filterChains",
    "http_filters",
    "httpFilters",
    "node",
    "static_resources",
    "staticResources",
    "typed_config",
];

/// Whether a document is a configuration of Envoy.
pub(super) fn is_envoy(document: &Node) -> bool {
    let is_known = |key: &str| ENVOY_KEYS.contains(&key) || key == "resources";
    document.entries().iter().any(|entry| is_known(&entry.key))
}

/// Reads an `EnvoyFilter`: any Wasm filter in the patches.
pub(super) fn envoy_filter(source: &Source, document: &Node, findings: &mut Findings) {
    let identity = Identity::of(document);
    let labels = document
        .descend(&["spec", "workloadSelector", "labels"])
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| Some((entry.key.clone(), entry.value.text()?.to_owned())))
        .collect();
    let patches = document.descend(&["spec", "configPatches"]);
    let mut ours = 0;
    for (index, patch) in patches
        .map(Node::items)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let Some(value) = patch.descend(&["patch", "value"]) else {
            continue;
        };
        let context = patch.descend(&["match", "context"]).and_then(Node::text);
        let kind = match context {
            Some("GATEWAY") => ProxyKind::Gateway,
            _ => ProxyKind::Sidecar,
        };
        let path = [
            Segment::Key("spec".to_owned()),
            Segment::Key("configPatches".to_owned()),
            Segment::Index(index),
            Segment::Key("patch".to_owned()),
            Segment::Key("value".to_owned()),
        ];
        let mut search = Search {
            source,
            origin: Origin::EnvoyFilter,
            resource: format!("EnvoyFilter {}", identity.written()),
            fallback_name: &identity.name,
            ours: 0,
            findings,
        };
        let surroundings = Surroundings {
            kind: Some(kind),
            namespace: identity.workload_namespace(),
            labels: Clone::clone(&labels),
            listener: context.map(str::to_owned),
            traffic: match context {
                Some("SIDECAR_INBOUND") => Traffic::Of(Direction::Inbound),
                Some("SIDECAR_OUTBOUND") => Traffic::Of(Direction::Outbound),
                _ => Traffic::Unknown,
            },
            ..Surroundings::default()
        };
        search.descend(value, &path.into_iter().collect(), None, &surroundings);
        ours += search.ours;
    }
    findings.passed_over += usize::from(ours == 0);
}

/// Reads a bootstrap, a list of resources or a part of one: any Wasm filter in it.
pub(super) fn envoy_configuration(source: &Source, document: &Node, findings: &mut Findings) {
    let surroundings = node_surroundings(document.get("node"));
    let mut search = Search {
        source,
        origin: Origin::Envoy,
        resource: "Envoy configuration".to_owned(),
        fallback_name: "",
        ours: 0,
        findings,
    };
    search.descend(document, &JsonPath::default(), None, &surroundings);
    let ours = search.ours;
    findings.passed_over += usize::from(ours == 0);
}

/// What a bootstrap's `node` tells.
fn node_surroundings(node: Option<&Node>) -> Surroundings {
    let id = node.and_then(|node| node.get("id")?.text());
    let metadata = node.and_then(|node| node.get("metadata"));
    let labels = metadata.and_then(|metadata| metadata.get("LABELS"));
    Surroundings {
        kind: id.map(ProxyKind::from_node_id),
        namespace: metadata
            .and_then(|metadata| metadata.get("NAMESPACE")?.text())
            .map(str::to_owned),
        labels: labels
            .map(Node::entries)
            .unwrap_or_default()
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), entry.value.text()?.to_owned())))
            .collect(),
        locality: locality(node.and_then(|node| node.get("locality"))),
        listener: None,
        traffic: Traffic::Unknown,
    }
}

/// Which way requests go through a listener; nothing when the value is none.
fn traffic(listener: &Node) -> Option<Traffic> {
    listener.get_any(&["filter_chains", "filterChains"])?;
    let direction = listener.get_any(&["traffic_direction", "trafficDirection"]);
    Some(match direction.and_then(Node::text) {
        Some("INBOUND") => Traffic::Of(Direction::Inbound),
        Some("OUTBOUND") => Traffic::Of(Direction::Outbound),
        _ => Traffic::Unsaid,
    })
}

/// Where a bootstrap says that the node is.
fn locality(written: Option<&Node>) -> Locality {
    let text = |keys: &[&str]| {
        let text = written.and_then(|written| written.get_any(keys)?.text());
        text.unwrap_or_default().to_owned()
    };
    Locality {
        region: text(&["region"]),
        zone: text(&["zone"]),
        sub_zone: text(&["sub_zone", "subZone"]),
    }
}

struct Search<'s, 'f> {
    source: &'s Source,
    origin: Origin,
    resource: String,
    fallback_name: &'s str,
    /// How many of the Wasm filters are ours.
    ours: usize,
    findings: &'f mut Findings,
}

impl Search<'_, '_> {
    /// Looks for Wasm filters in a value and everything inside it.
    fn descend(
        &mut self,
        node: &Node,
        path: &JsonPath,
        filter_name: Option<&str>,
        surroundings: &Surroundings,
    ) {
        if let Some((config, network)) = wasm_filter(node) {
            self.wasm_filter(node, config, network, filter_name, path, surroundings);
            return;
        }
        let listener = traffic(node).filter(|_| self.origin == Origin::Envoy);
        let here = listener.map(|traffic| Surroundings {
            traffic,
            ..surroundings.clone()
        });
        let surroundings = here.as_ref().unwrap_or(surroundings);
        let name = node.get("name").and_then(Node::text);
        for entry in node.entries() {
            let path = path.clone().join(Segment::Key(entry.key.clone()));
            self.descend(&entry.value, &path, name, surroundings);
        }
        for (index, item) in node.items().iter().enumerate() {
            let path = path.clone().join(Segment::Index(index));
            self.descend(item, &path, None, surroundings);
        }
    }

    fn wasm_filter(
        &mut self,
        filter: &Node,
        config: &Node,
        network: bool,
        filter_name: Option<&str>,
        path: &JsonPath,
        surroundings: &Surroundings,
    ) {
        let text = |keys: &[&str]| config.get_any(keys).and_then(Node::text);
        let root_id = text(&["root_id", "rootId"]);
        let name = text(&["name"]);
        // The root id decides; without one the names are all there is to go by.
        let root_id = root_id.filter(|id| !id.is_empty());
        let is_suite = Module::of_filter(config) == Some(Module::Suite);
        let Some((kind, instance)) = (match root_id {
            Some(root_id) => Kind::of_plugin_name(root_id),
            None if is_suite => None,
            None => [name, filter_name]
                .into_iter()
                .flatten()
                .find_map(Kind::of_plugin_name),
        }) else {
            if is_suite {
                self.ours += 1;
                let diagnostic = suite_without_root_id(config, root_id);
                self.findings.diagnostics.push(diagnostic.at(path.clone()));
            }
            return;
        };
        self.ours += 1;
        collect_oddities(filter, self.findings);
        if network != kind.is_network() {
            self.findings.diagnostics.push(
                Diagnostic::error(
                    "invalid-value",
                    filter
                        .get("@type")
                        .map_or_else(|| filter.place(), Node::place),
                    format!(
                        "`{}` is {} and cannot run as {}",
                        kind.as_str(),
                        kind.species(),
                        if network {
                            "a network filter"
                        } else {
                            "an HTTP filter"
                        },
                    ),
                )
                .expected(format!(
                    "type.googleapis.com/envoy.extensions.filters.{}.wasm.v3.Wasm",
                    if network { "http" } else { "network" }
                ))
                .at(path.clone()),
            );
        }
        let configuration = config.entry("configuration");
        let parsed = match configuration {
            None => None,
            Some(entry) => match self.configuration(&entry.value) {
                Ok(node) => node,
                Err(diagnostic) => {
                    let path = path.clone().join(Segment::Key("configuration".to_owned()));
                    self.findings.diagnostics.push(diagnostic.at(path));
                    return;
                }
            },
        };
        let name = instance
            .or(name)
            .or(Some(self.fallback_name).filter(|name| !name.is_empty()))
            .unwrap_or(kind.as_str());
        self.findings.plugins.push(Plugin {
            kind,
            origin: self.origin,
            resource: self.resource.clone(),
            name: name.to_owned(),
            place: configuration.map_or_else(|| config.place(), |entry| entry.key_span.clone()),
            config: parsed,
            proxy: Surroundings {
                listener: surroundings.listener.clone().or_else(|| list_around(path)),
                ..surroundings.clone()
            },
            phase: None,
        });
    }

    /// The configuration in a `google.protobuf.Any`.
    fn configuration(&mut self, any: &Node) -> Result<Option<Node>, Box<Diagnostic>> {
        const STRING: &str = "type.googleapis.com/google.protobuf.StringValue";
        let expected = "an object with `@type` (a google.protobuf.StringValue) and `value`, a string with JSON text";
        let Some(type_url) = any.get("@type").and_then(Node::text) else {
            return Err(Diagnostic::error(
                "invalid-value",
                any.place(),
                "Envoy takes the configuration of a Wasm filter as a google.protobuf.Any",
            )
            .found(any.type_name())
            .expected(expected)
            .note(format!(
                "write `configuration: {{\"@type\": {STRING}, value: '…'}}`"
            ))
            .boxed());
        };
        let value = any.get("value");
        match (type_url.rsplit('/').next().unwrap_or_default(), value) {
            ("google.protobuf.StringValue", None) => Ok(None),
            ("google.protobuf.StringValue", Some(value)) => self.json_text(value),
            ("google.protobuf.Struct", value) => {
                let place = any.get("@type").unwrap_or(any).place();
                self.findings.diagnostics.push(no_json(place));
                let is_object = |value: &&Node| matches!(value.value, Value::Map(_));
                Ok(value.filter(is_object).cloned())
            }
            (_, value) => Err(Diagnostic::error(
                "invalid-value",
                value.unwrap_or(any).place(),
                format!("a configuration of this form is not readable: `{type_url}`"),
            )
            .found(type_url)
            .expected(expected)
            .boxed()),
        }
    }

    fn json_text(&mut self, value: &Node) -> Result<Option<Node>, Box<Diagnostic>> {
        let Value::Text { text, style } = &value.value else {
            return Err(Diagnostic::error(
                "wrong-type",
                value.place(),
                format!("a StringValue holds a string, found {}", value.type_name()),
            )
            .found(value.type_name())
            .expected("a string with JSON text")
            .boxed());
        };
        if text.trim().is_empty() {
            return Ok(None);
        }
        let node = self.source.read_embedded_json(text, *style, &value.span)?;
        collect_oddities(&node, self.findings);
        Ok(Some(node))
    }
}

/// A Struct says the same to people, and is something else to a filter.
fn no_json(place: Span) -> Diagnostic {
    let message =
        "Envoy hands a Struct to the filter as bytes of protobuf, and the filter reads JSON";
    Diagnostic::error("struct-config", place, message)
        .found("google.protobuf.Struct")
        .expected("google.protobuf.StringValue, and as `value` a string with JSON text")
}

/// The list that a filter is in.
fn list_around(path: &JsonPath) -> Option<String> {
    let segments = path.segments();
    let is_index = |segment: &Segment| matches!(segment, Segment::Index(_));
    let around = segments.get(..segments.iter().rposition(is_index)?)?;
    Some(around.iter().cloned().collect::<JsonPath>().to_string())
}

fn suite_without_root_id(config: &Node, root_id: Option<&str>) -> Diagnostic {
    let found = match root_id {
        Some(root_id) => format!("`{root_id}` is none of them"),
        None => "nothing says which of them runs".to_owned(),
    };
    let place = config.get_any(&["root_id", "rootId"]).unwrap_or(config);
    let message =
        format!("the module `suite` has several filters in it, and {found}: it does nothing");
    Diagnostic::error("missing-key", place.place(), message).expected(format!(
        "`root_id`: {}, alone or followed by /NAME",
        list(&Module::Suite.kinds())
    ))
}

/// The plugin configuration in the typed configuration of a Wasm filter, and whether it is
/// a network filter.
fn wasm_filter(node: &Node) -> Option<(&Node, bool)> {
    let type_url = node.get("@type")?.text()?;
    let (type_url, value) = if type_url.ends_with(".TypedStruct") {
        let inner = node.get_any(&["type_url", "typeUrl"])?.text()?;
        (inner, node.get("value")?)
    } else {
        (type_url, node)
    };
    let network = match type_url.rsplit('/').next()? {
        "envoy.extensions.filters.http.wasm.v3.Wasm" => false,
        "envoy.extensions.filters.network.wasm.v3.Wasm" => true,
        _ => return None,
    };
    Some((value.get("config")?, network))
}
