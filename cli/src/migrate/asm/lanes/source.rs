//! What ASM's resources hold.

use std::collections::BTreeMap;

use meshlane_diagnostics::Place;
use serde::Deserialize;
use serde_json::Value;

use crate::migrate::report::Report;

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct GroupSpec {
    pub(super) services: Vec<Service>,
    pub(super) ingress: Option<Ingress>,
    is_permissive: Option<bool>,
    permissive_mode_configuration: Option<Permissive>,
    default_traffic_policy_patch: Option<Value>,
    default_http_route_patch: Option<Value>,
    auto_update: Option<bool>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Service {
    pub(super) name: String,
    namespace: Option<String>,
    #[serde(rename = "cluster")]
    _cluster: Option<Value>,
    traffic_policy_patch: Option<Value>,
    http_route_patch: Option<Value>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Ingress {
    gateway: Option<Value>,
    pub(super) ingress_routing: Option<IngressRouting>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct IngressRouting {
    pub(super) ingress_routing_strategy: Option<String>,
    pub(super) weighted_routing_rule: Option<WeightedRoutingRule>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct WeightedRoutingRule {
    #[serde(default)]
    pub(super) hosts: Vec<String>,
    #[serde(default)]
    pub(super) request_matches: Vec<RequestMatch>,
}

#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestMatch {
    pub(super) uri: Option<StringMatch>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, StringMatch>,
}

#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StringMatch {
    pub(super) exact: Option<String>,
    pub(super) prefix: Option<String>,
    pub(super) regex: Option<String>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Permissive {
    pub(super) fallback_target: Option<String>,
    #[serde(default)]
    pub(super) service_level_fallback_target: BTreeMap<String, String>,
    pub(super) trace_header: Option<String>,
    pub(super) route_header: Option<String>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct LaneSpec {
    pub(super) label_selector: BTreeMap<String, String>,
    pub(super) services: Option<Vec<Service>>,
    #[serde(default)]
    pub(super) ingress_rules: Vec<IngressRule>,
    pub(super) ingress_weight: Option<IngressWeight>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct IngressRule {
    pub(super) name: Option<String>,
    pub(super) online: Option<bool>,
    #[serde(default)]
    pub(super) hosts: Vec<String>,
    #[serde(rename = "match")]
    pub(super) matches: Option<RequestMatch>,
    pub(super) route: Option<Route>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    pub(super) destination: Option<Destination>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Destination {
    pub(super) host: Option<String>,
    pub(super) port_num: Option<f64>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IngressWeight {
    pub(super) destination: Option<Destination>,
    pub(super) weight: f64,
}

impl GroupSpec {
    /// What holds while requests may leave their lane.
    pub(super) fn permissive(&self) -> Option<&Permissive> {
        let is_permissive = self.is_permissive.unwrap_or_default();
        self.permissive_mode_configuration
            .as_ref()
            .filter(|_| is_permissive)
    }

    /// Whether lanes have shares of the requests.
    pub(super) fn is_weighted(&self) -> bool {
        let ingress = self.ingress.as_ref();
        let routing = ingress.and_then(|ingress| ingress.ingress_routing.as_ref());
        let strategy = routing.and_then(|routing| routing.ingress_routing_strategy.as_deref());
        strategy == Some("weighted")
    }

    /// The requests that have shares.
    pub(super) fn weighted(&self) -> Option<&WeightedRoutingRule> {
        let ingress = self.ingress.as_ref()?;
        ingress
            .ingress_routing
            .as_ref()?
            .weighted_routing_rule
            .as_ref()
    }

    /// Says what is not kept of it.
    pub(super) fn tell(&self, place: &Place<'_>, report: &mut Report) {
        if self
            .ingress
            .as_ref()
            .is_some_and(|ingress| ingress.gateway.is_some())
        {
            let ingress = place.key("ingress");
            report.changed(
                &ingress.key("gateway"),
                "a lane group does not name its gateways",
                "those that run `traffic-tag` with what `meshlane render lanes` makes of the group are its gateways",
            );
        }
        let patches = [
            (
                &self.default_traffic_policy_patch,
                "defaultTrafficPolicyPatch",
            ),
            (&self.default_http_route_patch, "defaultHttpRoutePatch"),
        ];
        for (patch, key) in patches {
            if patch.as_ref().is_some_and(is_something) {
                patched(&place.key(key), report);
            }
        }
        if self.auto_update == Some(true) {
            report.lost(
                &place.key("autoUpdate"),
                "nobody looks for services that are new",
                "add them to `services`",
            );
        }
        let services = place.key("services");
        for (index, service) in self.services.iter().enumerate() {
            let place = services.index(index);
            let patches = [
                (&service.traffic_policy_patch, "trafficPolicyPatch"),
                (&service.http_route_patch, "httpRoutePatch"),
            ];
            for (patch, key) in patches {
                if patch.as_ref().is_some_and(is_something) {
                    patched(&place.key(key), report);
                }
            }
        }
    }
}

impl Service {
    pub(super) fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    /// As `serviceLevelFallbackTarget` calls it.
    pub(super) fn qualified(&self) -> String {
        format!("{}/{}", self.namespace(), self.name)
    }
}

fn is_something(patch: &Value) -> bool {
    !patch.is_null() && patch.as_object().is_none_or(|members| !members.is_empty())
}

fn patched(place: &Place<'_>, report: &mut Report) {
    report.lost(
        place,
        "patches of Istio's resources are not kept",
        "write them into the DestinationRule and the VirtualService of the service",
    );
}
