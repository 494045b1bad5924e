//! Rendered documents at a gateway of Istio's, and in front of a workload: tags, routes with fallback, limits.

use anyhow::{Context as _, Result, ensure};
use meshlane_e2e::{
    client::{Client, Request, Response},
    istio::{Gate, Manifest, Mesh, Pod, PodPlan, on_mesh},
    poll,
    upstream::Upstream,
};

use crate::{common::service_of, rendered::documents};

const WEB: u16 = 8080;

/// A version of `orders`.
struct Orders {
    pod: Pod,
    _server: Upstream,
}

impl Orders {
    async fn start(mesh: &Mesh, version: &str) -> Result<Self> {
        let plan = PodPlan::new("orders").version(version).captured();
        let pod = mesh.pod(&plan.unready()).await?;
        let server = Upstream::serve(version, pod.listen(WEB).await?)?;
        pod.set_ready(true).await?;
        Ok(Self {
            pod,
            _server: server,
        })
    }
}

/// A client outside of the mesh, in front of the gateway.
struct Visitor {
    client: Client,
    _pod: Pod,
    _gate: Gate,
}

impl Visitor {
    async fn start(mesh: &Mesh, gateway: &Pod) -> Result<Self> {
        let pod = mesh.pod(&PodPlan::new("visitor").bare()).await?;
        let gate = pod.gate(gateway.port(WEB)).await?;
        Ok(Self {
            client: Client::http1(gate.address()),
            _pod: pod,
            _gate: gate,
        })
    }

    async fn send(&self, path: &str, headers: &[(&str, &str)]) -> Result<Response> {
        let request = Request::get(path).authority("orders.shop.example");
        let headers = headers.iter();
        let request = headers.fold(request, |request, (name, value)| {
            request.header(name, *value)
        });
        self.client.send(&request).await
    }

    /// Who answers a user.
    async fn version_for(&self, headers: &[(&str, &str)]) -> Result<String> {
        let response = self.send("/", headers).await?;
        let echo = response.echo().with_context(|| format!("{response:?}"))?;
        Ok(echo.upstream)
    }

    async fn expect_version(&self, headers: &[(&str, &str)], version: &str) -> Result<()> {
        let what = format!("{headers:?} comes to {version}");
        poll::patiently(&what, async || {
            let found = self.version_for(headers).await?;
            ensure!(found == version, "it was {found}");
            Ok(())
        })
        .await
    }

    /// How many of so many requests are not refused by a limit.
    async fn passing(&self, path: &str, requests: usize, limit: &str) -> Result<usize> {
        let mut passing = 0;
        for _ in 0..requests {
            let response = self.send(path, &[]).await?;
            if response.status == 200 {
                passing += 1;
                continue;
            }
            let named = response.header("x-meshlane-limit");
            ensure!(
                response.status == 429 && named == Some(limit),
                "{response:?}"
            );
        }
        Ok(passing)
    }
}

/// The examples for a gateway in the namespace of the scenario, whose Gateway has a port that needs no privileges.
fn examples() -> Result<(String, String)> {
    let edge = documents("edge")?;
    let (edge, there) = edge
        .split_once("---\n# What is there already.")
        .context("the example names what is there")?;
    let limits = documents("limits")?;
    let changes = [
        ("namespace: istio-system", "namespace: shop"),
        ("gateways: [istio-system/shop]", "gateways: [shop]"),
        ("number: 80,", "number: 8080,"),
        ("interval: 5s", "interval: 1s"),
        (
            "health: {cluster: prometheus_stats}",
            "health: {cluster: prometheus_stats, interval: 1}",
        ),
        // There are no tokens here, and few requests.
        (
            "when: {attribute: jwt.sub, present: false}",
            "when: {attribute: path, exact: /limited}",
        ),
        (
            "tokenBucket: {requests: 5, burst: 20}",
            "tokenBucket: {requests: 1, per: 600, burst: 4}",
        ),
        (
            "- name: orders-callers\n",
            "- name: orders-callers\n      when: {attribute: path, exact: /own}\n",
        ),
        (
            "tokenBucket: {requests: 100, burst: 200}",
            "tokenBucket: {requests: 1, per: 600, burst: 2}",
        ),
    ];
    let change = |text: &str| {
        let changes = changes.iter();
        changes.fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    Ok((change(&format!("{edge}---\n{limits}")), change(there)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_tags_routes_and_limits() -> Result<()> {
    on_mesh(async |mesh| {
        let (documents, there) = examples()?;
        mesh.apply(&Manifest::new(there)).await?;
        mesh.apply(&service_of("orders", "http", WEB)).await?;
        mesh.apply_and_prune(&Manifest::rendered(&documents, &[])?)
            .await?;
        let plan = PodPlan::new("ingressgateway")
            .label("istio", "ingressgateway")
            .gateway();
        let (v1, gray, gateway) = tokio::try_join!(
            Orders::start(mesh, "v1"),
            Orders::start(mesh, "gray"),
            mesh.pod(&plan),
        )?;
        let visitor = Visitor::start(mesh, &gateway).await?;
        visitor
            .expect_version(&[("x-user", "alice")], "gray")
            .await?;
        visitor.expect_version(&[("x-user", "carol")], "v1").await?;
        // Nobody chooses the version, nor the destination.
        for claim in ["x-mse-tag", "x-meshlane-route"] {
            visitor.expect_version(&[(claim, "gray")], "v1").await?;
        }
        // While there is no healthy pod of the version, the gateway falls back.
        gray.pod.set_ready(false).await?;
        visitor.expect_version(&[("x-user", "alice")], "v1").await?;
        gray.pod.set_ready(true).await?;
        visitor
            .expect_version(&[("x-user", "alice")], "gray")
            .await?;
        // At the gateway by address, in front of the workload by who calls: the gateway, in each of two pods.
        let passed = visitor.passing("/limited", 6, "addresses").await?;
        ensure!(passed == 4, "{passed} passed the gateway's limit of 4");
        let passed = visitor.passing("/own", 6, "orders-callers").await?;
        ensure!(passed == 2, "{passed} passed the limit of 2 in front of v1");
        // The same by TrafficExtensions, in the place of the WasmPlugins.
        let options = ["--api", "traffic-extension"];
        mesh.apply_and_prune(&Manifest::rendered(&documents, &options)?)
            .await?;
        gateway.expect_listener("traffic-tag-edge\"").await?;
        gateway
            .expect_no_configuration("translated-wasmplugin")
            .await?;
        visitor
            .expect_version(&[("x-user", "alice")], "gray")
            .await?;
        visitor.expect_version(&[("x-user", "carol")], "v1").await?;
        let passed = visitor.passing("/limited", 3, "addresses").await?;
        ensure!(
            passed == 0,
            "{passed} passed: the count is not the same any more"
        );
        for pod in [&v1.pod, &gray.pod, &gateway] {
            pod.expect_alive().await?;
        }
        Ok(())
    })
    .await
}
