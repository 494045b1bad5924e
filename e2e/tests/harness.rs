//! The harness itself: what the other scenarios rely on, without any filter.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;
use meshlane_e2e::{
    access_log::{AccessLog, ID_HEADER},
    bootstrap::{Bootstrap, Listener, Tls},
    client::{Client, Protocol, Request},
    envoy::Envoy,
    grpc,
    pki::Authority,
    scene::on_every_version,
    upstream::Upstream,
};
use meshlane_proto::e2e::v1::{EchoRequest, EchoStreamRequest};

#[tokio::test]
async fn clients_and_upstreams_meet_in_envoy() -> Result<()> {
    on_every_version(async |scene| {
        let (v1, gray) = (Upstream::start("v1").await?, Upstream::start("gray").await?);
        let authority = Authority::new()?;
        let log = AccessLog::new(scene)?;
        let listener = Listener::new("edge")
            .tls(&Tls::new(&authority)?)
            .use_remote_address()
            .access_log(log.file())
            .route_by_header("x-mse-tag", "gray", "gray");
        let envoy = Envoy::start(
            scene,
            &Bootstrap::gateway()
                .listener(listener)
                .upstreams(&[&v1, &gray]),
        )
        .await?;
        let address = envoy.address("edge")?;

        for protocol in [Protocol::Http1, Protocol::Http2] {
            let client = Client::new(protocol, address)
                .from_address(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 7)));
            let request = Request::get("/a?b=c")
                .header("x-bytes", b"\xff\x61")
                .header(ID_HEADER, "plain");
            let echo = client.send(&request).await?.echo()?;
            assert_eq!(
                (echo.upstream.as_str(), echo.path.as_str()),
                ("v1", "/a?b=c")
            );
            assert_eq!(echo.authority, "shop.example");
            assert_eq!(echo.values("x-bytes")[0].bytes()?, b"\xff\x61");
            assert_eq!(echo.header("x-forwarded-for").as_deref(), Some("127.0.0.7"));

            let client = client.tls(authority.client("spiffe://cluster.local/ns/a/sa/b")?);
            let request = Request::post("/", "body").header("x-mse-tag", "gray");
            let mut connection = client.connect().await?;
            for _ in 0..2 {
                let echo = connection.send(&request).await?.echo()?;
                assert_eq!(
                    (echo.upstream.as_str(), echo.method.as_str()),
                    ("gray", "POST")
                );
                assert_eq!(echo.header("x-forwarded-proto").as_deref(), Some("https"));
            }
        }
        let entry = log.entry("plain").await?;
        assert_eq!(
            (entry.status, entry.upstream.as_deref()),
            (Some(200), Some("v1"))
        );
        assert_eq!(entry.tags, None);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn grpc_passes() -> Result<()> {
    on_every_version(async |scene| {
        let v1 = Upstream::start("v1").await?;
        let bootstrap = Bootstrap::gateway()
            .listener(Listener::new("edge"))
            .upstreams(&[&v1]);
        let envoy = Envoy::start(scene, &bootstrap).await?;
        let mut client = grpc::connect(envoy.address("edge")?).await?;
        let message = "hello".to_owned();
        let answer = client.echo(EchoRequest { message }).await?.into_inner();
        assert_eq!(
            (answer.message.as_str(), answer.upstream.as_str()),
            ("hello", "v1")
        );

        let request = EchoStreamRequest {
            message: "stream".to_owned(),
            responses: 3,
        };
        let mut stream = client.echo_stream(request).await?.into_inner();
        let mut indices = Vec::new();
        while let Some(answer) = stream.message().await? {
            indices.push(answer.index);
        }
        assert_eq!(indices, [0, 1, 2]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_wrong_bootstrap_is_an_error_with_the_log() -> Result<()> {
    on_every_version(async |scene| {
        let v1 = Upstream::start("v1").await?;
        let broken =
            Listener::new("edge").http_filter(serde_json::json!({"name": "no.such.filter"}));
        let bootstrap = Bootstrap::gateway().listener(broken).upstreams(&[&v1]);
        let error = Envoy::start(scene, &bootstrap).await.unwrap_err();
        assert!(format!("{error:#}").contains("no.such.filter"), "{error:#}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn dropping_ends_the_process() -> Result<()> {
    on_every_version(async |scene| {
        let envoy = Envoy::start(scene, &Bootstrap::gateway()).await?;
        let process = format!("/proc/{}", envoy.process_id());
        assert!(std::path::Path::new(&process).exists());
        drop(envoy);
        assert!(!std::path::Path::new(&process).exists());
        Ok(())
    })
    .await
}
