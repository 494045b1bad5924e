//! How a provider is started.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::super::{
    java::{Launch, host},
    version::{DubboVersion, Serialization},
};

/// What a provider serves, where, and who is told.
#[derive(Clone, Debug)]
pub struct ProviderOptions {
    /// Answers start with this name.
    pub name: String,
    /// How many calls it works on at a time; the next one is refused.
    pub threads: u32,
    /// The name of its application.
    pub application: String,
    /// Where it listens, and what it tells the registry.
    pub host: IpAddr,
    /// What it understands, each on its own port; a port of 0 is chosen freely.
    pub endpoints: Vec<(Serialization, u16)>,
    /// What is served on each port.
    pub services: Vec<Service>,
    /// Where it is registered, if anywhere.
    pub registry: Option<(String, RegisterMode)>,
    /// How long it waits for its consumers to leave when it shuts down.
    pub shutdown: Duration,
    /// System properties beside those that are set anyway, or in their stead.
    pub properties: Vec<(String, String)>,
}

/// What a registry is told; only Dubbo 3 knows more than interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterMode {
    /// Each service.
    Interface,
    /// The application; consumers ask its instances for their services.
    Instance,
    /// Both.
    All,
}

/// A service that a provider exports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    name: &'static str,
    group: Option<String>,
    version: Option<String>,
}

impl ProviderOptions {
    /// All serializations of a version on free ports of the loopback interface, 100 threads, no registry: `RichService`
    /// plain, as group `blue` version 1.0.0, and as version 2.1.0.
    pub fn new(version: DubboVersion, name: &str) -> Self {
        let serializations = version.serializations().iter();
        Self {
            name: name.to_owned(),
            threads: 100,
            application: "shop-provider".to_owned(),
            host: Ipv4Addr::LOCALHOST.into(),
            endpoints: serializations.map(|each| (*each, 0)).collect(),
            services: vec![
                Service::rich(),
                Service::rich().group("blue").version("1.0.0"),
                Service::rich().version("2.1.0"),
            ],
            registry: None,
            shutdown: Duration::from_millis(1500),
            properties: Vec::new(),
        }
    }

    /// An application that serves Hessian2 on one address, without a registry so far.
    pub fn application(name: &str, application: &str, service: Service, at: SocketAddr) -> Self {
        Self {
            application: application.to_owned(),
            host: at.ip(),
            endpoints: vec![(Serialization::Hessian2, at.port())],
            services: vec![service],
            ..Self::new(DubboVersion::NEWEST, name)
        }
    }

    /// One more service.
    pub fn service(mut self, service: Service) -> Self {
        self.services.push(service);
        self
    }

    /// Registers it; the address is like `zookeeper://10.244.0.2:2181`.
    pub fn registry(mut self, address: &str, mode: RegisterMode) -> Self {
        self.registry = Some((address.to_owned(), mode));
        self
    }

    /// Another time to wait for its consumers when it shuts down.
    pub fn shutdown(mut self, wait: Duration) -> Self {
        self.shutdown = wait;
        self
    }

    /// A system property.
    pub fn property(mut self, name: &str, value: impl ToString) -> Self {
        self.properties.push((name.to_owned(), value.to_string()));
        self
    }

    pub(super) fn launch(&self, version: DubboVersion) -> Result<Launch> {
        let mode = match &self.registry {
            None => RegisterMode::Interface,
            Some((_, mode)) => {
                ensure!(version >= DubboVersion::V2_7, "no registry for {version}");
                *mode
            }
        };
        ensure!(
            mode == RegisterMode::Interface || version >= DubboVersion::V3_3,
            "{version} registers interfaces only"
        );
        let mut launch = Launch::new(version, "provider.Provider")
            .argument(self.plan())
            .property("dubbo.application.register-mode", mode.name())
            .property("dubbo.service.shutdown.wait", self.shutdown.as_millis());
        for (name, value) in &self.properties {
            launch = launch.property(name, value);
        }
        Ok(launch)
    }

    /// What `Plan.java` reads.
    fn plan(&self) -> Value {
        let endpoint = |(serialization, port): &(Serialization, u16)| json!({"serialization": serialization.name(), "port": port});
        json!({
            "name": self.name,
            "threads": self.threads,
            "application": self.application,
            "host": host(self.host),
            "endpoints": self.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
            "services": self.services.iter().map(Service::plan).collect::<Vec<_>>(),
            "registry": self.registry.as_ref().map(|(address, _)| address),
        })
    }
}

impl RegisterMode {
    fn name(self) -> &'static str {
        match self {
            Self::Interface => "interface",
            Self::Instance => "instance",
            Self::All => "all",
        }
    }
}

impl Service {
    /// `RichService`, with a method for everything.
    pub fn rich() -> Self {
        Self::named("RichService")
    }

    /// `StockService`, with `who` and `reserve`.
    pub fn stock() -> Self {
        Self::named("StockService")
    }

    /// A group of it.
    pub fn group(mut self, group: &str) -> Self {
        self.group = Some(group.to_owned());
        self
    }

    /// A version of it.
    pub fn version(mut self, version: &str) -> Self {
        self.version = Some(version.to_owned());
        self
    }

    fn named(name: &'static str) -> Self {
        Self {
            name,
            group: None,
            version: None,
        }
    }

    fn plan(&self) -> Value {
        json!({"name": self.name, "group": self.group, "version": self.version})
    }
}
