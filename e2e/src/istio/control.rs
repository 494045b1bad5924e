//! The control plane: kube-apiserver with what it needs, istiod, an image registry. One for all scenarios of a program.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Mutex,
};

use anyhow::{Context, Result, anyhow, ensure};
use meshlane::package::Image;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt as _, sync::OnceCell};

use crate::{
    client::{Client, Request},
    poll,
    process::{Process, printed},
    registry::{self, Registry},
    scene::{cache, packaged, workspace},
};

/// A running control plane.
#[derive(Debug)]
pub struct Control {
    pin: Pin,
    state: TempDir,
    kubernetes: Process,
    registry: Registry,
    istiod: Mutex<Option<Process>>,
    root_certificate: String,
}

/// What `scripts/versions` says of Istio, and where `make setup` put it.
#[derive(Clone, Debug)]
pub struct Pin {
    /// The version of stock Envoy in front of which istio-agent stands.
    pub envoy: String,
    home: PathBuf,
}

impl Pin {
    /// Reads the pin.
    pub fn read() -> Result<Self> {
        const PINS: &str = include_str!("../../../scripts/versions");
        let line = PINS.lines().find_map(|line| line.strip_prefix("istio "));
        let mut words = line
            .context("no line `istio` in scripts/versions")?
            .split_whitespace();
        let envoy = words.nth(1).context("no version of Envoy")?;
        let home = workspace().join("target").join("istio");
        ensure!(
            home.is_dir(),
            "Istio is not at {}: run `make setup`",
            home.display()
        );
        Ok(Self {
            envoy: envoy.to_owned(),
            home,
        })
    }

    /// The program of `e2e/istio/control`.
    pub(super) fn program(&self) -> PathBuf {
        self.home.join("control")
    }

    /// istio-agent.
    pub(super) fn agent(&self) -> PathBuf {
        self.home.join("agent")
    }

    /// The template of Envoy's bootstrap that comes with istio-agent.
    pub(super) fn bootstrap_template(&self) -> PathBuf {
        self.home.join("envoy_bootstrap.json")
    }

    /// What a program needs in its environment to find iptables.
    pub(super) fn iptables(&self, command: &mut Command) -> Result<()> {
        let home = cache()?.join("iptables");
        // The machine's own is used where there is one.
        if home.is_dir() {
            let path = std::env::var("PATH").unwrap_or_default();
            command.env("PATH", format!("{}:{path}", home.join("bin").display()));
            command.env("LD_LIBRARY_PATH", home.join("lib"));
            command.env("XTABLES_LIBDIR", home.join("xtables"));
        }
        Ok(())
    }
}

impl Control {
    /// The control plane of this program, started when it is first asked for. It ends with the namespaces that the
    /// program runs in.
    pub async fn shared() -> Result<&'static Self> {
        static CONTROL: OnceCell<Control> = OnceCell::const_new();
        CONTROL.get_or_try_init(Self::start).await
    }

    async fn start() -> Result<Self> {
        ensure!(
            std::env::var_os("MESHLANE_INSIDE").is_some(),
            "these scenarios run in namespaces of their own: `make e2e-istio`"
        );
        let pin = Pin::read()?;
        let state = tempfile::Builder::new()
            .prefix("meshlane-istio-")
            .tempdir()?;
        let mut command = Command::new(pin.program());
        command.args(["cluster", "-state"]);
        let kubernetes =
            Process::start(command.arg(state.path()), &state.path().join("cluster.log"))?;
        let images = state.path().join("registry");
        fs::create_dir(&images)?;
        let registry = Registry::at(REGISTRY.parse()?, &images, &Value::Null);
        let registry = registry.await.context("the registry")?;
        let mut control = Self {
            pin,
            state,
            kubernetes,
            registry,
            istiod: Mutex::new(None),
            root_certificate: String::new(),
        };
        control.prepare().await.context("the control plane")?;
        Ok(control)
    }

    async fn prepare(&mut self) -> Result<()> {
        poll::patiently("the API server is ready", async || {
            self.kubernetes.expect_alive()?;
            ensure!(self.state.path().join("ready").is_file(), "not ready");
            Ok(())
        })
        .await?;
        let definitions = fs::read_to_string(self.pin.home.join("crds.yaml"))?;
        self.apply(&definitions).await?;
        self.apply(BASE).await?;
        self.kubectl(&[
            "wait",
            "--for=condition=Established",
            "crd",
            "--all",
            "--timeout=30s",
        ])
        .await?;
        self.start_istiod().await?;
        self.root_certificate = self.read_root_certificate().await?;
        for module in ["dubbo", "suite", "traffic-tag"] {
            let image = registry::image(&packaged(module)?)?;
            self.push(&image, &place(module, "0.1.0")).await?;
        }
        Ok(())
    }

    /// The pinned versions.
    pub fn pin(&self) -> &Pin {
        &self.pin
    }

    /// The certificate of istiod's authority, in PEM.
    pub(super) fn root_certificate(&self) -> &str {
        &self.root_certificate
    }

    /// Starts istiod and waits until it is ready.
    pub async fn start_istiod(&self) -> Result<()> {
        let home = self.state.path().join("istiod");
        fs::create_dir_all(&home)?;
        fs::write(home.join("mesh.yaml"), MESH)?;
        let mut command = Command::new(self.pin.program());
        command
            .args([
                "istiod",
                "discovery",
                "--registries=Kubernetes",
                "--ctrlz_port=0",
            ])
            .arg(format!("--kubeconfig={}", self.kubeconfig().display()))
            .args(["--meshConfig=mesh.yaml", "--networksConfig=/nonexistent"])
            .args(["--grpcAddr=", "--secureGRPCAddr=:15012", "--httpsAddr="])
            .arg(format!("--httpAddr={ISTIOD}"))
            .arg("--monitoringAddr=127.0.0.1:15014")
            .envs(ISTIOD_ENVIRONMENT)
            .current_dir(&home);
        let istiod = Process::start(&mut command, &home.join("istiod.log"))?;
        self.replace_istiod(Some(istiod))?;
        poll::patiently("istiod is ready", async || {
            self.expect_istiod()?;
            let response = Client::http1(ISTIOD).send(&Request::get("/ready")).await?;
            ensure!(response.status == 200, "istiod answers {}", response.status);
            Ok(())
        })
        .await
    }

    fn expect_istiod(&self) -> Result<()> {
        let istiod = self.istiod.lock().map_err(|_| anyhow!("poisoned"))?;
        istiod.as_ref().context("istiod was ended")?.expect_alive()
    }

    /// Ends istiod without a word to anybody.
    pub fn kill_istiod(&self) -> Result<()> {
        self.replace_istiod(None)
    }

    /// The one that was there ends.
    fn replace_istiod(&self, istiod: Option<Process>) -> Result<()> {
        *self.istiod.lock().map_err(|_| anyhow!("poisoned"))? = istiod;
        Ok(())
    }

    /// Runs kubectl and returns what it printed.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.kubectl_with(arguments, "").await
    }

    /// Runs kubectl in a namespace.
    pub(super) async fn kubectl_in(&self, namespace: &str, arguments: &[&str]) -> Result<String> {
        let namespace = format!("--namespace={namespace}");
        self.kubectl(&[&[namespace.as_str()], arguments].concat())
            .await
    }

    /// Applies resources.
    pub async fn apply(&self, resources: &str) -> Result<()> {
        let arguments = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--filename=-",
        ];
        self.kubectl_with(&arguments, resources).await?;
        Ok(())
    }

    /// Runs kubectl with something to read.
    pub(super) async fn kubectl_with(&self, arguments: &[&str], input: &str) -> Result<String> {
        let mut child = tokio::process::Command::new(self.pin.program())
            .arg("kubectl")
            .args(arguments)
            .env("KUBECONFIG", self.kubeconfig())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("kubectl does not start")?;
        let mut stdin = child.stdin.take().context("no standard input")?;
        stdin.write_all(input.as_bytes()).await?;
        drop(stdin);
        let output = child.wait_with_output().await?;
        printed(&format!("kubectl {}", arguments.join(" ")), &output)
    }

    /// Runs `istioctl validate` or `istioctl analyze`, without a cluster, and returns what it printed.
    pub async fn istioctl(&self, arguments: &[&str]) -> Result<String> {
        let mut command = tokio::process::Command::new(self.pin.program());
        let command = command.arg("istioctl").args(arguments);
        let what = format!("istioctl {}", arguments.join(" "));
        printed(&what, &command.output().await?)
    }

    /// What Helm makes of a chart, which it judges before.
    pub async fn helm(&self, arguments: &[&str]) -> Result<String> {
        let mut command = tokio::process::Command::new(self.pin.program());
        let command = command.arg("helm").args(arguments);
        let what = format!("helm {}", arguments.join(" "));
        printed(&what, &command.output().await?)
    }

    /// Pushes an image to the registry, to `REPOSITORY:TAG`.
    pub async fn push(&self, image: &Image, to: &str) -> Result<()> {
        self.registry.expect_alive()?;
        self.registry.push(image, to).await
    }

    fn kubeconfig(&self) -> PathBuf {
        self.state.path().join("kubeconfig")
    }

    async fn read_root_certificate(&self) -> Result<String> {
        let path = "--output=jsonpath={.data.root-cert\\.pem}";
        let arguments = [
            "get",
            "configmap",
            "istio-ca-root-cert",
            "--namespace=istio-system",
            path,
        ];
        poll::patiently("istiod publishes its certificate", async || {
            let certificate = self.kubectl(&arguments).await?;
            ensure!(certificate.contains("BEGIN CERTIFICATE"), "{certificate}");
            Ok(certificate)
        })
        .await
    }
}

/// Where an image of a module is in the registry.
pub(super) fn place(module: &str, tag: &str) -> String {
    format!("meshlane/{module}:{tag}")
}

/// Where the registry is, on the node.
pub const REGISTRY: &str = "10.244.0.1:5000";

const ISTIOD: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

/// Istio's own filters are not in stock Envoy; injection needs webhooks that nobody here calls.
const ISTIOD_ENVIRONMENT: [(&str, &str); 10] = [
    ("POD_NAME", "istiod"),
    ("POD_NAMESPACE", "istio-system"),
    ("CLUSTER_ID", "Kubernetes"),
    ("PILOT_ENABLE_METADATA_EXCHANGE", "false"),
    ("PILOT_ENABLE_ALPN_FILTER", "false"),
    ("PILOT_ENABLE_AMBIENT", "false"),
    ("PILOT_ENABLE_GATEWAY_API", "false"),
    ("INJECT_ENABLED", "false"),
    ("PILOT_DEBOUNCE_AFTER", "20ms"),
    ("PILOT_DEBOUNCE_MAX", "200ms"),
];

/// What every cluster has.
const BASE: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: istio-system}
---
apiVersion: v1
kind: Node
metadata: {name: node}
";

/// The settings of the mesh: Istio's defaults, and access logs that tell what became of a call.
const MESH: &str = "\
rootNamespace: istio-system
trustDomain: cluster.local
enableTracing: false
accessLogFile: /dev/stdout
accessLogEncoding: JSON
accessLogFormat: |
  {\"path\": \"%REQ(:PATH)%\", \"authority\": \"%REQ(:AUTHORITY)%\", \"status\": \"%RESPONSE_CODE%\",
   \"flags\": \"%RESPONSE_FLAGS%\", \"details\": \"%RESPONSE_CODE_DETAILS%\", \"attempts\": \"%UPSTREAM_REQUEST_ATTEMPT_COUNT%\",
   \"upstream\": \"%UPSTREAM_HOST%\", \"cluster\": \"%UPSTREAM_CLUSTER_RAW%\", \"principal\": \"%DOWNSTREAM_PEER_URI_SAN%\",
   \"tags\": \"%FILTER_STATE(wasm.meshlane.traffic-tag:PLAIN)%\",
   \"route\": \"%FILTER_STATE(wasm.meshlane.tag-route:PLAIN)%\"}
";
