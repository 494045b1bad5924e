//! What several scenarios do.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use meshlane_e2e::{
    dubbo::{
        Call, Consumer, ConsumerOptions, DubboVersion, Outcome, Provider, ProviderOptions, Service,
        Target,
    },
    istio::{Manifest, Mesh, Pod, PodPlan},
    upstream::Upstream,
};

/// The Dubbo port of every pod.
pub(crate) const PORT: u16 = 20880;

/// The interface of the test programs that stands for `org.example.order.Order`.
pub(crate) const ORDER: &str = "dev.meshlane.e2e.api.RichService";

/// A pod with a Java provider of Dubbo 3.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) program: Provider,
    pub(crate) pod: Pod,
}

/// A pod with a Java consumer.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) program: Consumer,
    pub(crate) pod: Pod,
}

/// A pod with an HTTP server: an app in a version.
pub(crate) struct Web {
    pub(crate) pod: Pod,
    _server: Upstream,
}

impl Web {
    /// The port of the server.
    pub(crate) const PORT: u16 = 8080;

    pub(crate) async fn start(mesh: &Mesh, app: &str, version: &str) -> Result<Self> {
        let plan = PodPlan::new(app).version(version).captured();
        let pod = mesh.pod(&plan.unready()).await?;
        let server = Upstream::serve(version, pod.listen(Self::PORT).await?)?;
        pod.set_ready(true).await?;
        Ok(Self {
            pod,
            _server: server,
        })
    }
}

/// Applies files of `istio-manifests/dubbo`.
pub(crate) async fn apply(mesh: &Mesh, files: &[&str]) -> Result<()> {
    let mut all = Manifest::new("");
    for file in files {
        all = all.and(&manifest(file)?);
    }
    mesh.apply(&all).await
}

/// A file of `istio-manifests/dubbo`.
pub(crate) fn manifest(file: &str) -> Result<Manifest> {
    Manifest::of_project(&format!("dubbo/{file}.yaml"))
}

/// What the providers of both applications need.
pub(crate) fn providers() -> Result<Manifest> {
    let provider = manifest("provider")?;
    Ok(provider.clone().and(&provider.for_app("order", "stock")))
}

/// A provider's pod: an app in a version.
pub(crate) fn provider(app: &str, version: &str) -> PodPlan {
    PodPlan::new(app).version(version).captured()
}

/// A consumer's pod, as `consumer-captured.yaml` wants it.
pub(crate) fn consumer(app: &str) -> PodPlan {
    PodPlan::new(app).label("dubbo", "consumer").captured()
}

/// Another buffer limit for the listener that takes the Dubbo calls of consumers with a label: something that Envoy cannot
/// change in a listener without replacing it.
pub(crate) fn buffering_listener(label: &str, bytes: u64) -> Manifest {
    Manifest::new(format!(
        "apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {{name: buffering-listener, namespace: shop}}
spec:
  workloadSelector: {{labels: {{{label}}}}}
  configPatches:
  - applyTo: LISTENER
    match: {{context: SIDECAR_OUTBOUND, listener: {{name: 0.0.0.0_20880}}}}
    patch: {{operation: MERGE, value: {{per_connection_buffer_limit_bytes: {bytes}}}}}"
    ))
}

/// A Service with one port, which is the pods' too and named by its protocol.
pub(crate) fn service_of(app: &str, protocol: &str, port: u16) -> Manifest {
    Manifest::new(format!(
        "apiVersion: v1
kind: Service
metadata: {{name: {app}, namespace: shop}}
spec:
  selector: {{app: {app}}}
  ports: [{{name: {protocol}, port: {port}, targetPort: {port}}}]"
    ))
}

/// How the provider of a pod is started: on every address of the pod, answering by the pod's version.
pub(crate) fn options(plan: &PodPlan, service: Service) -> ProviderOptions {
    let everywhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), PORT);
    ProviderOptions::application(plan.version_name(), plan.app(), service, everywhere)
}

impl Workload {
    /// Starts pod and provider.
    pub(crate) async fn start(mesh: &Mesh, plan: &PodPlan, service: Service) -> Result<Self> {
        Self::start_with(mesh, plan, &options(plan, service)).await
    }

    /// Starts pod and provider, with options of one's own.
    pub(crate) async fn start_with(
        mesh: &Mesh,
        plan: &PodPlan,
        options: &ProviderOptions,
    ) -> Result<Self> {
        let pod = mesh.pod(&plan.clone().unready()).await?;
        let program =
            Provider::start_at(mesh.scene(), &pod.place(), DubboVersion::NEWEST, options).await?;
        pod.set_ready(true).await?;
        Ok(Self { program, pod })
    }

    /// Ends it as Kubernetes does: first its callers' Envoys send it nothing more, which is what `preStop: sleep` is for,
    /// then the program ends, then the sidecar and the pod.
    pub(crate) async fn leave(mut self, service: &str, callers: &[&Pod]) -> Result<()> {
        self.pod.set_ready(false).await?;
        for caller in callers {
            caller.expect_no_endpoint(service, self.address()).await?;
        }
        self.program.terminate()?;
        self.program.ended().await?;
        self.pod.terminate()?;
        self.pod.delete().await
    }

    /// The port of the pod.
    pub(crate) fn address(&self) -> SocketAddr {
        self.pod.port(PORT)
    }
}

impl Caller {
    /// Starts pod and consumer.
    pub(crate) async fn start(mesh: &Mesh, plan: PodPlan, version: DubboVersion) -> Result<Self> {
        let pod = mesh.pod(&plan).await?;
        let options = ConsumerOptions::new(plan.app());
        let program = Consumer::start_at(mesh.scene(), &pod.place(), version, &options).await?;
        Ok(Self { program, pod })
    }

    /// Makes a call.
    pub(crate) async fn call(&mut self, target: &Target, call: &Call) -> Result<Outcome> {
        self.program.call(target, call).await
    }

    /// Who answers a call.
    pub(crate) async fn provider_of(&mut self, target: &Target, call: &Call) -> Result<String> {
        Ok(self.call(target, call).await?.provider()?.to_owned())
    }
}

/// The address of a Service's Dubbo port.
pub(crate) async fn service(mesh: &Mesh, name: &str) -> Result<SocketAddr> {
    Ok((mesh.cluster_ip(name).await?, PORT).into())
}

/// A call that everybody answers.
pub(crate) fn hello(name: &str) -> Call {
    Call::new("sayHello").argument(name)
}

/// A call of `StockService`.
pub(crate) fn reserve() -> Call {
    Call::new("reserve").argument("sku-1").argument(2)
}
