//! What a document of another system is.

use clap::ValueEnum;

use super::report::Report;
use super::{MigratedFile, Settings};
use crate::documents::{Identity, module_name};
use crate::source::{Node, Value};

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Origin {
    /// The configuration of Higress's plugin traffic-tag
    HigressTrafficTag,
    /// The configuration of Higress's plugin key-rate-limit
    HigressKeyRateLimit,
    /// The configuration of Higress's plugin cluster-key-rate-limit
    HigressClusterKeyRateLimit,
    /// A tag rule of Apache Dubbo
    DubboTagRule,
    /// A condition rule of Apache Dubbo
    DubboConditionRule,
    /// A list of Sentinel's flow rules
    SentinelFlow,
    /// A list of Sentinel's rules for hot parameters
    SentinelParamFlow,
    /// A resource of Higress.
    #[value(skip)]
    HigressWasmPlugin,
    /// A resource of ASM.
    #[value(skip)]
    AsmTrafficLabel,
    /// A resource of ASM.
    #[value(skip)]
    AsmSwimLaneGroup,
    /// A resource of ASM.
    #[value(skip)]
    AsmSwimLane,
}

/// A document that is converted.
#[derive(Debug)]
pub(super) struct Found {
    /// The file that it is in, by its position.
    pub(super) file: usize,
    /// What it is.
    pub(super) origin: Origin,
    /// The same in words, with its name.
    pub(super) resource: String,
    /// What is to say about it.
    pub(super) report: Report,
}

/// Adds a document, or those in a list, to what was found; counts one that is nothing that is converted.
pub(super) fn find(
    document: &Node,
    file: usize,
    settings: &Settings,
    found: &mut Vec<Found>,
    counts: &mut MigratedFile,
) {
    if matches!(document.value, Value::Null) {
        return;
    }
    let kind = document.get("kind").and_then(Node::text);
    if kind.is_some_and(|kind| kind.ends_with("List")) && document.get("items").is_some() {
        for item in document.get("items").map(Node::items).unwrap_or_default() {
            find(item, file, settings, found, counts);
        }
        return;
    }
    let origin = match (document.get("apiVersion").and_then(Node::text), kind) {
        (Some(api), Some(kind)) => of_resource(api, kind, document),
        _ => settings.from.or_else(|| of_shape(document)),
    };
    let Some(origin) = origin else {
        counts.passed_over += 1;
        return;
    };
    found.push(Found {
        file,
        origin,
        resource: origin.in_words(document),
        report: Report::new(document.clone()),
    });
}

impl Origin {
    /// What a document is, with its name: `tag rule demo-provider`.
    fn in_words(self, document: &Node) -> String {
        let resource = |kind: &str| format!("{kind} {}", Identity::of(document).written());
        let rule = |what: &str| match document.get("key").and_then(Node::text) {
            Some(key) => format!("Dubbo's {what} {key}"),
            None => format!("a {what} of Dubbo"),
        };
        match self {
            Self::HigressTrafficTag => "Higress's traffic-tag".to_owned(),
            Self::HigressKeyRateLimit => "Higress's key-rate-limit".to_owned(),
            Self::HigressClusterKeyRateLimit => "Higress's cluster-key-rate-limit".to_owned(),
            Self::DubboTagRule => rule("tag rule"),
            Self::DubboConditionRule => rule("condition rule"),
            Self::SentinelFlow => "Sentinel's flow rules".to_owned(),
            Self::SentinelParamFlow => "Sentinel's rules for hot parameters".to_owned(),
            Self::HigressWasmPlugin => resource("Higress's WasmPlugin"),
            Self::AsmTrafficLabel => resource("ASM's TrafficLabel"),
            Self::AsmSwimLaneGroup => resource("ASMSwimLaneGroup"),
            Self::AsmSwimLane => resource("ASMSwimLane"),
        }
    }
}

fn of_resource(api: &str, kind: &str, document: &Node) -> Option<Origin> {
    let group = api.split('/').next().unwrap_or_default();
    match (group, kind) {
        ("extensions.higress.io", "WasmPlugin") => {
            plugin(document).map(|_| Origin::HigressWasmPlugin)
        }
        ("istio.alibabacloud.com", "TrafficLabel") => Some(Origin::AsmTrafficLabel),
        ("istio.alibabacloud.com", "ASMSwimLaneGroup") => Some(Origin::AsmSwimLaneGroup),
        ("istio.alibabacloud.com", "ASMSwimLane") => Some(Origin::AsmSwimLane),
        _ => None,
    }
}

/// The plugin that a WasmPlugin of Higress is: by the module, by `pluginName`, by its own name.
pub(super) fn plugin(document: &Node) -> Option<Origin> {
    let module = document
        .descend(&["spec", "url"])
        .and_then(Node::text)
        .map(module_name);
    let named = document.descend(&["spec", "pluginName"]);
    let own = document.descend(&["metadata", "name"]);
    let own = own.and_then(Node::text).map(version_off);
    let names = [module, named.and_then(Node::text), own];
    names.into_iter().flatten().find_map(|name| match name {
        "traffic-tag" => Some(Origin::HigressTrafficTag),
        "key-rate-limit" => Some(Origin::HigressKeyRateLimit),
        "cluster-key-rate-limit" => Some(Origin::HigressClusterKeyRateLimit),
        _ => None,
    })
}

/// Higress's console calls a plugin's resource `traffic-tag-1.0.0`, and `traffic-tag.internal`.
fn version_off(name: &str) -> &str {
    let name = name.split('.').next().unwrap_or(name);
    match name.rsplit_once('-') {
        Some((plugin, version)) if version.bytes().all(|b| b.is_ascii_digit()) => plugin,
        _ => name,
    }
}

/// What a document is by the keys that only such a document has.
fn of_shape(document: &Node) -> Option<Origin> {
    let has = |key: &str| document.get(key).is_some();
    let of_list = |first: &Node| match first.get("resource").is_some() {
        true if first.get("paramIdx").is_some() => Some(Origin::SentinelParamFlow),
        true => Some(Origin::SentinelFlow),
        false => None,
    };
    match &document.value {
        Value::List(items) => of_list(items.first()?),
        Value::Map(_)
            if ["conditionGroups", "weightGroups", "defaultTagKey"]
                .into_iter()
                .any(has) =>
        {
            Some(Origin::HigressTrafficTag)
        }
        Value::Map(_) if has("rule_name") || has("rule_items") => {
            Some(Origin::HigressClusterKeyRateLimit)
        }
        Value::Map(_) if has("limit_keys") => Some(Origin::HigressKeyRateLimit),
        Value::Map(_) if has("conditions") => Some(Origin::DubboConditionRule),
        Value::Map(_) if has("tags") => Some(Origin::DubboTagRule),
        _ => None,
    }
}
