//! One call made again and again.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{Call, Consumer};
use crate::poll;

/// A call that is made again and again.
#[derive(Clone, Debug)]
pub struct Load {
    call: Call,
    expected: String,
    concurrency: usize,
    pause: Duration,
}

/// A load that a consumer makes until it is told to stop.
#[derive(Debug)]
pub struct RunningLoad(u64);

/// What came of a load.
#[derive(Clone, Debug, Deserialize)]
pub struct Counts {
    /// The calls that have ended, in whatever way.
    pub calls: u64,
    /// How many answers each provider gave, right or wrong: an answer starts with its name.
    pub answers: BTreeMap<String, u64>,
    /// Answers that do not end as expected.
    pub wrong: Vec<Happened>,
    /// Exceptions.
    pub failures: Vec<Happened>,
    /// How long the longest call took.
    #[serde(deserialize_with = "millis")]
    pub longest: Duration,
    /// How long the load has been running.
    #[serde(deserialize_with = "millis")]
    pub elapsed: Duration,
}

/// Things that happened and look alike but for numbers. After 20 kinds everything else is one more, `others`.
#[derive(Clone, Debug, Deserialize)]
pub struct Happened {
    /// The first of them.
    pub text: String,
    /// How many there were.
    pub count: u64,
    /// When the first hundred happened, in milliseconds after the load began.
    pub times: Vec<u64>,
}

impl Load {
    /// One call at a time, each right after the other; each answer must end with a text.
    pub fn new(call: &Call, expected: &str) -> Self {
        Self {
            call: call.clone(),
            expected: expected.to_owned(),
            concurrency: 1,
            pause: Duration::ZERO,
        }
    }

    /// So many calls at once.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// A pause after each call.
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    pub(super) fn to_json(&self) -> Value {
        let mut command = self.call.to_json();
        if let Some(members) = command.as_object_mut() {
            let method = members.remove("call");
            members.insert("load".to_owned(), json!(method));
            members.insert("expected".to_owned(), json!(self.expected));
            members.insert("concurrency".to_owned(), json!(self.concurrency));
            members.insert("pauseMillis".to_owned(), json!(self.pause.as_millis()));
        }
        command
    }
}

impl RunningLoad {
    pub(super) fn new(number: u64) -> Self {
        Self(number)
    }

    /// What came of it so far; the consumer must be the one that makes it.
    pub async fn progress(&self, consumer: &mut Consumer) -> Result<Counts> {
        let counts = consumer.ask(json!({"progress": self.0})).await?;
        Ok(serde_json::from_value(counts)?)
    }

    /// Waits until so many more calls have ended.
    pub async fn expect_more(&self, consumer: &mut Consumer, calls: u64) -> Result<Counts> {
        self.grow_by(consumer, calls, |counts| counts.calls).await
    }

    /// Waits until a provider has given so many more answers.
    pub async fn expect_more_of(
        &self,
        consumer: &mut Consumer,
        provider: &str,
        answers: u64,
    ) -> Result<Counts> {
        self.grow_by(consumer, answers, |counts| counts.answers_of(provider))
            .await
            .with_context(|| format!("answers of {provider}"))
    }

    async fn grow_by(
        &self,
        consumer: &mut Consumer,
        count: u64,
        of: impl Fn(&Counts) -> u64,
    ) -> Result<Counts> {
        let enough = of(&self.progress(consumer).await?) + count;
        poll::until("calls go on", async || {
            let counts = self.progress(consumer).await?;
            ensure!(of(&counts) >= enough, "not yet {enough}: {counts:?}");
            Ok(counts)
        })
        .await
    }

    /// Ends it, with the calls that are on their way.
    pub async fn stop(self, consumer: &mut Consumer) -> Result<Counts> {
        let counts = consumer.ask(json!({"stop": self.0})).await?;
        Ok(serde_json::from_value(counts)?)
    }
}

impl Counts {
    /// How many answers a provider gave.
    pub fn answers_of(&self, provider: &str) -> u64 {
        self.answers.get(provider).copied().unwrap_or_default()
    }

    /// How many calls failed.
    pub fn failed(&self) -> u64 {
        self.failures.iter().map(|each| each.count).sum()
    }

    /// How many answers were wrong.
    pub fn mistaken(&self) -> u64 {
        self.wrong.iter().map(|each| each.count).sum()
    }

    /// Fails unless there were calls and each got its answer.
    pub fn expect_flawless(&self) -> Result<()> {
        ensure!(self.calls > 0, "not one call");
        ensure!(
            self.failures.is_empty() && self.wrong.is_empty(),
            "of {} calls {} failed and {} got a wrong answer: {self:#?}",
            self.calls,
            self.failed(),
            self.mistaken()
        );
        Ok(())
    }
}

fn millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}
