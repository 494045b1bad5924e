//! Many calls, many connections, endpoints that die, listeners that drain: no call is lost or hangs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    dubbo::{
        frame::Frame,
        mesh::{Cluster, Mesh, Plan, Port},
    },
    peer::{Answer, Client, Gate, Provider, difference, echo_of, sized_call, sized_response},
    poll,
    scene::{on_every_version, on_last_version},
    wire::{ONE_WAY_EVENT, WireClient, answer_text, take_text},
};
use serde_json::json;

/// What Envoy should do about calls whose endpoint fails.
fn retrying() -> Port {
    Port::dubbo().retry_elsewhere(json!({
        "retry_on": "connect-failure,refused-stream,reset,5xx",
        "num_retries": 3,
    }))
}

async fn expect_echo(client: &Client, id: u64) -> Result<()> {
    let call = sized_call(id, "echo", 300);
    client.expect(&call, &echo_of(&call)).await
}

/// How a call ended: well, by a named error, or with its connection.
fn ending(answer: Result<Frame>) -> Result<&'static str> {
    match answer {
        Ok(answer) if answer.status() == 20 => Ok("answer"),
        Ok(answer) => {
            let text = answer_text(&answer)?;
            ensure!(text.starts_with("meshlane: "), "{text}");
            Ok("error")
        }
        Err(error) if error.to_string().contains("the connection ended") => Ok("connection"),
        Err(error) => Err(error),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_calls_run_at_once_on_one_connection() -> Result<()> {
    on_last_version(async |scene| {
        const CALLS: u64 = 1_000;
        let gate = Gate::new();
        let held = gate.clone();
        let provider = Provider::start(move |call| Answer::echo(call).after(&held)).await?;
        let plan = Plan::shop(&[provider.address()], &[], Port::dubbo());
        let mesh = plan.start(scene).await?;
        let client = Client::connect(mesh.address("dubbo")?).await?;
        let calls: Vec<Frame> = (1..=CALLS).map(|id| sized_call(id, "echo", 300)).collect();
        let answers: Vec<_> = calls.iter().map(|call| client.start(call)).collect();
        // None is answered before the last one is there.
        provider.expect_calls(calls.len()).await?;
        gate.open();
        for (answer, call) in answers.into_iter().zip(&calls) {
            ensure!(answer.await? == echo_of(call), "call {}", call.id());
        }
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_over_the_limit_wait_and_those_over_the_queue_are_refused() -> Result<()> {
    on_last_version(async |scene| {
        let gate = Gate::new();
        let held = gate.clone();
        let provider = Provider::start(move |call| Answer::echo(call).after(&held)).await?;
        let limits = json!({"maxConcurrentCalls": 20, "maxQueuedCalls": 30});
        let port = Port::dubbo().to_http(json!({"mode": "toHttp", "limits": limits}));
        let mesh = Plan::shop(&[provider.address()], &[], port)
            .start(scene)
            .await?;
        let client = Client::connect(mesh.address("dubbo")?).await?;
        let answers: Vec<_> = (1..=60)
            .map(|id| client.start(&sized_call(id, "echo", 300)))
            .collect();
        let mut refused = 0;
        let mut waiting = Vec::new();
        provider.expect_calls(20).await?;
        for (number, answer) in answers.into_iter().enumerate() {
            if number < 50 {
                waiting.push(answer);
                continue;
            }
            let answer = answer.await?;
            let text = answer_text(&answer)?;
            ensure!(text.contains("bridge-queue-full"), "{text}");
            assert_eq!(answer.status(), 100, "worth trying elsewhere");
            refused += 1;
        }
        assert_eq!(refused, 10);
        assert_eq!(provider.calls().len(), 20, "the others wait");
        gate.open();
        for answer in waiting {
            assert_eq!(ending(answer.await)?, "answer");
        }
        assert_eq!(provider.calls().len(), 50);
        mesh.expect_alive().await
    })
    .await
}

/// The first calls of a connection come before the connection manager has said how few it takes at once. Envoy refuses
/// more than that, and 1.36 ends the connection over them.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_calls_wait_until_the_manager_says_how_many_it_takes() -> Result<()> {
    on_every_version(async |scene| {
        const CALLS: u64 = 90;
        let provider = Provider::start(Answer::echo).await?;
        let few = json!({"max_concurrent_streams": 10});
        let port = Port::dubbo().manager("http2_protocol_options", few);
        let mesh = Plan::shop(&[provider.address()], &[], port)
            .start(scene)
            .await?;
        let mut client = WireClient::connect(mesh.address("dubbo")?).await?;
        let calls: Vec<_> = (1..=CALLS).map(|id| sized_call(id, "echo", 300)).collect();
        client.send(&calls).await?;
        let mut answers = BTreeMap::new();
        for _ in &calls {
            let answer = client.receive().await?;
            answers.insert(answer.id(), answer);
        }
        for call in &calls {
            let answer = answers
                .get(&call.id())
                .context("a call without an answer")?;
            let expected = echo_of(call);
            ensure!(*answer == expected, "{}", difference(answer, &expected));
        }
        assert_eq!(provider.calls().len() as u64, CALLS, "each arrived once");
        let stats = mesh.outbound.admin().stats().await?;
        assert_eq!(stats.value("http2.stream_refused_errors").unwrap_or(0), 0);
        mesh.expect_alive().await
    })
    .await
}

/// READONLY becomes a GOAWAY: Envoy makes the next calls on another connection while this one is still open.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_asks_for_no_more_calls_is_left() -> Result<()> {
    on_every_version(async |scene| {
        const LAST: usize = 500;
        let provider = Provider::start(|call| match call.bytes().len() {
            LAST => {
                let readonly = Frame::new(ONE_WAY_EVENT, 0, 1, b"\x01R");
                Answer::echo(call).then(readonly.bytes().to_vec())
            }
            _ => Answer::echo(call),
        })
        .await?;
        let mesh = Plan::shop(&[provider.address()], &[], Port::dubbo())
            .start(scene)
            .await?;
        let client = Client::connect(mesh.address("dubbo")?).await?;
        let last = sized_call(1, "echo", LAST);
        client.expect(&last, &echo_of(&last)).await?;
        poll::until("a call on another connection", async || {
            expect_echo(&client, 2).await?;
            let calls = provider.calls();
            let connections: BTreeSet<_> = calls.iter().map(|call| call.connection).collect();
            ensure!(connections.len() == 2, "connections {connections:?}");
            Ok(())
        })
        .await?;
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_connections_with_one_worker_and_with_four() -> Result<()> {
    on_last_version(async |scene| {
        for workers in [1, 4] {
            let provider = Provider::start(Answer::echo).await?;
            let plan = Plan::shop(&[provider.address()], &[], Port::dubbo());
            let mesh = plan.workers(workers).start(scene).await?;
            let mut clients = Vec::new();
            for _ in 0..200 {
                clients.push(Client::connect(mesh.address("dubbo")?).await?);
            }
            // All of them use the same numbers, which must not be mixed up on the shared connection to the provider.
            let calls: Vec<Frame> = (1..=5).map(|id| sized_call(id, "echo", 2_000)).collect();
            let mut answers = Vec::new();
            for client in &clients {
                answers.extend(calls.iter().map(|call| (client.start(call), echo_of(call))));
            }
            for (answer, expected) in answers {
                ensure!(answer.await? == expected, "{workers} workers");
            }
            assert_eq!(provider.calls().len(), 1_000);
            let connections = 1 + provider
                .calls()
                .iter()
                .map(|call| call.connection)
                .max()
                .unwrap_or_default();
            ensure!(
                connections <= workers as usize,
                "{connections} to the provider"
            );
            mesh.expect_alive().await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_one_connection_are_spread_over_the_endpoints() -> Result<()> {
    on_last_version(async |scene| {
        let one = Provider::start(Answer::echo).await?;
        let two = Provider::start(Answer::echo).await?;
        let plan = Plan::shop(&[one.address(), two.address()], &[], Port::dubbo());
        let mesh = plan.start(scene).await?;
        let client = Client::connect(mesh.address("dubbo")?).await?;
        for id in 1..=40 {
            expect_echo(&client, id).await?;
        }
        assert_eq!((one.calls().len(), two.calls().len()), (20, 20));
        mesh.expect_alive().await
    })
    .await
}

/// Two endpoints; the first resets its connection when the 11th call comes, with ten in flight.
async fn with_a_dying_endpoint(
    scene: &meshlane_e2e::scene::Scene,
    port: Port,
) -> Result<(Mesh, Provider, Provider)> {
    let count = AtomicU64::new(0);
    let dying = Provider::start(move |call| {
        match count.fetch_add(1, Ordering::Relaxed) {
            10 => Answer::nothing().cut(),
            // It is well again afterwards.
            11.. => Answer::echo(call),
            _ => Answer::nothing(),
        }
    })
    .await?;
    let well = Provider::start(Answer::echo).await?;
    // Envoy retries three calls at a time when it is not told otherwise.
    let breakers = json!({"thresholds": [{"max_retries": 100}]});
    let cluster = Cluster::new("v1", &[dying.address(), well.address()]);
    let plan = Plan::new()
        .port(port)
        .cluster(cluster.setting("circuit_breakers", breakers));
    Ok((plan.start(scene).await?, dying, well))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_dies_ends_its_calls_and_no_other() -> Result<()> {
    on_last_version(async |scene| {
        let (mesh, dying, well) = with_a_dying_endpoint(scene, Port::dubbo()).await?;
        let client = Client::connect(mesh.address("dubbo")?).await?;
        let answers: Vec<_> = (1..=22)
            .map(|id| client.start(&sized_call(id, "echo", 300)))
            .collect();
        let mut endings = BTreeMap::new();
        for answer in answers {
            *endings.entry(ending(answer.await)?).or_insert(0) += 1;
        }
        assert_eq!(endings, BTreeMap::from([("answer", 11), ("error", 11)]));
        for id in 23..=42 {
            expect_echo(&client, id).await?;
        }
        assert_eq!((dying.calls().len(), well.calls().len()), (21, 21));
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_save_the_calls_of_an_endpoint_that_dies() -> Result<()> {
    on_last_version(async |scene| {
        let (mesh, dying, well) = with_a_dying_endpoint(scene, retrying()).await?;
        let client = Client::connect(mesh.address("dubbo")?).await?;
        let answers: Vec<_> = (1..=22)
            .map(|id| client.start(&sized_call(id, "echo", 300)))
            .collect();
        for answer in answers {
            assert_eq!(ending(answer.await)?, "answer");
        }
        assert!(dying.calls().len() >= 11, "it had calls to lose");
        assert_eq!(well.calls().len(), 22, "its own and the lost ones");
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_provider_is_retried_elsewhere() -> Result<()> {
    on_last_version(async |scene| {
        let busy =
            Provider::start(|call| Answer::error(call, 100, "Thread pool is EXHAUSTED!")).await?;
        let well = Provider::start(Answer::echo).await?;
        let plan = Plan::shop(&[busy.address(), well.address()], &[], retrying());
        let mesh = plan.start(scene).await?;
        let client = Client::connect(mesh.address("dubbo")?).await?;
        for id in 1..=10 {
            expect_echo(&client, id).await?;
        }
        assert!(!busy.calls().is_empty(), "it was tried");
        assert_eq!(well.calls().len(), 10);
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_dies_in_the_middle_of_a_response_hangs_nobody() -> Result<()> {
    on_last_version(async |scene| {
        let provider = Provider::start(|call| match parts(call) {
            Some((length, sent)) => {
                let response = sized_response(call.id(), length);
                let part: Vec<u8> = response.bytes().iter().copied().take(sent).collect();
                Answer::raw(part).cut()
            }
            None => Answer::echo(call),
        })
        .await?;
        let plan = Plan::shop(&[provider.address()], &[], Port::dubbo());
        let mesh = plan.start(scene).await?;
        // From a response that the consumer's Envoy still holds to one of which the client has a part already.
        for (method, expected) in [
            ("100000-20", Some("error")),
            ("100000-60000", Some("error")),
            // Whether it has begun to go to the client when it breaks off is a matter of time: a reset
            // also throws away what is still in the sockets.
            ("4194304-100", None),
            ("4194304-3145728", None),
        ] {
            let client = Client::connect(mesh.address("dubbo")?).await?;
            let ended = ending(client.call(&sized_call(1, method, 300)).await).context(method)?;
            let is_expected = expected.map_or(ended != "answer", |expected| ended == expected);
            ensure!(is_expected, "{method}: {ended}");
            ensure!(client.has_ended() == (ended == "connection"), "{method}");
            let next = Client::connect(mesh.address("dubbo")?).await?;
            expect_echo(&next, 2).await.context(method)?;
        }
        mesh.expect_alive().await
    })
    .await
}

/// Of how long a response how much is to be sent, from the method.
fn parts(call: &Frame) -> Option<(usize, usize)> {
    let mut body = call.body();
    let texts = (0..4).map(|_| take_text(&mut body).unwrap_or_default());
    let method = texts.last()?;
    let (length, sent) = method.split_once('-')?;
    Some((length.parse().ok()?, sent.parse().ok()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_changes_loses_no_call() -> Result<()> {
    on_last_version(async |scene| {
        let provider = Provider::start(Answer::echo).await?;
        let plan = Plan::shop(&[provider.address()], &[], Port::dubbo());
        let mut mesh = plan.start(scene).await?;
        let address = mesh.address("dubbo")?;
        let stop = Arc::new(AtomicBool::new(false));
        // Clients as Dubbo's are: they leave a connection that is READONLY, and what runs on it ends there.
        let mut loops = Vec::new();
        for _ in 0..8 {
            let stop = Arc::clone(&stop);
            loops.push(tokio::spawn(async move {
                let mut left = Vec::new();
                let mut client = Client::connect(address).await?;
                let mut id = 0;
                while !stop.load(Ordering::Relaxed) {
                    if client.is_readonly() {
                        let next = Client::connect(address).await?;
                        left.push(std::mem::replace(&mut client, next));
                    }
                    id += 1;
                    expect_echo(&client, id).await.context("a lost call")?;
                }
                anyhow::Ok((id, left.len()))
            }));
        }
        let watcher = Client::connect(address).await?;
        expect_echo(&watcher, 1).await?;
        mesh.change(Port::dubbo().setting("timeout", json!("14s")))?;
        // An old connection gets READONLY with one of its next calls.
        let mut id = 1;
        while !watcher.is_readonly() {
            id += 1;
            expect_echo(&watcher, id)
                .await
                .context("a lost call of the watcher")?;
        }
        watcher.readonly().await?;
        let before = provider.calls().len();
        provider.expect_calls(before + 500).await?;
        stop.store(true, Ordering::Relaxed);
        for each in loops {
            let (calls, left) = each.await??;
            ensure!(
                calls > 0 && left >= 1,
                "{calls} calls, {left} connections left"
            );
        }
        mesh.expect_alive().await
    })
    .await
}
