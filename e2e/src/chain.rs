//! Services that call one another, each with a sidecar, behind a gateway: HTTP, Dubbo, HTTP, gRPC, Dubbo. Some have a second
//! member in the lane `gray`.
//!
//! ```text
//! client ─HTTP─▶ gateway ─▶ web ─Dubbo─▶ order ─HTTP─▶ stock ─gRPC─▶ price ─Dubbo─▶ audit
//!                           web-gray                   stock-gray                   audit-gray
//! ```
//!
//! Applications forward nothing but one header, as an attachment where they call by Dubbo. `web`, `order` and `audit` are
//! Java programs with Apache Dubbo, the others are ours. An answer tells all members that a request came to.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use self::sidecar::{BASELINE, INBOUND, OUTBOUND, Plan};
pub use self::{
    hop::{Hop, Next},
    sidecar::Sidecar,
};
use crate::{
    client::{Client, Request, Response},
    dubbo::{Relay, Serves},
    poll,
    scene::{Scene, cache},
};

mod hop;
mod sidecar;

/// What a service is called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http,
    /// gRPC.
    Grpc,
    /// Dubbo2, which is HTTP/2 between sidecars.
    Dubbo,
}

/// A service of the chain.
#[derive(Clone, Debug)]
pub struct Service {
    name: &'static str,
    protocol: Protocol,
    is_java: bool,
    is_gray: bool,
    /// Whether Envoy checks the health of its members.
    is_checked: bool,
}

/// How a chain is built.
#[derive(Clone, Debug)]
pub struct Options {
    /// What applications forward that are ours.
    pub forwards: Vec<&'static str>,
    /// What the Java programs forward, besides what an agent does in them.
    pub java_forwards: Vec<&'static str>,
    /// The configuration of `gray-release` in all sidecars; without it nothing carries tags.
    pub carries: Option<Value>,
    /// Whether the lane may be left.
    pub strict: bool,
    /// A Java agent that carries baggage.
    pub agent: Option<PathBuf>,
    /// The workers of each sidecar.
    pub workers: u32,
    /// The services, in the order of calls.
    pub services: Vec<Service>,
}

/// A running chain.
#[derive(Debug)]
pub struct Chain {
    gateway: Sidecar,
    members: BTreeMap<String, Member>,
    options: Options,
}

/// A member of a service.
#[derive(Debug)]
pub struct Member {
    /// Its sidecar.
    pub sidecar: Sidecar,
    application: Application,
}

#[derive(Debug)]
enum Application {
    Java(Box<Relay>),
    Own(Hop),
    /// It was killed; where it was.
    Gone(SocketAddr),
}

impl Service {
    const fn new(name: &'static str, protocol: Protocol) -> Self {
        Self {
            name,
            protocol,
            is_java: false,
            is_gray: false,
            is_checked: false,
        }
    }

    fn member(&self, lane: &str) -> String {
        format!("{}-{lane}", self.name)
    }

    fn lanes(&self) -> &'static [&'static str] {
        if self.is_gray {
            &[BASELINE, GRAY]
        } else {
            &[BASELINE]
        }
    }
}

impl Options {
    /// Applications forward this header; the sidecars carry the tag.
    pub fn forwarding(header: &'static str) -> Self {
        Self {
            forwards: vec![header],
            java_forwards: vec![header],
            carries: Some(document("permissive")),
            strict: false,
            agent: None,
            workers: 2,
            services: services(),
        }
    }

    /// No Java programs: HTTP and gRPC in turn.
    pub fn without_dubbo(mut self) -> Self {
        for service in &mut self.services {
            service.is_java = false;
            if service.name == "order" {
                service.protocol = Protocol::Grpc;
            }
            if service.name == "audit" {
                service.protocol = Protocol::Http;
            }
        }
        self
    }

    /// Requests of the lane never leave it, and it has a member of every service.
    pub fn strict(mut self) -> Self {
        for service in &mut self.services {
            service.is_gray = true;
        }
        self.strict = true;
        self.carries = Some(document("strict"));
        self
    }
}

/// The Java agent of OpenTelemetry.
pub fn opentelemetry_agent() -> Result<PathBuf> {
    let version = OPENTELEMETRY;
    let jar = cache()?
        .join("opentelemetry")
        .join(version)
        .join(format!("opentelemetry-javaagent-{version}.jar"));
    ensure!(
        jar.is_file(),
        "{} is missing: run `make dubbo`",
        jar.display()
    );
    Ok(jar)
}

/// The configuration of `gray-release` in the sidecars.
pub fn document(mode: &str) -> Value {
    json!({"tags": [{"name": "x-mse-tag", "lanes": {
        "label": LANE_LABEL,
        "baseline": BASELINE,
        "lanes": [{"name": GRAY, "mode": mode}],
        "exempt": {"attribute": "path", "exact": HEALTH},
    }}]})
}

impl Chain {
    /// Starts all services and the gateway, which tags requests of users whose names begin with `gray-`.
    pub async fn start(scene: &Scene, options: Options) -> Result<Self> {
        let mut members = BTreeMap::new();
        let mut next: Option<(Service, BTreeMap<String, SocketAddr>)> = None;
        for service in options.services.clone().into_iter().rev() {
            let mut addresses = BTreeMap::new();
            for lane in service.lanes() {
                let name = service.member(lane);
                let member = Member::start(scene, &service, lane, next.as_ref(), &options);
                let member = member.await.context(name.clone())?;
                addresses.insert((*lane).to_owned(), member.sidecar.envoy.address(INBOUND)?);
                members.insert(name, member);
            }
            next = Some((service, addresses));
        }
        let (first, addresses) = next.context("no services")?;
        let tags = json!({"tags": [{"name": "x-mse-tag", "onIncoming": "strip", "rules": [
            {"name": "gray-users", "when": {"attribute": "header.x-user", "prefix": "gray-"}, "value": GRAY},
        ]}]});
        let gateway = Plan {
            lane: BASELINE,
            application: None,
            next: Some((&first, &addresses)),
            carries: None,
            strict: options.strict,
            tags: Some(&tags),
            workers: options.workers,
        };
        Ok(Self {
            gateway: gateway.start(scene).await?,
            members,
            options,
        })
    }

    /// A member by its name: `stock-gray`.
    pub fn member(&self, name: &str) -> Result<&Member> {
        self.members.get(name).with_context(|| format!("no {name}"))
    }

    /// The gateway.
    pub fn gateway(&self) -> &Sidecar {
        &self.gateway
    }

    /// A client's request with an identifier.
    pub async fn ask(&self, user: &str, identifier: (&str, &str)) -> Result<Response> {
        let request = Request::get("/")
            .authority("web.shop")
            .header("x-user", user)
            .header(identifier.0, identifier.1);
        let address = self.gateway.envoy.address(OUTBOUND)?;
        Client::http1(address).send(&request).await
    }

    /// Ends the application of a member without a word.
    pub fn kill(&mut self, name: &str) -> Result<()> {
        let member = self.members.get_mut(name).context("no such member")?;
        let address = member.application.address();
        member.application = Application::Gone(address);
        Ok(())
    }

    /// Starts an application again that was killed, where it was.
    pub async fn restart(&mut self, name: &str) -> Result<()> {
        let forwards = self.options.forwards.clone();
        let member = self.members.get_mut(name).context("no such member")?;
        let Application::Gone(address) = member.application else {
            bail!("{name} lives");
        };
        let hop = Hop::start_at(name, &forwards, address).await?;
        hop.call_next(Next::new(
            Protocol::Grpc,
            member.sidecar.envoy.address(OUTBOUND)?,
        ));
        member.application = Application::Own(hop);
        Ok(())
    }

    /// Fails unless all Envoys live.
    pub async fn expect_alive(&self) -> Result<()> {
        self.gateway.envoy.expect_alive().await?;
        for (name, member) in &self.members {
            let alive = member.sidecar.envoy.expect_alive().await;
            alive.context(name.clone())?;
        }
        Ok(())
    }
}

impl Member {
    async fn start(
        scene: &Scene,
        service: &Service,
        lane: &str,
        next: Option<&(Service, BTreeMap<String, SocketAddr>)>,
        options: &Options,
    ) -> Result<Self> {
        let name = service.member(lane);
        let mut application = match (service.is_java, service.protocol) {
            (true, protocol) => {
                let serves = match protocol {
                    Protocol::Dubbo => Serves::Dubbo,
                    Protocol::Http | Protocol::Grpc => Serves::Http,
                };
                let agent = options.agent.as_deref();
                let relay = Relay::start(scene, &name, serves, &options.java_forwards, agent);
                Application::Java(Box::new(relay.await?))
            }
            (false, _) => Application::Own(Hop::start(&name, &options.forwards).await?),
        };
        let plan = Plan {
            lane,
            application: Some((service.protocol, application.address())),
            next: next.map(|(service, members)| (service, members)),
            carries: options.carries.as_ref(),
            strict: options.strict,
            tags: None,
            workers: options.workers,
        };
        let sidecar = plan.start(scene).await?;
        if let Some((next, _)) = next {
            let address = sidecar.envoy.address(OUTBOUND)?;
            application.call_next(next.protocol, address).await?;
        }
        Ok(Self {
            sidecar,
            application,
        })
    }

    /// The application, of those that are not Java programs.
    pub fn hop(&self) -> Result<&Hop> {
        match &self.application {
            Application::Own(hop) => Ok(hop),
            Application::Java(_) | Application::Gone(_) => bail!("not one of ours"),
        }
    }

    /// Where the sidecar takes requests for the application.
    pub fn inbound(&self) -> Result<SocketAddr> {
        self.sidecar.envoy.address(INBOUND)
    }

    /// Where the sidecar takes requests of the application.
    pub fn outbound(&self) -> Result<SocketAddr> {
        self.sidecar.envoy.address(OUTBOUND)
    }

    /// What the access log says of the tag of a call that left the application, by its number from 0; waits until it is written.
    pub async fn outbound_line(&self, number: usize) -> Result<Option<String>> {
        let entry = poll::until("a call is logged", async || {
            let entries = self.sidecar.outbound.entries()?;
            entries.get(number).cloned().context("it is not there")
        });
        Ok(entry.await?.gray)
    }

    /// A number among the statistics of the sidecar, `wasmcustom.meshlane_` before it; 0 when it is not there.
    pub async fn stat(&self, name: &str) -> Result<u64> {
        Ok(self.sidecar.envoy.admin().stats().await?.of_filters(name))
    }
}

impl Application {
    fn address(&self) -> SocketAddr {
        match self {
            Self::Java(relay) => relay.address(),
            Self::Own(hop) => hop.address(),
            Self::Gone(address) => *address,
        }
    }

    async fn call_next(&mut self, protocol: Protocol, address: SocketAddr) -> Result<()> {
        match (self, protocol) {
            (Self::Java(relay), Protocol::Http) => relay.call_next(Serves::Http, address).await,
            (Self::Java(relay), Protocol::Dubbo) => relay.call_next(Serves::Dubbo, address).await,
            (Self::Own(hop), protocol) => {
                hop.call_next(Next::new(protocol, address));
                Ok(())
            }
            (Self::Java(_), Protocol::Grpc) => bail!("the Java program calls nobody by gRPC"),
            (Self::Gone(_), _) => bail!("it is gone"),
        }
    }
}

/// In the order of calls.
fn services() -> Vec<Service> {
    vec![
        Service {
            is_java: true,
            is_gray: true,
            ..Service::new("web", Protocol::Http)
        },
        Service {
            is_java: true,
            ..Service::new("order", Protocol::Dubbo)
        },
        Service {
            is_gray: true,
            is_checked: true,
            ..Service::new("stock", Protocol::Http)
        },
        Service::new("price", Protocol::Grpc),
        Service {
            is_java: true,
            is_gray: true,
            ..Service::new("audit", Protocol::Dubbo)
        },
    ]
}

/// What a request without a tag is answered when all goes well.
pub const NORMAL: &str = "web-base>order-base>stock-base>price-base>audit-base";

/// What a gray request is answered.
pub const GRAY_EVERYWHERE: &str = "web-gray>order-base>stock-gray>price-base>audit-gray";

/// What a gray request is answered where the lane has a member of every service.
pub const GRAY_ALONE: &str = "web-gray>order-gray>stock-gray>price-gray>audit-gray";

/// The path that health checks ask for.
pub const HEALTH: &str = "/health";

/// The lane, and the value of the tag.
const GRAY: &str = "gray";

/// The label of workloads that names their lane.
const LANE_LABEL: &str = "lane";

const OPENTELEMETRY: &str = "2.33.1";
