//! A consumer: makes the calls that a scenario asks for.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

pub use self::{
    load::{Counts, Happened, Load, RunningLoad},
    outcome::{Outcome, RpcCode},
    target::{Subscription, Target},
};
use super::{
    java::{Launch, Program},
    version::DubboVersion,
};
use crate::{place::Place, scene::Scene};

mod load;
mod outcome;
mod target;

/// A running consumer; dropping it ends the process.
#[derive(Debug)]
pub struct Consumer(Program);

/// How a consumer is started.
#[derive(Clone, Debug)]
pub struct ConsumerOptions {
    /// The name of its application.
    pub application: String,
    /// System properties beside those that are set anyway, or in their stead.
    pub properties: Vec<(String, String)>,
}

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
        Self::start_with(scene, version, &ConsumerOptions::new("shop-consumer")).await
    }

    /// Starts a consumer with options of one's own.
    pub async fn start_with(
        scene: &Scene,
        version: DubboVersion,
        options: &ConsumerOptions,
    ) -> Result<Self> {
        Self::start_at(scene, &Place::machine(), version, options).await
    }

    /// Starts a consumer at a place.
    pub async fn start_at(
        scene: &Scene,
        place: &Place,
        version: DubboVersion,
        options: &ConsumerOptions,
    ) -> Result<Self> {
        let mut launch = Launch::new(version, "consumer.Consumer").argument(&options.application);
        for (name, value) in &options.properties {
            launch = launch.property(name, value);
        }
        let mut program = Program::start(scene, place, &launch)?;
        program.hear().await?;
        Ok(Self(program))
    }

    /// The names of the calls of the suite.
    pub async fn suite_names(&mut self) -> Result<Vec<String>> {
        let mut names = self.ask(json!({"names": true})).await?;
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

    /// Begins to make a call again and again, beside whatever other commands follow.
    pub async fn start_load(&mut self, target: &Target, load: &Load) -> Result<RunningLoad> {
        let started = self.ask(target.command(load.to_json())?).await?;
        let number = started["load"].as_u64();
        Ok(RunningLoad::new(number.context("no number")?))
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

    async fn begin(&mut self, target: &Target, command: Value) -> Result<Running<'_>> {
        self.0.say(target.command(command)?).await?;
        Ok(Running(&mut self.0))
    }

    /// Sends a command that has one result.
    async fn ask(&mut self, command: Value) -> Result<Value> {
        self.0.say(command).await?;
        let result = self.0.hear().await?;
        self.0.hear().await?;
        Ok(result)
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

impl ConsumerOptions {
    /// An application of this name.
    pub fn new(application: &str) -> Self {
        Self {
            application: application.to_owned(),
            properties: Vec::new(),
        }
    }

    /// A system property.
    pub fn property(mut self, name: &str, value: impl ToString) -> Self {
        self.properties.push((name.to_owned(), value.to_string()));
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
