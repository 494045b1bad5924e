//! The manifest of an image, and what it names.

use std::collections::BTreeMap;
use std::io;

use clap::ValueEnum;
use oci_client::manifest::{
    IMAGE_CONFIG_MEDIA_TYPE, IMAGE_LAYER_GZIP_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, OciDescriptor,
    OciImageManifest,
};
use serde_json::json;

use super::{Digest, Module, archive};

/// How a module lies in an image. Istio's agent accepts both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// A container image with the file plugin.wasm; every registry takes it
    #[default]
    Image,
    /// An artifact: the bare module and its configuration, in a layer each
    Artifact,
}

/// An image, ready to be written or pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The manifest, in JSON. Its digest is that of the image.
    pub manifest: Blob,
    /// What the manifest names, the configuration first, each once.
    pub blobs: Vec<Blob>,
}

/// Some bytes and what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// What the bytes are.
    pub media_type: String,
    /// Their name.
    pub digest: Digest,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Image {
    /// Puts a module into an image.
    ///
    /// # Errors
    /// None that is known, as nothing is written but memory.
    pub fn of(
        module: &Module,
        layout: Layout,
        annotations: &BTreeMap<String, String>,
    ) -> io::Result<Self> {
        let (config, layers) = match layout {
            Layout::Image => container(module)?,
            Layout::Artifact => artifact(module),
        };
        let manifest = OciImageManifest {
            media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
            config: config.descriptor()?,
            layers: layers
                .iter()
                .map(Blob::descriptor)
                .collect::<io::Result<_>>()?,
            annotations: Some(annotations.clone()).filter(|all| !all.is_empty()),
            ..OciImageManifest::default()
        };
        let manifest = Blob::new(OCI_IMAGE_MEDIA_TYPE, serde_json::to_vec(&manifest)?);
        Ok(Self::new(manifest, [config].into_iter().chain(layers)))
    }

    /// A manifest with what it names: its configuration first, then the layers.
    pub(super) fn new(manifest: Blob, named: impl IntoIterator<Item = Blob>) -> Self {
        let mut blobs: Vec<Blob> = Vec::new();
        for blob in named {
            if blobs.iter().all(|known| known.digest != blob.digest) {
                blobs.push(blob);
            }
        }
        Self { manifest, blobs }
    }

    /// The digest of the image.
    pub fn digest(&self) -> &Digest {
        &self.manifest.digest
    }
}

impl Blob {
    /// Some bytes.
    pub(super) fn new(media_type: &str, bytes: Vec<u8>) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: Digest::of(&bytes),
            bytes,
        }
    }

    /// What names it in a manifest or an index.
    pub(super) fn descriptor(&self) -> io::Result<OciDescriptor> {
        Ok(OciDescriptor {
            media_type: self.media_type.clone(),
            digest: self.digest.to_string(),
            size: self.bytes.len().try_into().map_err(io::Error::other)?,
            ..OciDescriptor::default()
        })
    }
}

/// One layer, a compressed tar with `plugin.wasm` in it. The agent takes the last layer, whatever the platform; tools for
/// containers want one to be named.
fn container(module: &Module) -> io::Result<(Blob, Vec<Blob>)> {
    let mut files = vec![("plugin.wasm", module.wasm.as_slice())];
    if let Some(sbom) = &module.sbom {
        files.push(("sbom.cdx.json", sbom));
    }
    let tar = archive::tar(&files)?;
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [Digest::of(&tar).to_string()]},
    });
    let config = Blob::new(IMAGE_CONFIG_MEDIA_TYPE, serde_json::to_vec(&config)?);
    let layer = Blob::new(IMAGE_LAYER_GZIP_MEDIA_TYPE, archive::gzip(&tar)?);
    Ok((config, vec![layer]))
}

/// Exactly two layers: with a third, or without the second, the agent refuses the artifact.
fn artifact(module: &Module) -> (Blob, Vec<Blob>) {
    let config = json!({"name": module.name}).to_string().into_bytes();
    let config = Blob::new(MODULE_CONFIG_MEDIA_TYPE, config);
    let content = Blob::new(MODULE_MEDIA_TYPE, module.wasm.clone());
    (config.clone(), vec![content, config])
}

const MODULE_MEDIA_TYPE: &str = "application/vnd.module.wasm.content.layer.v1+wasm";
const MODULE_CONFIG_MEDIA_TYPE: &str = "application/vnd.module.wasm.config.v1+json";

#[cfg(test)]
mod tests;
