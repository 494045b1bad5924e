//! Bodies of any length go through both bridges unchanged, in both directions.

use anyhow::{Result, ensure};
use meshlane_e2e::{
    bootstrap::parts,
    dubbo::{
        frame::Frame,
        mesh::{Cluster, Mesh, Plan, Port},
    },
    peer::{Answer, Client, Provider, echo_of, sized_call, sized_one_way, sized_response},
    scene::{Scene, on_every_version, on_last_version},
};
use serde_json::json;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Around everything that a peer or a codec may cut at: frames of HTTP/2, windows, buffers, chunks.
const SIZES: [usize; 22] = [
    150,
    1_000,
    16_383,
    16_384,
    16_385,
    16_400,
    32_768,
    65_519,
    65_534,
    65_535,
    65_536,
    65_551,
    65_552,
    100_000,
    256 * KIB - 1,
    256 * KIB,
    256 * KIB + 1,
    256 * KIB + 16,
    300_000,
    MIB,
    MIB + 1,
    5 * MIB,
];

/// The longest bodies that are promised.
const LONGEST: usize = 16 * MIB;

/// A provider that answers `echo` with what it got, and any other method with as many bytes as its name says.
async fn provider() -> Result<Provider> {
    Provider::start(|call| match method(call).parse() {
        Ok(length) => Answer::sized(call, length),
        Err(_) => Answer::echo(call),
    })
    .await
}

/// The method of a call of ours, whose head is made of short texts.
fn method(call: &Frame) -> String {
    let mut body = call.body();
    let text = (0..4).map(|_| meshlane_e2e::wire::take_text(&mut body).unwrap_or_default());
    text.last().unwrap_or_default()
}

/// Both bridges. Whatever Envoy's own patience is, these bodies fit in it.
async fn mesh(scene: &Scene, provider: &Provider, port: Port) -> Result<Mesh> {
    let port = port.setting("timeout", json!("60s"));
    Plan::shop(&[provider.address()], &[], port)
        .start(scene)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_responses_of_every_length_arrive_unchanged() -> Result<()> {
    on_every_version(async |scene| {
        let provider = provider().await?;
        let mesh = mesh(scene, &provider, Port::dubbo()).await?;
        let client = Client::connect(mesh.address("dubbo")?).await?;
        let sizes = SIZES.into_iter().chain([LONGEST]);
        for (id, size) in (1..).zip(sizes) {
            let call = sized_call(id, "echo", size);
            client.expect(&call, &echo_of(&call)).await?;
            let call = sized_call(id, &size.to_string(), 200);
            client.expect(&call, &sized_response(id, size)).await?;
        }
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_request_may_be_longer_than_the_first_window() -> Result<()> {
    on_every_version(async |scene| {
        let provider = provider().await?;
        // Each call gets a connection of its own on the whole way.
        let fresh = Cluster::new("v1", &[provider.address()]).setting(
            "typed_extension_protocol_options",
            parts::http_upstream(json!({
                "common_http_protocol_options": {"max_requests_per_connection": 1},
                "explicit_http_config": {"http2_protocol_options": {}},
            })),
        );
        let port = Port::dubbo().setting("timeout", json!("60s"));
        let mesh = Plan::new().port(port).cluster(fresh).start(scene).await?;
        let sizes = [65_500, 65_535, 65_536, 65_600, 300_000, 5 * MIB, LONGEST];
        for (id, size) in (1..).zip(sizes) {
            let client = Client::connect(mesh.address("dubbo")?).await?;
            let call = sized_call(id, "echo", size);
            client.expect(&call, &echo_of(&call)).await?;
        }
        let mut connections: Vec<usize> = provider
            .calls()
            .iter()
            .map(|call| call.connection)
            .collect();
        connections.dedup();
        assert_eq!(connections.len(), sizes.len(), "a connection for each");
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn long_and_short_calls_share_a_connection() -> Result<()> {
    on_last_version(async |scene| {
        let provider = provider().await?;
        let mesh = mesh(scene, &provider, Port::dubbo()).await?;
        let client = Client::connect(mesh.address("dubbo")?).await?;
        let mut answers = Vec::new();
        for id in 1..=60 {
            // Short, long in one direction, long in the other: all at once, 23 MiB to the provider and 23 MiB back.
            let call = match id % 3 {
                0 => sized_call(id, "300", MIB + id as usize),
                1 => sized_call(id, &(MIB + id as usize).to_string(), 300),
                _ => sized_call(id, "echo", 1_000),
            };
            let expected = match method(&call).parse() {
                Ok(length) => sized_response(id, length),
                Err(_) => echo_of(&call),
            };
            answers.push((client.start(&call), expected));
        }
        for (answer, expected) in answers {
            let answer = answer.await?;
            ensure!(
                answer == expected,
                "{}",
                meshlane_e2e::peer::difference(&answer, &expected)
            );
        }
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_way_calls_of_every_length_arrive() -> Result<()> {
    on_last_version(async |scene| {
        let provider = provider().await?;
        let mesh = mesh(scene, &provider, Port::dubbo()).await?;
        let client = Client::connect(mesh.address("dubbo")?).await?;
        let sizes = [150, 65_536, MIB, LONGEST];
        for (id, size) in (1..).zip(sizes) {
            client.send(sized_one_way(id, "note", size).bytes());
        }
        let calls = provider.expect_calls(sizes.len()).await?;
        let mut lengths: Vec<usize> = calls.iter().map(|call| call.length).collect();
        lengths.sort_unstable();
        assert_eq!(lengths, sizes);
        // Had one of them been answered, the client would have ended the connection.
        let call = sized_call(9, "echo", 150);
        client.expect(&call, &echo_of(&call)).await?;
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_too_long_ends_alone() -> Result<()> {
    on_last_version(async |scene| {
        let provider = provider().await?;
        let mesh = mesh(scene, &provider, Port::dubbo()).await?;
        let client = Client::connect(mesh.address("dubbo")?).await?;
        let limit = 17 * MIB;
        let call = sized_call(1, "300", limit);
        client.expect(&call, &sized_response(1, 300)).await?;
        for (id, call) in [
            (2, sized_call(2, "300", limit + 1)),
            (3, sized_call(3, &(limit + 1).to_string(), 300)),
        ] {
            let answer = client.call(&call).await?;
            let text = meshlane_e2e::wire::answer_text(&answer)?;
            ensure!(
                answer.status() != 20 && text.contains("bridge-frame-too-large"),
                "call {id}: {} {text}",
                answer.status()
            );
        }
        let call = sized_call(4, "echo", 300);
        client.expect(&call, &echo_of(&call)).await?;
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_goes_on_after_two_gibibytes_each_way() -> Result<()> {
    on_last_version(async |scene| {
        let provider = provider().await?;
        let mesh = mesh(scene, &provider, Port::dubbo()).await?;
        let client = Client::connect(mesh.address("dubbo")?).await?;
        // One frame and another id each time: the making of it would take longer than its way.
        let long = sized_call(1, "echo", 15 * MIB);
        let echo = echo_of(&long);
        for id in 1..=150 {
            client.expect(&long.with_id(id), &echo.with_id(id)).await?;
        }
        let carried: usize = provider.calls().iter().map(|call| call.length).sum();
        assert!(carried > 2 << 30, "{carried} bytes");
        assert!(provider.calls().iter().all(|call| call.connection == 0));
        mesh.expect_alive().await
    })
    .await
}
