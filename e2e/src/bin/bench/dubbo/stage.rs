//! An Envoy for each chain, measured in interleaved rounds.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use meshlane_e2e::{envoy::Envoy, scene::Scene};
use tokio::{
    net::TcpStream,
    task::{JoinSet, LocalSet},
    time::timeout,
};

use super::{
    chains::{Chain, LISTENER},
    client::{Client, DubboClient, Http2Client},
    connection::Connection,
    frames::{Call, SIZES},
    http2::Fields,
    upstream::{Http2Server, Provider, serve},
};
use crate::{cpu::WorkerClock, settings::Settings, stats::Series};

/// How many connections are compared.
pub(crate) const CONNECTIONS: [usize; 2] = [1, 16];

/// What came out: microseconds of CPU a call, by chain, size and number of connections.
#[derive(Default)]
pub(crate) struct Measured {
    series: BTreeMap<(Chain, usize, usize), Series>,
    /// How many rounds there were.
    pub(crate) rounds: usize,
}

impl Measured {
    pub(crate) fn of(&self, chain: Chain, size: usize, connections: usize) -> Result<&Series> {
        self.series
            .get(&(chain, size, connections))
            .with_context(|| format!("{} was not measured", chain.name()))
    }
}

/// Running Envoys with their clients.
pub(crate) struct Stage {
    calls: Rc<[Rc<Call>]>,
    contenders: Vec<Contender>,
}

struct Contender {
    chain: Chain,
    clock: WorkerClock,
    loads: Vec<(usize, Load)>,
    // Ends with the stage.
    _envoy: Envoy,
}

enum Load {
    Dubbo(Vec<Connection<DubboClient>>),
    Http2(Vec<Connection<Http2Client>>),
}

impl Stage {
    /// Starts everything. The tasks are those who answer behind the Envoys.
    pub(crate) async fn start(scene: &Scene, tasks: &LocalSet) -> Result<Self> {
        let calls = Call::all();
        let provider = Rc::clone(&calls);
        let provider = serve(tasks, move || Provider::new(Rc::clone(&provider))).await?;
        let server = async || {
            let seen = Rc::new(RefCell::new(Fields::default()));
            let (calls, recorded) = (Rc::clone(&calls), Rc::clone(&seen));
            let peer = move || Http2Server::new(Rc::clone(&calls), Rc::clone(&recorded));
            Ok::<_, anyhow::Error>((serve(tasks, peer).await?, seen))
        };
        let (plain_server, _) = server().await?;
        let (bridged_server, bridged) = server().await?;

        let mut contenders = Vec::new();
        for chain in Chain::ALL {
            let upstream = match chain {
                Chain::Http2 | Chain::CopyHttp2 => plain_server,
                Chain::Consumer => bridged_server,
                _ => provider,
            };
            let envoy = chain.start(scene, upstream).await?;
            let address = envoy.address(LISTENER)?;
            let mut loads = Vec::new();
            for connections in CONNECTIONS {
                let connect = async || Ok::<_, anyhow::Error>(TcpStream::connect(address).await?);
                let load = match chain {
                    Chain::Http2 | Chain::CopyHttp2 | Chain::Provider => {
                        let fields = match chain {
                            Chain::Provider => bridged.borrow().clone(),
                            _ => Fields::new(&FIELDS),
                        };
                        let mut clients = Vec::new();
                        for _ in 0..connections {
                            let client = Http2Client::new(fields.clone());
                            clients.push(Connection::new(connect().await?, client)?);
                        }
                        Load::Http2(clients)
                    }
                    _ => {
                        let mut clients = Vec::new();
                        for _ in 0..connections {
                            clients.push(Connection::new(connect().await?, DubboClient::new())?);
                        }
                        Load::Dubbo(clients)
                    }
                };
                loads.push((connections, load));
            }
            let mut contender = Contender {
                chain,
                clock: WorkerClock::of(envoy.process_id())?,
                loads,
                _envoy: envoy,
            };
            // The VM compiles what runs often once more: that must have happened before.
            for (calls, count) in calls.iter().zip([WARM_UP, WARM_UP, WARM_UP / 8]) {
                contender.warm_up(calls, count).await?;
            }
            contenders.push(contender);
        }
        Ok(Self { calls, contenders })
    }

    /// Measures round by round, forwards and backwards in turn, until there are enough rounds or the time is over.
    pub(crate) async fn measure(mut self, settings: &Settings) -> Result<Measured> {
        let deadline = settings.deadline(1.0);
        let mut measured = Measured::default();
        while measured.rounds < LEAST_ROUNDS
            || (measured.rounds < settings.rounds && Instant::now() < deadline)
        {
            self.contenders.reverse();
            for (place, connections) in CONNECTIONS.into_iter().enumerate() {
                for (call, size) in self.calls.iter().zip(SIZES) {
                    let count = settings.requests / if size > LARGE { 8 } else { 1 };
                    for contender in &mut self.contenders {
                        let spent = contender.measure(place, call, count).await?;
                        let key = (contender.chain, size, connections);
                        measured.series.entry(key).or_default().push(spent);
                    }
                }
            }
            measured.rounds += 1;
        }
        Ok(measured)
    }
}

impl Contender {
    async fn warm_up(&mut self, call: &Rc<Call>, count: usize) -> Result<()> {
        for (_, load) in &mut self.loads {
            let done = load.run(call, count).await;
            done.with_context(|| self.chain.name())?;
        }
        Ok(())
    }

    /// Microseconds that the worker spends on one call.
    async fn measure(&mut self, place: usize, call: &Rc<Call>, count: usize) -> Result<f64> {
        let (_, load) = self.loads.get_mut(place).context("no such load")?;
        let name = || self.chain.name();
        // What the Envoy before it left in the caches is not this one's.
        load.run(call, count / 10).await.with_context(name)?;
        let before = self.clock.nanoseconds()?;
        let made = load.run(call, count).await.with_context(name)?;
        let spent = self.clock.nanoseconds()? - before;
        Ok(spent as f64 / 1000.0 / made as f64)
    }
}

impl Load {
    async fn run(&mut self, call: &Rc<Call>, count: usize) -> Result<usize> {
        match self {
            Self::Dubbo(clients) => run(clients, call, count).await,
            Self::Http2(clients) => run(clients, call, count).await,
        }
    }
}

/// Makes about so many calls, shared among the connections, and tells how many there were.
async fn run<C: Client + 'static>(
    connections: &mut Vec<Connection<C>>,
    call: &Rc<Call>,
    count: usize,
) -> Result<usize> {
    let each = (count / connections.len()).max(1);
    let made = each * connections.len();
    let mut running = JoinSet::new();
    for mut connection in connections.drain(..) {
        let call = Rc::clone(call);
        running.spawn_local(async move {
            // Until the peer has said how much it takes.
            connection.run().await?;
            connection.start(&call, each)?;
            connection.run().await?;
            Ok::<_, anyhow::Error>(connection)
        });
    }
    while let Some(done) = timeout(PATIENCE, running.join_next())
        .await
        .context("calls without an answer")?
    {
        connections.push(done??);
    }
    Ok(made)
}

/// What the bridge writes for the benchmark's calls.
const FIELDS: [(&str, &str); 9] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/org.demo.Greeter/echo"),
    (":authority", "org.demo.Greeter"),
    ("content-type", "application/dubbo2"),
    ("dubbo-serialization", "hessian2"),
    ("dubbo-version", "0.0.0"),
    ("dubbo-param-types", "Ljava/lang/String;"),
    ("x-envoy-upstream-stream-duration-ms", "10000"),
];

const WARM_UP: usize = 6400;
const LARGE: usize = 10_000;
const LEAST_ROUNDS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(20);
