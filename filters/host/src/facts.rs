//! The facts of the request at hand.

use std::time::Duration;

use meshlane_attributes::{DubboHeaders, Headers, Metadata, RequestFacts};

use crate::{access_log, headers, now, origin, property};

/// The request at hand: its headers read by one host call, the rest when asked for.
#[derive(Debug)]
pub struct HostFacts {
    headers: Headers,
}

impl HostFacts {
    /// Reads the request's headers and removes those whose names are reserved, except what a bridge
    /// that is `believed` says of a Dubbo call, and what filters before this one wrote. Returns the facts and how many names were removed.
    pub(crate) fn enter(believed: DubboHeaders) -> Option<(Self, usize)> {
        let mut headers = headers::request()?;
        let reserved =
            headers.take_unproven(believed, origin::is_from_bridge, access_log::has_line);
        for name in &reserved {
            headers::remove_request(name);
        }
        Some((Self { headers }, reserved.len()))
    }

    /// Whether the request has a header, by its name in lower case; reserved ones are gone.
    pub fn has(&self, name: &str) -> bool {
        self.headers.first(name).is_some()
    }
}

impl RequestFacts for HostFacts {
    fn headers(&self) -> &Headers {
        &self.headers
    }

    fn source_address(&self) -> Option<String> {
        property::text(&["source", "address"])
    }

    fn peer_uri(&self) -> Option<String> {
        property::text(&["connection", "uri_san_peer_certificate"])
    }

    fn metadata(&self) -> Option<Metadata> {
        Metadata::decode(&property::bytes(&["metadata"])?)
    }

    fn time(&self) -> Option<Duration> {
        Some(now())
    }
}
