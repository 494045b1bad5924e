//! Listeners that Envoy reads from a file, so that they can change while it runs.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::scene::Scene;

/// A file of listeners; writing it anew is a live update.
#[derive(Debug)]
pub struct ListenerFile {
    path: PathBuf,
    names: Vec<String>,
    version: AtomicU32,
}

impl ListenerFile {
    /// Makes a file with the first listeners.
    pub fn new(scene: &Scene, listeners: &[Value]) -> Result<Self> {
        let names = listeners
            .iter()
            .filter_map(|each| each.get("name")?.as_str());
        let file = Self {
            path: scene.fresh("listeners.json")?,
            names: names.map(str::to_owned).collect(),
            version: AtomicU32::new(0),
        };
        file.publish(listeners)?;
        Ok(file)
    }

    /// Replaces the listeners in one step.
    pub fn publish(&self, listeners: &[Value]) -> Result<()> {
        let version = self.version.fetch_add(1, Ordering::Relaxed) + 1;
        let resources = listeners.iter().map(|listener| {
            let mut resource =
                json!({"@type": "type.googleapis.com/envoy.config.listener.v3.Listener"});
            if let (Some(members), Some(more)) = (resource.as_object_mut(), listener.as_object()) {
                members.extend(more.clone());
            }
            resource
        });
        let response = json!({
            "version_info": version.to_string(),
            "resources": resources.collect::<Vec<_>>(),
        });
        let next = self.path.with_extension("next");
        fs::write(&next, response.to_string())?;
        fs::rename(&next, &self.path).context("the new listeners")
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.names.clone()
    }
}
