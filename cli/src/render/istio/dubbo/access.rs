//! Who may call what.

use meshlane_attributes::Attribute;
use meshlane_attributes::dubbo::header_name;
use meshlane_documents::{Access, DubboService};
use serde_json::{Value, json};

use super::owner;
use crate::render::istio::Renderer;
use crate::render::istio::resource::{Resource, set};

impl Renderer<'_> {
    pub(super) fn access(&mut self, service: &DubboService) {
        let Some(access) = &service.access else {
            return;
        };
        let mut rules: Vec<_> = access
            .iter()
            .map(|rule| self::rule(service, rule))
            .collect();
        let namespaces: std::collections::BTreeSet<_> = access
            .iter()
            .flat_map(|rule| {
                let accounts = rule.service_accounts.iter().map(|(namespace, _)| namespace);
                accounts.chain(&rule.namespaces)
            })
            .collect();
        let port = json!([service.port.to_string()]);
        if !namespaces.is_empty() {
            // Dubbo 3 asks every provider for its metadata.
            rules.push(json!({
                "from": [{"source": {"namespaces": namespaces}}],
                "to": [{"operation": {"ports": port, "paths": ["/org.apache.dubbo.metadata.*"]}}],
            }));
        }
        // The way to the bridge, inside the pod.
        rules.push(json!({
            "from": [{"source": {"ipBlocks": ["127.0.0.0/8"]}}],
            "to": [{"operation": {"ports": [service.loopback_port.to_string()]}}],
        }));
        let body = json!({"spec": {
            "selector": {"matchLabels": service.selector},
            "action": "ALLOW",
            "rules": rules,
        }});
        let identity = (service.namespace.as_deref(), service.name.as_str());
        let api = ("security.istio.io/v1", "AuthorizationPolicy");
        self.push(Resource::new(api, identity, &owner(service), body).comment(
            "Who may call what. All is allowed by name: a call that cannot be read has the path `/_/_`, which nothing here \
             matches. The last rule is the way to the bridge inside the pod; the one before it is for Dubbo 3, which asks \
             providers for their metadata.",
        ));
    }
}

fn rule(service: &DubboService, access: &Access) -> Value {
    let accounts = access.service_accounts.iter();
    // Istio takes this trust domain for its own, whatever that is called.
    let principals = accounts
        .map(|(namespace, name)| format!("cluster.local/ns/{namespace}/sa/{name}"))
        .collect::<Vec<_>>();
    let mut from = Vec::new();
    if !principals.is_empty() {
        from.push(json!({"source": {"principals": principals}}));
    }
    if !access.namespaces.is_empty() {
        from.push(json!({"source": {"namespaces": access.namespaces}}));
    }
    let paths = access
        .interfaces
        .iter()
        .flat_map(|interface| paths(interface, &access.methods));
    let operation = json!({
        "ports": [service.port.to_string()],
        "paths": paths.collect::<Vec<_>>(),
    });
    let mut rule = json!({"from": from, "to": [{"operation": operation}]});
    let arguments = access.arguments.iter();
    let arguments = arguments.map(|(path, values)| (format!("dubbo.arg.{path}"), values));
    let attachments = access.attachments.iter();
    let attachments =
        attachments.map(|(name, values)| (format!("dubbo.attachment.{name}"), values));
    // What the bridge shows; the provider's bridge holds it against the call.
    let shown = arguments
        .chain(attachments)
        .filter_map(|(attribute, values)| {
            let attribute: Attribute = attribute.parse().ok()?;
            let header = header_name(&attribute)?;
            Some(json!({"key": format!("request.headers[{header}]"), "values": values}))
        });
    let when: Vec<_> = shown.collect();
    if !when.is_empty() {
        set(&mut rule, "when", json!(when));
    }
    rule
}

/// The paths of methods of an interface. A policy knows `*` at one end alone.
fn paths(interface: &str, methods: &[String]) -> Vec<String> {
    match interface.strip_suffix('*') {
        Some(start) => vec![format!("/{start}*")],
        None if methods.is_empty() => vec![format!("/{interface}/*")],
        None => methods
            .iter()
            .map(|method| format!("/{interface}/{method}"))
            .collect(),
    }
}
