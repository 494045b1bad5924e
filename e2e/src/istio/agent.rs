//! istio-agent in front of stock Envoy.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{
    control::Control,
    pod::PodPlan,
    sandbox::{Identity, Sandbox},
};
use crate::{
    process::Process,
    scene::{Scene, yaml},
};

/// The port of Envoy's admin interface.
pub(super) const ADMIN: u16 = 15000;

/// Starts the agent, with what kubelet and the injector would have given it.
pub(super) fn start(
    scene: &Scene,
    control: &Control,
    sandbox: &Sandbox,
    namespace: &str,
    plan: &PodPlan,
    token: &str,
) -> Result<Process> {
    let log = scene.fresh("envoy.log")?;
    let home = log.parent().context("no folder")?;
    mount(home, "tokens", "istio-token", token)?;
    mount(home, "istio", "root-cert.pem", control.root_certificate())?;
    let labels = home.join("custom_bootstrap.json");
    fs::write(&labels, labels_of_metrics()?)?;
    let proxy_config = json!({
        "configPath": home.join("proxy"),
        "binaryPath": scene.binary()?,
        "discoveryAddress": "istiod.istio-system.svc:15012",
        "concurrency": 1,
        "proxyAdminPort": ADMIN,
        "statusPort": 15020,
        // Istio's default of 45 s is long to wait for.
        "drainDuration": "5s",
        "terminationDrainDuration": "1s",
        // Access logs are read while Envoy runs.
        "fileFlushInterval": "0.02s",
    });
    let interception = if plan.captured { "REDIRECT" } else { "NONE" };
    let role = if plan.gateway { "router" } else { "sidecar" };
    // The agent's sockets and secrets are relative to its working directory. It must be set again inside: to enter a
    // mount namespace leads to its root.
    let mut command = sandbox.command(Identity::Proxy, "env");
    command
        .arg(format!("--chdir={}", home.display()))
        .arg(control.pin().agent())
        .args(["proxy", role])
        .args(["--domain", &format!("{namespace}.svc.cluster.local")])
        .args([
            "--proxyLogLevel=warning",
            "--log_output_level=default:warn,wasm:info",
        ])
        .arg(format!(
            "--templateFile={}",
            control.pin().bootstrap_template().display()
        ))
        .env("PROXY_CONFIG", proxy_config.to_string())
        .env("POD_NAME", &plan.name)
        .env("POD_NAMESPACE", namespace)
        .env("INSTANCE_IP", sandbox.address().to_string())
        .env("SERVICE_ACCOUNT", plan.app())
        .env("TRUST_DOMAIN", "cluster.local")
        .env("PILOT_CERT_PROVIDER", "istiod")
        .env("JWT_POLICY", "third-party-jwt")
        .env("ISTIO_BOOTSTRAP_OVERRIDE", &labels)
        .env("ISTIO_META_CLUSTER_ID", "Kubernetes")
        .env("ISTIO_META_MESH_ID", "cluster.local")
        .env("ISTIO_META_INTERCEPTION_MODE", interception)
        .env("ISTIO_META_WORKLOAD_NAME", &plan.name)
        .env("ISTIO_METAJSON_LABELS", json!(plan.labels()).to_string())
        .env("WASM_INSECURE_REGISTRIES", "*");
    Process::start(&mut command, &log)
}

/// What users have Istio add to the bootstrap.
pub fn labels_of_metrics() -> Result<String> {
    let name = "istio-manifests/observability/labels.yaml";
    let document = yaml(name)?;
    let file = document.pointer("/data/custom_bootstrap.json");
    Ok(file.and_then(Value::as_str).context(name)?.to_owned())
}

/// Writes what kubelet would mount.
fn mount(home: &Path, volume: &str, file: &str, contents: &str) -> Result<()> {
    let folder = home.join("var/run/secrets").join(volume);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(file), contents)?;
    Ok(())
}
