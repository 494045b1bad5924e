use std::collections::BTreeMap;

use meshlane_bridge::config::Expose;
use serde::Deserialize;

use super::{Metadata, RetriesConfig};

/// A service that speaks Dubbo2: inside the mesh each of its calls is an HTTP/2 request.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DubboService {
    /// `meshlane.dev/v1alpha1`.
    pub api_version: String,
    /// `DubboService`.
    pub kind: String,
    /// What the document is called; the Kubernetes Service has the same name.
    pub metadata: Metadata,
    /// What it says.
    pub spec: DubboServiceSpec,
}

/// A service that speaks Dubbo2.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DubboServiceSpec {
    /// The labels of the pods that provide it.
    pub selector: BTreeMap<String, String>,
    /// The interfaces that they provide, by their full names; `org.example.*` is all that begin so.
    pub interfaces: Vec<String>,
    /// The port that they listen on, and that of the Service: 20880 when not given.
    #[serde(default)]
    pub port: Option<f64>,
    /// The port of loopback at which calls become Dubbo again: 20887 when not given.
    #[serde(default)]
    pub loopback_port: Option<f64>,
    /// Where the loopback listener comes from: `sidecar` when not given.
    #[serde(default)]
    pub provider_listener: Option<ProviderListener>,
    /// Who calls it.
    #[serde(default)]
    pub consumers: Vec<ConsumersConfig>,
    /// What of a call is shown to rules and policies, on both sides.
    #[serde(default)]
    pub expose: Option<Expose>,
    /// The versions of the service. Without it all pods are alike.
    #[serde(default)]
    pub versions: Option<VersionsConfig>,
    /// Who may call what. When not given all may call all; with an empty list nobody may.
    #[serde(default)]
    pub access: Option<Vec<AccessConfig>>,
    /// Whether callers must have a certificate of the mesh: `false` when not given. Needed where `access` says who calls.
    #[serde(default)]
    pub strict_mtls: Option<bool>,
}

/// Where the listener of loopback comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum ProviderListener {
    /// A second ingress port of the Sidecar resource.
    #[default]
    Sidecar,
    /// An EnvoyFilter, where the Sidecar resource must not get a second port.
    EnvoyFilter,
}

/// Some consumers of the service.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConsumersConfig {
    /// Their labels. The same selector in several documents of a namespace is the same consumers.
    pub selector: BTreeMap<String, String>,
    /// How their calls come to the sidecar: `iptables` when not given.
    #[serde(default)]
    pub capture: Option<Capture>,
}

/// How calls come to the sidecar of a consumer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Capture {
    /// They are captured by iptables, whatever address they go to: the usual sidecar.
    #[default]
    Iptables,
    /// The application connects to a listener of its own sidecar, at 127.0.0.1.
    Listener,
}

/// The versions of a service, and how calls are sent to them by a tag.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct VersionsConfig {
    /// The label of pods that holds their version: `version` when not given.
    #[serde(default)]
    pub label: Option<String>,
    /// The versions that calls with a tag of this value go to.
    pub tagged: Vec<String>,
    /// The version for all other calls.
    pub otherwise: String,
    /// The header that holds the tag: `dubbo.tag` when not given.
    #[serde(default)]
    pub header: Option<String>,
    /// What is tried again: `connect-failure,refused-stream` twice when not given. Dubbo's consumer itself tries three times, and retries multiply.
    #[serde(default)]
    pub retries: Option<RetriesConfig>,
}

/// Some callers, and what they may call.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AccessConfig {
    /// Their service accounts: `web` of this namespace, or `shop/web`.
    #[serde(default)]
    pub service_accounts: Vec<String>,
    /// Their namespaces. Together with `serviceAccounts`: either is enough.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// The interfaces that they may call: all of the service when not given.
    #[serde(default)]
    pub interfaces: Vec<String>,
    /// The methods that they may call: all when not given.
    #[serde(default)]
    pub methods: Vec<String>,
    /// The values that arguments must have, by their place: `"0": [shop]`. They must be among those of `expose`.
    #[serde(default)]
    pub arguments: BTreeMap<String, Vec<String>>,
    /// The values that attachments must have. They must be among those of `expose`.
    #[serde(default)]
    pub attachments: BTreeMap<String, Vec<String>>,
}
