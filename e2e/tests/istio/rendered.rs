//! What `meshlane render istio` makes of documents: judged by a real API server and by istioctl, and in force.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use meshlane_e2e::{
    dubbo::{Call, DubboVersion, RpcCode, Service, Target},
    istio::{Manifest, Mesh, PodPlan, on_mesh},
    poll,
    scene::workspace,
};

use crate::common::{Caller, ORDER, PORT, Workload, consumer, hello, provider, reserve, service};

/// The documents of an example.
pub(crate) fn documents(name: &str) -> Result<String> {
    let path = workspace().join("istio-manifests/documents");
    let path = path.join(format!("{name}.yaml"));
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// The documents of an example, and what is there already.
pub(crate) fn split(example: &str) -> Result<(&str, &str)> {
    example
        .split_once("---\n# What is there already.")
        .context("the example names what is there")
}

/// The same with the interfaces of the test programs.
fn of_test_programs(documents: &str) -> String {
    documents.replace("org.example.order.Order", ORDER).replace(
        "org.example.stock.Stock",
        "dev.meshlane.e2e.api.StockService",
    )
}

/// What `istioctl` says of resources, beside what is there already.
async fn expect_valid(mesh: &Mesh, resources: &Manifest, there: &str) -> Result<()> {
    let file = mesh.scene().fresh("rendered.yaml")?;
    fs::write(&file, resources.text())?;
    let beside = mesh.scene().fresh("there.yaml")?;
    fs::write(&beside, there)?;
    let (file, beside) = (file.display().to_string(), beside.display().to_string());
    let control = mesh.control();
    control.istioctl(&["validate", "--filename", &file]).await?;
    let analyze = ["analyze", "--use-kube=false", "--all-namespaces"];
    // A warning about each EnvoyFilter cannot be helped.
    let arguments = [
        &analyze[..],
        &[
            "--suppress=IST0133=EnvoyFilter *",
            "--failure-threshold=Info",
        ],
        &[&file, &beside],
    ];
    control.istioctl(&arguments.concat()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_is_valid() -> Result<()> {
    on_mesh(async |mesh| {
        let names = ["edge", "chain", "limits", "dubbo", "lanes", "waypoint"];
        for name in names {
            let documents = documents(name)?;
            for options in [&[][..], &["--api", "traffic-extension"]] {
                let resources = Manifest::rendered(&documents, options)?;
                let what = format!("{name} {options:?}");
                mesh.dry_run(&resources).await.context(what.clone())?;
                expect_valid(mesh, &resources, &documents)
                    .await
                    .context(what)?;
            }
        }
        // An HTTPRoute for each of the services that are known.
        let options = ["--routing", "gateway-api"];
        let resources = Manifest::rendered(&documents("chain")?, &options)?;
        ensure!(resources.text().contains("kind: HTTPRoute"), "no route");
        mesh.dry_run(&resources).await?;
        // And it is the judges' word that counts.
        let wrong = resources.replace("backendRefs", "backendRef");
        ensure!(
            mesh.dry_run(&wrong).await.is_err(),
            "the API server takes everything"
        );
        let wrong =
            Manifest::rendered(&documents("edge")?, &[])?.replace("subset: gray", "subset: grey");
        let verdict = expect_valid(mesh, &wrong, &documents("edge")?).await;
        ensure!(verdict.is_err(), "istioctl takes everything");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn kustomize_and_helm_install_the_suite() -> Result<()> {
    on_mesh(async |mesh| {
        let control = mesh.control();
        let manifests = workspace().join("istio-manifests");
        let path = |name: &str| manifests.join(name).display().to_string();
        let (overlay, chart) = (path("kustomize/overlays/example"), path("helm/meshlane"));
        let values = mesh.scene().fresh("values.yaml")?;
        fs::write(&values, VALUES)?;
        let values = values.display().to_string();
        let release = ["-namespace", "istio-system"];
        let plain = [&release[..], &["meshlane", &chart]].concat();
        let full = [&release[..], &["-values", &values, "meshlane", &chart]].concat();
        let full = control.helm(&full).await?;
        for (what, resources, plugins) in [
            (
                "kustomize",
                control.kubectl(&["kustomize", &overlay]).await?,
                3,
            ),
            ("helm", control.helm(&plain).await?, 2),
            ("helm with values", full.clone(), 3),
        ] {
            let found = resources.matches("kind: WasmPlugin").count();
            ensure!(found == plugins, "{what}: {found} plugins in {resources}");
            let resources = Manifest::new(resources);
            resources.expect_checked().context(what)?;
            mesh.dry_run(&resources).await.context(what)?;
        }
        for part in [
            "url: \"oci://registry.internal:5000/mesh/suite:1.2.3\"",
            "imagePullSecret: \"registry\"",
            "sha256: \"0123",
            "name: beta-users",
            "ttl: 60",
            "name: addresses",
        ] {
            ensure!(full.contains(part), "no {part} in {full}");
        }
        Ok(())
    })
    .await
}

/// Every value of the chart.
const VALUES: &str = "
registry: oci://registry.internal:5000/mesh/
tag: 1.2.3
digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
pullSecret: registry
tags: [x-mse-tag, x-search]
edge:
  selector: {istio: edge-gateway}
  rules: [{name: beta-users, when: {attribute: header.x-user, in: [alice]}, value: gray}]
propagation: {correlation: {ttl: 60}}
limits: [{name: addresses, key: [source.ip], tokenBucket: {requests: 5}}]
";

/// The Dubbo example, in force.
struct Shop<'m> {
    mesh: &'m Mesh,
    documents: String,
    trade: Caller,
    web: Caller,
    order: Target,
}

impl<'m> Shop<'m> {
    /// Renders the documents, and has Kubernetes keep what follows from them and nothing else.
    async fn apply(&mut self, change: impl FnOnce(&str) -> String) -> Result<()> {
        self.documents = change(&self.documents);
        let rendered = Manifest::rendered(&self.documents, &[])?;
        self.mesh.apply_and_prune(&rendered).await
    }

    /// Waits until calls of a user come to a version.
    async fn expect_version(&mut self, user: &str, version: &str) -> Result<()> {
        let call = hello("bob").attachment("userId", user);
        poll::patiently(&format!("calls of {user} come to {version}"), async || {
            let answered = self.trade.provider_of(&self.order, &call).await?;
            ensure!(answered == version, "it was {answered}");
            Ok(())
        })
        .await
    }
}

/// How many of so many calls pass; the others are refused by the limit.
async fn passing(caller: &mut Caller, target: &Target, calls: usize) -> Result<usize> {
    let mut passing = 0;
    for _ in 0..calls {
        let outcome = caller.call(target, &Call::new("who")).await?;
        if outcome.is_ok() {
            passing += 1;
        } else {
            let parts = ["HTTP 429", "limit-over: order-reserve"];
            outcome.expect_rpc_exception(RpcCode::Network, &parts)?;
        }
    }
    Ok(passing)
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_in_force_as_they_are_written() -> Result<()> {
    on_mesh(async |mesh| {
        let written = of_test_programs(&documents("dubbo")?);
        // So few that a test sees them.
        let written = written.replace("exact: reserve", "exact: who");
        let written = written.replace("{requests: 100}", "{requests: 1, per: 600, burst: 3}");
        // One more consumer, with a listener of its own.
        let captured = "  - {selector: {dubbo: consumer}}\n";
        let listening = format!("{captured}  - {{selector: {{app: desk}}, capture: listener}}\n");
        let written = written.replace(captured, &listening);
        let written = written.replace(
            "{serviceAccounts: [trade]}",
            "{serviceAccounts: [trade, desk]}",
        );
        let (documents, there) = split(&written)?;
        mesh.apply(&Manifest::new(there)).await?;
        mesh.apply_and_prune(&Manifest::rendered(documents, &[])?)
            .await?;
        let start = async |app, version, service| {
            Workload::start(mesh, &provider(app, version), service).await
        };
        let caller = |app| Caller::start(mesh, consumer(app), DubboVersion::NEWEST);
        let desk = PodPlan::new("desk").captured();
        let (v1, gray, stock, trade, web, mut desk) = tokio::try_join!(
            start("order", "v1", Service::rich()),
            start("order", "gray", Service::rich()),
            start("stock", "v1", Service::stock()),
            caller("trade"),
            caller("web"),
            Caller::start(mesh, desk, DubboVersion::V2_7),
        )?;
        let order = Target::new(service(mesh, "order").await?);
        let mut shop = Shop {
            mesh,
            documents: documents.to_owned(),
            trade,
            web,
            order,
        };

        // By tag and by argument, each call of a connection for itself.
        for (user, version) in [("alice", "gray"), ("carol", "v1"), ("bob", "gray")] {
            shop.expect_version(user, version).await?;
        }
        let stock_target = Target::new(service(mesh, "stock").await?).service("StockService");
        shop.trade.call(&stock_target, &reserve()).await?.value()?;
        // A consumer that is not captured says the tag itself.
        let own = Target::new(([127, 0, 0, 1], PORT).into());
        for (tag, version) in [("gray", "gray"), ("none", "v1")] {
            let call = hello("bob").attachment("dubbo.tag", tag);
            let answered = desk.provider_of(&own, &call).await?;
            ensure!(answered == version, "{tag}: {answered}");
        }
        // Who may call what.
        let refused = shop.web.call(&shop.order, &hello("anybody")).await?;
        refused.expect_rpc_exception(RpcCode::Network, &["HTTP 403"])?;
        shop.web.call(&shop.order, &hello("shop")).await?.value()?;
        // A limit at the provider, for each caller. There are two providers.
        let target = Target::new(v1.address());
        ensure!(
            passing(&mut shop.trade, &target, 6).await? == 3,
            "three of six"
        );
        ensure!(
            passing(&mut shop.web, &target, 4).await? == 3,
            "three of another caller's"
        );

        // A change takes effect on open connections.
        shop.apply(|documents| documents.replace("[alice, bob]", "[carol]"))
            .await?;
        shop.expect_version("carol", "gray").await?;
        shop.expect_version("alice", "v1").await?;
        // What no `check` saw comes to the proxies all the same: they go on as before.
        let rendered = Manifest::rendered(&shop.documents, &[])?;
        let wrong = rendered.replace("dubbo.attachment.userId", "dubbo.attachmint.userId");
        mesh.apply_and_prune(&wrong).await?;
        poll::patiently("a configuration is refused", async || {
            let stats = shop.trade.pod.admin()?.stats().await?;
            let state = |name: &str| name.contains("config_state") && name.contains("traffic-tag");
            let mut refused = stats
                .iter()
                .filter(|(name, value)| state(name) && *value == 1);
            ensure!(refused.next().is_some(), "all are fine");
            Ok(())
        })
        .await?;
        shop.expect_version("carol", "gray").await?;
        shop.expect_version("alice", "v1").await?;
        // A document that is gone takes its own resources with it, and no others.
        shop.apply(|documents| {
            let all = documents.split("---\n");
            let rest = all.filter(|document| !document.contains("kind: RateLimit"));
            rest.collect::<Vec<_>>().join("---\n")
        })
        .await?;
        poll::patiently("the limit is gone", async || {
            let found = passing(&mut shop.trade, &target, 4).await?;
            ensure!(found == 4, "{found} of 4 passed");
            Ok(())
        })
        .await?;
        shop.expect_version("carol", "gray").await?;
        let refused = shop.web.call(&shop.order, &hello("anybody")).await?;
        refused.expect_rpc_exception(RpcCode::Network, &["HTTP 403"])?;
        for workload in [&v1, &gray, &stock] {
            workload.pod.expect_alive().await?;
        }
        Ok(())
    })
    .await
}
