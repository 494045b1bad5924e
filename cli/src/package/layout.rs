//! Images in folders: the image layout of OCI.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use oci_client::manifest::{OCI_IMAGE_INDEX_MEDIA_TYPE, OciDescriptor, OciImageManifest};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Blob, Digest, Image, is_hash};

/// A folder with one image: `oci-layout`, `index.json`, and what they name in `blobs`.
#[derive(Debug)]
pub struct OciLayout {
    folder: PathBuf,
}

/// Why a folder is not taken for an image layout.
#[derive(Debug, thiserror::Error)]
pub enum InvalidLayout {
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file is not the JSON that it should be.
    #[error("{}: {error}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        error: serde_json::Error,
    },
    /// It holds several images, or none.
    #[error("{} names {found} images, expected one", path.display())]
    Images {
        /// The index.
        path: PathBuf,
        /// How many there are.
        found: usize,
    },
    /// What lies under the name of a digest is something else.
    #[error("{} has the digest {found}, expected the one that it is called by", path.display())]
    Digest {
        /// The file.
        path: PathBuf,
        /// The digest of what is in it.
        found: Digest,
    },
    /// A digest is none, or of another kind.
    #[error("{} names `{found}`, expected a digest: sha256:…", path.display())]
    NoDigest {
        /// The file.
        path: PathBuf,
        /// What stands in place of a digest.
        found: String,
    },
}

impl OciLayout {
    /// The layout in a folder.
    pub fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Writes an image, in place of what was there; `tag` is what tools find it by.
    ///
    /// # Errors
    /// Something cannot be written, or the folder holds something that is no image layout.
    pub fn write(&self, image: &Image, tag: Option<&str>) -> io::Result<()> {
        self.remove()?;
        let blobs = self.folder.join("blobs").join("sha256");
        fs::create_dir_all(&blobs)?;
        for blob in image.blobs.iter().chain([&image.manifest]) {
            fs::write(blobs.join(blob.digest.hex()), &blob.bytes)?;
        }
        let mut descriptor = image.manifest.descriptor()?;
        descriptor.annotations = tag.map(|tag| [(TAG.to_owned(), tag.to_owned())].into());
        let index = json!({
            "schemaVersion": 2,
            "mediaType": OCI_IMAGE_INDEX_MEDIA_TYPE,
            "manifests": [descriptor],
        });
        fs::write(self.folder.join(INDEX), index.to_string())?;
        let marker = json!({"imageLayoutVersion": "1.0.0"});
        fs::write(self.folder.join(MARKER), marker.to_string())
    }

    /// Reads the one image, and holds all of it against its digests.
    ///
    /// # Errors
    /// A file is missing, or not what its name says.
    pub fn read(&self) -> Result<Image, InvalidLayout> {
        let path = self.folder.join(INDEX);
        let index: Index = parse(&path, &read(&path)?)?;
        let [descriptor] = index.manifests.as_slice() else {
            let found = index.manifests.len();
            return Err(InvalidLayout::Images { path, found });
        };
        let manifest = self.blob(&path, descriptor)?;
        let path = self.path(&path, &descriptor.digest)?;
        let named: OciImageManifest = parse(&path, &manifest.bytes)?;
        let named = [&named.config].into_iter().chain(&named.layers);
        let blobs = named.map(|descriptor| self.blob(&path, descriptor));
        Ok(Image::new(manifest, blobs.collect::<Result<Vec<_>, _>>()?))
    }

    fn blob(&self, from: &Path, descriptor: &OciDescriptor) -> Result<Blob, InvalidLayout> {
        let path = self.path(from, &descriptor.digest)?;
        let blob = Blob::new(&descriptor.media_type, read(&path)?);
        if blob.digest.to_string() != descriptor.digest {
            let found = blob.digest;
            return Err(InvalidLayout::Digest { path, found });
        }
        Ok(blob)
    }

    /// Where something lies; `from` is the file that names it.
    fn path(&self, from: &Path, digest: &str) -> Result<PathBuf, InvalidLayout> {
        let hex = digest.strip_prefix("sha256:");
        let Some(hex) = hex.filter(|hex| is_hash(hex)) else {
            let (path, found) = (from.to_owned(), digest.to_owned());
            return Err(InvalidLayout::NoDigest { path, found });
        };
        Ok(self.folder.join("blobs").join("sha256").join(hex))
    }

    fn remove(&self) -> io::Result<()> {
        if !self.folder.exists() {
            return Ok(());
        }
        if !self.folder.join(MARKER).is_file() {
            return Err(io::Error::other("it is there and no image layout"));
        }
        fs::remove_dir_all(&self.folder)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, InvalidLayout> {
    fs::read(path).map_err(|error| InvalidLayout::Read {
        path: path.to_owned(),
        error,
    })
}

fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, InvalidLayout> {
    serde_json::from_slice(bytes).map_err(|error| InvalidLayout::Json {
        path: path.to_owned(),
        error,
    })
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<OciDescriptor>,
}

const INDEX: &str = "index.json";
const MARKER: &str = "oci-layout";
const TAG: &str = "org.opencontainers.image.ref.name";

#[cfg(test)]
mod tests;
