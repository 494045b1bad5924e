//! A service of a chain as a program of its own, for containers: it serves HTTP/1.1 and gRPC, forwards what it is told to and
//! calls the next service.
//!
//! `hop '{"name": "stock-base", "listen": "127.0.0.1:8080", "forwards": ["traceparent"], "next": "grpc://price.shop:15001"}'`

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use http::Uri;
use meshlane_e2e::chain::{Hop, Next, Protocol};
use serde::Deserialize;
use tokio::{
    net::{TcpListener, lookup_host},
    signal::unix::{SignalKind, signal},
};

/// What the service is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    name: String,
    listen: SocketAddr,
    forwards: Vec<String>,
    /// An `http://`, `grpc://` or `dubbo://` URL.
    next: Option<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let plan = std::env::args().nth(1).context("hop <plan>")?;
    let plan: Plan = serde_json::from_str(&plan).context("the plan")?;
    let forwards: Vec<&str> = plan.forwards.iter().map(String::as_str).collect();
    let listener = TcpListener::bind(plan.listen).await?;
    let hop = Hop::serve(&plan.name, &forwards, listener)?;
    if let Some(url) = plan.next {
        hop.call_next(next(&url).await.context(url)?);
    }
    // The first process of a container is told so, and ends by nothing else.
    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

/// Whom a URL means; its host is the authority of calls.
async fn next(url: &str) -> Result<Next> {
    let uri: Uri = url.parse()?;
    let protocol = match uri.scheme_str() {
        Some("http") => Protocol::Http,
        Some("grpc") => Protocol::Grpc,
        Some("dubbo") => Protocol::Dubbo,
        other => bail!("{other:?} is no protocol"),
    };
    let authority = uri.authority().context("no host")?.as_str();
    let address = lookup_host(authority).await?.next().context("no address")?;
    Ok(Next::new(protocol, address).authority(authority))
}
