//! Clients outside of the mesh, where they are let in: their Dubbo is bridged at the provider, for the same policy.

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    dubbo::frame::Frame,
    poll,
    wire::{BAD_REQUEST, HEARTBEAT_ANSWER, OK, WireClient, answer_text, heartbeat},
};

use super::{
    call::Call,
    ports,
    shop::{DUBBO, Shop, manifest},
};

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
        let text = answer_text(&answer)?;
        ensure!(answer.status() == BAD_REQUEST, "{call:?}: {text}");
        ensure!(text.starts_with("meshlane: HTTP 403 "), "{call:?}: {text}");
    }
    ensure!(shop.arrived() == before, "{:?}", shop.calls_since(before));
    ports::lead_past_nothing(shop).await?;
    shop.mesh.delete(&manifest("access")?).await?;
    // The policy is gone for connections that come after the change.
    poll::until("a client outside of the mesh is served", async || {
        let answer = ask(shop, &Call::of("secret").frame()).await?;
        ensure!(answer.status() == OK, "{}", answer_text(&answer)?);
        Ok(())
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
    let gate = shop.bare.gate(shop.order.port(DUBBO)).await?;
    let mut client = WireClient::connect(gate.address()).await?;
    client.send(&[heartbeat(2), call.clone()]).await?;
    let answer = client.receive_any().await?.context("it ends at once")?;
    ensure!(answer.flags() == HEARTBEAT_ANSWER, "{answer:?}");
    client.receive().await
}
