//! What the proxy knows about itself.

use std::collections::BTreeMap;

use crate::metadata::{MetadataValue, Node};

/// The proxy that a filter runs in and the workload that it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workload {
    /// What the proxy is.
    pub proxy: ProxyKind,
    /// The workload's namespace (`NAMESPACE` in the node's metadata).
    pub namespace: Option<String>,
    /// The workload's labels (`LABELS` in the node's metadata).
    pub labels: BTreeMap<String, String>,
    /// Where the proxy runs (the node's `locality`).
    pub locality: Locality,
}

/// Where a proxy runs; what is not known is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locality {
    /// The region.
    pub region: String,
    /// The zone in the region.
    pub zone: String,
    /// The part of the zone: a rack, a room.
    pub sub_zone: String,
}

/// What a proxy is, by the beginning of its node id, as Istio writes it
/// (`router~10.0.0.1~gw.istio-system~istio-system.svc.cluster.local`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ProxyKind {
    /// `router~…`: a gateway.
    Gateway,
    /// `sidecar~…`: a sidecar.
    Sidecar,
    /// `waypoint~…`: a waypoint of ambient mode.
    Waypoint,
    /// Anything else: Envoy without Istio.
    #[default]
    Bare,
}

impl ProxyKind {
    /// The kind that a node id tells.
    pub fn from_node_id(id: &str) -> Self {
        match id.split_once('~').map(|(kind, _)| kind) {
            Some("router") => Self::Gateway,
            Some("sidecar") => Self::Sidecar,
            Some("waypoint") => Self::Waypoint,
            _ => Self::Bare,
        }
    }
}

impl Workload {
    /// Reads a serialized `envoy.config.core.v3.Node`; bytes that are none tell nothing.
    pub fn from_node(node: &[u8]) -> Self {
        let Some(node) = Node::decode(node) else {
            return Self::default();
        };
        let field = |name| node.metadata.field(name);
        let text = |value: &MetadataValue| value.as_text().map(str::to_owned);
        let mut labels = BTreeMap::new();
        if let Some(MetadataValue::Struct(fields)) = field("LABELS") {
            for (name, value) in fields {
                labels.extend(text(value).map(|value| (name.clone(), value)));
            }
        }
        Self {
            proxy: ProxyKind::from_node_id(&node.id),
            namespace: field("NAMESPACE").and_then(text),
            labels,
            locality: node.locality,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Field 1 = id; field 3 = metadata `{NAMESPACE: demo, LABELS: {version: v1}}`; field 4 = locality.
    fn node(id: &str) -> Vec<u8> {
        fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
            let mut field = vec![number << 3 | 2, bytes.len() as u8];
            field.extend(bytes);
            field
        }
        let entry = |name: &str, value: Vec<u8>| {
            field(1, &[field(1, name.as_bytes()), field(2, &value)].concat())
        };
        let text = |text: &str| field(3, text.as_bytes());
        let labels = field(5, &entry("version", text("v1")));
        let metadata = [entry("NAMESPACE", text("demo")), entry("LABELS", labels)].concat();
        let locality = [field(1, b"east"), field(2, b"east-1")].concat();
        [
            field(1, id.as_bytes()),
            field(3, &metadata),
            field(4, &locality),
        ]
        .concat()
    }

    #[test]
    fn knows_what_the_node_tells() {
        let workload = Workload::from_node(&node("sidecar~10.0.0.1~a.demo~demo"));
        assert_eq!(workload.proxy, ProxyKind::Sidecar);
        assert_eq!(workload.namespace.as_deref(), Some("demo"));
        assert_eq!(
            workload.labels.get("version").map(String::as_str),
            Some("v1")
        );
        let Locality { region, zone, .. } = workload.locality;
        assert_eq!((region.as_str(), zone.as_str()), ("east", "east-1"));
    }

    #[test]
    fn the_node_id_tells_the_kind_of_proxy() {
        for (id, kind) in [
            ("router~10.0.0.1~gw~d", ProxyKind::Gateway),
            ("waypoint~10.0.0.1~w~d", ProxyKind::Waypoint),
            ("sidecar", ProxyKind::Bare),
            ("", ProxyKind::Bare),
        ] {
            assert_eq!(ProxyKind::from_node_id(id), kind, "{id}");
        }
    }

    #[test]
    fn a_node_that_is_none_is_a_bare_proxy() {
        assert_eq!(Workload::from_node(b"\xff\xff"), Workload::default());
    }
}
