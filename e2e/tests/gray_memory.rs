//! What a sidecar remembers of requests: bounded, shared by all workers, and never another request's.

use anyhow::{Context as _, Result, ensure};
use meshlane_e2e::{
    bootstrap::{Bootstrap, Direction, Listener, WasmFilter},
    client::{Client, Connection, Protocol, Request},
    envoy::Envoy,
    peer::memory,
    scene::{Scene, on_every_version, on_last_version},
    upstream::{Echo, Upstream},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// A sidecar whose both listeners lead to what answers with what it saw.
struct Sidecar {
    envoy: Envoy,
    _upstream: Upstream,
}

impl Sidecar {
    async fn start(scene: &Scene, document: &Value, workers: u32) -> Result<Self> {
        let upstream = Upstream::start("v1").await?;
        let filter = WasmFilter::gray_release(document)?;
        let bootstrap = Bootstrap::sidecar()
            .listener(
                Listener::new("inbound")
                    .direction(Direction::Inbound)
                    .filter(&filter),
            )
            .listener(
                Listener::new("outbound")
                    .direction(Direction::Outbound)
                    .filter(&filter),
            )
            .upstreams(&[&upstream]);
        let workers = workers.to_string();
        let envoy = Envoy::start_with(scene, &bootstrap, &["--concurrency", &workers]).await?;
        Ok(Self {
            envoy,
            _upstream: upstream,
        })
    }

    async fn connect(&self, listener: &str) -> Result<Connection> {
        Client::new(Protocol::Http1, self.envoy.address(listener)?)
            .connect()
            .await
    }

    async fn stat(&self, reason: &str) -> Result<u64> {
        let name = format!("gray_release_correlations.plugin=gray.reason={reason}");
        Ok(self.envoy.admin().stats().await?.of_filters(&name))
    }
}

/// What an upstream saw of a request that goes through a connection.
async fn send(connection: &mut Connection, headers: &[(&str, &str)]) -> Result<Echo> {
    let request = headers
        .iter()
        .fold(Request::get("/"), |request, (name, value)| {
            request.header(name, value)
        });
    connection.send(&request).await?.echo()
}

fn trace(number: u32) -> String {
    format!(
        "00-{:032x}-00f067aa0ba902b7-01",
        0x4bf9_0000_0000_u64 + u64::from(number)
    )
}

fn document(capacity: u32) -> Value {
    json!({
        "correlation": {"capacity": capacity},
        "tags": [{"name": "x-mse-tag", "responseHeader": "x-lane"}],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_thousand_traces_fit_into_a_memory_of_a_thousand() -> Result<()> {
    const TRACES: u32 = 50_000;
    const CLIENTS: u32 = 8;
    on_last_version(async |scene| {
        let sidecar = Sidecar::start(scene, &document(1_024), 4).await?;
        let process = sidecar.envoy.process_id();
        let mut resident = 0;
        for part in 0..10 {
            let mut clients = JoinSet::new();
            for client in 0..CLIENTS {
                let mut inbound = sidecar.connect("inbound").await?;
                let mut outbound = sidecar.connect("outbound").await?;
                let numbers = (part * TRACES / 10..(part + 1) * TRACES / 10)
                    .filter(move |number| number % CLIENTS == client);
                clients.spawn(async move {
                    let mut known = 0;
                    for number in numbers {
                        let tag = format!("t{number}");
                        let id = trace(number);
                        send(&mut inbound, &[("traceparent", &id), ("x-mse-tag", &tag)]).await?;
                        // The call that it causes at once, or that of an older one, which may be forgotten.
                        let of = if number % 2 == 0 { number } else { number / 2 };
                        let call = send(&mut outbound, &[("traceparent", &trace(of))]).await?;
                        match call.header("x-mse-tag") {
                            Some(found) => {
                                ensure!(found == format!("t{of}"), "{found} of {of}");
                                known += 1;
                            }
                            None => ensure!(of != number, "{number} is forgotten at once"),
                        }
                    }
                    anyhow::Ok(known)
                });
            }
            for known in clients.join_all().await {
                known?;
            }
            if part == 1 {
                resident = memory::resident_of(process)?;
            }
        }
        let after = memory::resident_of(process)?;
        ensure!(
            after <= resident + resident / 10 + 4 * 1024 * 1024,
            "Envoy held {resident} bytes and now holds {after}"
        );
        let evicted = sidecar.stat("correlation-evicted").await?;
        let stored = sidecar.stat("correlation-stored").await?;
        ensure!(
            evicted + stored == u64::from(TRACES),
            "{evicted} + {stored}"
        );
        ensure!(
            stored <= 1_024 && sidecar.stat("correlation-lost").await? == 0,
            "{stored}"
        );
        // Requests and calls came to several workers.
        let stats = sidecar.envoy.admin().stats().await?;
        let mut busy = 0;
        for (name, value) in stats.starting("listener.").iter() {
            busy += u32::from(
                name.contains(".worker_") && name.ends_with("downstream_cx_total") && value > 0,
            );
        }
        ensure!(busy >= 4, "{busy} workers of both listeners");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_of_two_requests_with_one_trace_id_counts() -> Result<()> {
    on_every_version(async |scene| {
        let sidecar = Sidecar::start(scene, &document(1_024), 2).await?;
        let mut inbound = sidecar.connect("inbound").await?;
        let mut outbound = sidecar.connect("outbound").await?;
        let id = trace(1);
        for tag in ["gray", "blue", ""] {
            let mut headers = vec![("traceparent", id.as_str())];
            if !tag.is_empty() {
                headers.push(("x-mse-tag", tag));
            }
            send(&mut inbound, &headers).await?;
            let call = send(&mut outbound, &[("traceparent", &id)]).await?;
            let found = call.header("x-mse-tag").unwrap_or_default();
            ensure!(found == tag, "{found:?}, expected {tag:?}");
        }
        ensure!(sidecar.stat("correlation-replaced").await? == 2);
        ensure!(sidecar.stat("correlation-hit").await? == 3);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_identifier_is_recognised_in_what_an_application_makes_of_it() -> Result<()> {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    on_every_version(async |scene| {
        let sidecar = Sidecar::start(scene, &document(1_024), 1).await?;
        let mut inbound = sidecar.connect("inbound").await?;
        let mut outbound = sidecar.connect("outbound").await?;
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let child = format!("00-{TRACE}-1111111111111111-01");
        let b3 = format!("{TRACE}-00f067aa0ba902b7-1");
        let uber = format!("{TRACE}:1:0:1");
        let pairs = [
            (
                ("traceparent", parent.as_str()),
                ("traceparent", child.as_str()),
            ),
            (("traceparent", &parent), ("b3", &b3)),
            (("b3", &b3), ("x-b3-traceid", TRACE)),
            (
                ("uber-trace-id", &uber),
                ("uber-trace-id", &uber.replace(":1:0:1", "%3A2%3A1%3A1")),
            ),
            (
                ("x-datadog-trace-id", "11803532876627986230"),
                ("x-datadog-trace-id", "11803532876627986230"),
            ),
            (
                (
                    "x-cloud-trace-context",
                    "105445aa7843bc8bf206b12000100000/1;o=1",
                ),
                (
                    "x-cloud-trace-context",
                    "105445aa7843bc8bf206b12000100000/7",
                ),
            ),
            (
                ("sw8", "1-VFJBQ0U=-U0VH-3-a-b-c-d"),
                ("sw8", "1-VFJBQ0U=-T1RIRVI=-4-e-f-g-h"),
            ),
            (
                ("eagleeye-traceid", "ea1bff8d15343423"),
                ("eagleeye-traceid", "ea1bff8d15343423"),
            ),
            (
                ("x-request-id", "c6f2ae4b-2b4c-9d0e-8b1a-3f2a1b0c9d8e"),
                ("x-request-id", "c6f2ae4b-2b4c-4d0e-8b1a-3f2a1b0c9d8e"),
            ),
        ];
        for (number, (request, call)) in pairs.iter().enumerate() {
            let tag = format!("tag-{number}");
            send(&mut inbound, &[*request, ("x-mse-tag", &tag)]).await?;
            let found = send(&mut outbound, &[*call]).await?;
            let found = found
                .header("x-mse-tag")
                .context(format!("{request:?}, {call:?}"))?;
            ensure!(found == tag, "{call:?}: {found}");
        }
        // A call with nothing that is known goes as it is.
        let unknown = send(&mut outbound, &[("x-request-id", "another")]).await?;
        ensure!(unknown.header("x-mse-tag").is_none());
        // A call's own tag is never touched.
        let own = send(
            &mut outbound,
            &[("traceparent", &parent), ("x-mse-tag", "own")],
        )
        .await?;
        ensure!(own.header("x-mse-tag").as_deref() == Some("own"));
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_tell_the_tag_and_logs_the_decision() -> Result<()> {
    on_every_version(async |scene| {
        let sidecar = Sidecar::start(scene, &document(1_024), 1).await?;
        let mut inbound = sidecar.connect("inbound").await?;
        let request = Request::get("/").header("x-mse-tag", "gray");
        let answer = inbound.send(&request).await?;
        ensure!(answer.header("x-lane") == Some("gray"), "{answer:?}");
        let answer = inbound.send(&Request::get("/")).await?;
        ensure!(answer.header("x-lane").is_none(), "{answer:?}");
        Ok(())
    })
    .await
}
