//! What became of a call.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// The value that a call returned, or the exception that it threw, as the Java side describes it.
#[derive(Clone, Debug)]
pub struct Outcome(Value);

impl Outcome {
    pub(super) fn new(described: Value) -> Self {
        Self(described)
    }

    /// The name in the suite.
    pub fn name(&self) -> Result<&str> {
        self.0["name"].as_str().context("not of the suite")
    }

    /// How long it took.
    pub fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0["millis"].as_u64().unwrap_or_default())
    }

    /// Whether it returned.
    pub fn is_ok(&self) -> bool {
        self.0.get("exception").is_none()
    }

    /// The value that it returned.
    pub fn value(&self) -> Result<&Value> {
        match self.0.get("value") {
            Some(value) => Ok(value),
            None => bail!("it threw {}", self.0["exception"]),
        }
    }

    /// The text that it returned.
    pub fn text(&self) -> Result<&str> {
        let value = self.value()?;
        value.as_str().with_context(|| format!("not text: {value}"))
    }

    /// The provider that answered: what the text begins with.
    pub fn provider(&self) -> Result<&str> {
        let text = self.text()?;
        Ok(text.split(':').next().unwrap_or(text))
    }

    /// The class of the exception without its package.
    pub fn exception(&self) -> Option<&str> {
        self.0["exception"]["$object"].as_str()?.rsplit('.').next()
    }

    /// The messages of the exception and of its causes.
    pub fn message(&self) -> String {
        let mut messages = Vec::new();
        let mut exception = &self.0["exception"];
        while exception.is_object() {
            messages.extend(exception["message"].as_str());
            exception = &exception["cause"];
        }
        messages.join("\n")
    }

    /// The code of an `RpcException`.
    pub fn code(&self) -> Option<u64> {
        self.0["code"].as_u64()
    }

    /// Fails unless it is an `RpcException` of this code whose message has all these parts.
    pub fn expect_rpc_exception(&self, code: RpcCode, parts: &[&str]) -> Result<()> {
        ensure!(self.exception() == Some("RpcException"), "{}", self.0);
        ensure!(self.code() == Some(code as u64), "not {code:?}: {}", self.0);
        let message = self.message();
        for part in parts {
            ensure!(message.contains(part), "no {part:?} in: {message}");
        }
        Ok(())
    }

    /// What must be the same each time: without the time it took, and of the messages of Dubbo itself, which go on to
    /// name ports, times and the queries of URLs, the beginning without numbers.
    pub fn essence(&self) -> Value {
        let mut essence = self.0.clone();
        if let Some(members) = essence.as_object_mut() {
            members.remove("millis");
            members.remove("call");
        }
        shorten(&mut essence["exception"]);
        essence
    }
}

/// The codes of Dubbo's `RpcException`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum RpcCode {
    /// Anything else.
    Unknown = 0,
    /// The connection.
    Network = 1,
    /// No answer in time.
    Timeout = 2,
    /// Thrown by the service.
    Business = 3,
    /// Not allowed.
    Forbidden = 4,
    /// Arguments or results that cannot be written or read.
    Serialization = 5,
    /// Nobody serves it.
    NoInvoker = 6,
    /// Too many calls.
    LimitExceeded = 7,
}

/// How much of Dubbo's messages is compared.
const BEGINNING: usize = 150;

fn shorten(exception: &mut Value) {
    let ours = |class: &str| class.contains(".dubbo.") || class.ends_with("ExecutionException");
    if exception["$object"].as_str().is_some_and(ours)
        && let Some(message) = exception["message"].as_str()
    {
        let mut short = String::new();
        let beginning = message.chars().take_while(|character| *character != '?');
        for character in beginning {
            match character {
                '0'..='9' if short.ends_with('#') => {}
                '0'..='9' => short.push('#'),
                other => short.push(other),
            }
        }
        // Numbers of calls may be negative.
        exception["message"] =
            Value::String(short.replace("-#", "#").chars().take(BEGINNING).collect());
    }
    if exception["cause"].is_object() {
        shorten(&mut exception["cause"]);
    }
}
