//! The bridge between Dubbo peers that are made of bytes: consumer Envoy, provider Envoy, and what may go wrong.

#![allow(clippy::indexing_slicing, reason = "a test may state what it expects")]

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use meshlane_e2e::dubbo::frame::Frame;
use meshlane_e2e::{
    client::{Client, Request},
    dubbo::mesh::{Cluster, Mesh, Plan, Port},
    poll,
    scene::{Scene, on_every_version},
    wire::{
        HEARTBEAT_ANSWER, INTERFACE, OK, ONE_WAY, WireClient, WireProvider, body, call, call_with,
        heartbeat, hello,
    },
};
use serde_json::json;

/// A provider behind both Envoys.
async fn mesh(scene: &Scene, port: Port) -> Result<(Mesh, WireProvider)> {
    let provider = WireProvider::start().await?;
    let plan = Plan::new()
        .port(port.to("v1"))
        .cluster(Cluster::new("v1", &[provider.address()]));
    Ok((plan.start(scene).await?, provider))
}

async fn client(mesh: &Mesh) -> Result<WireClient> {
    WireClient::connect(mesh.address("dubbo")?).await
}

#[tokio::test]
async fn calls_are_answered_one_by_one_and_pipelined() -> Result<()> {
    on_every_version(async |scene| {
        let (mesh, _provider) = mesh(scene, Port::dubbo()).await?;
        let mut client = client(&mesh).await?;
        client.send(&[call(7, "hello", "bob")]).await?;
        assert_eq!(client.expect_answer(7).await?, hello("bob"));
        client
            .send(&[
                call(u64::MAX, "late", "200"),
                call(2, "hello", "b"),
                call(3, "big", "100000"),
                call(4, "hello", "d"),
            ])
            .await?;
        let mut answers = Vec::new();
        for _ in 0..4 {
            answers.push(client.receive().await?.id());
        }
        assert_eq!(answers[3], u64::MAX, "the late one keeps no other waiting");
        answers.sort_unstable();
        assert_eq!(answers, [2, 3, 4, u64::MAX]);
        let calls = mesh.log.expect("/hello", 3).await?;
        assert_eq!(calls[0].path.as_deref(), Some("/org.demo.Greeter/hello"));
        assert_eq!(calls[0].status, Some(200));
        assert_eq!(calls[0].dubbo_status.as_deref(), Some("20"));
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test]
async fn frames_may_come_in_any_pieces() -> Result<()> {
    on_every_version(async |scene| {
        let (mesh, _provider) = mesh(scene, Port::dubbo()).await?;
        let frames = [
            call(1, "hello", "bob"),
            heartbeat(2),
            call(3, "hello", "eve"),
        ];
        let bytes: Vec<u8> = frames.iter().flat_map(|f| f.bytes().to_vec()).collect();
        for split in 1..bytes.len() {
            let mut client = client(&mesh).await?;
            client.send_bytes(&bytes[..split]).await?;
            tokio::time::sleep(Duration::from_millis(2)).await;
            client.send_bytes(&bytes[split..]).await?;
            let mut ids = Vec::new();
            for _ in 0..3 {
                ids.push(client.receive().await?.id());
            }
            ids.sort_unstable();
            assert_eq!(ids, [1, 2, 3], "split at {split}");
        }
        let mut client = client(&mesh).await?;
        for byte in &bytes {
            client.send_bytes(&[*byte]).await?;
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        for _ in 0..3 {
            client.receive().await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn one_way_calls_arrive_and_are_not_answered() -> Result<()> {
    on_every_version(async |scene| {
        let (mesh, provider) = mesh(scene, Port::dubbo()).await?;
        let mut client = client(&mesh).await?;
        let one_way = |id| Frame::new(ONE_WAY, 0, id, &body(INTERFACE, "hello", "x", &[]));
        client
            .send(&[one_way(1), one_way(2), call(3, "hello", "bob")])
            .await?;
        assert_eq!(client.expect_answer(3).await?, hello("bob"));
        client.expect_silence(Duration::from_millis(300)).await?;
        assert_eq!(provider.calls()?.len(), 3);
        let calls = mesh.log.expect("/hello", 3).await?;
        ensure!(
            calls.iter().all(|call| call.status == Some(200)),
            "{calls:#?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn heartbeats_are_answered_before_any_call_and_between() -> Result<()> {
    on_every_version(async |scene| {
        let (mesh, provider) = mesh(scene, Port::dubbo()).await?;
        let mut client = client(&mesh).await?;
        for id in 1..4 {
            client.send(&[heartbeat(id)]).await?;
            let answer = client.receive().await?;
            assert_eq!((answer.id(), answer.flags()), (id, HEARTBEAT_ANSWER));
            client.send(&[call(id + 100, "hello", "bob")]).await?;
            client.expect_answer(id + 100).await?;
        }
        assert_eq!(provider.calls()?.len(), 3);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn other_protocols_pass_untouched() -> Result<()> {
    on_every_version(async |scene| {
        let port = Port::dubbo().route(json!({
            "match": {"prefix": "/plain"}, "direct_response": {"status": 200, "body": {"inline_string": "plain"}},
        }));
        let (mesh, provider) = mesh(scene, port).await?;
        let address = mesh.address("dubbo")?;
        for client in [Client::http1(address), Client::http2(address)] {
            let answer = client.send(&Request::get("/plain")).await?;
            assert_eq!((answer.status, &*answer.body), (200, b"plain".as_slice()));
        }
        // The connection manager, not the bridge, says what it thinks of these.
        let mut client = WireClient::connect(address).await?;
        client.send_bytes(b"\xda\x00 what is this?\r\n\r\n").await?;
        let answer = client.expect_end().await?;
        ensure!(answer.starts_with(b"HTTP/1.1 400"), "{answer:?}");

        // A Dubbo client that the mesh knows nothing of, on the provider's own port.
        let mut client = WireClient::connect(mesh.inbound_address("v1", 0)?).await?;
        client.send(&[heartbeat(1), call(2, "hello", "bob")]).await?;
        assert_eq!(client.receive().await?.id(), 1);
        assert_eq!(client.expect_answer(2).await?, hello("bob"));
        assert_eq!(provider.calls()?.len(), 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn statuses_and_exceptions_are_seen_by_envoy_and_counted() -> Result<()> {
    on_every_version(async |scene| {
        let (mesh, _provider) = mesh(scene, Port::dubbo()).await?;
        let mut client = client(&mesh).await?;
        for (id, status, http) in [(1, 31, 504), (2, 40, 400), (3, 60, 404), (4, 70, 500), (5, 100, 503)] {
            client.send(&[call(id, "status", &status.to_string())]).await?;
            let (found, message) = client.expect_error(id).await?;
            assert_eq!((i32::from(found), &*message), (status, "as you wish"));
            let calls = mesh.log.expect("/status", id as usize).await?;
            assert_eq!(calls[id as usize - 1].status, Some(http));
        }
        client.send(&[call(6, "fail", "org.demo.Broken")]).await?;
        assert_eq!(client.receive().await?.status(), OK);
        let calls = mesh.log.expect("/fail", 1).await?;
        assert_eq!(calls[0].status, Some(200));
        assert_eq!(calls[0].exception.as_deref(), Some("org.demo.Broken"));

        for (envoy, plugin) in [(&mesh.outbound, "dubbo"), (&mesh.inbound, "provider")] {
            let name = |metric: &str, more: &str| {
                format!("wasmcustom.meshlane_dubbo_{metric}.plugin={plugin}.interface=org_demo_Greeter.method={more}")
            };
            let admin = envoy.admin();
            admin.expect_stat(&name("calls", "status.status=31"), 1).await?;
            admin.expect_stat(&name("calls", "fail.status=20"), 1).await?;
            admin.expect_stat(&name("exceptions", "fail"), 1).await?;
            let stats = admin.stats().await?;
            let bytes = stats.value(&name("response_bytes", "fail")).context("bytes")?;
            ensure!((16..200).contains(&bytes), "{bytes}");
            let open = format!("wasmcustom.meshlane_dubbo_connections_open.plugin={plugin}");
            admin.expect_stat(&open, 1).await?;
            // Envoy merges what its workers measured every few seconds.
            poll::until("latencies", async || {
                let counts = "meshlane_dubbo_call_milliseconds_count";
                let lines = admin.prometheus(counts).await?;
                let is_it = |line: &String| line.contains("\"fail\"") && line.ends_with(" 1");
                ensure!(lines.iter().any(is_it), "{lines:?}");
                Ok(())
            })
            .await?;
        }
        drop(client);
        mesh.outbound
            .admin()
            .expect_stat("wasmcustom.meshlane_dubbo_connections_open.plugin=dubbo", 0)
            .await
    })
    .await
}

#[tokio::test]
async fn a_bounded_number_of_methods_has_metrics_of_its_own() -> Result<()> {
    on_every_version(async |scene| {
        let port = Port::dubbo().to_http(json!({"mode": "toHttp", "metrics": {"maxNames": 2}}));
        let (mesh, _provider) = mesh(scene, port).await?;
        let mut client = client(&mesh).await?;
        for (id, method, argument) in [
            (1, "status", "60"), // perhaps there is no such method
            (2, "hello", "x"),
            (3, "late", "1"),
            (4, "big", "1"), // beyond the limit
            (5, "hello", "x"),
        ] {
            client.send(&[call(id, method, argument)]).await?;
            client.receive().await?;
        }
        let admin = mesh.outbound.admin();
        for (interface, method, status, count) in [
            ("org_demo_Greeter", "hello", 20, 2),
            ("org_demo_Greeter", "late", 20, 1),
            ("other", "other", 20, 1),
            ("other", "other", 60, 1),
        ] {
            let name = format!(
                "wasmcustom.meshlane_dubbo_calls.plugin=dubbo.interface={interface}.method={method}.status={status}"
            );
            admin.expect_stat(&name, count).await?;
        }
        let stats = admin.stats().await?;
        let names = stats.starting("wasmcustom.meshlane_dubbo_calls.");
        assert_eq!(names.iter().count(), 4, "{names:#?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_envoy_answers_itself_becomes_a_dubbo_error() -> Result<()> {
    on_every_version(async |scene| {
        let answer = |method: &str, status: u16| {
            json!({
                "match": {"path": format!("/org.demo.Greeter/{method}")},
                "direct_response": {"status": status, "body": {"inline_string": format!("because of {method}")}},
            })
        };
        let port = Port::dubbo()
            .route(answer("forbidden", 403))
            .route(answer("limited", 429))
            .route(answer("down", 503))
            .route(json!({
                "match": {"path": "/org.demo.Greeter/silent"},
                "route": {"cluster": "v1", "timeout": "0.2s"},
            }))
            .route(json!({
                "match": {"prefix": "/", "headers": [{"name": "x-lane", "string_match": {"exact": "gray"}}]},
                "direct_response": {"status": 418, "body": {"inline_string": "gray"}},
            }))
            .to_http(json!({"mode": "toHttp", "carriers": {"names": ["x-lane"]}}));
        let (mesh, _provider) = mesh(scene, port).await?;
        let mut client = client(&mesh).await?;
        for (id, method, status, words) in [
            (1, "forbidden", 70, "403"),
            (2, "limited", 100, "429"),
            (3, "down", 100, "503"),
            (4, "silent", 31, "504"),
        ] {
            client.send(&[call(id, method, "x")]).await?;
            let (found, message) = client.expect_error(id).await?;
            ensure!(message.contains(words), "{method}: {found} {message}");
            println!("{method}: {found} {message} (expected {status})");
        }
        client.send(&[call_with(5, "hello", "x", &[("x-lane", "gray")])]).await?;
        let (_, message) = client.expect_error(5).await?;
        ensure!(message.contains("418"), "{message}");
        client.send(&[call(6, "hello", "x")]).await?;
        client.expect_answer(6).await?;
        Ok(())
    })
    .await
}
