//! Dubbo's own decoder.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::Value;

use super::{
    java::{Launch, Program},
    version::DubboVersion,
};
use crate::{place::Place, scene::Scene};

/// A Java program that reads Hessian2; dropping it ends the process.
#[derive(Debug)]
pub struct Oracle(Program);

impl Oracle {
    /// Starts the decoder of a version, 2.7 or newer.
    pub fn start(scene: &Scene, version: DubboVersion) -> Result<Self> {
        let launch = Launch::new(version, "oracle.Values");
        Ok(Self(Program::start(scene, &Place::machine(), &launch)?))
    }

    /// The list of so many values of a body as `Describe.java` writes them down, or a text: why it could not be read.
    pub async fn read(&mut self, count: usize, body: &[u8]) -> Result<Value> {
        let mut line = format!("{count} ");
        for byte in body {
            write!(line, "{byte:02x}")?;
        }
        self.0.say(line).await?;
        self.0.hear().await
    }
}
