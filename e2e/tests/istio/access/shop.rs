//! Who takes part: the provider `order` behind its sidecar, three workloads of the mesh, and one outside of it.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    istio::{Manifest, Mesh, Pod, PodPlan},
    peer::{Answer, Arrived, Provider},
    wire::INTERFACE,
};

use super::call::Runs;
use crate::common::{self, PORT, consumer};

/// The interface that every workload of the namespace may call.
pub(super) const METADATA: &str = "org.apache.dubbo.metadata.MetadataService";

/// The scenery of all stages.
pub(super) struct Shop<'m> {
    pub(super) mesh: &'m Mesh,
    /// May be called; STRICT mTLS and the policy of `access.yaml`.
    pub(super) order: Pod,
    /// May call everything of the interface.
    pub(super) trade: Pod,
    /// May call `who`, and `sayHello` for the shop.
    pub(super) web: Pod,
    /// May call nothing of the interface.
    pub(super) stranger: Pod,
    /// Has no sidecar.
    pub(super) bare: Pod,
    provider: Provider,
    /// The address of the service.
    pub(super) service: SocketAddr,
}

impl<'m> Shop<'m> {
    /// Applies the project's manifests and starts everybody.
    pub(super) async fn open(mesh: &'m Mesh) -> Result<Self> {
        for file in [
            "services",
            "provider",
            "access",
            "consumer-captured",
            "instances",
        ] {
            mesh.apply(&manifest(file)?).await?;
        }
        let plans = ["trade", "web", "stranger"].map(consumer);
        let [trade, web, stranger] = &plans;
        let (order, bare) = (
            PodPlan::new("order").captured(),
            PodPlan::new("bare").bare(),
        );
        let (order, trade, web, stranger, bare) = tokio::try_join!(
            mesh.pod(&order),
            mesh.pod(trade),
            mesh.pod(web),
            mesh.pod(stranger),
            mesh.pod(&bare),
        )?;
        let provider = Provider::start_on(order.listen(PORT).await?, Answer::echo)?;
        Ok(Self {
            mesh,
            service: (mesh.cluster_ip("order").await?, PORT).into(),
            order,
            trade,
            web,
            stranger,
            bare,
            provider,
        })
    }

    /// The name of the service, as consumers know it.
    pub(super) fn authority(&self) -> String {
        let namespace = self.mesh.namespace();
        format!("order.{namespace}.svc.cluster.local:{PORT}")
    }

    /// How many calls arrived so far.
    pub(super) fn arrived(&self) -> usize {
        self.provider.calls().len()
    }

    /// What arrived after so many calls.
    pub(super) fn calls_since(&self, count: usize) -> Vec<Arrived> {
        self.provider.calls().split_off(count)
    }

    /// Fails when something arrived that `web` may not call, after so many calls.
    pub(super) fn expect_only_what_web_may(&self, since: usize) -> Result<()> {
        for arrived in self.calls_since(since) {
            let runs = Runs::read(&arrived).with_context(|| format!("{arrived:?} arrived"))?;
            let may = match (runs.interface.as_str(), runs.method.as_str()) {
                (INTERFACE, "who") => true,
                (INTERFACE, "sayHello") => runs.argument.as_deref() == Some("shop"),
                (interface, _) => interface == METADATA,
            };
            ensure!(may, "{runs:?} arrived");
        }
        Ok(())
    }

    /// Fails unless every sidecar lives.
    pub(super) async fn expect_alive(&self) -> Result<()> {
        for pod in [&self.order, &self.trade, &self.web, &self.stranger] {
            let alive = pod.expect_alive().await;
            alive.with_context(|| format!("the sidecar of {}", pod.name()))?;
        }
        Ok(())
    }
}

/// A manifest of the project for the interface of these scenarios.
pub(super) fn manifest(file: &str) -> Result<Manifest> {
    Ok(common::manifest(file)?.replace(common::ORDER, INTERFACE))
}
