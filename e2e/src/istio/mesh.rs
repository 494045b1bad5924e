//! Where a scenario plays under Istio.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use anyhow::{Context, Result};
use meshlane::package::{Image, Layout, Module};

use super::{
    control::{Control, place},
    manifest::Manifest,
    pod::{Pod, PodPlan},
};
use crate::scene::{Scene, packaged};

/// A Kubernetes namespace of its own on the shared control plane.
#[derive(Debug)]
pub struct Mesh {
    scene: Scene,
    control: &'static Control,
    namespace: String,
}

/// Plays a scenario under Istio.
pub async fn on_mesh(scenario: impl AsyncFn(&Mesh) -> Result<()>) -> Result<()> {
    static NUMBER: AtomicUsize = AtomicUsize::new(1);
    let control = Control::shared().await?;
    let mesh = Mesh {
        scene: Scene::new(&control.pin().envoy)?,
        control,
        namespace: format!("shop-{}", NUMBER.fetch_add(1, Ordering::Relaxed)),
    };
    mesh.create_namespace().await?;
    scenario(&mesh)
        .await
        .with_context(|| format!("in namespace {}", mesh.namespace))?;
    mesh.scene.pass();
    Ok(())
}

impl Mesh {
    /// Where programs of the scenario keep their files.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// The control plane.
    pub fn control(&self) -> &'static Control {
        self.control
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Who a ServiceAccount is by its certificate.
    pub fn principal(&self, account: &str) -> String {
        format!("spiffe://cluster.local/ns/{}/sa/{account}", self.namespace)
    }

    /// Applies resources; those of namespace `shop` go into the scenario's own.
    pub async fn apply(&self, manifest: &Manifest) -> Result<()> {
        self.control.apply(&manifest.within(&self.namespace)).await
    }

    /// Applies rendered resources and deletes those that were rendered before and are not among them.
    pub async fn apply_and_prune(&self, manifest: &Manifest) -> Result<()> {
        let yaml = manifest.within(&self.namespace);
        let kinds = RENDERED.map(|kind| format!("--prune-allowlist={kind}"));
        let kinds: Vec<_> = kinds.iter().map(String::as_str).collect();
        let chosen = "--selector=app.kubernetes.io/managed-by=meshlane";
        let arguments = ["apply", "--prune", chosen, "--filename=-"];
        let arguments = [&arguments[..], &kinds].concat();
        self.control.kubectl_with(&arguments, &yaml).await?;
        Ok(())
    }

    /// Has the API server judge resources, and keeps none of them.
    pub async fn dry_run(&self, manifest: &Manifest) -> Result<()> {
        let yaml = manifest.within(&self.namespace);
        let arguments = ["apply", "--server-side", "--dry-run=server", "--filename=-"];
        self.control.kubectl_with(&arguments, &yaml).await?;
        Ok(())
    }

    /// Deletes resources.
    pub async fn delete(&self, manifest: &Manifest) -> Result<()> {
        let yaml = manifest.within(&self.namespace);
        self.control
            .kubectl_with(&["delete", "--filename=-"], &yaml)
            .await?;
        Ok(())
    }

    /// Pushes a module that does the same as another one and is not the same, so that Envoy makes new VMs for it: it has a
    /// custom section more, named by the tag.
    pub async fn push_twin(&self, name: &str, tag: &str) -> Result<()> {
        let mut twin = Module::read(&packaged(name)?.with_extension("wasm"))?;
        // One byte of LEB128 is enough for the two lengths.
        let length = u8::try_from(tag.len()).ok().filter(|length| *length < 0x7f);
        let length = length.context("too long a tag")?;
        twin.wasm.extend([CUSTOM_SECTION, length + 1, length]);
        twin.wasm.extend(tag.as_bytes());
        let image = Image::of(&twin, Layout::Image, &twin.annotations())?;
        self.control.push(&image, &place(name, tag)).await
    }

    /// Starts a pod.
    pub async fn pod(&self, plan: &PodPlan) -> Result<Pod> {
        Pod::start(&self.scene, self.control, &self.namespace, plan).await
    }

    /// The cluster IP of a Service.
    pub async fn cluster_ip(&self, service: &str) -> Result<std::net::IpAddr> {
        let path = "--output=jsonpath={.spec.clusterIP}";
        let arguments = ["get", "service", service, path];
        let address = self.control.kubectl_in(&self.namespace, &arguments).await?;
        Ok(address.trim().parse()?)
    }

    async fn create_namespace(&self) -> Result<()> {
        self.control
            .kubectl(&["create", "namespace", &self.namespace])
            .await?;
        Ok(())
    }
}

/// How long a scenario that can go on for any time goes on: `MESHLANE_SOAK_SECONDS`, two minutes by default.
pub fn soak() -> Result<Duration> {
    let seconds = std::env::var("MESHLANE_SOAK_SECONDS").unwrap_or_else(|_| "120".to_owned());
    let seconds = seconds.parse().context("MESHLANE_SOAK_SECONDS")?;
    Ok(Duration::from_secs(seconds))
}

const CUSTOM_SECTION: u8 = 0;

/// The kinds of resources that are rendered, as `kubectl apply --prune` wants them.
const RENDERED: [&str; 10] = [
    "core/v1/Service",
    "extensions.istio.io/v1alpha1/TrafficExtension",
    "extensions.istio.io/v1alpha1/WasmPlugin",
    "networking.istio.io/v1/DestinationRule",
    "networking.istio.io/v1/ServiceEntry",
    "networking.istio.io/v1/Sidecar",
    "networking.istio.io/v1/VirtualService",
    "networking.istio.io/v1alpha3/EnvoyFilter",
    "security.istio.io/v1/AuthorizationPolicy",
    "security.istio.io/v1/PeerAuthentication",
];
