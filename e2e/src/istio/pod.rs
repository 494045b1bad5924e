//! Pods: an application's network namespace and its sidecar.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    time::Instant,
};

use super::{
    access::{self, Entry},
    agent,
    control::Control,
    sandbox::{Gate, Identity, Sandbox},
};
use crate::{
    envoy::Admin,
    peer::memory,
    place::Place,
    poll,
    process::{Process, run},
    scene::Scene,
};

/// What a pod is to be.
#[derive(Clone, Debug)]
pub struct PodPlan {
    pub(super) name: String,
    pub(super) captured: bool,
    sidecar: bool,
    pub(super) gateway: bool,
    ready: bool,
    labels: BTreeMap<String, String>,
}

/// A pod that runs; dropping it ends its sidecar and removes its network. The resource stays.
#[derive(Debug)]
pub struct Pod {
    plan: PodPlan,
    namespace: String,
    control: &'static Control,
    // Before the sandbox: what runs there ends first.
    sidecar: Option<Sidecar>,
    sandbox: Sandbox,
}

#[derive(Debug)]
struct Sidecar {
    agent: Process,
    admin: Admin,
    _gate: Gate,
}

impl PodPlan {
    /// A pod with a sidecar that nothing is captured for, named and labelled by its `app`, of the ServiceAccount of the
    /// same name.
    pub fn new(app: &str) -> Self {
        Self {
            name: app.to_owned(),
            captured: false,
            sidecar: true,
            gateway: false,
            ready: true,
            labels: BTreeMap::from([("app".to_owned(), app.to_owned())]),
        }
    }

    /// The app that the pod runs.
    pub fn app(&self) -> &str {
        self.labels.get("app").map_or(&self.name, |app| app)
    }

    /// The version of the app, its name when it has none.
    pub fn version_name(&self) -> &str {
        self.labels
            .get("version")
            .map_or(&self.name, |version| version)
    }

    /// One of several pods of an app.
    pub fn version(mut self, version: &str) -> Self {
        self.name = format!("{}-{version}", self.name);
        self.label("version", version)
    }

    /// A label more.
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Another name.
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// iptables capture what enters and leaves.
    pub fn captured(mut self) -> Self {
        self.captured = true;
        self
    }

    /// No sidecar: a workload outside of the mesh.
    pub fn bare(mut self) -> Self {
        self.sidecar = false;
        self
    }

    /// The proxy is no sidecar but a gateway, as of Istio's own chart.
    pub fn gateway(mut self) -> Self {
        self.gateway = true;
        self
    }

    /// No calls until [`Pod::set_ready`] says so, as with a readiness probe of the application.
    pub fn unready(mut self) -> Self {
        self.ready = false;
        self
    }

    /// The labels of the pod. Istio reads off the last one that the pod speaks mTLS; the injector sets it.
    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        if self.sidecar {
            let (name, value) = ("security.istio.io/tlsMode", "istio");
            labels.insert(name.to_owned(), value.to_owned());
        }
        labels
    }

    fn resources(&self, namespace: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "List", "items": [
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": self.app(), "namespace": namespace},
            },
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": self.name, "namespace": namespace, "labels": self.labels()},
                "spec": {
                    "nodeName": "node",
                    "serviceAccountName": self.app(),
                    "containers": [{"name": "app", "image": "none"}],
                },
            },
        ]})
    }
}

impl Pod {
    /// Creates the resource, the network and the sidecar, and waits until the sidecar is ready.
    pub(super) async fn start(
        scene: &Scene,
        control: &'static Control,
        namespace: &str,
        plan: &PodPlan,
    ) -> Result<Self> {
        let sandbox = Sandbox::new()?;
        control
            .apply(&plan.resources(namespace).to_string())
            .await?;
        let mut pod = Self {
            plan: plan.clone(),
            namespace: namespace.to_owned(),
            control,
            sidecar: None,
            sandbox,
        };
        pod.set_ready(plan.ready).await?;
        if plan.sidecar {
            pod.sidecar = Some(pod.start_sidecar(scene).await?);
        }
        Ok(pod)
    }

    async fn start_sidecar(&self, scene: &Scene) -> Result<Sidecar> {
        if self.plan.captured {
            self.capture()?;
        }
        let account = &self.plan.app();
        let lasting = ["--audience=istio-ca", "--duration=24h"];
        let token = self
            .kubectl(&[&["create", "token", account], &lasting[..]].concat())
            .await?;
        let agent = agent::start(
            scene,
            self.control,
            &self.sandbox,
            &self.namespace,
            &self.plan,
            token.trim(),
        )?;
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), agent::ADMIN);
        let gate = self.sandbox.gate(address).await?;
        let admin = Admin::new(gate.address());
        poll::patiently("the sidecar is ready", async || {
            agent.expect_alive()?;
            admin.expect_ready().await
        })
        .await
        .with_context(|| format!("pod {}", self.plan.name))?;
        Ok(Sidecar {
            agent,
            admin,
            _gate: gate,
        })
    }

    /// What Istio's init container does.
    fn capture(&self) -> Result<()> {
        let mut command = self
            .sandbox
            .command(Identity::Application, self.control.pin().agent());
        self.control.pin().iptables(&mut command)?;
        run(command
            .args([
                "istio-iptables",
                "-p",
                "15001",
                "-z",
                "15006",
                "-u",
                "1337",
                "-m",
                "REDIRECT",
            ])
            .args(["-i", "*", "-x", "", "-b", "*", "-d", "15090,15021,15020"]))?;
        Ok(())
    }

    /// The name of the pod.
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// The address of the pod.
    pub fn address(&self) -> Ipv4Addr {
        self.sandbox.address()
    }

    /// A port of the pod.
    pub fn port(&self, port: u16) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(self.address()), port)
    }

    /// Where the application's programs run.
    pub fn place(&self) -> Place {
        Place::new(self.sandbox.prefix(Identity::Application), None)
    }

    /// Connects as the application would.
    pub async fn connect(&self, target: SocketAddr) -> Result<TcpStream> {
        self.sandbox.connect(target).await
    }

    /// Listens on a port as the application would.
    pub async fn listen(&self, port: u16) -> Result<TcpListener> {
        let every = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
        self.sandbox.listen(every).await
    }

    /// The TCP ports that somebody in the pod listens on, the sidecar included, on whichever address.
    pub fn listening(&self) -> Result<BTreeSet<u16>> {
        self.sandbox.listening()
    }

    /// An address of this program's that leads to `target` as the application sees it.
    pub async fn gate(&self, target: SocketAddr) -> Result<Gate> {
        self.sandbox.gate(target).await
    }

    /// Tells Kubernetes, and so Istio and every consumer's Envoy, whether calls may come.
    pub async fn set_ready(&self, ready: bool) -> Result<()> {
        let address = self.address().to_string();
        let ready = if ready { "True" } else { "False" };
        let status = json!({"status": {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [{"type": "Ready", "status": ready}],
        }});
        let patch = format!("--patch={status}");
        let options = ["--subresource=status", "--type=merge", &patch];
        self.kubectl(&[&["patch", "pod", self.name()], &options[..]].concat())
            .await?;
        Ok(())
    }

    /// Removes the resource, as when a pod is deleted.
    pub async fn delete(&self) -> Result<()> {
        let at_once = ["--grace-period=0", "--force"];
        self.kubectl(&[&["delete", "pod", self.name()], &at_once[..]].concat())
            .await?;
        Ok(())
    }

    /// Envoy's admin interface.
    pub fn admin(&self) -> Result<&Admin> {
        Ok(&self.sidecar()?.admin)
    }

    /// What agent and Envoy wrote: their log, and a line of JSON for each call.
    pub fn log(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(self.sidecar()?.agent.log())?).into_owned())
    }

    /// The access log of Envoy so far.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        Ok(access::entries(&self.log()?))
    }

    /// The bytes of memory that Envoy has resident.
    pub fn resident(&self) -> Result<u64> {
        let envoy = self.sidecar()?.agent.child_process("envoy")?;
        memory::resident_of(envoy)
    }

    /// Fails unless agent and Envoy live.
    pub async fn expect_alive(&self) -> Result<()> {
        let sidecar = self.sidecar()?;
        sidecar.agent.expect_alive()?;
        sidecar.admin.expect_ready().await
    }

    /// Waits until Envoy's configuration contains a text.
    pub async fn expect_configuration(&self, text: &str) -> Result<()> {
        poll::until(
            &format!("the configuration of {} has {text}", self.plan.name),
            async || {
                let dump = self.admin()?.text("/config_dump?include_eds").await?;
                ensure!(dump.contains(text), "it is not there");
                Ok(())
            },
        )
        .await
    }

    /// Waits until Envoy's configuration does not contain a text any more.
    pub async fn expect_no_configuration(&self, text: &str) -> Result<()> {
        let what = format!("the configuration of {} is without {text}", self.plan.name);
        poll::until(&what, async || {
            let dump = self.admin()?.text("/config_dump?include_eds").await?;
            ensure!(!dump.contains(text), "it is there");
            Ok(())
        })
        .await
    }

    /// Waits until a listener has a text that takes connections: one that still waits for a part of its configuration does not.
    pub async fn expect_listener(&self, text: &str) -> Result<()> {
        let what = format!("a listener in force of {} has {text}", self.plan.name);
        poll::until(&what, async || {
            let path = "/config_dump?resource=dynamic_listeners";
            let dump: Value = serde_json::from_str(&self.admin()?.text(path).await?)?;
            let listeners = dump
                .get("configs")
                .and_then(Value::as_array)
                .context("there are none")?;
            let mut active = listeners.iter().filter_map(|each| each.get("active_state"));
            ensure!(active.any(|state| state.to_string().contains(text)), "none");
            Ok(())
        })
        .await
    }

    /// How many of Envoy's listeners were replaced so far.
    pub async fn replaced_listeners(&self) -> Result<u64> {
        let stats = self.admin()?.stats().await?;
        let replaced = stats.value("listener_manager.listener_modified");
        replaced.context("Envoy does not count listeners")
    }

    /// Waits until the connections of replaced listeners are closed, and nothing has changed about listeners for some seconds.
    pub async fn expect_settled(&self) -> Result<()> {
        let what = format!("the listeners of {} are settled", self.plan.name);
        let mut last = (String::new(), Instant::now());
        poll::patiently(&what, async || {
            let path = "/stats?filter=^listener_manager\\.(total_|listener_)";
            let stats = self.admin()?.text(path).await?;
            if stats != last.0 {
                last = (stats, Instant::now());
            }
            let is_busy = |line: &str| {
                let stat = line.split_once(": ");
                stat.is_some_and(|(name, value)| {
                    value != "0" && (name.ends_with("_draining") || name.ends_with("_warming"))
                })
            };
            let busy = last.0.lines().find(|line| is_busy(line));
            ensure!(busy.is_none(), "{busy:?}");
            ensure!(last.1.elapsed() > SETTLED, "they changed a moment ago");
            Ok(())
        })
        .await
    }

    /// Waits until Envoy sends no calls of a Service to an address any more.
    pub async fn expect_no_endpoint(&self, service: &str, address: SocketAddr) -> Result<()> {
        let what = format!("{} does not send {service} to {address}", self.plan.name);
        poll::until(&what, async || {
            let clusters = self.admin()?.text("/clusters").await?;
            // Those that are not ready stay known, but are marked.
            let host = format!("|{service}.");
            let healthy = format!("::{address}::health_flags::healthy");
            let used = |line: &str| line.contains(&host) && line.ends_with(&healthy);
            ensure!(!clusters.lines().any(used), "it does");
            Ok(())
        })
        .await?;
        tokio::time::sleep(MERGE_WINDOW).await;
        Ok(())
    }

    /// Ends the sidecar without a word to anybody, as when a node dies; nobody listens on the pod's ports any more.
    pub fn kill_sidecar(&self) -> Result<()> {
        self.sidecar()?.agent.kill()
    }

    /// Asks agent and Envoy to drain and end, as kubelet does.
    pub fn terminate(&self) -> Result<()> {
        self.sidecar()?.agent.terminate()
    }

    async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.control.kubectl_in(&self.namespace, arguments).await
    }

    fn sidecar(&self) -> Result<&Sidecar> {
        self.sidecar
            .as_ref()
            .with_context(|| format!("{} has no sidecar", self.plan.name))
    }
}

/// Envoy collects what changes about the health of endpoints for a second (`update_merge_window`) before its workers, which
/// send the calls, hear of it. Its admin interface shows it at once.
const MERGE_WINDOW: Duration = Duration::from_millis(1200);

/// Istiod collects changes before it tells proxies of them: a moment after the last one, or every second while there are more.
const SETTLED: Duration = Duration::from_secs(3);
