//! One lane over five services under Istio, whose applications forward a trace id alone.

use std::net::IpAddr;

use anyhow::{Context as _, Result, ensure};
use meshlane_e2e::{
    chain::{Hop, Next, Protocol},
    client::{Client, Request},
    dubbo::{Relay, Serves},
    istio::{Gate, Manifest, Mesh, Pod, PodPlan, on_mesh},
    poll,
};

use crate::{
    common::{PORT, service_of},
    rendered,
};

const FORWARDS: [&str; 1] = ["traceparent"];
const WEB: u16 = 8080;
const GRPC: u16 = 9090;

/// A pod with its application.
struct Member {
    pod: Pod,
    application: Application,
    _gates: Vec<Gate>,
}

enum Application {
    Java(Box<Relay>),
    /// Ends with this value.
    Own {
        _hop: Hop,
    },
}

impl Member {
    async fn pod(mesh: &Mesh, app: &str, lane: &str) -> Result<Pod> {
        let plan = PodPlan::new(app).label("lane", lane).captured();
        mesh.pod(&plan.named(&name(app, lane)).unready()).await
    }

    async fn java(mesh: &Mesh, app: &str, lane: &str, serves: Serves, port: u16) -> Result<Self> {
        let pod = Self::pod(mesh, app, lane).await?;
        let name = name(app, lane);
        let place = pod.place();
        let relay = Relay::start_at(mesh.scene(), &place, &name, serves, &FORWARDS, port);
        let application = Application::Java(Box::new(relay.await?));
        pod.set_ready(true).await?;
        Ok(Self {
            pod,
            application,
            _gates: Vec::new(),
        })
    }

    /// Has it call the next service by Dubbo, through its sidecar's own listener, or by HTTP.
    async fn call_next(&mut self, serves: Serves, next: std::net::SocketAddr) -> Result<()> {
        match &mut self.application {
            Application::Java(relay) => relay.call_next(serves, next).await,
            Application::Own { .. } => Ok(()),
        }
    }

    /// One of ours, which calls the next service by a name.
    async fn own(
        mesh: &Mesh,
        (app, lane): (&str, &str),
        port: u16,
        (protocol, next, authority): (Protocol, std::net::SocketAddr, &str),
    ) -> Result<Self> {
        let pod = Self::pod(mesh, app, lane).await?;
        let gate = pod.gate(next).await?;
        let hop = Hop::serve(&name(app, lane), &FORWARDS, pod.listen(port).await?)?;
        hop.call_next(Next::new(protocol, gate.address()).authority(authority));
        pod.set_ready(true).await?;
        Ok(Self {
            pod,
            application: Application::Own { _hop: hop },
            _gates: vec![gate],
        })
    }
}

fn name(app: &str, lane: &str) -> String {
    format!("{app}-{lane}")
}

/// The Services of the shop.
fn services() -> Manifest {
    service_of("web", "http", WEB)
        .and(&service_of("catalog", "http", WEB))
        .and(&service_of("price", "grpc", GRPC))
        .and(&service_of("order", "http2-dubbo", PORT))
        .and(&service_of("stock", "http2-dubbo", PORT))
}

/// The documents of the example, for a shop whose entry is the sidecar of `edge`: in production a gateway. Both Dubbo services
/// have the same interface here, but not the same consumers.
fn documents(catalog: IpAddr) -> Result<String> {
    let text = rendered::documents("lanes")?;
    let (documents, _) = rendered::split(&text)?;
    let entry = "{attribute: header.x-user, in: [alice, bob]}";
    let consumers = "[org.example.NAME]\n  consumers: [{selector: {dubbo: consumer}}]";
    let of = |name: &str| consumers.replace("NAME", name);
    let own = |app: &str| {
        format!(
            "[{}]\n  consumers: [{{selector: {{app: {app}}}}}]",
            Relay::INTERFACE
        )
    };
    let changes = [
        (
            "gateways: {routes: [istio-system/shop]}",
            "gateways: {namespace: shop, selector: {app: edge}}".to_owned(),
        ),
        (
            entry,
            "{attribute: header.x-user, in: [gray-user]}".to_owned(),
        ),
        // The Java program calls the address of the Service.
        (
            "hosts: [catalog,",
            format!("hosts: [\"{catalog}\", catalog,"),
        ),
        (&of("order.Order"), own("web")),
        (&of("stock.Stock"), own("price")),
    ];
    changes
        .iter()
        .try_fold(documents.to_owned(), |text, (from, to)| {
            ensure!(text.contains(from), "the example has no {from}");
            Ok(text.replace(from, to))
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_stays_in_its_lane_over_five_services() -> Result<()> {
    on_mesh(async |mesh| {
        mesh.apply(&services()).await?;
        let catalog = mesh.cluster_ip("catalog").await?;
        mesh.apply_and_prune(&Manifest::rendered(&documents(catalog)?, &[])?).await?;

        let order_service = (mesh.cluster_ip("order").await?, PORT).into();
        let stock_service = (mesh.cluster_ip("stock").await?, PORT).into();
        let price = (mesh.cluster_ip("price").await?, GRPC).into();
        let entry = PodPlan::new("edge").captured();
        let to_price = (Protocol::Grpc, price, "price:9090");
        let to_stock = (Protocol::Dubbo, stock_service, "");
        let (web, web_gray, order, catalog_base, catalog_gray, price, stock, stock_gray, edge) = tokio::join!(
            Member::java(mesh, "web", "base", Serves::Http, WEB),
            Member::java(mesh, "web", "gray", Serves::Http, WEB),
            Member::java(mesh, "order", "base", Serves::Dubbo, PORT),
            Member::own(mesh, ("catalog", "base"), WEB, to_price),
            Member::own(mesh, ("catalog", "gray"), WEB, to_price),
            Member::own(mesh, ("price", "base"), GRPC, to_stock),
            Member::java(mesh, "stock", "base", Serves::Dubbo, PORT),
            Member::java(mesh, "stock", "gray", Serves::Dubbo, PORT),
            mesh.pod(&entry),
        );
        let (mut web, mut web_gray, mut order, edge) = (web?, web_gray?, order?, edge?);
        let others = [catalog_base?, catalog_gray?, price?, stock?, stock_gray?];
        web.call_next(Serves::Dubbo, order_service).await?;
        web_gray.call_next(Serves::Dubbo, order_service).await?;
        order.call_next(Serves::Http, (catalog, WEB).into()).await?;

        let gate = edge.gate((mesh.cluster_ip("web").await?, WEB).into()).await?;
        let client = Client::http1(gate.address());
        let mut number = 0;
        let mut ask = async |user: &str| {
            number += 1;
            let trace = format!("00-{number:032x}-00f067aa0ba902b7-01");
            let request = Request::get("/").authority("web:8080");
            let request = request.header("x-user", user).header("traceparent", trace);
            let response = client.send(&request).await?;
            anyhow::Ok(String::from_utf8_lossy(&response.body).into_owned())
        };
        let gray = "web-gray>order-base>catalog-gray>price-base>stock-gray";
        let normal = "web-base>order-base>catalog-base>price-base>stock-base";
        poll::patiently("all of the chain is there", async || {
            for (user, expected) in [("gray-user", gray), ("user", normal)] {
                let found = ask(user).await?;
                ensure!(found == expected, "{user}: {found}");
            }
            Ok(())
        })
        .await?;
        for _ in 0..100 {
            for (user, expected) in [("gray-user", gray), ("user", normal)] {
                let found = ask(user).await?;
                ensure!(found == expected, "{user}: {found}");
            }
        }
        // What the dashboard needs: Istio's bootstrap has the labels of our metrics.
        let carried = web_gray.pod.admin()?.prometheus("meshlane_gray_release_carried{").await?;
        let labels = [r#"plugin=""#, r#"tag="x-mse-tag""#, r#"reason="carried-by-correlation""#];
        ensure!(
            carried.iter().any(|line| labels.iter().all(|label| line.contains(label))),
            "{carried:#?}"
        );
        for member in others.iter().chain([&web, &web_gray, &order]) {
            member.pod.expect_alive().await.context(member.pod.name().to_owned())?;
        }
        Ok(())
    })
    .await
}
