//! Past the bridge: straight to every port that somebody in the provider's pod listens on.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    client::{Client, Request},
    istio::Pod,
    pki::{Authority, Identity},
    wire::{OK, WireClient},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{call::Call, lies::path, shop::Shop};
use crate::common::PORT;

/// Where the provider's sidecar makes Dubbo of HTTP/2 again.
const BRIDGE: u16 = 20887;
/// Envoy's admin interface.
const ADMIN: u16 = 15000;
/// How long a port may say nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// Somebody who tries the ports.
struct Attacker<'s> {
    pod: &'s Pod,
    authority: String,
    /// None of these may arrive.
    calls: Vec<Call>,
    /// Plain, and TLS without and with a certificate that no authority of the mesh has signed.
    identities: [Option<Identity>; 3],
}

/// From outside of the mesh nothing arrives, from within it nothing that is denied.
pub(super) async fn lead_past_nothing(shop: &Shop<'_>) -> Result<()> {
    let ports = shop.order.listening()?;
    // That nothing arrives must not be for want of a listener.
    for port in [PORT, BRIDGE, ADMIN] {
        ensure!(ports.contains(&port), "nobody listens on {port}: {ports:?}");
    }
    let before = shop.arrived();
    let (who, secret) = (Call::of("who"), Call::of("secret"));
    let bare = Attacker::new(shop, &shop.bare, vec![who.clone(), secret.clone()])?;
    let web = Attacker::new(shop, &shop.web, vec![secret])?;
    let targets: Vec<_> = ports.iter().map(|port| shop.order.port(*port)).collect();
    tokio::try_join!(bare.try_all(&targets), web.try_all(&targets))?;
    let found = shop.calls_since(before);
    ensure!(found.is_empty(), "these arrived: {found:?}");
    // The way that is allowed is still open.
    let gate = shop.web.gate(shop.order.port(PORT)).await?;
    let mut client = WireClient::connect(gate.address()).await?;
    client.send(&[who.frame()]).await?;
    ensure!(client.receive().await?.status() == OK, "web is refused");
    Ok(())
}

impl<'s> Attacker<'s> {
    fn new(shop: &Shop<'_>, pod: &'s Pod, calls: Vec<Call>) -> Result<Self> {
        let authority = Authority::new()?;
        let forged = authority.client(&shop.mesh.principal("trade"))?;
        Ok(Self {
            pod,
            authority: shop.authority(),
            calls,
            identities: [
                None,
                Some(authority.anonymous().trusting_anybody()),
                Some(forged.trusting_anybody()),
            ],
        })
    }

    async fn try_all(&self, targets: &[SocketAddr]) -> Result<()> {
        for target in targets {
            let place = || format!("{} tries {target}", self.pod.name());
            self.try_dubbo(*target).await.with_context(place)?;
            self.try_http(*target).await.with_context(place)?;
            self.try_admin(*target).await.with_context(place)?;
        }
        Ok(())
    }

    /// Plain Dubbo: there is no good answer, at most one that refuses.
    async fn try_dubbo(&self, target: SocketAddr) -> Result<()> {
        let frames: Vec<u8> = self.calls.iter().flat_map(Call::bytes).collect();
        // Nobody there is fine, too.
        let Ok(mut stream) = self.pod.connect(target).await else {
            return Ok(());
        };
        let mut answer = Vec::new();
        let _ = stream.write_all(&frames).await;
        let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        let is_good = answer
            .windows(4)
            .any(|bytes| bytes == [0xda, 0xbb, 0x02, OK]);
        ensure!(
            !is_good,
            "an answer: {:?}",
            String::from_utf8_lossy(&answer)
        );
        Ok(())
    }

    /// HTTP/2 as the sidecars speak it, under the true path and under an allowed one.
    async fn try_http(&self, target: SocketAddr) -> Result<()> {
        let gate = self.pod.gate(target).await?;
        for call in &self.calls {
            for path in [path(call.method()), path("who")] {
                let request = Request::post(path.as_str(), call.bytes())
                    .authority(&self.authority)
                    .header("content-type", "application/dubbo2");
                for identity in &self.identities {
                    let client = Client::http2(gate.address());
                    let client = match identity {
                        Some(identity) => client.tls(identity.clone()),
                        None => client,
                    };
                    if let Ok(Ok(answer)) = timeout(PATIENCE, client.send(&request)).await {
                        ensure!(answer.status >= 400, "{} for {path}", answer.status);
                    }
                }
            }
        }
        Ok(())
    }

    /// What only the proxy's own agent may ask.
    async fn try_admin(&self, target: SocketAddr) -> Result<()> {
        let gate = self.pod.gate(target).await?;
        for request in [
            Request::get("/config_dump"),
            Request::get("/server_info"),
            Request::post("/logging?level=off", "x"),
            Request::post("/quitquitquit", "x"),
        ] {
            let client = Client::http1(gate.address());
            if let Ok(Ok(answer)) = timeout(PATIENCE, client.send(&request)).await {
                let path = String::from_utf8_lossy(&request.path);
                ensure!(answer.status >= 400, "{} for {path}", answer.status);
            }
        }
        Ok(())
    }
}
