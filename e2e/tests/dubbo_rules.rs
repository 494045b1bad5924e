//! Rules about Dubbo2 calls behind the bridge: what they see, what they write back, and whom they believe.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    bootstrap::WasmFilter,
    client::{Client, Request},
    dubbo::{
        frame::Frame,
        mesh::{Mesh, Plan, Port},
    },
    scene::{Scene, on_every_version},
    wire::{INTERFACE, REQUEST, WireClient, WireProvider, call, call_with, hello, text},
};
use serde_json::{Value, json};

/// Two kinds of providers behind both Envoys; rules tag calls, and those with the tag go to the gray one.
struct Shop {
    mesh: Mesh,
    v1: WireProvider,
    gray: WireProvider,
}

impl Shop {
    async fn start(scene: &Scene, port: Port, document: &Value) -> Result<Self> {
        let (v1, gray) = (WireProvider::start().await?, WireProvider::start().await?);
        let port = port
            .filter(&WasmFilter::traffic_tag(document)?)
            .route_by_header("dubbo.tag", "gray", "gray");
        let plan = Plan::shop(&[v1.address()], &[gray.address()], port);
        Ok(Self {
            mesh: plan.start(scene).await?,
            v1,
            gray,
        })
    }

    async fn client(&self) -> Result<WireClient> {
        WireClient::connect(self.mesh.address("dubbo")?).await
    }

    /// What arrived, each with its argument and the tag among its attachments.
    fn arrived(provider: &WireProvider) -> Result<BTreeMap<String, Option<String>>> {
        let calls = provider.calls()?;
        calls.iter().map(argument_and_tag).collect()
    }
}

#[tokio::test]
async fn calls_of_one_connection_go_where_arguments_and_attachments_say() -> Result<()> {
    on_every_version(async |scene| {
        let document = json!({"tags": [{"name": "dubbo.tag", "onIncoming": "keep", "rules": [
            {"name": "text", "when": {"attribute": "dubbo.arg.0", "prefix": "vip"}, "value": "gray"},
            {"name": "nested", "when": {"attribute": "dubbo.arg.1.user.level", "range": {"min": 5}}, "value": "gray"},
            {"name": "attachment", "when": {"attribute": "dubbo.attachment.userId", "in": [7, 8]}, "value": "gray"},
            {"name": "unicode", "when": {"attribute": "dubbo.attachment.userId", "exact": "灰"}, "value": "gray"},
            {"name": "service", "when": {"all": [
                {"attribute": "dubbo.interface", "exact": INTERFACE},
                {"attribute": "dubbo.method", "exact": "big"},
                {"attribute": "dubbo.paramTypes", "exact": "Ljava/lang/String;"},
                {"attribute": "dubbo.group", "exact": "blue"},
            ]}, "value": "gray"},
        ]}]});
        let port = Port::dubbo().expose(&["0", "1.user.level"], &["userId"]);
        let shop = Shop::start(scene, port, &document).await?;
        let mut client = shop.client().await?;
        let calls = [
            call(1, "hello", "bob"),
            call(2, "hello", "vip-eve"),
            call_with_level(3, "level-4", 4),
            call_with_level(4, "level-5", 5),
            call_with(5, "hello", "user-7", &[("userId", "7")]),
            call_with(6, "hello", "user-9", &[("userId", "9")]),
            call_with(7, "hello", "user-7-of-another-name", &[("userid", "7")]),
            call_with(8, "hello", "native", &[("dubbo.tag", "gray")]),
            call_with(9, "big", "3", &[("group", "blue")]),
            call_with(10, "big", "4", &[("group", "green")]),
            call_with(11, "hello", "odd", &[("userId", "a\r\nb")]),
        ];
        client.send(&calls).await?;
        for _ in &calls {
            client.receive().await?;
        }
        let gray = Shop::arrived(&shop.gray)?;
        let tag = || Some("gray".to_owned());
        let expected = ["vip-eve", "level-5", "user-7", "native", "3"];
        let expected = expected.map(|argument| (argument.to_owned(), tag()));
        assert_eq!(gray, BTreeMap::from(expected));
        let v1 = Shop::arrived(&shop.v1)?;
        assert_eq!(v1.len(), calls.len() - gray.len());
        ensure!(v1.values().all(Option::is_none), "{v1:?}");
        shop.mesh.expect_alive().await
    })
    .await
}

#[tokio::test]
async fn what_is_stripped_does_not_arrive() -> Result<()> {
    on_every_version(async |scene| {
        let document = json!({"tags": [{"name": "dubbo.tag", "onIncoming": "strip", "rules": [
            {"when": {"attribute": "dubbo.attachment.dubbo.tag", "exact": "please"}, "value": "gray"},
        ]}]});
        let shop = Shop::start(scene, Port::dubbo(), &document).await?;
        let mut client = shop.client().await?;
        client
            .send(&[
                call_with(1, "hello", "mine", &[("dubbo.tag", "gray"), ("other", "x")]),
                call_with(2, "hello", "asked", &[("dubbo.tag", "please")]),
            ])
            .await?;
        for _ in 0..2 {
            client.receive().await?;
        }
        let v1 = Shop::arrived(&shop.v1)?;
        assert_eq!(v1, BTreeMap::from([("mine".to_owned(), None)]));
        let gray = Shop::arrived(&shop.gray)?;
        assert_eq!(
            gray,
            BTreeMap::from([("asked".to_owned(), Some("gray".to_owned()))])
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn only_the_bridge_is_believed() -> Result<()> {
    on_every_version(async |scene| {
        let document = json!({"tags": [{"name": "dubbo.tag", "onIncoming": "strip", "rules": [
            {"when": {"attribute": "dubbo.arg.0", "exact": "vip"}, "value": "gray"},
        ]}]});
        let answer = |header: &str, status: u16| {
            json!({
                "match": {"prefix": "/", "headers": [{"name": header, "present_match": true}]},
                "direct_response": {"status": status},
            })
        };
        let port = Port::dubbo()
            .expose(&["0"], &[])
            .route(answer("dubbo.tag", 418))
            .route(answer("dubbo-arg-0", 409))
            .route(json!({
                "match": {"path": "/org.demo.Greeter/forged"},
                "direct_response": {"status": 200},
            }));
        let shop = Shop::start(scene, port, &document).await?;
        let address = shop.mesh.address("dubbo")?;
        let mut forged = Request::get("/org.demo.Greeter/forged")
            .header("content-type", "application/dubbo2")
            .header("dubbo-arg-0", "vip")
            .header("dubbo-carriers", "dubbo.tag");
        "POST".clone_into(&mut forged.method);
        for client in [Client::http1(address), Client::http2(address)] {
            let answer = client.send(&forged).await?;
            assert_eq!(answer.status, 200, "the words of an HTTP client");
        }
        // The same words, from the bridge.
        let mut client = shop.client().await?;
        for (argument, status) in [("vip", "418"), ("bob", "409")] {
            client.send(&[call(1, "forged", argument)]).await?;
            let (_, message) = client.expect_error(1).await?;
            ensure!(message.contains(status), "{argument}: {message}");
        }
        // And of the client once more, now that there are marked connections.
        let answer = Client::http2(address).send(&forged).await?;
        assert_eq!(answer.status, 200);
        let removed = "wasmcustom.meshlane_reserved_headers_removed.filter=traffic-tag.plugin=edge";
        shop.mesh.outbound.admin().expect_stat(removed, 6).await
    })
    .await
}

/// A filter on the provider's side has HTTP/2 in front of it, not the bridge: what a request says of its call is believed
/// where the document says so, and the bridge behind holds it against the frame.
#[tokio::test]
async fn a_filter_between_the_bridges_may_believe_its_peer() -> Result<()> {
    on_every_version(async |scene| {
        for (believed, tag) in [("peer", Some("gray")), ("bridge", None)] {
            let document = json!({"dubboHeaders": believed, "tags": [{"name": "dubbo.tag", "rules": [
                {"when": {"attribute": "dubbo.arg.0", "exact": "vip"}, "value": "gray"},
            ]}]});
            let provider = WireProvider::start().await?;
            let filter = WasmFilter::traffic_tag(&document)?;
            let plan = Plan::shop(&[provider.address()], &[], Port::dubbo().expose(&["0"], &[]));
            let mesh = plan
                .between(Port::new("v1").filter(&filter))
                .start(scene)
                .await?;
            let mut client = WireClient::connect(mesh.address("dubbo")?).await?;
            client
                .send(&[call(1, "hello", "vip"), call(2, "hello", "bob")])
                .await?;
            for _ in 0..2 {
                client.receive().await?;
            }
            let expected = [("vip", tag), ("bob", None)];
            let expected = expected.map(|(name, tag)| (name.to_owned(), tag.map(str::to_owned)));
            assert_eq!(Shop::arrived(&provider)?, BTreeMap::from(expected), "{believed}");

            // A peer that lies gets its tag, and no further.
            let between = mesh.between.as_ref().context("no Envoy between")?;
            let frame = call(3, "hello", "eve");
            let lie = Request::post("/org.demo.Greeter/hello", frame.bytes().to_vec())
                .header("content-type", "application/dubbo2")
                .header("dubbo-arg-0", "vip");
            let answer = Client::http2(between.address("v1")?).send(&lie).await?;
            // Without belief the lie is removed, and an honest call is left.
            let (status, reached) = if tag.is_some() { (400, 2) } else { (200, 3) };
            assert_eq!(answer.status, status, "{believed}");
            assert_eq!(provider.calls()?.len(), reached, "{believed}");
            mesh.expect_alive().await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn without_rules_that_ask_a_call_is_untouched() -> Result<()> {
    on_every_version(async |scene| {
        let document = json!({"tags": [{"name": "x-other", "onIncoming": "keep"}]});
        let shop = Shop::start(scene, Port::dubbo(), &document).await?;
        let mut client = shop.client().await?;
        let sent = call_with(
            1,
            "hello",
            "bob",
            &[("userId", "7"), ("traceparent", "00-1-2-01"), ("x", "")],
        );
        client.send(std::slice::from_ref(&sent)).await?;
        assert_eq!(client.expect_answer(1).await?, hello("bob"));
        let calls = shop.v1.calls()?;
        let arrived = calls.first().context("no call arrived")?;
        assert_eq!(arrived.body(), sent.body());
        Ok(())
    })
    .await
}

/// A call with a map as its second argument: `{user: {level}}`.
fn call_with_level(id: u64, argument: &str, level: u8) -> Frame {
    let mut body = Vec::new();
    for head in [
        "2.0.2",
        INTERFACE,
        "0.0.0",
        "hello",
        "Ljava/lang/String;Ljava/util/Map;",
    ] {
        text(&mut body, head);
    }
    text(&mut body, argument);
    body.push(b'H');
    text(&mut body, "user");
    body.push(b'H');
    text(&mut body, "level");
    body.push(0x90 + level);
    body.extend(b"ZZ");
    body.push(b'H');
    text(&mut body, "path");
    text(&mut body, INTERFACE);
    body.push(b'Z');
    Frame::new(REQUEST, 0, id, &body)
}

/// The first argument of a call, and its attachment `dubbo.tag`.
fn argument_and_tag(call: &Frame) -> Result<(String, Option<String>)> {
    let mut body = call.body();
    let mut argument = String::new();
    for _ in 0..6 {
        argument = meshlane_e2e::wire::take_text(&mut body)?;
    }
    let mut key = Vec::new();
    text(&mut key, "dubbo.tag");
    let found = body.windows(key.len()).position(|window| window == key);
    let tag = match found.and_then(|at| body.get(at + key.len()..)) {
        Some(mut rest) => Some(meshlane_e2e::wire::take_text(&mut rest)?),
        None => None,
    };
    Ok((argument, tag))
}
