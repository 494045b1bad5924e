//! Envoy's admin interface: readiness, listeners, statistics.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::{
    client::{Client, Request},
    poll,
};

/// The admin interface of one Envoy.
#[derive(Clone, Debug)]
pub struct Admin {
    address: SocketAddr,
}

impl Admin {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Where the interface listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The text that a path answers with.
    pub async fn text(&self, path: &str) -> Result<String> {
        let response = Client::http1(self.address)
            .send(&Request::get(path))
            .await?;
        ensure!(response.status == 200, "{path} answers {}", response.status);
        Ok(String::from_utf8(response.body.to_vec())?)
    }

    /// Sends a command, for example `/logging?wasm=debug`.
    pub async fn post(&self, path: &str) -> Result<()> {
        let mut request = Request::post(path, Vec::new());
        request
            .headers
            .push(("content-length".to_owned(), b"0".to_vec()));
        let response = Client::http1(self.address).send(&request).await?;
        ensure!(response.status == 200, "{path} answers {}", response.status);
        Ok(())
    }

    /// Fails unless Envoy says that it is live.
    pub async fn expect_ready(&self) -> Result<()> {
        let state = self.text("/ready").await?;
        ensure!(state.trim() == "LIVE", "Envoy is {state}");
        Ok(())
    }

    /// The listeners by name, with the address that each is bound to.
    pub async fn listeners(&self) -> Result<BTreeMap<String, SocketAddr>> {
        #[derive(Deserialize)]
        struct Listeners {
            #[serde(default)]
            listener_statuses: Vec<Listener>,
        }
        #[derive(Deserialize)]
        struct Listener {
            name: String,
            local_address: Address,
        }
        #[derive(Deserialize)]
        struct Address {
            /// Absent of a pipe.
            socket_address: Option<SocketAddress>,
        }
        #[derive(Deserialize)]
        struct SocketAddress {
            address: std::net::IpAddr,
            port_value: u16,
        }
        let listeners: Listeners =
            serde_json::from_str(&self.text("/listeners?format=json").await?)?;
        let bound = |listener: Listener| {
            let socket = listener.local_address.socket_address?;
            Some((listener.name, (socket.address, socket.port_value).into()))
        };
        Ok(listeners
            .listener_statuses
            .into_iter()
            .filter_map(bound)
            .collect())
    }

    /// All counters and gauges.
    pub async fn stats(&self) -> Result<Stats> {
        #[derive(Deserialize)]
        struct Answer {
            stats: Vec<Entry>,
        }
        #[derive(Deserialize)]
        struct Entry {
            name: Option<String>,
            // Absent in histograms, a string in text readouts.
            value: Option<serde_json::Value>,
        }
        let answer: Answer = serde_json::from_str(&self.text("/stats?format=json").await?)?;
        let value = |entry: Entry| Some((entry.name?, entry.value?.as_u64()?));
        Ok(Stats(answer.stats.into_iter().filter_map(value).collect()))
    }

    /// The lines of the Prometheus page that start with a text.
    pub async fn prometheus(&self, start: &str) -> Result<Vec<String>> {
        let page = self.text("/stats/prometheus").await?;
        let lines = page.lines().filter(|line| line.starts_with(start));
        Ok(lines.map(str::to_owned).collect())
    }

    /// Waits until a statistic has a value; Wasm filters may report up to a second late.
    pub async fn expect_stat(&self, name: &str, value: u64) -> Result<()> {
        poll::until(&format!("{name} is {value}"), async || {
            let stats = self.stats().await?;
            let found = stats.value(name).with_context(|| {
                format!(
                    "no such statistic; of ours there are {:#?}",
                    stats.starting("wasmcustom.")
                )
            })?;
            ensure!(found == value, "{name} is {found}");
            Ok(())
        })
        .await
    }
}

/// Counters and gauges as they were at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats(BTreeMap<String, u64>);

impl Stats {
    /// The value of one statistic.
    pub fn value(&self, name: &str) -> Option<u64> {
        self.0.get(name).copied()
    }

    /// What a filter of ours counts: a name without the `wasmcustom.meshlane_` before it; 0 when it is not there.
    pub fn of_filters(&self, name: &str) -> u64 {
        let name = format!("wasmcustom.meshlane_{name}");
        self.value(&name).unwrap_or_default()
    }

    /// Those whose name starts with a text.
    pub fn starting(&self, start: &str) -> Self {
        let taken = self.0.iter().filter(|(name, _)| name.starts_with(start));
        Self(taken.map(|(name, value)| (name.clone(), *value)).collect())
    }

    /// The names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}
