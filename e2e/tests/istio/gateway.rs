//! Rendered documents for HTTP: at a gateway of Istio's, in front of a workload, and between workloads.

use anyhow::{Context as _, Result, ensure};
use meshlane_e2e::{
    client::{Client, Request, Response},
    istio::{Gate, Manifest, Mesh, Pod, PodPlan, on_mesh},
    poll,
};

use crate::{
    common::{Web, service_of},
    rendered::{documents, split},
};

const WEB: u16 = Web::PORT;

/// A client: outside of the mesh, in front of the gateway, or inside.
struct Visitor {
    client: Client,
    host: &'static str,
    _pod: Pod,
    _gate: Gate,
}

impl Visitor {
    async fn start(mesh: &Mesh, gateway: &Pod) -> Result<Self> {
        let pod = mesh.pod(&PodPlan::new("visitor").bare()).await?;
        let gate = pod.gate(gateway.port(WEB)).await?;
        Ok(Self {
            client: Client::http1(gate.address()),
            host: "orders.shop.example",
            _pod: pod,
            _gate: gate,
        })
    }

    /// One inside of the mesh, who calls the Service.
    async fn inside(mesh: &Mesh) -> Result<Self> {
        let pod = mesh.pod(&PodPlan::new("web").captured()).await?;
        let service = (mesh.cluster_ip("orders").await?, WEB).into();
        let gate = pod.gate(service).await?;
        Ok(Self {
            client: Client::http1(gate.address()),
            host: "orders:8080",
            _pod: pod,
            _gate: gate,
        })
    }

    async fn send(&self, path: &str, headers: &[(&str, &str)]) -> Result<Response> {
        let request = Request::get(path).authority(self.host);
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
    let (edge, there) = split(&edge)?;
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
            Web::start(mesh, "orders", "v1"),
            Web::start(mesh, "orders", "gray"),
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

#[tokio::test(flavor = "multi_thread")]
async fn calls_between_workloads_go_by_a_chain() -> Result<()> {
    on_mesh(async |mesh| {
        let all = documents("chain")?;
        let (_, there) = all.split_once("---\n").context("what is there already")?;
        mesh.apply(&Manifest::new(there)).await?;
        let own = "health: {cluster: prometheus_stats}";
        let quick = all.replace(own, "health: {cluster: prometheus_stats, interval: 1}");
        mesh.apply_and_prune(&Manifest::rendered(&quick, &[])?)
            .await?;
        let (_v1, gray, web) = tokio::try_join!(
            Web::start(mesh, "orders", "v1"),
            Web::start(mesh, "orders", "gray"),
            Visitor::inside(mesh),
        )?;
        let tagged = [("x-mse-tag", "gray")];
        web.expect_version(&tagged, "gray").await?;
        web.expect_version(&[], "v1").await?;
        gray.pod.set_ready(false).await?;
        web.expect_version(&tagged, "v1").await?;
        gray.pod.set_ready(true).await?;
        web.expect_version(&tagged, "gray").await
    })
    .await
}
