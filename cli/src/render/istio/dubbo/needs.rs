//! What bridges have to show and to write back, for the filters around them.

use meshlane_attributes::ProxyKind;
use serde_json::{Map, Value, json};

use crate::check::Needs;
use crate::policy::Policy;
use crate::render::istio::Renderer;
use crate::render::istio::resource::set;

impl Renderer<'_> {
    /// What the filters of a namespace, and those of the whole mesh, ask of Dubbo calls.
    pub(super) fn needs(&self, namespace: Option<&str>) -> Needs {
        let near = self.plugins.iter().filter(|plugin| {
            let own = plugin.namespace.as_deref();
            own == namespace || own == Some("istio-system")
        });
        let policies = near.filter_map(|plugin| {
            let document = plugin.config.to_string();
            let policy = Policy::parse(plugin.kind, document.as_bytes(), ProxyKind::Sidecar);
            policy.ok().flatten()
        });
        let policies: Vec<_> = policies.collect();
        Needs::of(&policies.iter().collect::<Vec<_>>())
    }
}

/// Completes the configuration of a bridge.
pub(super) fn complete(config: &mut Value, needs: &Needs) {
    let is_showing = config.get("mode").and_then(Value::as_str) == Some("toHttp");
    let mut expose = match config.get("expose") {
        Some(Value::Object(expose)) => expose.clone(),
        _ => Map::new(),
    };
    for (key, names) in [
        ("arguments", &needs.arguments),
        ("attachments", &needs.attachments),
    ] {
        let given = expose.get(key).and_then(Value::as_array);
        let given = given.into_iter().flatten().filter_map(Value::as_str);
        let mut all: Vec<_> = given.chain(names.iter().map(String::as_str)).collect();
        all.sort_unstable();
        all.dedup();
        if !all.is_empty() {
            let all = json!(all);
            expose.insert(key.to_owned(), all);
        }
    }
    if is_showing && !expose.is_empty() {
        set(config, "expose", Value::Object(expose));
    }
    if !needs.carriers.is_empty() {
        set(config, "carriers", json!({"names": needs.carriers}));
    }
}
