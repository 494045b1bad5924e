//! HTTP filters: ours, and `jwt_authn` before them.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

use super::xds_file::XdsFile;
use crate::{
    jwt::TokenIssuer,
    scene::{Scene, wasm_module},
};

/// What Envoy does with traffic when a filter fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailurePolicy {
    /// Refuses requests.
    FailClosed,
    /// Lets requests pass without the filter.
    FailOpen,
    /// Starts the module again.
    FailReload,
}

impl FailurePolicy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::FailClosed, Self::FailOpen, Self::FailReload];

    fn name(self) -> &'static str {
        match self {
            Self::FailClosed => "FAIL_CLOSED",
            Self::FailOpen => "FAIL_OPEN",
            Self::FailReload => "FAIL_RELOAD",
        }
    }
}

/// A Wasm filter with its configuration.
#[derive(Clone, Debug)]
pub struct WasmFilter {
    module: PathBuf,
    name: String,
    root_id: String,
    configuration: String,
    failure_policy: FailurePolicy,
    environment: BTreeMap<String, String>,
}

impl WasmFilter {
    /// The filter `traffic-tag` with a document, as a plugin named `edge`.
    pub fn traffic_tag(document: &Value) -> Result<Self> {
        Self::new("traffic-tag", &document.to_string())
    }

    /// The filter `tag-route` with a document, as a plugin named `route`.
    pub fn tag_route(document: &Value) -> Result<Self> {
        Ok(Self::new("tag-route", &document.to_string())?.named("route"))
    }

    /// The filter `gray-release` with a document, as a plugin named `gray`.
    pub fn gray_release(document: &Value) -> Result<Self> {
        Ok(Self::new("gray-release", &document.to_string())?.named("gray"))
    }

    /// The filter `rate-limit` with a document, as a plugin named `limits`.
    pub fn rate_limit(document: &Value) -> Result<Self> {
        Ok(Self::new("rate-limit", &document.to_string())?.named("limits"))
    }

    /// The same filter as a part of another module, which the root id picks.
    pub fn of_module(mut self, module: &str) -> Result<Self> {
        self.module = wasm_module(module)?;
        Ok(self)
    }

    /// A filter with a configuration that need not be JSON; none at all when it is empty.
    pub fn new(module: &str, configuration: &str) -> Result<Self> {
        Ok(Self {
            module: wasm_module(module)?,
            name: "edge".to_owned(),
            root_id: module.to_owned(),
            configuration: configuration.to_owned(),
            failure_policy: FailurePolicy::FailClosed,
            environment: BTreeMap::new(),
        })
    }

    /// Names the plugin.
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Says what Envoy does when the filter fails.
    pub fn failure_policy(mut self, policy: FailurePolicy) -> Self {
        self.failure_policy = policy;
        self
    }

    /// Sets an environment variable of the virtual machine. It is part of the machine's identity: another value makes
    /// another machine.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The filter as Envoy reads it among HTTP filters.
    pub fn to_http_filter(&self) -> Value {
        json!({"name": self.name, "typed_config": self.typed_config(WASM)})
    }

    /// The filter as Envoy reads it among network filters.
    pub fn to_network_filter(&self) -> Value {
        json!({"name": self.name, "typed_config": self.typed_config(NETWORK_WASM)})
    }

    /// The shape that istiod sends.
    fn typed_config(&self, kind: &str) -> Value {
        let mut config = json!({
            "name": self.name,
            "root_id": self.root_id,
            "failure_policy": self.failure_policy.name(),
            "vm_config": {
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": self.module}},
                "environment_variables": {"key_values": self.environment},
            },
        });
        if let (false, Some(members)) = (self.configuration.is_empty(), config.as_object_mut()) {
            let value = json!({
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": self.configuration,
            });
            members.insert("configuration".to_owned(), value);
        }
        json!({"@type": kind, "config": config})
    }
}

/// A file that Envoy reads a filter's configuration from; writing it anew is a live update.
#[derive(Debug)]
pub struct ConfigFile {
    file: XdsFile,
    filter: String,
    kind: &'static str,
}

impl ConfigFile {
    /// Makes a file with a first configuration. Later ones must be of a filter with the same name.
    pub fn new(scene: &Scene, filter: &WasmFilter) -> Result<Self> {
        Self::of_kind(WASM, scene, filter)
    }

    /// The same for a network filter.
    pub fn of_network_filter(scene: &Scene, filter: &WasmFilter) -> Result<Self> {
        Self::of_kind(NETWORK_WASM, scene, filter)
    }

    fn of_kind(kind: &'static str, scene: &Scene, filter: &WasmFilter) -> Result<Self> {
        const EXTENSION: &str = "envoy.config.core.v3.TypedExtensionConfig";
        let resources = [extension(&filter.name, filter.typed_config(kind))];
        Ok(Self {
            file: XdsFile::new(scene, "filter.json", EXTENSION, &resources)?,
            filter: filter.name.clone(),
            kind,
        })
    }

    /// Replaces the configuration in one step.
    pub fn publish(&self, filter: &WasmFilter) -> Result<()> {
        let config = filter.typed_config(self.kind);
        self.file.publish(&[extension(&self.filter, config)])
    }

    /// The filter as Envoy reads it in a chain.
    pub fn to_filter(&self) -> Value {
        json!({"name": self.filter, "config_discovery": {
            "config_source": self.file.source(),
            "type_urls": [self.kind],
        }})
    }
}

fn extension(name: &str, config: Value) -> Value {
    json!({"name": name, "typed_config": config})
}

/// Envoy's own check of tokens. A token that is missing or wrong is no reason to refuse a request: it just does not
/// count.
pub fn jwt_authn(issuer: &TokenIssuer, payload_key: &str) -> Result<Value> {
    Ok(json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": {"example": {
                "local_jwks": {"inline_string": issuer.key_set()?.to_string()},
                "payload_in_metadata": payload_key,
                "forward": true,
            }},
            "rules": [{"match": {"prefix": "/"}, "requires": {"requires_any": {"requirements": [
                {"provider_name": "example"},
                {"allow_missing_or_failed": {}},
            ]}}}],
        },
    }))
}

/// The type of Wasm filters of network connections.
const NETWORK_WASM: &str = "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm";

/// The type of Wasm filters.
const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
