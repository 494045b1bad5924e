//! What bridges have to show and to write back, for the filters around them.

use std::collections::BTreeSet;

use meshlane_attributes::ProxyKind;
use meshlane_bridge::config::Expose;
use meshlane_documents::DubboService;
use serde_json::{Value, json};

use crate::check::Needs;
use crate::policy::Policy;
use crate::render::istio::Renderer;
use crate::render::istio::plugin::Plugin;
use crate::render::istio::resource::set;

impl Renderer<'_> {
    /// What the filters of a namespace, and those of the whole mesh, ask of Dubbo calls.
    pub(super) fn needs(&self, namespace: Option<&str>) -> Needs {
        let near = |plugin: &&Plugin| plugin.is_near(namespace);
        let policies = self.plugins.iter().filter(near);
        let policies = policies.filter_map(|plugin| {
            let document = plugin.config.to_string();
            let policy = Policy::parse(plugin.kind, document.as_bytes(), ProxyKind::Sidecar);
            policy.ok().flatten()
        });
        let policies: Vec<_> = policies.collect();
        Needs::of(&policies.iter().collect::<Vec<_>>())
    }
}

/// The configuration of a bridge: what services and the filters around it ask to be shown, and what is to be written back.
pub(super) fn bridge(mode: &str, services: &[&DubboService], needs: &Needs) -> Value {
    let mut config = json!({"mode": mode});
    let union = |needed: &[String], of: &dyn Fn(&Expose) -> Option<Vec<String>>| {
        let given = services.iter().filter_map(|service| of(&service.expose));
        let all = given.flatten().chain(needed.iter().cloned());
        all.collect::<BTreeSet<_>>()
    };
    let arguments = union(&needs.arguments, &|expose| expose.arguments.clone());
    let attachments = union(&needs.attachments, &|expose| expose.attachments.clone());
    let mut expose = json!({});
    for (key, shown) in [("arguments", arguments), ("attachments", attachments)] {
        if !shown.is_empty() {
            set(&mut expose, key, json!(shown));
        }
    }
    if mode == TO_HTTP && expose != json!({}) {
        set(&mut config, "expose", expose);
    }
    if !needs.carriers.is_empty() {
        set(&mut config, "carriers", json!({"names": needs.carriers}));
    }
    config
}

/// Dubbo becomes HTTP/2.
pub(super) const TO_HTTP: &str = "toHttp";

/// HTTP/2 becomes Dubbo.
pub(super) const TO_DUBBO: &str = "toDubbo";
