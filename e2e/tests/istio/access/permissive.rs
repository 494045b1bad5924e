//! Clients outside of the mesh, where they are let in: their Dubbo is bridged at the provider, for the same policy.

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    dubbo::frame::Frame,
    poll,
    wire::{HEARTBEAT_ANSWER, OK, WireClient, answer_text, heartbeat},
};

use super::{
    call::Call,
    policy::expect_denied,
    ports,
    shop::{Shop, manifest},
};
use crate::common::PORT;

/// First with the policy, then without.
pub(super) async fn bridges_plain_dubbo_for_the_same_policy(shop: &Shop<'_>) -> Result<()> {
    // STRICT until now: not even a refusal comes back.
    let before = shop.arrived();
    let refused = ask(shop, &Call::of("who").frame()).await;
    ensure!(refused.is_err(), "under STRICT comes {refused:?}");
    let permissive = manifest("provider")?.replace("{mode: STRICT}", "{mode: PERMISSIVE}");
    shop.mesh.apply(&permissive).await?;
    for call in [
        Call::of("who"),
        Call::of("secret"),
        Call::generic("who", "x"),
    ] {
        let answer = answered(shop, &call.frame()).await?;
        expect_denied(&answer).with_context(|| format!("{call:?}"))?;
    }
    ensure!(shop.arrived() == before, "{:?}", shop.calls_since(before));
    ports::lead_past_nothing(shop).await?;
    shop.mesh.delete(&manifest("access")?).await?;
    let secret = Call::of("secret").frame();
    poll::until("a client outside of the mesh is served", async || {
        let answer = ask(shop, &secret).await?;
        ensure!(answer.status() == OK, "{}", answer_text(&answer)?);
        Ok(())
    })
    .await?;
    a_policy_reaches_connections_that_are_open(shop).await
}

/// Both changes also reach a client that stays connected: its sidecar gives the old connection to the provider's up.
async fn a_policy_reaches_connections_that_are_open(shop: &Shop<'_>) -> Result<()> {
    let secret = Call::of("secret").frame();
    let gate = shop.web.gate(shop.order.port(PORT)).await?;
    let mut client = WireClient::connect(gate.address()).await?;
    poll::until("the policy is gone for web", async || {
        client.send(std::slice::from_ref(&secret)).await?;
        let answer = client.receive().await?;
        ensure!(answer.status() == OK, "{}", answer_text(&answer)?);
        Ok(())
    })
    .await?;
    shop.mesh.apply(&manifest("access")?).await?;
    poll::until("the policy is there for web", async || {
        client.send(std::slice::from_ref(&secret)).await?;
        let answer = client.receive().await?;
        ensure!(answer.status() != OK, "it is still served");
        expect_denied(&answer)
    })
    .await
}

/// What comes back for a call, once the sidecar lets plain connections in.
async fn answered(shop: &Shop<'_>, call: &Frame) -> Result<Frame> {
    poll::until("the provider's sidecar takes plain Dubbo", async || {
        ask(shop, call).await
    })
    .await
}

/// Makes a call on a connection of its own, from outside of the mesh; before it a heartbeat.
async fn ask(shop: &Shop<'_>, call: &Frame) -> Result<Frame> {
    let gate = shop.bare.gate(shop.order.port(PORT)).await?;
    let mut client = WireClient::connect(gate.address()).await?;
    client.send(&[heartbeat(2), call.clone()]).await?;
    let answer = client.receive_any().await?.context("it ends at once")?;
    ensure!(answer.flags() == HEARTBEAT_ANSWER, "{answer:?}");
    client.receive().await
}
