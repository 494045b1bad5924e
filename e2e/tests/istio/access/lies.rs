//! A client of the mesh that lies: `web`, through its own sidecar and so with its own certificate.

use std::fmt;

use anyhow::{Context, Result, ensure};
use meshlane_e2e::client::{Client, Protocol, Request, Response};

use super::{call::Call, shop::Shop};

mod bodies;
mod dubbo;
mod headers;
mod paths;

/// Something that `web` sends, and what must become of it.
pub(super) struct Lie {
    what: String,
    protocol: Protocol,
    request: Request,
    outcome: Outcome,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// It is no lie, or one that changes nothing: the call that policy judged runs.
    Served,
    /// The policy refuses it.
    Denied,
    /// The provider's bridge refuses it, with this status and reason.
    Refused(u16, &'static str),
    /// Envoy refuses it with this status.
    Envoy(u16),
}

/// What headers or path say is not what the frame says.
pub(super) const DIFFERS: Outcome = Outcome::Refused(400, "bridge-call-differs");
/// The body is not exactly one request frame.
pub(super) const BROKEN: Outcome = Outcome::Refused(400, "bridge-broken-frame");
/// The request is none of the bridge's.
pub(super) const NOT_DUBBO: Outcome = Outcome::Refused(415, "bridge-not-dubbo");

impl Lie {
    /// A bridged call with this path and body.
    pub(super) fn new(path: &str, body: impl Into<Vec<u8>>, outcome: Outcome) -> Self {
        let request = Request::post(path, body.into());
        Self {
            what: path.to_owned(),
            protocol: Protocol::Http2,
            request: request.header("content-type", "application/dubbo2"),
            outcome,
        }
    }

    /// What the row is about, where the path does not say it.
    pub(super) fn named(mut self, what: &str) -> Self {
        self.what = format!("{what} ({})", self.what);
        self
    }

    /// A header more.
    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self.what = format!("{}, {name}: {value}", self.what);
        self
    }

    /// Other headers than those of a bridged call.
    pub(super) fn only(mut self, method: &str, headers: &[(&str, &str)]) -> Self {
        method.clone_into(&mut self.request.method);
        self.request.headers.clear();
        self.what = format!("{method} {}", self.what);
        headers
            .iter()
            .fold(self, |lie, (name, value)| lie.header(name, value))
    }

    /// HTTP/1.1, in which a path may be any bytes.
    pub(super) fn http1(mut self) -> Self {
        self.protocol = Protocol::Http1;
        self
    }

    async fn tell(&self, shop: &Shop<'_>) -> Result<()> {
        let before = shop.arrived();
        let gate = shop.web.gate(shop.service).await?;
        let request = self.request.clone().authority(&shop.authority());
        let client = Client::new(self.protocol, gate.address());
        self.outcome.expect(&client.send(&request).await?)?;
        let arrived = usize::from(matches!(self.outcome, Outcome::Served));
        let found = shop.arrived() - before;
        ensure!(found == arrived, "{found} calls arrived, not {arrived}");
        Ok(())
    }
}

impl Outcome {
    fn expect(self, response: &Response) -> Result<()> {
        let reason = response.header("x-meshlane-reason");
        let text = String::from_utf8_lossy(&response.body);
        let is_expected = match self {
            Self::Served => response.status == 200 && response.header("dubbo-status") == Some("20"),
            Self::Denied => response.status == 403 && text == "RBAC: access denied",
            Self::Refused(status, code) => response.status == status && reason == Some(code),
            Self::Envoy(status) => response.status == status && reason.is_none(),
        };
        ensure!(
            is_expected,
            "not {self:?}: {} {reason:?} {text:?}",
            response.status
        );
        Ok(())
    }
}

impl fmt::Display for Lie {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)
    }
}

/// The path of a method of the interface.
pub(super) fn path(method: &str) -> String {
    format!("/org.demo.Greeter/{method}")
}

/// Tells every lie, with an honest call before and after each.
pub(super) async fn do_not_arrive(shop: &Shop<'_>) -> Result<()> {
    let before = shop.arrived();
    let honest = Lie::new(&path("who"), Call::of("who").bytes(), Outcome::Served);
    let mut wrong = Vec::new();
    honest.tell(shop).await.context("before all lies")?;
    let lies = [paths::lies(), bodies::lies(), headers::lies()];
    for lie in lies.into_iter().flatten() {
        if let Err(error) = lie.tell(shop).await {
            wrong.push(format!("{lie}: {error:#}"));
        }
        honest
            .tell(shop)
            .await
            .with_context(|| format!("after {lie}"))?;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    dubbo::lies_do_not_arrive(shop).await?;
    shop.expect_only_what_web_may(before)?;
    shop.expect_alive().await
}
