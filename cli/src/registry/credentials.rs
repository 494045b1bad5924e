//! Credentials, as `docker login` keeps them.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};

/// Who pushes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nobody in particular: there are no credentials for the registry.
    None,
    /// Somebody with a name and a password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
}

/// Why there are no credentials though there should be.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file, or the program that it names, gives no credentials.
    #[error("no credentials for {registry} by {}: {error}", path.display())]
    Retrieval {
        /// The registry.
        registry: String,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: CredentialRetrievalError,
    },
    /// There is a token that would have to be exchanged for another.
    #[error(
        "{} has an identity token for {registry}, which is not supported; expected a user name and a password",
        path.display()
    )]
    IdentityToken {
        /// The registry.
        registry: String,
        /// The file.
        path: PathBuf,
    },
}

impl Credentials {
    /// What a `config.json` of Docker's has for a registry: by `credHelpers`, `auths` or `credsStore`. No file is like an
    /// empty one.
    ///
    /// # Errors
    /// The file cannot be read, or names a helper that does not answer.
    pub fn of(registry: &str, config: &Path) -> Result<Self, CredentialsError> {
        let path = config.to_owned();
        let file = match File::open(config) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::None),
            Err(error) => return Err(CredentialsError::Read { path, error }),
        };
        let server = match registry {
            "docker.io" => "https://index.docker.io/v1/",
            other => other,
        };
        let registry = registry.to_owned();
        match get_credential_from_reader(BufReader::new(file), server) {
            Ok(DockerCredential::UsernamePassword(user, password)) => {
                Ok(Self::Basic { user, password })
            }
            Ok(DockerCredential::IdentityToken(_)) => {
                Err(CredentialsError::IdentityToken { registry, path })
            }
            Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(Self::None),
            // What a helper says about a registry that it knows nothing of; it ends with 1 all the same.
            Err(CredentialRetrievalError::HelperFailure { stdout, .. })
                if stdout.trim() == "credentials not found in native keychain" =>
            {
                Ok(Self::None)
            }
            Err(error) => Err(CredentialsError::Retrieval {
                registry,
                path,
                error,
            }),
        }
    }
}

/// Where `docker login` writes: `$DOCKER_CONFIG/config.json`, or `~/.docker/config.json`.
pub(crate) fn docker_config() -> Option<PathBuf> {
    let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".docker"));
    Some(folder.or_else(home)?.join("config.json"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn of(registry: &str, config: &str) -> Result<Credentials, CredentialsError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        fs::write(&file, config).unwrap();
        Credentials::of(registry, &file)
    }

    #[test]
    fn credentials_are_found_by_registry() {
        // alice:secret
        let config = r#"{"auths": {"registry.example:5000": {"auth": "YWxpY2U6c2VjcmV0"}}}"#;
        let alice = Credentials::Basic {
            user: "alice".to_owned(),
            password: "secret".to_owned(),
        };
        assert_eq!(of("registry.example:5000", config).unwrap(), alice);
        assert_eq!(of("registry.example", config).unwrap(), Credentials::None);
        let hub = r#"{"auths": {"https://index.docker.io/v1/": {"auth": "YWxpY2U6c2VjcmV0"}}}"#;
        assert_eq!(of("docker.io", hub).unwrap(), alice);
    }

    #[test]
    fn no_file_is_no_error_and_a_broken_one_is() {
        let nowhere = Path::new("no-such-folder/config.json");
        let none = Credentials::of("registry.example", nowhere).unwrap();
        assert_eq!(none, Credentials::None);
        let error = of("registry.example", "{").unwrap_err().to_string();
        assert!(error.contains("config.json"), "{error}");
    }

    #[test]
    fn a_helper_that_is_not_there_is_an_error() {
        let config = r#"{"credHelpers": {"registry.example": "no-such-helper"}}"#;
        let error = of("registry.example", config).unwrap_err().to_string();
        assert!(
            error.starts_with("no credentials for registry.example"),
            "{error}"
        );
        assert_eq!(of("other.example", config).unwrap(), Credentials::None);
    }

    #[test]
    fn identity_tokens_are_refused_by_name() {
        let config = r#"{"auths": {"registry.example": {"identitytoken": "t"}}}"#;
        let error = of("registry.example", config).unwrap_err().to_string();
        assert!(error.contains("identity token"), "{error}");
    }
}
