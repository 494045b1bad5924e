//! A chain of routers in a consumer's sidecar: Dubbo and HTTP by tag, with what Envoy knows of the health of subsets.

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    client::{Client, Protocol, Request},
    dubbo::{DubboVersion, Service, Target},
    istio::{Manifest, Mesh, Pod, PodPlan, on_mesh},
    poll,
};

use crate::common::{
    Caller, PORT, Web, Workload, apply, hello, manifest, provider, providers, service_of,
};

/// The HTTP service beside the Dubbo service of the manifest, with the same subsets.
fn catalog() -> Result<Manifest> {
    let plugin = manifest("tag-route")?
        .replace("name: trade-route,", "name: trade-web,")
        .replace("tag-route/trade", "tag-route/web")
        .replace("dubbo.attachment.dubbo.tag", "header.x-mse-tag")
        .replace("20880", "8080")
        .replace("name: order", "name: catalog")
        .replace("order.shop", "catalog.shop")
        // An HTTP client names the service as it likes.
        .replace(
            "hosts: [catalog.shop.svc.cluster.local,",
            "hosts: [catalog,",
        );
    let rule = "apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: catalog, namespace: shop}
spec:
  host: catalog.shop.svc.cluster.local
  trafficPolicy: {outlierDetection: {consecutive5xxErrors: 5}}
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: gray, labels: {version: gray}}";
    Ok(plugin
        .and(&service_of("catalog", "http", WEB))
        .and(&Manifest::new(rule)))
}

/// The counter of what the router did.
async fn steps(pod: &Pod, service: &str, reason: &str) -> Result<u64> {
    let labels = format!(".service={service}.router=lane.reason={reason}");
    let stats = pod.admin()?.stats().await?;
    let mut found = stats.iter();
    let found = found.find(|(name, _)| name.contains("tag_route_steps") && name.ends_with(&labels));
    Ok(found.map(|(_, value)| value).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn dubbo_and_http_go_by_the_tag_and_fall_back_when_nobody_has_it() -> Result<()> {
    on_mesh(async |mesh| {
        apply(mesh, &["services", "routing", "tag-route"]).await?;
        // Besides the listener for Dubbo, what is captured.
        let own = "hosts: [\"./*\"]\n";
        let both = format!("{own}  - {own}");
        mesh.apply(&manifest("consumer-listener")?.replace(own, &both))
            .await?;
        mesh.apply(&providers()?).await?;
        mesh.apply(&catalog()?).await?;
        let start = async |version: &str| {
            let plan = provider("order", version).named(&format!("order-{version}"));
            Workload::start(mesh, &plan, Service::rich()).await
        };
        let (v1, gray, web_v1, web_gray, trade) = tokio::join!(
            start("v1"),
            start("gray"),
            Web::start(mesh, "catalog", "v1"),
            Web::start(mesh, "catalog", "gray"),
            Caller::start(mesh, PodPlan::new("trade").captured(), DubboVersion::V3_3),
        );
        let (_v1, gray, _web_v1, web_gray, mut trade) = (v1?, gray?, web_v1?, web_gray?, trade?);
        let target = Target::new(([127, 0, 0, 1], PORT).into());
        let web = Pages::open(mesh, &trade.pod).await?;
        expect_both(&mut trade, &target, &web, "gray").await?;

        // Nobody of the version is ready: both fall back, and say so.
        gray.pod.set_ready(false).await?;
        web_gray.pod.set_ready(false).await?;
        expect_both(&mut trade, &target, &web, "v1").await?;
        for service in ["order", "catalog"] {
            poll::until("the counter", async || {
                let count = steps(&trade.pod, service, "router-fell-back-untagged").await?;
                ensure!(count > 0, "{service} did not fall back");
                Ok(())
            })
            .await?;
        }

        gray.pod.set_ready(true).await?;
        web_gray.pod.set_ready(true).await?;
        expect_both(&mut trade, &target, &web, "gray").await
    })
    .await
}

/// The HTTP service, as the consumer's pod sees it.
struct Pages {
    client: Client,
    _gate: meshlane_e2e::istio::Gate,
}

impl Pages {
    async fn open(mesh: &Mesh, pod: &Pod) -> Result<Self> {
        let gate = pod
            .gate((mesh.cluster_ip("catalog").await?, WEB).into())
            .await?;
        Ok(Self {
            client: Client::new(Protocol::Http1, gate.address()),
            _gate: gate,
        })
    }

    async fn upstream(&self, tag: Option<&str>) -> Result<String> {
        let request = Request::get("/").authority("catalog:8080");
        let request = match tag {
            Some(tag) => request.header("x-mse-tag", tag),
            None => request,
        };
        let response = self.client.send(&request).await?;
        Ok(response
            .echo()
            .with_context(|| format!("{response:?}"))?
            .upstream)
    }
}

/// Tagged calls and requests go to a version, others to `v1`.
async fn expect_both(
    trade: &mut Caller,
    target: &Target,
    web: &Pages,
    version: &str,
) -> Result<()> {
    let tagged = hello("bob").attachment("dubbo.tag", "gray");
    poll::patiently(&format!("what is tagged goes to {version}"), async || {
        let found = web.upstream(Some("gray")).await?;
        ensure!(found == version, "the page comes from {found}");
        let found = trade.provider_of(target, &tagged).await?;
        ensure!(found == version, "the call is answered by {found}");
        Ok(())
    })
    .await?;
    ensure!(trade.provider_of(target, &hello("bob")).await? == "v1");
    ensure!(web.upstream(None).await? == "v1");
    Ok(())
}

const WEB: u16 = Web::PORT;
