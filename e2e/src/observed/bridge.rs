//! Dubbo calls through the bridge, whose callers have a tag.

use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{
    bootstrap::WasmFilter,
    client::{Client, Request},
    dubbo::{
        frame::Frame,
        mesh::{Mesh, Plan, Port},
    },
    envoy::Envoy,
    scene::{Scene, workspace},
    wire::{INTERFACE, ONE_WAY, WireClient, WireProvider, body, call, heartbeat},
};

/// The Envoys of both sides.
#[derive(Debug)]
pub(super) struct Bridge {
    mesh: Mesh,
    _provider: WireProvider,
    /// Open all the time.
    client: WireClient,
    /// The same; nobody waits for its answers.
    patient: WireClient,
}

impl Bridge {
    pub(super) async fn start(scene: &Scene) -> Result<Self> {
        let provider = WireProvider::start().await?;
        let tags = json!({"tags": [{"name": "dubbo.tag", "default": "gray"}]});
        let tags = WasmFilter::traffic_tag(&tags)?.of_module("suite")?;
        let port = Port::dubbo().filter(&tags.named("consumer"));
        let mesh = Plan::shop(&[provider.address()], &[], port)
            .start(scene)
            .await?;
        let client = WireClient::connect(mesh.address("dubbo")?).await?;
        let patient = WireClient::connect(mesh.address("dubbo")?).await?;
        Ok(Self {
            mesh,
            _provider: provider,
            client,
            patient,
        })
    }

    pub(super) fn envoys(&self) -> [&Envoy; 2] {
        [&self.mesh.outbound, &self.mesh.inbound]
    }

    pub(super) async fn usual(&mut self) -> Result<()> {
        self.client.send(&[heartbeat(1)]).await?;
        self.client.receive_any().await?;
        for id in 2..5 {
            self.client.send(&[call(id, "hello", "bob")]).await?;
            self.client.expect_answer(id).await?;
        }
        let exception = call(5, "fail", "org.demo.OutOfStock");
        self.client.send(&[exception]).await?;
        self.client.receive().await?;
        let one_way = body(INTERFACE, "hello", "nobody", &[]);
        self.client
            .send(&[Frame::new(ONE_WAY, 0, 6, &one_way)])
            .await
    }

    pub(super) async fn unusual(&mut self) -> Result<()> {
        self.client.send(&[call(1, "status", "70")]).await?;
        self.client.expect_error(1).await?;
        // The provider goes away in the middle of a call.
        self.client.send(&[call(2, "close", "")]).await?;
        self.client.expect_error(2).await?;
        self.client.send(&[in_java_serialization().await?]).await?;
        self.client.receive().await?;
        // A provider that wants no more calls.
        let mut last = WireClient::connect(self.mesh.address("dubbo")?).await?;
        last.send(&[call(1, "readonly", "")]).await?;
        last.receive().await?;
        // Longer than it takes until it is told that a call is on its way.
        self.patient.send(&[call(1, "late", "5000")]).await?;
        // No Dubbo at all, at the provider and in the middle of a connection.
        let provider = Client::http2(self.mesh.inbound_address("v1", 0)?);
        provider.send(&Request::get("/")).await?;
        let mut broken = WireClient::connect(self.mesh.address("dubbo")?).await?;
        broken.send(&[heartbeat(1)]).await?;
        broken.receive_any().await?;
        broken.send_bytes(b"GET / HTTP/1.1\r\n\r\n").await?;
        broken.expect_end().await?;
        Ok(())
    }
}

/// A call of a real consumer, in which no tag can be written.
async fn in_java_serialization() -> Result<Frame> {
    const REQUEST: &str = "dabbc3";
    let vectors = fs::read_to_string(workspace().join("testdata/dubbo/vectors.jsonl"))?;
    for line in vectors.lines() {
        let vector: Value = serde_json::from_str(line)?;
        let frame = vector.get("frame").and_then(Value::as_str);
        if let Some(digits) = frame.filter(|digits| digits.starts_with(REQUEST)) {
            let digits = digits.as_bytes().chunks(2);
            let byte = |pair: &[u8]| Ok(u8::from_str_radix(str::from_utf8(pair)?, 16)?);
            let bytes = digits.map(byte).collect::<Result<Vec<u8>>>()?;
            return Frame::read(&mut bytes.as_slice()).await?.context("a frame");
        }
    }
    bail!("there is none among the vectors")
}
