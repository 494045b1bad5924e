//! A real Prometheus that scrapes Envoys, and `promtool`.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    client::{Client, Request},
    poll,
    port::Port,
    process::{Process, run},
    scene::{Scene, cache},
};

/// A running Prometheus; dropping it ends the process.
#[derive(Debug)]
pub struct Prometheus {
    _process: Process,
    _port: Port,
    /// Who is scraped. The file is read again when it changes.
    targets: PathBuf,
    api: PrometheusApi,
}

/// The HTTP interface of a Prometheus, wherever that runs.
#[derive(Clone, Copy, Debug)]
pub struct PrometheusApi(SocketAddr);

/// One series at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The name of the metric is not among them.
    pub labels: Labels,
    /// It may be no number: 0 divided by 0.
    pub value: f64,
}

/// An alert whose condition holds, be it long enough or not.
#[derive(Clone, Debug, Deserialize)]
pub struct Alert {
    /// `alertname` is the name of the rule.
    pub labels: Labels,
    /// The texts with everything filled in.
    pub annotations: Labels,
}

type Labels = BTreeMap<String, String>;

impl Prometheus {
    /// Starts a Prometheus that scrapes nobody yet, and evaluates rules once a second.
    pub async fn start(scene: &Scene, rules: &Path) -> Result<Self> {
        let log = scene.fresh("prometheus.log")?;
        let (config, targets) = (
            log.with_file_name("config.json"),
            log.with_file_name("targets.json"),
        );
        fs::write(&targets, "[]")?;
        // JSON is YAML.
        let settings = json!({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [rules.canonicalize()?],
            "scrape_configs": [{
                "job_name": "envoy",
                "metrics_path": "/stats/prometheus",
                "file_sd_configs": [{"files": [targets], "refresh_interval": "1s"}],
            }],
        });
        fs::write(&config, settings.to_string())?;
        let port = Port::reserve()?;
        let mut command = Command::new(program("prometheus")?);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--web.listen-address={}", port.address()))
            .arg(format!(
                "--storage.tsdb.path={}",
                log.with_file_name("data").display()
            ));
        let process = Process::start(&mut command, &log)?;
        let ready = process.until_ready("Prometheus", async || {
            let request = Request::get("/-/ready");
            let answer = Client::http1(port.address()).send(&request).await?;
            ensure!(answer.status == 200, "it answers {}", answer.status);
            Ok(())
        });
        ready.await?;
        Ok(Self {
            _process: process,
            api: PrometheusApi::new(port.address()),
            _port: port,
            targets,
        })
    }

    /// Has it scrape these, all of one namespace, and waits until it has done so.
    pub async fn scrape(&self, targets: &[SocketAddr]) -> Result<()> {
        let groups = json!([{"targets": targets, "labels": {"namespace": "shop"}}]);
        // In one step: it may read at any time.
        let new = self.targets.with_extension("new");
        fs::write(&new, groups.to_string())?;
        fs::rename(&new, &self.targets)?;
        poll::until("all are scraped", async || {
            let up = self.api.query("up == 1").await?;
            ensure!(up.len() == targets.len(), "{up:?} of {}", targets.len());
            Ok(())
        })
        .await
    }

    /// What it has found.
    pub fn api(&self) -> PrometheusApi {
        self.api
    }
}

impl PrometheusApi {
    /// Of the Prometheus at this address.
    pub fn new(address: SocketAddr) -> Self {
        Self(address)
    }

    /// The value of an expression now.
    pub async fn query(&self, expression: &str) -> Result<Vec<Sample>> {
        #[derive(Deserialize)]
        #[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
        enum Answer {
            Vector(Vec<Series>),
            Scalar((f64, String)),
        }
        #[derive(Deserialize)]
        struct Series {
            metric: Labels,
            value: (f64, String),
        }
        let path = format!("/api/v1/query?query={}", encoded(expression));
        let sample = |labels: Labels, value: &str| {
            anyhow::Ok(Sample {
                labels: labels
                    .into_iter()
                    .filter(|(name, _)| name != "__name__")
                    .collect(),
                value: value.parse()?,
            })
        };
        let answer = self.get(&path).await;
        match answer.with_context(|| expression.to_owned())? {
            Answer::Vector(all) => {
                let samples = all.into_iter();
                samples
                    .map(|series| sample(series.metric, &series.value.1))
                    .collect()
            }
            Answer::Scalar((_, value)) => Ok(vec![sample(Labels::new(), &value)?]),
        }
    }

    /// The values of a label among the series that a selector takes.
    pub async fn label_values(&self, label: &str, selector: &str) -> Result<Vec<String>> {
        let path = format!("/api/v1/label/{label}/values?match[]={}", encoded(selector));
        self.get(&path).await.with_context(|| selector.to_owned())
    }

    /// The alerts whose condition holds.
    pub async fn alerts(&self) -> Result<Vec<Alert>> {
        #[derive(Deserialize)]
        struct Alerts {
            alerts: Vec<Alert>,
        }
        Ok(self.get::<Alerts>("/api/v1/alerts").await?.alerts)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        #[derive(Deserialize)]
        struct Answer<T> {
            data: T,
        }
        let request = Request::get(path).authority("prometheus");
        let response = Client::http1(self.0).send(&request).await?;
        ensure!(
            response.status == 200,
            "Prometheus answers {}: {}",
            response.status,
            String::from_utf8_lossy(&response.body)
        );
        Ok(serde_json::from_slice::<Answer<T>>(&response.body)?.data)
    }
}

/// Runs `promtool` in a folder and returns what it printed.
pub fn promtool(folder: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(program("promtool")?);
    run(command.current_dir(folder).args(arguments))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// One of the programs that `make observability` gets.
fn program(name: &str) -> Result<PathBuf> {
    let program = cache()?.join("prometheus").join("bin").join(name);
    ensure!(
        program.is_file(),
        "{} is missing: run `make observability`",
        program.display()
    );
    Ok(program)
}
