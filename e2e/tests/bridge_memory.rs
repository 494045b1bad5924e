//! Peers that do not keep up cost neither much memory nor other people's calls.
//!
//! The bound is the one of the guide: what an Envoy takes when idle, `maxBufferedBytes` and half of that again for what
//! the machine's allocator leaves unused, and what Envoy itself buffers of HTTP/2 and of sockets.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use meshlane_e2e::{
    bootstrap::parts,
    dubbo::{
        frame::Frame,
        mesh::{Cluster, Mesh, Plan, Port},
    },
    envoy::Envoy,
    peer::{
        Answer, Client, Gate, Provider, SlowClient, echo_of, memory, sized_call, sized_response,
    },
    poll,
    scene::{on_every_version, on_last_version},
    wire::answer_text,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// `maxBufferedBytes` when the document does not say.
const BUFFERED: usize = 32 * MIB;
/// What Envoy itself buffers: the window of one connection and what is on its way in and out.
const ENVOY: usize = 16 * MIB;

fn bound(buffered: usize) -> usize {
    buffered + buffered / 2 + ENVOY
}

/// The windows of HTTP/2 that the guide recommends, on both sides of Envoy. With Envoy's own, a connection that stalls
/// may have many times as much on its way.
fn windows() -> Value {
    json!({
        "initial_stream_window_size": 256 * KIB,
        "initial_connection_window_size": 8 * MIB,
    })
}

fn cluster(name: &str, address: SocketAddr) -> Cluster {
    Cluster::new(name, &[address]).setting(
        "typed_extension_protocol_options",
        parts::http2_upstream(windows()),
    )
}

fn port(name: &str, timeout: &str) -> Port {
    Port::new(name)
        .setting("timeout", json!(timeout))
        .manager("http2_protocol_options", windows())
}

/// What both Envoys take at rest, after a first call.
struct Rest<'m> {
    mesh: &'m Mesh,
    outbound: u64,
    inbound: u64,
}

impl<'m> Rest<'m> {
    async fn of(mesh: &'m Mesh) -> Result<Self> {
        let client = Client::connect(mesh.address("dubbo")?).await?;
        let call = sized_call(1, "echo", 200);
        client.expect(&call, &echo_of(&call)).await?;
        let at_rest = |envoy: &Envoy| {
            memory::reset_peak(envoy)?;
            memory::resident(envoy)
        };
        Ok(Self {
            mesh,
            outbound: at_rest(&mesh.outbound)?,
            inbound: at_rest(&mesh.inbound)?,
        })
    }

    /// Fails when an Envoy ever took more on top than a bound.
    #[expect(clippy::print_stderr, reason = "a measurement that people want to see")]
    fn expect_peaks(&self, what: &str, bound: usize) -> Result<()> {
        let bound = bound as u64;
        for (name, envoy, rest) in [
            ("outbound", &self.mesh.outbound, self.outbound),
            ("inbound", &self.mesh.inbound, self.inbound),
        ] {
            let more = memory::peak(envoy)?.saturating_sub(rest);
            eprintln!(
                "{what}: {name} at rest {} MiB, at most {} MiB more, bound {} MiB",
                rest >> 20,
                more >> 20,
                bound >> 20
            );
            ensure!(more <= bound, "{name} took {more} bytes more");
        }
        Ok(())
    }
}

/// How the calls ended, by what the answer says.
fn endings(answers: &BTreeMap<u64, Frame>, good: usize) -> Result<BTreeMap<String, usize>> {
    let mut endings = BTreeMap::new();
    for (id, answer) in answers {
        let ending = match answer.status() {
            20 => {
                ensure!(
                    answer.bytes().len() == good,
                    "call {id}: {} bytes",
                    answer.bytes().len()
                );
                "answer".to_owned()
            }
            _ => {
                let text = answer_text(answer)?;
                let mut words = text.split([' ', ':', ';', ',', '(', ')']);
                let word = words
                    .find(|word| word.starts_with("bridge-") || matches!(*word, "408" | "504"));
                word.with_context(|| format!("call {id}: {text}"))?
                    .to_owned()
            }
        };
        *endings.entry(ending).or_default() += 1;
    }
    Ok(endings)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_of_64_long_responses_is_bounded() -> Result<()> {
    on_every_version(async |scene| {
        const CALLS: usize = 64;
        const LENGTH: usize = 8 * MIB;
        let response = Bytes::copy_from_slice(sized_response(0, LENGTH).bytes());
        let provider = Provider::start(move |call| match call.bytes().len() {
            200 => Answer::echo(call),
            _ => Answer::shared(call, &response),
        })
        .await?;
        let plan = Plan::new()
            .port(port("dubbo", "60s"))
            .cluster(cluster("v1", provider.address()));
        let mesh = plan.start(scene).await?;
        let rest = Rest::of(&mesh).await?;
        let calls = (1..=64).map(|id| sized_call(id, "long", 300)).collect();
        let mut client = SlowClient::send(mesh.address("dubbo")?, calls).await?;
        client.read_slowly(200_000, 100_000).await?;
        // The bridge cannot make the provider wait: it takes everything, whatever becomes of it.
        poll::until("the provider is rid of its answers", async || {
            let written = provider.written();
            ensure!(written >= (CALLS * LENGTH) as u64, "{written} bytes");
            Ok(())
        })
        .await?;
        client.read_slowly(100_000, 100_000).await?;
        rest.expect_peaks("slow reader", bound(BUFFERED))?;
        let answers = client.read_rest().await?;
        ensure!(answers.len() == CALLS, "{} ended", answers.len());
        let endings = endings(&answers, LENGTH)?;
        let good = endings.get("answer").copied().unwrap_or_default();
        ensure!(good > 0 && good < CALLS, "{endings:?}");
        rest.expect_peaks("slow reader, then fast", bound(BUFFERED))?;
        mesh.expect_alive().await
    })
    .await
}

/// The more calls are open, the less each response may send ahead. 800 times 60 KiB are more than a connection may hold.
#[tokio::test(flavor = "multi_thread")]
async fn many_responses_wait_in_small_windows() -> Result<()> {
    on_last_version(async |scene| {
        const CALLS: usize = 800;
        const LENGTH: usize = 60 * KIB;
        let response = Bytes::copy_from_slice(sized_response(0, LENGTH).bytes());
        // None is answered before all are there.
        let (gate, arrived) = (Gate::new(), AtomicUsize::new(0));
        let provider = Provider::start(move |call| match call.bytes().len() {
            200 => Answer::echo(call),
            _ => {
                if arrived.fetch_add(1, Ordering::Relaxed) + 1 == CALLS {
                    gate.open();
                }
                Answer::shared(call, &response).after(&gate)
            }
        })
        .await?;
        let mesh = Plan::new()
            .port(port("dubbo", "60s"))
            .to_dubbo(json!({"mode": "toDubbo", "limits": {"maxBufferedBytes": 64 * MIB}}))
            .cluster(cluster("v1", provider.address()))
            .start(scene)
            .await?;
        let rest = Rest::of(&mesh).await?;
        let calls = (1..=CALLS as u64).map(|id| sized_call(id, "long", 300));
        let mut client = SlowClient::send(mesh.address("dubbo")?, calls.collect()).await?;
        client.read_slowly(200_000, 100_000).await?;
        let answers = client.read_rest().await?;
        let endings = endings(&answers, LENGTH)?;
        assert_eq!(endings, BTreeMap::from([("answer".to_owned(), CALLS)]));
        rest.expect_peaks("many responses", bound(64 * MIB))?;
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn many_slow_readers_share_what_a_machine_may_hold() -> Result<()> {
    on_last_version(async |scene| {
        const CONNECTIONS: usize = 16;
        const CALLS: usize = 8;
        const LENGTH: usize = 4 * MIB;
        const BUFFERED: usize = 16 * MIB;
        let limits = json!({"maxBufferedBytes": 8 * MIB, "maxBufferedBytesPerVm": BUFFERED});
        let response = Bytes::copy_from_slice(sized_response(0, LENGTH).bytes());
        let provider = Provider::start(move |call| match call.bytes().len() {
            200 => Answer::echo(call),
            _ => Answer::shared(call, &response),
        })
        .await?;
        let dubbo = port("dubbo", "60s").to_http(json!({"mode": "toHttp", "limits": limits}));
        let mesh = Plan::new()
            .port(dubbo)
            .to_dubbo(json!({"mode": "toDubbo", "limits": limits}))
            .cluster(cluster("v1", provider.address()))
            .start(scene)
            .await?;
        let rest = Rest::of(&mesh).await?;
        let calls = |_| {
            (1..=CALLS as u64)
                .map(|id| sized_call(id, "long", 300))
                .collect()
        };
        let mut clients = Vec::new();
        for number in 0..CONNECTIONS {
            clients.push(SlowClient::send(mesh.address("dubbo")?, calls(number)).await?);
        }
        for client in &mut clients {
            client.read_slowly(20_000, 100_000).await?;
        }
        provider.expect_calls(1 + CONNECTIONS * CALLS).await?;
        let reading = clients
            .into_iter()
            .map(|client| tokio::spawn(client.read_rest()));
        let mut cut = 0;
        for answers in reading.collect::<Vec<_>>() {
            let answers = answers.await??;
            // Where a response broke off in the middle, the connection had to end with it.
            cut += u64::from(answers.len() < CALLS);
            endings(&answers, LENGTH)?;
        }
        poll::until("the connections that were cut are counted", async || {
            let counters = mesh.counters("dubbo_connections_closed.").await?;
            let counted = counters
                .iter()
                .filter(|(name, _)| name.ends_with("bridge-response-cut"));
            let counted: u64 = counted.map(|(_, value)| value).sum();
            ensure!(counted == cut, "{cut} were cut: {counters:?}");
            Ok(())
        })
        .await?;
        rest.expect_peaks("16 slow readers", bound(BUFFERED))?;
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_reads_nothing_is_bounded() -> Result<()> {
    on_last_version(async |scene| {
        const CALLS: usize = 64;
        let provider = Provider::start(Answer::echo).await?;
        let stuck = TcpListener::bind("127.0.0.1:0").await?;
        let address = stuck.local_addr()?;
        let _held = tokio::spawn(async move {
            let mut connections = Vec::new();
            while let Ok((connection, _)) = stuck.accept().await {
                connections.push(connection);
            }
        });
        let mesh = Plan::new()
            .port(port("dubbo", "15s"))
            .port(
                // The route's timeout begins when a request is complete, which these never are.
                port("stuck", "3s")
                    .to("stuck")
                    .manager("stream_idle_timeout", json!("3s")),
            )
            .cluster(cluster("v1", provider.address()))
            .cluster(cluster("stuck", address))
            .start(scene)
            .await?;
        let rest = Rest::of(&mesh).await?;
        let long = sized_call(0, "echo", 8 * MIB);
        let calls = (1..=64).map(|id| long.with_id(id)).collect();
        let client = SlowClient::send(mesh.address("stuck")?, calls).await?;
        let answers = client.read_rest().await?;
        ensure!(answers.len() == CALLS, "{} ended", answers.len());
        let endings = endings(&answers, 0)?;
        ensure!(!endings.contains_key("answer"), "{endings:?}");
        for ending in ["408", "bridge-buffer-full"] {
            ensure!(endings.contains_key(ending), "no {ending}: {endings:?}");
        }
        rest.expect_peaks("stuck provider", bound(BUFFERED))?;
        // Others go on.
        let client = Client::connect(mesh.address("dubbo")?).await?;
        let call = sized_call(1, "echo", MIB);
        client.expect(&call, &echo_of(&call)).await?;
        mesh.expect_alive().await
    })
    .await
}
