//! Where facts come from.

use std::time::Duration;

use crate::headers::Headers;
use crate::metadata::{Metadata, MetadataValue};

/// What a proxy can tell about the request at hand.
///
/// Each method may be costly (a call out of the VM); [`Request`](crate::Request) calls each
/// at most once, and only when an attribute needs it.
pub trait RequestFacts {
    /// The request headers as received, without those whose names are
    /// [reserved](crate::is_reserved) and that no bridge vouches for
    /// ([`Headers::take_unproven`]).
    fn headers(&self) -> &Headers;

    /// The peer's address with its port, `10.0.0.1:4711` (Envoy's `source.address`).
    fn source_address(&self) -> Option<String>;

    /// The URI in the peer's mTLS certificate (Envoy's `connection.uri_san_peer_certificate`).
    fn peer_uri(&self) -> Option<String>;

    /// The dynamic metadata that earlier filters left.
    fn metadata(&self) -> Option<Metadata>;

    /// The time, since 1970; nothing where no clock is.
    fn time(&self) -> Option<Duration> {
        None
    }
}

/// Facts that are simply given: for tests, tables and the command line.
#[derive(Debug, Clone, Default)]
pub struct StaticFacts {
    /// The request headers, pseudo headers included.
    pub headers: Headers,
    /// The peer's address, with or without a port.
    pub source_address: Option<String>,
    /// The URI in the peer's certificate.
    pub peer_uri: Option<String>,
    /// Dynamic metadata.
    pub metadata: Option<Metadata>,
    /// The time, since 1970.
    pub time: Option<Duration>,
}

impl StaticFacts {
    /// Facts of which only the headers are known.
    pub fn with_headers<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self {
            headers: headers.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The same facts with the claims of a verified token, where jwt_authn leaves them.
    pub fn and_jwt(mut self, filter: &str, payload_key: &str, claims: MetadataValue) -> Self {
        self.metadata = Some(Metadata::with(filter, payload_key, claims));
        self
    }
}

impl RequestFacts for StaticFacts {
    fn headers(&self) -> &Headers {
        &self.headers
    }

    fn source_address(&self) -> Option<String> {
        self.source_address.clone()
    }

    fn peer_uri(&self) -> Option<String> {
        self.peer_uri.clone()
    }

    fn metadata(&self) -> Option<Metadata> {
        self.metadata.clone()
    }

    fn time(&self) -> Option<Duration> {
        self.time
    }
}
