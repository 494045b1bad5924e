//! Where an image goes.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use oci_client::{ParseError, Reference};

/// A place for an image: `oci://HOST[:PORT]/REPOSITORY:TAG`, as WasmPlugins write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReference {
    reference: Reference,
}

/// Why a text is no place for an image.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` {problem}; expected oci://HOST[:PORT]/REPOSITORY:TAG")]
pub struct InvalidReference {
    found: String,
    problem: Problem,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("does not begin with oci://")]
    Scheme,
    #[error("names no registry: `{0}` is neither a host with a dot or a port nor localhost")]
    Registry(String),
    #[error("has no tag")]
    Tag,
    #[error("has a digest, which follows from the image")]
    Digest,
    #[error("is no reference of an image: {0}")]
    Parse(ParseError),
}

impl FromStr for ImageReference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map_err(|problem| InvalidReference {
            found: text.to_owned(),
            problem,
        })
    }
}

fn parse(text: &str) -> Result<ImageReference, Problem> {
    let rest = text.strip_prefix("oci://").ok_or(Problem::Scheme)?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    // A first part that is no host would be taken for a repository of Docker Hub's.
    if path.is_empty() || !(host.contains(['.', ':']) || host == "localhost") {
        return Err(Problem::Registry(host.to_owned()));
    }
    let reference: Reference = rest.parse().map_err(Problem::Parse)?;
    if reference.digest().is_some() {
        return Err(Problem::Digest);
    }
    // The parser makes `latest` of none.
    let last = path.rsplit('/').next().unwrap_or_default();
    if !last.contains(':') {
        return Err(Problem::Tag);
    }
    Ok(ImageReference { reference })
}

impl ImageReference {
    /// The registry, with its port when it is said.
    pub fn registry(&self) -> &str {
        self.reference.registry()
    }

    /// The repository.
    pub fn repository(&self) -> &str {
        self.reference.repository()
    }

    /// Whether the registry is on this machine: then it has no certificate.
    pub fn is_local(&self) -> bool {
        let registry = self.registry();
        let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
        let address: Option<IpAddr> = host.parse().ok();
        host == "localhost" || address.is_some_and(|address| address.is_loopback())
    }

    /// What the client calls it.
    pub(super) fn reference(&self) -> &Reference {
        &self.reference
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci://{}", self.reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        ImageReference::from_str(text).unwrap_err().to_string()
    }

    #[test]
    fn a_reference_is_taken_apart() {
        let text = "oci://registry.example:5000/mesh/suite:0.1.0";
        let image = ImageReference::from_str(text).unwrap();
        assert_eq!(image.registry(), "registry.example:5000");
        assert_eq!(image.repository(), "mesh/suite");
        assert_eq!(image.to_string(), text);
    }

    #[test]
    fn what_is_wrong_is_named_with_what_was_expected() {
        for (text, wanted) in [
            ("registry.example/suite:1", "does not begin with oci://"),
            ("oci://suite:1", "names no registry: `suite:1`"),
            ("oci://mesh/suite:1", "names no registry: `mesh`"),
            ("oci://registry.example/suite", "has no tag"),
            ("oci://registry.example:5000/suite", "has no tag"),
            ("oci://registry.example/Suite:1", "is no reference"),
            ("oci://registry.example/suite:1:2", "is no reference"),
        ] {
            let said = problem(text);
            assert!(said.contains(wanted), "{said}");
            assert!(
                said.ends_with("expected oci://HOST[:PORT]/REPOSITORY:TAG"),
                "{said}"
            );
        }
        let digest = format!("oci://registry.example/suite:1@sha256:{}", "a".repeat(64));
        assert!(problem(&digest).contains("has a digest"));
    }

    #[test]
    fn registries_on_this_machine_are_known() {
        for (registry, local) in [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("127.1.2.3:5000", true),
            ("localhost.example:5000", false),
            ("10.0.0.1:5000", false),
            ("registry.example", false),
        ] {
            let image: ImageReference = format!("oci://{registry}/suite:1").parse().unwrap();
            assert_eq!(image.is_local(), local, "{registry}");
        }
    }
}
