//! What a Java program is started with.

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::super::version::DubboVersion;
use crate::{
    place::Place,
    scene::{Scene, cache, workspace},
};

/// A class with its jars, its arguments and its system properties.
#[derive(Clone, Debug)]
pub(in crate::dubbo) struct Launch {
    name: String,
    class: &'static str,
    compiled_for: DubboVersion,
    jars: PathBuf,
    agent: Option<PathBuf>,
    arguments: Vec<String>,
    properties: BTreeMap<String, String>,
}

impl Launch {
    /// A class of the package `dev.meshlane.e2e` with a version of Dubbo.
    pub(in crate::dubbo) fn new(version: DubboVersion, class: &'static str) -> Self {
        let properties = [
            ("java.net.preferIPv4Stack", "true"),
            ("org.slf4j.simpleLogger.defaultLogLevel", "warn"),
            ("dubbo.application.logger", "slf4j"),
            ("dubbo.application.metadata-type", "local"),
            ("dubbo.application.register-mode", "interface"),
            ("dubbo.service.shutdown.wait", "1500"),
        ];
        let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            name: format!("{class} of Dubbo {version}"),
            class,
            compiled_for: version,
            jars: Path::new("dubbo").join(version.name()),
            agent: None,
            arguments: Vec::new(),
            properties: properties.into(),
        }
    }

    /// Other jars than those of Dubbo.
    pub(in crate::dubbo) fn jars(mut self, name: &str, version: &str) -> Self {
        self.jars = Path::new(name).join(version);
        self.name = format!("{name} {version}");
        self
    }

    /// Adds an argument.
    pub(in crate::dubbo) fn argument(mut self, argument: impl ToString) -> Self {
        self.arguments.push(argument.to_string());
        self
    }

    /// Loads a Java agent.
    pub(in crate::dubbo) fn agent(mut self, jar: &Path) -> Self {
        self.agent = Some(jar.to_owned());
        self
    }

    /// Sets a system property, also one that is set anyway.
    pub(in crate::dubbo) fn property(mut self, name: &str, value: impl ToString) -> Self {
        self.properties.insert(name.to_owned(), value.to_string());
        self
    }

    /// What to call it when it fails.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The command line.
    pub(super) fn command(&self, scene: &Scene, place: &Place, home: &Path) -> Result<Command> {
        let hosts = match place.hosts() {
            Some(hosts) => hosts.to_owned(),
            None => hosts(scene)?,
        };
        let mut command = place.command("java");
        command.args(options());
        if let Some(agent) = &self.agent {
            command.arg(format!("-javaagent:{}", agent.display()));
        }
        for (name, value) in &self.properties {
            command.arg(format!("-D{name}={value}"));
        }
        command
            .arg(format!("-Djdk.net.hosts.file={}", hosts.display()))
            .arg(format!("-Duser.home={}", home.display()))
            .arg("-classpath")
            .arg(self.class_path()?)
            .arg(format!("dev.meshlane.e2e.{}", self.class))
            .args(&self.arguments);
        Ok(command)
    }

    /// The compiled programs and the jars that they need.
    fn class_path(&self) -> Result<String> {
        let compiled = workspace().join("target").join("dubbo");
        let classes = compiled.join(self.compiled_for.name()).join("classes");
        let jars = cache()?.join(&self.jars);
        for directory in [&classes, &jars] {
            ensure!(
                directory.is_dir(),
                "{} is missing: run `make dubbo`",
                directory.display()
            );
        }
        Ok(format!("{}:{}/*", classes.display(), jars.display()))
    }
}

/// What a program is told instead of an address. Dubbo replaces one of the loopback interface, wherever it finds it, by
/// another address of the machine; a name of the hosts file stands for it.
pub(in crate::dubbo) fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(Ipv4Addr::LOCALHOST) => "shop.test".to_owned(),
        IpAddr::V4(address) if address.is_loopback() => {
            let [_, parts @ ..] = address.octets();
            format!("shop-{}-{}-{}.test", parts[0], parts[1], parts[2])
        }
        other => other.to_string(),
    }
}

/// A hosts file with nothing but the loopback interface: the programs neither see nor print the machine's addresses.
fn hosts(scene: &Scene) -> Result<PathBuf> {
    let file = scene.fresh("hosts")?;
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").context("the hostname")?;
    let name = host(Ipv4Addr::LOCALHOST.into());
    let mut lines = format!("127.0.0.1 {name} {} localhost\n", machine.trim());
    for last in 2..=LOOPBACK {
        let address = Ipv4Addr::new(127, 0, 0, last);
        lines.push_str(&format!("{address} {}\n", host(address.into())));
    }
    fs::write(&file, lines)?;
    Ok(file)
}

/// A small, quickly started virtual machine. Java's own serialization and Hessian look into closed packages.
fn options() -> Vec<String> {
    const OPEN: [&str; 9] = [
        "java.lang",
        "java.lang.reflect",
        "java.util",
        "java.util.concurrent",
        "java.util.concurrent.atomic",
        "java.math",
        "java.time",
        "java.io",
        "java.text",
    ];
    let mut options: Vec<String> = [
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:-UsePerfData",
    ]
    .map(str::to_owned)
    .into();
    for package in OPEN {
        options.push(format!("--add-opens=java.base/{package}=ALL-UNNAMED"));
    }
    options
}

/// The hosts file has names for the addresses 127.0.0.1 to this last byte.
const LOOPBACK: u8 = 20;
