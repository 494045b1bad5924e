//! Bytes that mean harm: each has an outcome and a counter, and nobody else notices.

#![allow(clippy::indexing_slicing, reason = "a test may state what it expects")]

use anyhow::{Result, ensure};
use meshlane_e2e::{
    client::{Client, Request},
    dubbo::{
        frame::Frame,
        mesh::{Cluster, Mesh, Plan, Port},
    },
    scene::{Scene, on_every_version},
    wire::{INTERFACE, OK, REQUEST, RESPONSE, WireClient, WireProvider, call, hello, text},
};
use serde_json::json;

struct Stage {
    mesh: Mesh,
    provider: WireProvider,
    /// Sees whether anything disturbs it.
    bystander: WireClient,
}

impl Stage {
    async fn start(scene: &Scene) -> Result<Self> {
        Self::with(scene, Port::dubbo()).await
    }

    async fn with(scene: &Scene, port: Port) -> Result<Self> {
        let provider = WireProvider::start().await?;
        let plan = Plan::new()
            .port(port.to("v1"))
            .cluster(Cluster::new("v1", &[provider.address()]));
        let mesh = plan.start(scene).await?;
        let bystander = WireClient::connect(mesh.address("dubbo")?).await?;
        Ok(Self {
            mesh,
            provider,
            bystander,
        })
    }

    async fn consumer(&self) -> Result<WireClient> {
        WireClient::connect(self.mesh.address("dubbo")?).await
    }

    /// A connection to where the provider's Envoy takes HTTP/2.
    async fn peer(&self) -> Result<WireClient> {
        WireClient::connect(self.mesh.inbound_address("v1", 0)?).await
    }

    /// Fails unless both Envoys and both VMs live and a connection that did nothing works on.
    async fn expect_well(&mut self, what: &str) -> Result<()> {
        self.bystander.send(&[call(9, "hello", what)]).await?;
        let answer = self.bystander.expect_answer(9).await?;
        ensure!(answer == hello(what), "{what}: {answer}");
        self.mesh.expect_alive().await?;
        for envoy in [&self.mesh.outbound, &self.mesh.inbound] {
            let log = envoy.log()?;
            for word in ["panicked", "Uncaught", "Function:"] {
                ensure!(!log.contains(word), "{what}: {log}");
            }
        }
        Ok(())
    }

    /// Fails unless a counter of both Envoys together has come to this.
    async fn expect_counted(&self, metric: &str, reason: &str, at_least: u64) -> Result<()> {
        let name = format!("meshlane_dubbo_{metric}.");
        meshlane_e2e::poll::until("the counter", async || {
            let counters = self.mesh.counters(&name).await?;
            let ours = counters.iter().filter(|(name, _)| name.ends_with(reason));
            let sum: u64 = ours.map(|(_, value)| value).sum();
            ensure!(sum >= at_least, "{reason}: {sum}; {counters:#?}");
            Ok(())
        })
        .await
    }
}

/// A frame whose header says this length.
fn with_length(frame: &Frame, length: u32) -> Vec<u8> {
    let mut bytes = frame.bytes().to_vec();
    bytes[12..16].copy_from_slice(&length.to_be_bytes());
    bytes
}

/// A call with an argument that is made of these bytes.
fn with_argument(argument: &[u8]) -> Frame {
    let mut body = Vec::new();
    for head in ["2.0.2", INTERFACE, "0.0.0", "silent", "Ljava/lang/Object;"] {
        text(&mut body, head);
    }
    body.extend(argument);
    body.extend(b"HZ");
    Frame::new(REQUEST, 0, 1, &body)
}

#[tokio::test]
async fn frames_that_are_cut_off_harm_nobody() -> Result<()> {
    on_every_version(async |scene| {
        let mut stage = Stage::start(scene).await?;
        let whole = call(1, "hello", "x");
        for end in 1..whole.bytes().len() {
            let mut client = stage.consumer().await?;
            client.send_bytes(&whole.bytes()[..end]).await?;
        }
        stage.expect_well("cut off").await?;
        ensure!(stage.provider.calls()?.len() == 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn bytes_that_are_no_frames_close_the_connection() -> Result<()> {
    on_every_version(async |scene| {
        let mut stage = Stage::start(scene).await?;
        for (broken, what) in [
            (with_length(&call(1, "hello", "x"), u32::MAX), "negative"),
            (
                with_length(&call(1, "hello", "x"), 1 << 31),
                "most negative",
            ),
            (
                [call(1, "hello", "x").bytes(), b"GET / HTTP/1.1\r\n\r\n"].concat(),
                "HTTP after it",
            ),
        ] {
            let mut client = stage.consumer().await?;
            client.send_bytes(&broken).await?;
            client.expect_end().await?;
            stage.expect_well(what).await?;
        }
        stage
            .expect_counted("refused", "bridge-broken-frame", 3)
            .await?;
        stage
            .expect_counted("connections_closed", "bridge-broken-frame", 3)
            .await
    })
    .await
}

#[tokio::test]
async fn calls_on_their_way_are_answered_before_a_broken_connection_is_closed() -> Result<()> {
    on_every_version(async |scene| {
        for (document, answers) in [
            (json!({"mode": "toHttp"}), 2),
            (json!({"mode": "toHttp", "onBrokenFrame": "close"}), 0),
        ] {
            let mut stage = Stage::with(scene, Port::dubbo().to_http(document)).await?;
            let mut client = stage.consumer().await?;
            client
                .send(&[call(1, "silent", "x"), call(2, "silent", "x")])
                .await?;
            stage.expect_well("before").await?;
            client.send_bytes(b"these are no frames at all").await?;
            let mut ids = Vec::new();
            while let Ok(Some(frame)) = client.receive_any().await {
                if !frame.is_event() {
                    ensure!(frame.status() != OK, "{frame:?}");
                    ids.push(frame.id());
                }
            }
            ids.sort_unstable();
            ensure!(ids == [1, 2][..answers], "{ids:?}");
            stage.expect_well("after").await?;
            stage
                .expect_counted("connections_closed", "bridge-broken-frame", 1)
                .await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn frames_that_are_too_long_are_refused_and_skipped() -> Result<()> {
    on_every_version(async |scene| {
        let mut stage = Stage::start(scene).await?;
        let mut client = stage.consumer().await?;
        client
            .send_bytes(&with_length(&call(1, "hello", "x"), i32::MAX as u32))
            .await?;
        let (_, message) = client.expect_error(1).await?;
        ensure!(message.contains("bridge-frame-too-large"), "{message}");
        stage.expect_well("2 GiB").await?;

        // The next frame is found behind one that really is too long.
        let mut client = stage.consumer().await?;
        let long = vec![0; 18 * 1024 * 1024];
        client
            .send(&[Frame::new(REQUEST, 0, 2, &long), call(3, "hello", "x")])
            .await?;
        client.expect_error(2).await?;
        ensure!(client.expect_answer(3).await? == hello("x"));
        stage.expect_well("18 MiB").await?;
        stage
            .expect_counted("refused", "bridge-frame-too-large", 2)
            .await
    })
    .await
}

#[tokio::test]
async fn bodies_that_lie_pass_without_a_name_or_are_refused() -> Result<()> {
    on_every_version(async |scene| {
        let mut stage = Stage::start(scene).await?;
        let nested: Vec<u8> = [vec![0x57; 100_000], vec![b'Z'; 100_000]].concat();
        let hostile: [(&str, Vec<u8>); 12] = [
            ("empty", Vec::new()),
            ("one byte", vec![0x05]),
            ("no text", vec![0xff; 64]),
            ("text of 1 GiB", b"\x5a\x7f\xff\xff\xff".to_vec()),
            ("text without end", vec![b'R'; 64]),
            ("nested", with_argument(&nested).body().to_vec()),
            (
                "list of 2^31",
                with_argument(b"V\x05[objIJ\x7f\xff\xff\xff")
                    .body()
                    .to_vec(),
            ),
            (
                "reference to nothing",
                with_argument(b"Q\x95").body().to_vec(),
            ),
            (
                "class of 2^31 fields",
                with_argument(b"C\x01AI\x7f\xff\xff\xff").body().to_vec(),
            ),
            (
                "class of -1 fields",
                with_argument(b"C\x01A\x8f").body().to_vec(),
            ),
            (
                "object of no class",
                with_argument(b"O\x95").body().to_vec(),
            ),
            (
                "half a surrogate",
                with_argument(b"\x01\xed\xa0\x80").body().to_vec(),
            ),
        ];
        for (what, body) in &hostile {
            let mut client = stage.consumer().await?;
            // The other calls of the connection do not mind.
            let lie = Frame::new(REQUEST, 0, 1, body);
            client
                .send(&[call(2, "hello", "a"), lie, call(3, "hello", "b")])
                .await?;
            let mut good = 0;
            while good < 2 {
                let answer = client.receive().await?;
                match answer.id() {
                    1 => ensure!(answer.status() != 20, "{what}: {answer:?}"),
                    _ => good += 1,
                }
            }
            stage.expect_well(what).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn frames_that_no_client_sends_are_dropped() -> Result<()> {
    on_every_version(async |scene| {
        let mut stage = Stage::start(scene).await?;
        let mut client = stage.consumer().await?;
        client
            .send(&[
                Frame::new(RESPONSE, 20, 1, b"\x94\x01aHZ"),
                Frame::new(0x22, 20, 77, b"N"),
                Frame::new(0xa2, 0, 1, b"\x01R"),
                call(4, "hello", "x"),
            ])
            .await?;
        ensure!(client.expect_answer(4).await? == hello("x"));
        stage.expect_well("response").await?;
        stage
            .expect_counted("refused", "bridge-unexpected-frame", 1)
            .await
    })
    .await
}

#[tokio::test]
async fn a_peer_that_lies_about_a_call_reaches_nobody() -> Result<()> {
    on_every_version(async |scene| {
        let mut stage = Stage::start(scene).await?;
        let address = stage.mesh.inbound_address("v1", 0)?;
        let frame = call(1, "hello", "x");
        let post = |path: &str, content: &str| {
            let request = Request::post(path, frame.bytes().to_vec());
            request.header("content-type", content)
        };
        let honest = post("/org.demo.Greeter/hello", "application/dubbo2");
        let client = Client::http2(address);
        ensure!(client.send(&honest).await?.status == 200);
        let reached = stage.provider.calls()?.len();
        for (request, status) in [
            (post("/org.demo.Greeter/other", "application/dubbo2"), 400),
            (post("/org.demo.Other/hello", "application/dubbo2"), 400),
            (post("/_/_", "application/dubbo2"), 400),
            (
                post("/org.demo.Greeter/hello", "application/dubbo2").header("dubbo-group", "g"),
                400,
            ),
            (
                post("/org.demo.Greeter/hello", "application/dubbo2").header("dubbo-version", "1"),
                400,
            ),
            (post("/org.demo.Greeter/hello", "application/grpc"), 415),
            (
                post("/org.demo.Greeter/hello", "application/dubbo2; x=y"),
                415,
            ),
            (Request::get("/org.demo.Greeter/hello"), 415),
        ] {
            let answer = client.send(&request).await?;
            ensure!(answer.status == status, "{request:?}: {}", answer.status);
        }
        ensure!(
            stage.provider.calls()?.len() == reached,
            "nothing reached the provider"
        );
        stage.expect_well("lies").await?;
        stage
            .expect_counted("refused", "bridge-call-differs", 5)
            .await?;
        stage.expect_counted("refused", "bridge-not-dubbo", 3).await
    })
    .await
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// An HTTP/2 frame.
fn http2(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .unwrap_or_default()
        .to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

#[tokio::test]
async fn attacks_on_http2_close_the_connection() -> Result<()> {
    on_every_version(async |scene| {
        let mut stage = Stage::start(scene).await?;
        let headers = |stream| http2(1, 4, stream, b"\x83\x86\x44\x01/\x41\x01a");
        let resets = (0..20_000_u32).flat_map(|n| {
            let stream = 2 * n + 1;
            [headers(stream), http2(3, 0, stream, &8_u32.to_be_bytes())].concat()
        });
        let attacks: [(&str, Vec<u8>); 8] = [
            ("rapid reset", resets.collect()),
            ("PING flood", http2(6, 0, 0, &[0; 8]).repeat(100_000)),
            ("SETTINGS flood", http2(4, 0, 0, &[]).repeat(100_000)),
            (
                "empty DATA",
                [headers(1), http2(0, 0, 1, &[]).repeat(100_000)].concat(),
            ),
            (
                "CONTINUATION flood",
                [
                    http2(1, 0, 1, &[]),
                    http2(9, 0, 1, &[0x82; 16_000]).repeat(200),
                ]
                .concat(),
            ),
            ("frame of 16 MiB", vec![0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]),
            ("HPACK lies", http2(1, 4, 1, &[0xff; 64])),
            ("even stream", headers(2)),
        ];
        for (what, bytes) in attacks {
            let mut peer = stage.peer().await?;
            peer.send_bytes(&[PREFACE, &http2(4, 0, 0, &[])].concat())
                .await?;
            // The connection may be closed while the attack goes on.
            let _ = peer.send_bytes(&bytes).await;
            peer.expect_end()
                .await
                .map_err(|error| error.context(what))?;
            stage.expect_well(what).await?;
        }
        stage
            .expect_counted("connections_closed", "bridge-http2-error", 8)
            .await?;
        Ok(())
    })
    .await
}
