//! How calls leave a consumer.

use anyhow::{Result, ensure};
use meshlane_e2e::{
    istio::{Manifest, PodPlan, on_mesh},
    peer::{Answer, Provider},
    poll,
    wire::{INTERFACE, OK, WireClient, call, call_with},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_captured_consumer_calls_addresses_of_services_and_of_pods() -> Result<()> {
    on_mesh(async |mesh| {
        for file in [
            "services",
            "provider",
            "consumer-captured",
            "instances",
            "routing",
        ] {
            let manifest = Manifest::of_project(&format!("dubbo/{file}.yaml"))?
                .replace("dev.meshlane.e2e.api.RichService", INTERFACE);
            mesh.apply(&manifest).await?;
        }
        let order = PodPlan::new("order").captured();
        let v1 = mesh.pod(&order.clone().version("v1")).await?;
        let gray = mesh.pod(&order.version("gray")).await?;
        let trade = PodPlan::new("trade").label("dubbo", "consumer").captured();
        let trade = mesh.pod(&trade).await?;
        let at_v1 = Provider::start_on(v1.listen(20880).await?, Answer::echo)?;
        let at_gray = Provider::start_on(gray.listen(20880).await?, Answer::echo)?;
        let service = (mesh.cluster_ip("order").await?, 20880).into();
        for (number, target) in [service, v1.port(20880)].into_iter().enumerate() {
            let gate = trade.gate(target).await?;
            let mut client = WireClient::connect(gate.address()).await?;
            client.send(&[call(1, "echo", "hello")]).await?;
            let answer = client.receive().await?;
            ensure!(answer.status() == OK, "{answer:?}");
            assert_eq!(at_v1.calls().len(), number + 1);
            let tagged = call_with(2, "echo", "hello", &[("userId", "alice")]);
            client.send(&[tagged]).await?;
            let answer = client.receive().await?;
            ensure!(answer.status() == OK, "{answer:?}");
            assert_eq!(at_gray.calls().len(), number + 1);
        }
        poll::until("the provider's sidecar knows who called", async || {
            let entries = gray.entries()?;
            let principal = format!("spiffe://cluster.local/ns/{}/sa/trade", mesh.namespace());
            ensure!(entries.len() == 2, "{entries:?}");
            ensure!(
                entries
                    .iter()
                    .all(|entry| entry.principal.as_ref() == Some(&principal)),
                "{entries:?}"
            );
            Ok(())
        })
        .await
    })
    .await
}
