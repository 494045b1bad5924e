//! What the guide promises of `compose/compose.yaml`: a lane over five services in containers.

use std::time::Duration;

use anyhow::{Result, ensure};
use meshlane_e2e::{
    client::{Client, Request, Response},
    compose::Compose,
    poll,
    prometheus::PrometheusApi,
};

const GRAY: &str = "web-gray>order-base>stock-gray>price-base>audit-gray";
const NORMAL: &str = "web-base>order-base>stock-base>price-base>audit-base";

/// Nobody has an image of it that could be had from packages.
const NOT_HERE: [&str; 1] = ["grafana"];

/// How many Envoys there are.
const ENVOYS: usize = 9;

/// Who asks.
struct Visitor {
    gateway: Client,
    number: u32,
}

impl Visitor {
    /// Asks, in a trace of its own.
    async fn ask(&mut self, request: Request) -> Result<Response> {
        self.number += 1;
        let trace = format!("00-{:032x}-00f067aa0ba902b7-01", self.number);
        let request = request.authority("localhost:8080");
        self.gateway
            .send(&request.header("traceparent", trace))
            .await
    }

    async fn expect(&mut self, request: Request, way: &str) -> Result<()> {
        let answer = self.ask(request.clone()).await?;
        ensure!(answer.body == way, "{request:?} went {answer:?}");
        Ok(())
    }
}

fn user(name: &str) -> Request {
    Request::get("/").header("x-user", name)
}

/// Prometheus scrapes all Envoys, and finds what happened, with labels.
async fn expect_metrics(prometheus: PrometheusApi) -> Result<()> {
    poll::patiently("Prometheus has found everything", async || {
        let up = prometheus.query("up == 1").await?;
        ensure!(up.len() == ENVOYS, "{up:?}");
        for (instance, query) in [
            (
                "order-base-sidecar",
                r#"meshlane_gray_release_carried{reason="carried-by-correlation"} > 0"#,
            ),
            (
                "stock-gray-sidecar",
                r#"meshlane_gray_release_lanes{lane="gray",reason="lane-own"} > 0"#,
            ),
            (
                "gateway",
                r#"meshlane_traffic_tag_decisions{rule="testers"} > 0"#,
            ),
            (
                "gateway",
                r#"meshlane_rate_limit_decisions{limit="users",reason="limit-allowed"} > 0"#,
            ),
            (
                "audit-gray-sidecar",
                r#"meshlane_dubbo_calls{plugin="provider",status="20"} > 0"#,
            ),
        ] {
            let found = prometheus.query(query).await?;
            let of_instance = |target: &String| target.starts_with(&format!("{instance}:"));
            let is_there = |sample: &meshlane_e2e::prometheus::Sample| {
                sample.labels.get("instance").is_some_and(of_instance)
            };
            ensure!(
                found.iter().any(is_there),
                "{query} of {instance}: {found:?}"
            );
        }
        let wrong = prometheus.query("meshlane_config_state != 0").await?;
        ensure!(wrong.is_empty(), "{wrong:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gray_request_stays_gray_over_five_services() -> Result<()> {
    let compose = Compose::up(&NOT_HERE)?;
    let mut visitor = Visitor {
        gateway: Client::http1(compose.gateway()),
        number: 0,
    };
    let started = poll::patiently("all of the chain is there", async || {
        // Not more often than each may ask.
        tokio::time::sleep(Duration::from_secs(1)).await;
        visitor.expect(user("alice"), GRAY).await?;
        visitor.expect(user("carol"), NORMAL).await
    });
    if let Err(error) = started.await {
        for service in meshlane_e2e::compose::services()? {
            let log = compose.log(&service).unwrap_or_default();
            let end: Vec<&str> = log.lines().rev().take(5).collect();
            println!("--- {service}\n{end:#?}");
        }
        return Err(error);
    }
    for _ in 0..20 {
        visitor.expect(user("alice"), GRAY).await?;
        // Nobody chooses a lane.
        let claim = user("carol").header("x-mse-tag", "gray");
        visitor.expect(claim, NORMAL).await?;
    }
    expect_metrics(PrometheusApi::new(compose.prometheus())).await?;

    // Sixty a minute, so at most twice as many at the turn of one.
    let mut refused = 0;
    for _ in 0..125 {
        let answer = visitor.ask(user("dave")).await?;
        refused += u32::from(answer.header("x-meshlane-limit") == Some("users"));
    }
    ensure!((5..=65).contains(&refused), "{refused} are refused");

    // Where the lane has no member the baseline takes its place, and the next hop is gray again.
    compose.stop(&["stock-gray", "stock-gray-sidecar"])?;
    let way = GRAY.replace("stock-gray", "stock-base");
    poll::patiently("the lane falls back", async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        visitor.expect(user("bob"), &way).await
    })
    .await
}
