//! gRPC by a real client and a real server.

#![allow(clippy::unwrap_used, reason = "a test may state what it expects")]

use anyhow::Result;
use meshlane_e2e::{
    bootstrap::{Bootstrap, WasmFilter},
    grpc,
    scene::on_every_version,
    shop::Shop,
};
use meshlane_proto::e2e::v1::{EchoRequest, EchoResponse, EchoStreamRequest};
use serde_json::json;
use tonic::{Code, Request};

fn call(user: &'static str) -> Request<EchoRequest> {
    let mut request = Request::new(EchoRequest {
        message: "hello".to_owned(),
    });
    request
        .metadata_mut()
        .insert("x-user", user.parse().unwrap());
    request
}

fn tag(response: &EchoResponse) -> Option<String> {
    let mut entries = response.metadata.iter();
    let entry = entries.find(|entry| entry.key == "x-mse-tag")?;
    Some(String::from_utf8_lossy(&entry.value).into_owned())
}

#[tokio::test]
async fn calls_are_tagged_and_routed_by_service_method_and_metadata() -> Result<()> {
    on_every_version(async |scene| {
        let service = json!({"attribute": "grpc.service", "exact": "meshlane.e2e.v1.EchoService"});
        let document = json!({"tags": [{"name": "x-mse-tag", "rules": [
            {"name": "alice", "value": "gray", "when": {"all": [
                service,
                {"attribute": "grpc.method", "exact": "Echo"},
                {"attribute": "header.x-user", "exact": "alice"},
            ]}},
            {"name": "streams", "when": {"attribute": "grpc.method", "exact": "EchoStream"}, "value": "gray"},
        ]}]});
        let shop = Shop::gateway(scene, &document).await?;
        let mut client = grpc::connect(shop.address()?).await?;

        let alice = client.echo(call("alice")).await?.into_inner();
        assert_eq!((alice.upstream.as_str(), tag(&alice).as_deref()), ("gray", Some("gray")));
        let bob = client.echo(call("bob")).await?.into_inner();
        assert_eq!((bob.upstream.as_str(), tag(&bob)), ("v1", None));
        let mut spoofed = call("bob");
        spoofed.metadata_mut().insert("x-mse-tag", "gray".parse()?);
        let spoofed = client.echo(spoofed).await?.into_inner();
        assert_eq!((spoofed.upstream.as_str(), tag(&spoofed)), ("v1", None));

        let request = EchoStreamRequest { message: "hello".to_owned(), responses: 3 };
        let mut stream = client.echo_stream(request).await?.into_inner();
        let mut upstreams = Vec::new();
        while let Some(answer) = stream.message().await? {
            upstreams.extend(answer.echo.map(|echo| echo.upstream));
        }
        assert_eq!(upstreams, ["gray", "gray", "gray"]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_refusal_is_unavailable() -> Result<()> {
    on_every_version(async |scene| {
        let broken = WasmFilter::new("traffic-tag", r#"{"onInvalidConfig": "refuse", "tags": 1}"#)?;
        let shop = Shop::open(scene, Bootstrap::gateway(), |listener| {
            listener.filter(&broken)
        })
        .await?;
        let mut client = grpc::connect(shop.address()?).await?;
        for _ in 0..2 {
            let status = client.echo(call("alice")).await.unwrap_err();
            assert_eq!(status.code(), Code::Unavailable, "{status:?}");
            assert!(status.message().contains("config-refuse"), "{status:?}");
            let reason = status.metadata().get("x-meshlane-reason");
            assert_eq!(
                reason.map(|value| value.as_bytes()),
                Some(b"config-refuse".as_slice()),
                "{status:?}"
            );
        }
        shop.envoy.expect_alive().await
    })
    .await
}
