//! A consumer: makes the calls that a scenario asks for.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

pub use self::outcome::{Outcome, RpcCode};
use super::{
    java::{HOST, Program},
    version::{DubboVersion, Serialization},
};
use crate::scene::Scene;

mod outcome;

/// A running consumer; dropping it ends the process.
#[derive(Debug)]
pub struct Consumer(Program);

/// Where calls go and how; calls to equal targets share a connection.
#[derive(Clone, Debug)]
pub struct Target(BTreeMap<&'static str, Value>);

/// A call of a method of the service.
#[derive(Clone, Debug)]
pub struct Call {
    method: String,
    arguments: Vec<Value>,
    generic: Option<Vec<String>>,
    attachments: BTreeMap<String, String>,
    repeat: usize,
    concurrency: usize,
}

/// Calls that are being made.
#[derive(Debug)]
pub struct Running<'a>(&'a mut Program);

impl Consumer {
    /// Starts a consumer, which calls nobody yet.
    pub async fn start(scene: &Scene, version: DubboVersion) -> Result<Self> {
        let mut program = Program::start(scene, version, "consumer.Consumer", &[])?;
        program.hear().await?;
        Ok(Self(program))
    }

    /// The names of the calls of the suite.
    pub async fn suite_names(&mut self) -> Result<Vec<String>> {
        self.0.say(json!({"names": true})).await?;
        let mut names = self.0.hear().await?;
        self.0.hear().await?;
        Ok(serde_json::from_value(names["names"].take())?)
    }

    /// Makes these calls of the suite, all of them when none is named.
    pub async fn suite(
        &mut self,
        target: &Target,
        names: &[&str],
    ) -> Result<BTreeMap<String, Outcome>> {
        let mut running = self.begin(target, json!({"suite": names})).await?;
        let mut outcomes = BTreeMap::new();
        while let Some(outcome) = running.next().await? {
            outcomes.insert(outcome.name()?.to_owned(), outcome);
        }
        Ok(outcomes)
    }

    /// Makes one call.
    pub async fn call(&mut self, target: &Target, call: &Call) -> Result<Outcome> {
        let mut outcomes = self.calls(target, call).await?;
        ensure!(outcomes.len() == 1, "{} outcomes", outcomes.len());
        outcomes.pop().context("no outcome")
    }

    /// Makes a call as often as it says.
    pub async fn calls(&mut self, target: &Target, call: &Call) -> Result<Vec<Outcome>> {
        let mut running = self.start_calls(target, call).await?;
        let mut outcomes = Vec::new();
        while let Some(outcome) = running.next().await? {
            outcomes.push(outcome);
        }
        ensure!(
            outcomes.len() == call.repeat,
            "{} outcomes of {} calls",
            outcomes.len(),
            call.repeat
        );
        Ok(outcomes)
    }

    /// Begins to make a call as often as it says. All outcomes must be taken before the next command.
    pub async fn start_calls(&mut self, target: &Target, call: &Call) -> Result<Running<'_>> {
        self.begin(target, call.to_json()).await
    }

    /// Ends every connection.
    pub async fn close(&mut self) -> Result<()> {
        self.0.say(json!({"close": true})).await?;
        self.0.hear().await?;
        Ok(())
    }

    /// What it logged.
    pub fn log(&self) -> Result<String> {
        self.0.log()
    }

    async fn begin(&mut self, target: &Target, mut command: Value) -> Result<Running<'_>> {
        let members = command.as_object_mut().context("not an object")?;
        for (name, value) in &target.0 {
            members.insert((*name).to_owned(), value.clone());
        }
        self.0.say(command).await?;
        Ok(Running(&mut self.0))
    }
}

impl Running<'_> {
    /// Waits for the next outcome, in the order in which the calls ended; none when all have.
    pub async fn next(&mut self) -> Result<Option<Outcome>> {
        let line = self.0.hear().await?;
        if line.get("done").is_some() {
            return Ok(None);
        }
        if line.get("value").is_none() && line.get("exception").is_none() {
            bail!("not an outcome: {line}");
        }
        Ok(Some(Outcome::new(line)))
    }
}

impl Target {
    /// Hessian2, a timeout of 10 s, no retries, one connection shared by all targets of the address.
    pub fn new(address: SocketAddr) -> Self {
        let address = json!(format!("{HOST}:{}", address.port()));
        Self(BTreeMap::from([("address", address)]))
    }

    /// A second address; the consumer chooses among them.
    pub fn or(mut self, address: SocketAddr) -> Self {
        let first = self.0.get("address").and_then(Value::as_str);
        let both = format!("{},{HOST}:{}", first.unwrap_or_default(), address.port());
        self.0.insert("address", json!(both));
        self
    }

    /// Another serialization.
    pub fn serialization(self, serialization: Serialization) -> Self {
        self.with("serialization", json!(serialization.name()))
    }

    /// Another timeout.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with("timeout", json!(timeout.as_millis()))
    }

    /// Retries by the consumer itself.
    pub fn retries(self, retries: u32) -> Self {
        self.with("retries", json!(retries))
    }

    /// Connections of its own.
    pub fn connections(self, connections: u32) -> Self {
        self.with("connections", json!(connections))
    }

    /// The time between heartbeats.
    pub fn heartbeat(self, interval: Duration) -> Self {
        self.with("heartbeat", json!(interval.as_millis()))
    }

    /// A group of the service.
    pub fn group(self, group: &str) -> Self {
        self.with("group", json!(group))
    }

    /// A version of the service.
    pub fn version(self, version: &str) -> Self {
        self.with("version", json!(version))
    }

    fn with(mut self, name: &'static str, value: Value) -> Self {
        self.0.insert(name, value);
        self
    }
}

impl Call {
    /// A method without arguments.
    pub fn new(method: &str) -> Self {
        Self {
            method: method.to_owned(),
            arguments: Vec::new(),
            generic: None,
            attachments: BTreeMap::new(),
            repeat: 1,
            concurrency: 1,
        }
    }

    /// Adds an argument; objects have the fields of the Java class.
    pub fn argument(mut self, argument: impl Into<Value>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds an attachment.
    pub fn attachment(mut self, name: &str, value: &str) -> Self {
        self.attachments.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Makes it a generic call with these parameter types.
    pub fn generic(mut self, types: &[&str]) -> Self {
        self.generic = Some(types.iter().map(|each| (*each).to_owned()).collect());
        self
    }

    /// Makes it so many times, this many at once.
    pub fn repeat(mut self, repeat: usize, concurrency: usize) -> Self {
        (self.repeat, self.concurrency) = (repeat, concurrency);
        self
    }

    fn to_json(&self) -> Value {
        let mut command = json!({
            "call": self.method,
            "arguments": self.arguments,
            "attachments": self.attachments,
            "repeat": self.repeat,
            "concurrency": self.concurrency,
        });
        if let (Some(types), Some(members)) = (&self.generic, command.as_object_mut()) {
            members.insert("generic".to_owned(), json!(types));
        }
        command
    }
}
