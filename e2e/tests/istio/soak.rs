//! Minutes of mixed load while providers die and are replaced, configurations and listeners change and istiod restarts.
//! `MESHLANE_SOAK_SECONDS` says how long.

use std::{ops::Range, time::Duration};

use anyhow::{Context as _, Result, ensure};
use meshlane_e2e::{
    dubbo::{
        Call, Counts, DubboVersion, Load, RegisterMode, RunningLoad, Service, Subscription, Target,
    },
    istio::{Manifest, Mesh, Pod, on_mesh, soak},
};
use tokio::time::Instant;

use crate::{
    common::{
        Caller, Workload, apply, buffering_listener, consumer, hello, manifest, provider,
        providers, reserve,
    },
    registry::{Registry, registered},
};

/// Everything that is alive, and what was done to it.
struct World<'m> {
    mesh: &'m Mesh,
    registry: Registry,
    orders: Vec<Workload>,
    stocks: Vec<Workload>,
    customers: Vec<Customer>,
    start: Instant,
    kills: Vec<Duration>,
    /// From the change of the Dubbo 2 consumer's listener until Envoy has closed what it drained.
    cuts: Vec<Range<Duration>>,
    log: Vec<String>,
    number: usize,
    random: u64,
}

/// A consumer with its loads.
struct Customer {
    caller: Caller,
    version: DubboVersion,
    loads: Vec<(RunningLoad, Duration)>,
    memory: u64,
}

/// Which of the two applications.
#[derive(Clone, Copy, Debug)]
enum App {
    Order,
    Stock,
}

impl App {
    fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Stock => "stock",
        }
    }

    fn service(self) -> Service {
        match self {
            Self::Order => Service::rich(),
            Self::Stock => Service::stock(),
        }
    }
}

impl<'m> World<'m> {
    async fn open(mesh: &'m Mesh) -> Result<Self> {
        apply(mesh, &["services", "consumer-captured", "instances"]).await?;
        mesh.apply(&providers()?).await?;
        mesh.apply(&routes("order")?.and(&routes("stock")?)).await?;
        let registry = Registry::start(mesh).await?;
        let mut world = Self {
            mesh,
            registry,
            orders: Vec::new(),
            stocks: Vec::new(),
            customers: Vec::new(),
            start: Instant::now(),
            kills: Vec::new(),
            cuts: Vec::new(),
            log: Vec::new(),
            number: 0,
            random: 0x9e37_79b9_7f4a_7c15,
        };
        let (registry, start) = (&world.registry, world.start);
        let serve = |app, number| serve(mesh, registry, app, number);
        let customer = |app, version| Customer::start(mesh, registry, app, version, start);
        let (first, second, third, stock, other) = tokio::try_join!(
            serve(App::Order, 1),
            serve(App::Order, 2),
            serve(App::Order, 3),
            serve(App::Stock, 4),
            serve(App::Stock, 5),
        )?;
        let (trade, web) = tokio::try_join!(
            customer("trade", DubboVersion::V3_3),
            customer("web", DubboVersion::V2_7),
        )?;
        world.orders = vec![first, second, third];
        world.stocks = vec![stock, other];
        world.customers = vec![trade, web];
        world.number = 5;
        Ok(world)
    }

    fn all(&mut self, app: App) -> &mut Vec<Workload> {
        match app {
            App::Order => &mut self.orders,
            App::Stock => &mut self.stocks,
        }
    }

    /// A fresh pod, once it serves.
    async fn serve(&mut self, app: App) -> Result<Workload> {
        self.number += 1;
        serve(self.mesh, &self.registry, app, self.number).await
    }

    fn note(&mut self, what: &str) {
        let at = self.start.elapsed().as_millis();
        self.log.push(format!("{at} ms: {what}"));
    }

    fn kill(&mut self, what: &str) {
        self.note(what);
        self.kills.push(self.start.elapsed());
    }

    fn choose(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    async fn accident(&mut self) -> Result<()> {
        let app = if self.choose(3) == 0 {
            App::Stock
        } else {
            App::Order
        };
        match self.choose(7) {
            0 => self.kill_program(app).await,
            1 => self.kill_pod(app).await,
            2 => self.replace(app).await,
            3 => self.edit().await,
            4 => self.change_listener(app).await,
            5 => self.change_consumer().await,
            _ => self.restart_istiod().await,
        }
    }

    /// The application dies, its sidecar lives; a probe takes the pod out.
    async fn kill_program(&mut self, app: App) -> Result<()> {
        let mut workload = self.take(app)?;
        self.kill(&format!("{} dies", workload.pod.name()));
        workload.program.kill().await?;
        workload.pod.set_ready(false).await?;
        self.bury(app, &workload).await
    }

    /// The whole pod is gone.
    async fn kill_pod(&mut self, app: App) -> Result<()> {
        let mut workload = self.take(app)?;
        self.kill(&format!("{} dies with its sidecar", workload.pod.name()));
        workload.pod.kill_sidecar()?;
        workload.program.kill().await?;
        self.bury(app, &workload).await
    }

    /// A fresh pod takes the place of a dead one.
    async fn bury(&mut self, app: App, dead: &Workload) -> Result<()> {
        dead.pod.delete().await?;
        let fresh = self.serve(app).await?;
        self.all(app).push(fresh);
        Ok(())
    }

    /// A new pod comes, an old one leaves as it should.
    async fn replace(&mut self, app: App) -> Result<()> {
        let fresh = self.serve(app).await?;
        let old = self.take(app)?;
        self.note(&format!("{} for {}", fresh.pod.name(), old.pod.name()));
        self.all(app).push(fresh);
        let callers = self.customers.iter().map(|each| &each.caller.pod);
        let callers: Vec<_> = callers.collect();
        old.leave(app.name(), &callers).await
    }

    /// Other configurations of the bridges, on both sides.
    async fn edit(&mut self) -> Result<()> {
        self.note("the bridges are configured anew");
        let argument = self.choose(8);
        let exposed = format!("\"0\", \"{argument}.home.city\"");
        let consumers = manifest("consumer-captured")?.replace("\"0\", \"0.home.city\"", &exposed);
        let exposed = format!("arguments: [\"0\", \"{argument}.home\"]");
        let providers = providers()?.replace("arguments: [\"0\"]", &exposed);
        self.mesh.apply(&consumers.and(&providers)).await
    }

    /// The listener of an app's providers is replaced, and Envoy drains what was there.
    async fn change_listener(&mut self, app: App) -> Result<()> {
        self.note(&format!("the listeners of {} change", app.name()));
        let name = self.choose(1_000_000);
        self.mesh.apply(&named_server(app.name(), name)).await
    }

    /// The listener that takes the calls of the Dubbo 2 consumer is replaced: all its connections drain at once and are closed.
    /// What that costs Dubbo 3, which looks for lost connections by a timer of its own, is measured apart (`drains`).
    async fn change_consumer(&mut self) -> Result<()> {
        self.note("the listener of the Dubbo 2 consumer changes");
        let begin = self.start.elapsed();
        let bytes = 1_000_000 + self.choose(1_000_000);
        let changed = buffering_listener("app: web", bytes);
        self.mesh.apply(&changed).await?;
        // An istiod that restarts puts the change off, and Envoy waits for all parts of the new listener before it drains.
        for customer in &self.customers {
            if customer.version == DubboVersion::V2_7 {
                let changed = format!("\"per_connection_buffer_limit_bytes\":{bytes}");
                customer.caller.pod.expect_listener(&changed).await?;
            }
        }
        self.cuts.push(begin..self.start.elapsed() + DRAIN);
        Ok(())
    }

    async fn restart_istiod(&mut self) -> Result<()> {
        self.note("istiod restarts");
        self.mesh.control().kill_istiod()?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        self.mesh.control().start_istiod().await
    }

    fn take(&mut self, app: App) -> Result<Workload> {
        let count = self.all(app).len();
        ensure!(count > 1, "nobody would be left of {app:?}");
        let index = usize::try_from(self.choose(count as u64))?;
        Ok(self.all(app).swap_remove(index))
    }

    /// Ends the loads and judges what came of them.
    async fn end(mut self) -> Result<()> {
        let log = self.log.join("\n");
        let mut unexcused = Vec::new();
        for mut customer in std::mem::take(&mut self.customers) {
            let name = customer.caller.pod.name().to_owned();
            let cuts = match customer.version {
                DubboVersion::V2_7 => self.cuts.as_slice(),
                _ => &[],
            };
            let found = customer
                .end(&self.kills, cuts)
                .await
                .with_context(|| format!("{name}, when this had happened:\n{log}"))?;
            unexcused.extend(found.into_iter().map(|each| format!("{name}: {each}")));
        }
        ensure!(
            unexcused.is_empty(),
            "calls failed without a cause:\n{}\nwhen this had happened:\n{log}",
            unexcused.join("\n")
        );
        for workload in self.orders.iter().chain(&self.stocks) {
            workload.pod.expect_alive().await?;
        }
        ensure!(self.log.len() >= 3, "too little happened:\n{log}");
        Ok(())
    }
}

async fn serve(mesh: &Mesh, registry: &Registry, app: App, number: usize) -> Result<Workload> {
    let name = format!("{}-{number}", app.name());
    let plan = provider(app.name(), "v1").named(&name);
    let mut options = registered(&plan, app.service(), registry, RegisterMode::All);
    options.name = name;
    Workload::start_with(mesh, &plan, &options).await
}

impl Customer {
    async fn start(
        mesh: &Mesh,
        registry: &Registry,
        app: &str,
        version: DubboVersion,
        start: Instant,
    ) -> Result<Self> {
        let mut caller = Caller::start(mesh, consumer(app), version).await?;
        let target = Target::registry(&registry.address());
        let target = match version {
            DubboVersion::V3_3 => target.subscription(Subscription::Application),
            // As Dubbo does by default: its own listener changes too.
            _ => target.retries(2),
        };
        let stock = target.clone().service("StockService");
        let long = "x".repeat(4_000);
        let loads: [(&Target, Call, String); 4] = [
            (&target, hello("bob"), "hello bob".to_owned()),
            (&target, hello(&long), format!("hello {long}")),
            (
                &target,
                Call::new("slow").argument(50),
                "slept 50".to_owned(),
            ),
            (&stock, reserve(), "reserved 2 of sku-1".to_owned()),
        ];
        let mut running = Vec::new();
        for (target, call, ending) in loads {
            // The first call waits for the registry.
            caller.call(target, &call).await?.value()?;
            let load = Load::new(&call, &ending).concurrency(AT_ONCE);
            let load = load.pause(Duration::from_millis(10));
            let load = caller.program.start_load(target, &load).await?;
            running.push((load, start.elapsed()));
        }
        Ok(Self {
            caller,
            version,
            loads: running,
            memory: 0,
        })
    }

    /// What Envoy holds once it has seen all kinds of calls.
    fn measure(&mut self) -> Result<()> {
        self.memory = self.caller.pod.resident()?;
        Ok(())
    }

    /// Which calls failed without a cause.
    async fn end(&mut self, kills: &[Duration], cuts: &[Range<Duration>]) -> Result<Vec<String>> {
        let mut unexcused = Vec::new();
        for (load, offset) in std::mem::take(&mut self.loads) {
            let counts = load.stop(&mut self.caller.program).await?;
            unexcused.extend(judge(&counts, offset, kills, cuts)?);
        }
        let pod: &Pod = &self.caller.pod;
        pod.expect_alive().await?;
        let (before, after) = (self.memory, pod.resident()?);
        ensure!(
            after <= before + before / 4 + 16 * 1024 * 1024,
            "Envoy held {before} bytes and now holds {after}"
        );
        Ok(unexcused)
    }
}

/// No answer is wrong, and no call fails but shortly after somebody was killed, or when the caller's own connections were
/// closed after they had drained: at most those that were on their way. Says which others failed.
fn judge(
    counts: &Counts,
    offset: Duration,
    kills: &[Duration],
    cuts: &[Range<Duration>],
) -> Result<Vec<String>> {
    ensure!(counts.calls > 100 && counts.mistaken() == 0, "{counts:#?}");
    let accidents = kills.len() + cuts.len();
    ensure!(
        counts.failed() <= (accidents * AT_ONCE) as u64,
        "more than were on their way: {counts:#?}"
    );
    let mut unexcused = Vec::new();
    for failure in &counts.failures {
        // Dubbo 3 may pick an address that it forgets in the same moment, when the registry has noticed the death.
        let window = match failure.text.contains("This invoker has been destroyed") {
            true => FORGOTTEN,
            false => WINDOW,
        };
        for time in &failure.times {
            let at = offset + Duration::from_millis(*time);
            let within = |begin: Duration, end| at + SLACK >= begin && at <= end;
            let excused = kills.iter().any(|kill| within(*kill, *kill + window))
                || cuts.iter().any(|cut| within(cut.start, cut.end + WINDOW));
            if !excused {
                unexcused.push(format!("at {at:?}: {}", failure.text));
            }
        }
    }
    Ok(unexcused)
}

/// Routes for calls that may be made twice.
fn routes(app: &str) -> Result<Manifest> {
    let tolerant = "retryOn: \"connect-failure,refused-stream,reset,503\"";
    let retries = "retryOn: \"connect-failure,refused-stream\"";
    let routing = manifest("routing")?.replace(retries, tolerant);
    Ok(routing
        .replace("order.shop", &format!("{app}.shop"))
        .for_app("order", app))
}

/// A change of the connection manager that takes the calls of an app's pods.
fn named_server(app: &str, name: u64) -> Manifest {
    Manifest::new(format!(
        "apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {{name: {app}-server-name, namespace: shop}}
spec:
  workloadSelector: {{labels: {{app: {app}}}}}
  configPatches:
  - applyTo: NETWORK_FILTER
    match:
      context: SIDECAR_INBOUND
      listener:
        filterChain:
          destinationPort: 20880
          filter: {{name: envoy.filters.network.http_connection_manager}}
    patch:
      operation: MERGE
      value:
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          server_name: server-{name}"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn accidents_cost_the_calls_that_they_hit() -> Result<()> {
    on_mesh(async |mesh| {
        let time = soak()?;
        let mut world = World::open(mesh).await?;
        // Every kind of accident once, so that the short run has them all; then as they come.
        let warm = Instant::now();
        world.edit().await?;
        world.kill_program(App::Order).await?;
        for customer in &mut world.customers {
            customer.measure()?;
        }
        world.kill_pod(App::Order).await?;
        world.change_listener(App::Order).await?;
        world.change_consumer().await?;
        world.restart_istiod().await?;
        world.replace(App::Stock).await?;
        while warm.elapsed() < time {
            world.accident().await?;
        }
        world.end().await
    })
    .await
}

/// The calls of each load that are on their way at a time.
const AT_ONCE: usize = 3;

/// How long after a kill a call may fail: that it was on its way shows late when its answer was.
const WINDOW: Duration = Duration::from_secs(3);

/// How long ZooKeeper keeps the address of a provider that died without a word.
const FORGOTTEN: Duration = Duration::from_secs(20);

/// How long the Envoys of the fixture let connections of a replaced listener live: the agent's `drainDuration`.
const DRAIN: Duration = Duration::from_secs(5);

/// The clocks of the two programs begin a little apart.
const SLACK: Duration = Duration::from_millis(500);
