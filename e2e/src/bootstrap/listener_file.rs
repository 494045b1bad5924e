//! Listeners that Envoy reads from a file, so that they can change while it runs.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::xds_file::XdsFile;
use crate::scene::Scene;

/// A file of listeners; writing it anew is a live update.
#[derive(Debug)]
pub struct ListenerFile {
    file: XdsFile,
    names: Vec<String>,
}

impl ListenerFile {
    /// Makes a file with the first listeners.
    pub fn new(scene: &Scene, listeners: &[Value]) -> Result<Self> {
        let names = listeners
            .iter()
            .filter_map(|each| each.get("name")?.as_str());
        Ok(Self {
            names: names.map(str::to_owned).collect(),
            file: XdsFile::new(scene, "listeners.json", KIND, listeners)?,
        })
    }

    /// Replaces the listeners in one step.
    pub fn publish(&self, listeners: &[Value]) -> Result<()> {
        self.file.publish(listeners)
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.names.clone()
    }
}

const KIND: &str = "envoy.config.listener.v3.Listener";
