//! The push itself.

use std::error::Error as _;

use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, RegistryOperation};

use super::{Credentials, ImageReference};
use crate::package::Image;

/// How to speak to the registry.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Without TLS.
    pub plain_http: bool,
    /// Who we are.
    pub credentials: Credentials,
}

/// Why an image was not pushed.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// Nobody answers, or nobody who speaks the protocol.
    #[error("{registry} cannot be reached by {}: {reason}{}", protocol(*plain_http), advice(*plain_http, reason))]
    Unreachable {
        /// The registry.
        registry: String,
        /// Whether it was tried without TLS.
        plain_http: bool,
        /// What went wrong.
        reason: String,
    },
    /// The registry does not let us in.
    #[error("{registry} does not let {who} push to {repository}: {reason}")]
    Refused {
        /// The registry.
        registry: String,
        /// Who we were.
        who: String,
        /// The repository.
        repository: String,
        /// What the registry said.
        reason: String,
    },
    /// The registry has no such repository, or is no registry.
    #[error("{registry} has no repository {repository}, or takes no images there: {reason}")]
    NotFound {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
        /// What the registry said.
        reason: String,
    },
    /// Something else.
    #[error("{registry}: {reason}")]
    Other {
        /// The registry.
        registry: String,
        /// What went wrong.
        reason: String,
    },
}

/// Pushes an image: what it consists of, then its manifest under the tag.
///
/// # Errors
/// The registry is not there, or does not take it.
pub async fn push(
    image: &Image,
    to: &ImageReference,
    connection: &Connection,
) -> Result<(), PushError> {
    let explain = |error| explained(&error, to, connection);
    // An error says that it was done before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::try_from(ClientConfig {
        protocol: if connection.plain_http {
            ClientProtocol::Http
        } else {
            ClientProtocol::Https
        },
        user_agent: concat!("meshlane/", env!("CARGO_PKG_VERSION")),
        ..ClientConfig::default()
    })
    .map_err(explain)?;
    let credentials = match &connection.credentials {
        Credentials::None => RegistryAuth::Anonymous,
        Credentials::Basic { user, password } => {
            RegistryAuth::Basic(user.clone(), password.clone())
        }
    };
    let reference = to.reference();
    client
        .auth(reference, &credentials, RegistryOperation::Push)
        .await
        .map_err(explain)?;
    for blob in &image.blobs {
        let digest = blob.digest.to_string();
        let there = client.blob_exists(reference, &digest).await;
        if !there.map_err(explain)? {
            client
                .push_blob(reference, blob.bytes.clone(), &digest)
                .await
                .map_err(explain)?;
        }
    }
    let media_type = image.manifest.media_type.parse();
    let media_type = media_type.map_err(|error| PushError::Other {
        registry: to.registry().to_owned(),
        reason: format!("the type of the manifest: {error}"),
    })?;
    client
        .push_manifest_raw(reference, image.manifest.bytes.clone(), media_type)
        .await
        .map_err(explain)?;
    Ok(())
}

fn explained(
    error: &OciDistributionError,
    to: &ImageReference,
    connection: &Connection,
) -> PushError {
    let registry = to.registry().to_owned();
    let repository = to.repository().to_owned();
    let reason = reason(error);
    match kind(error) {
        Kind::Unreachable => PushError::Unreachable {
            registry,
            plain_http: connection.plain_http,
            reason,
        },
        Kind::Refused => PushError::Refused {
            registry,
            who: match &connection.credentials {
                Credentials::None => "anybody without credentials (try `docker login`)".to_owned(),
                Credentials::Basic { user, .. } => user.clone(),
            },
            repository,
            reason,
        },
        Kind::NotFound => PushError::NotFound {
            registry,
            repository,
            reason,
        },
        Kind::Other => PushError::Other { registry, reason },
    }
}

enum Kind {
    Unreachable,
    Refused,
    NotFound,
    Other,
}

fn kind(error: &OciDistributionError) -> Kind {
    match error {
        OciDistributionError::RequestError(error) => error
            .status()
            .map_or(Kind::Unreachable, |status| of_status(status.as_u16())),
        OciDistributionError::UnauthorizedError { .. }
        | OciDistributionError::AuthenticationFailure(_) => Kind::Refused,
        OciDistributionError::RegistryError { envelope, .. } => {
            let has = |wanted: &[OciErrorCode]| {
                let mut errors = envelope.errors.iter();
                errors.any(|error| wanted.contains(&error.code))
            };
            if has(&[OciErrorCode::Unauthorized, OciErrorCode::Denied]) {
                Kind::Refused
            } else if has(&[OciErrorCode::NameUnknown, OciErrorCode::NotFound]) {
                Kind::NotFound
            } else {
                Kind::Other
            }
        }
        OciDistributionError::ServerError { code, .. } => of_status(*code),
        _ => Kind::Other,
    }
}

fn of_status(code: u16) -> Kind {
    match code {
        401 | 403 => Kind::Refused,
        404 => Kind::NotFound,
        _ => Kind::Other,
    }
}

/// The last cause says most: those in front of it say what was tried.
fn reason(error: &OciDistributionError) -> String {
    match error {
        OciDistributionError::RequestError(error) => {
            if let Some(status) = error.status() {
                return status.to_string();
            }
            let mut cause = error.source();
            while let Some(next) = cause.and_then(std::error::Error::source) {
                cause = Some(next);
            }
            cause.map_or_else(|| error.to_string(), ToString::to_string)
        }
        OciDistributionError::RegistryError { envelope, .. } => {
            let errors = envelope.errors.iter();
            let said: Vec<_> = errors.map(|error| error.message.as_str()).collect();
            said.join(", ")
        }
        OciDistributionError::UnauthorizedError { .. } => "authentication required".to_owned(),
        OciDistributionError::ServerError { code, message, .. } => {
            format!("{code} {}", message.trim())
        }
        other => other.to_string(),
    }
}

fn protocol(plain_http: bool) -> &'static str {
    if plain_http { "http" } else { "https" }
}

fn advice(plain_http: bool, reason: &str) -> &'static str {
    // What rustls says of an answer that is no TLS.
    if !plain_http && reason.contains("corrupt message") {
        "; a registry without TLS takes --plain-http"
    } else {
        ""
    }
}
