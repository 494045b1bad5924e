//! The policy by itself: principal, interface, method, one argument.

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    dubbo::frame::Frame,
    istio::Pod,
    poll,
    wire::{BAD_REQUEST, OK, WireClient, answer_text},
};

use super::{
    call::Call,
    shop::{METADATA, Shop},
};
use crate::common::PORT;

/// What each workload may do, on one connection each.
pub(super) async fn judges_by_principal_path_and_argument(shop: &Shop<'_>) -> Result<()> {
    let other = Call::of("who").interface("org.demo.Other");
    let metadata = Call::of("getMetadataInfo").interface(METADATA);
    let calls = [
        // A call, and whether trade, web and stranger may make it.
        (Call::of("who"), [true, true, false]),
        (Call::of("whoami"), [true, false, false]),
        (Call::of("secret"), [true, false, false]),
        (Call::of("sayHello").argument("shop"), [true, true, false]),
        (Call::of("sayHello").argument("home"), [true, false, false]),
        (Call::of("sayHello"), [true, false, false]),
        (Call::generic("who", "x"), [true, true, false]),
        (Call::generic("secret", "x"), [true, false, false]),
        (other, [false, false, false]),
        (metadata, [true, true, true]),
    ];
    for (number, pod) in [&shop.trade, &shop.web, &shop.stranger]
        .into_iter()
        .enumerate()
    {
        let expected = calls
            .iter()
            .map(|(call, may)| (call, may.get(number) == Some(&true)));
        // An interface that no service is known for goes to the pod that the consumer connected to.
        let gate = pod.gate(shop.order.port(PORT)).await?;
        let mut client = WireClient::connect(gate.address()).await?;
        for (call, may) in expected {
            judge(shop, &mut client, call, may)
                .await
                .with_context(|| format!("{call:?} by {}", pod.name()))?;
        }
        expect_principal(shop, pod, calls.len()).await?;
    }
    Ok(())
}

/// Makes a call; one that is refused gets an answer, and the connection lives on.
async fn judge(shop: &Shop<'_>, client: &mut WireClient, call: &Call, may: bool) -> Result<()> {
    let before = shop.arrived();
    client.send(&[call.frame()]).await?;
    let answer = client.receive().await?;
    let arrived = shop.arrived() - before;
    if may {
        ensure!(answer.status() == OK, "{}", answer_text(&answer)?);
        ensure!(arrived == 1, "{arrived} calls arrived");
        return Ok(());
    }
    ensure!(answer.status() != OK, "it is served");
    expect_denied(&answer)?;
    ensure!(arrived == 0, "{arrived} calls arrived");
    Ok(())
}

/// Fails unless a policy refused the call, and the client is told so.
pub(super) fn expect_denied(answer: &Frame) -> Result<()> {
    ensure!(answer.status() == BAD_REQUEST, "status {}", answer.status());
    let text = answer_text(answer)?;
    ensure!(text.starts_with("meshlane: HTTP 403 for "), "{text}");
    ensure!(text.ends_with(": RBAC: access denied"), "{text}");
    Ok(())
}

/// The provider's sidecar knows who made so many calls, and how each was judged.
async fn expect_principal(shop: &Shop<'_>, pod: &Pod, count: usize) -> Result<()> {
    let principal = shop.mesh.principal(pod.name());
    poll::until("the provider's sidecar knows who called", async || {
        let entries = shop.order.entries()?;
        let own = entries
            .iter()
            .filter(|entry| entry.principal.as_ref() == Some(&principal));
        let own: Vec<_> = own.filter(|entry| entry.path.is_some()).collect();
        ensure!(own.len() == count, "{} of {count}: {entries:?}", own.len());
        for entry in own {
            let is_denied = entry.status == Some(403);
            let details = entry.details.as_deref().unwrap_or_default();
            ensure!(
                details.starts_with("rbac_access_denied") == is_denied,
                "{entry:?}"
            );
        }
        Ok(())
    })
    .await
}
