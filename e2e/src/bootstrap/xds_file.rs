//! A file that Envoy reads resources from, and again when it changes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::scene::Scene;

/// A file of resources of one kind; writing it anew is a live update.
#[derive(Debug)]
pub(super) struct XdsFile {
    path: PathBuf,
    kind: &'static str,
    version: AtomicU32,
}

impl XdsFile {
    /// Makes a file with the first resources, of a `kind` of Envoy's API.
    pub(super) fn new(
        scene: &Scene,
        name: &str,
        kind: &'static str,
        resources: &[Value],
    ) -> Result<Self> {
        let file = Self {
            path: scene.fresh(name)?,
            kind,
            version: AtomicU32::new(0),
        };
        file.publish(resources)?;
        Ok(file)
    }

    /// Replaces the resources in one step.
    pub(super) fn publish(&self, resources: &[Value]) -> Result<()> {
        let version = self.version.fetch_add(1, Ordering::Relaxed) + 1;
        let typed = resources.iter().map(|resource| {
            let mut typed = json!({"@type": format!("type.googleapis.com/{}", self.kind)});
            if let (Some(members), Some(more)) = (typed.as_object_mut(), resource.as_object()) {
                members.extend(more.clone());
            }
            typed
        });
        let response = json!({
            "version_info": version.to_string(),
            "resources": typed.collect::<Vec<_>>(),
        });
        let next = self.path.with_extension("next");
        fs::write(&next, response.to_string())?;
        fs::rename(&next, &self.path).context("new resources")
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file as a source of configuration.
    pub(super) fn source(&self) -> Value {
        source(&self.path)
    }
}

/// A file as a source of configuration.
pub(super) fn source(path: &Path) -> Value {
    let directory = path.parent().unwrap_or(Path::new("/"));
    json!({
        "path_config_source": {"path": path, "watched_directory": {"path": directory}},
        "resource_api_version": "V3",
    })
}
