//! Real Istio: kube-apiserver, istiod, istio-agent in front of stock Envoy, and pods that are network namespaces.
//!
//! Everything runs in namespaces of its own (`e2e/istio/enter`), so addresses and ports are those of a real cluster. A
//! pod is a network namespace with an address; `istio-iptables` captures its traffic as Istio's init container does,
//! istio-agent fetches modules and certificates and starts Envoy. Every resource goes through `kubectl apply`, and each
//! scenario has a Kubernetes namespace:
//!
//! ```no_run
//! use meshlane_e2e::istio::{Manifest, PodPlan, on_mesh};
//!
//! # async fn scenario() -> anyhow::Result<()> {
//! on_mesh(async |mesh| {
//!     mesh.apply(&Manifest::of_project("dubbo/provider.yaml")?).await?;
//!     let order = mesh.pod(&PodPlan::new("order").captured()).await?;
//!     order.expect_configuration("virtualInbound").await?;
//!     Ok(())
//! })
//! .await
//! # }
//! ```

pub use self::{
    access::Entry,
    agent::labels_of_metrics,
    control::{Control, Pin, REGISTRY},
    manifest::Manifest,
    mesh::{Mesh, on_mesh, soak},
    pod::{Pod, PodPlan},
    sandbox::Gate,
};

mod access;
mod agent;
mod control;
mod manifest;
mod mesh;
mod pod;
mod sandbox;
