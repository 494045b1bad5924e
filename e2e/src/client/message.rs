//! Requests and responses as plain data.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;

use crate::upstream::Echo;

/// A request; nothing is added to it but what the protocol cannot do without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The `Host` header or the `:authority` pseudo-header.
    pub authority: String,
    /// Path and query; need not be UTF-8 in HTTP/1.1.
    pub path: Vec<u8>,
    /// The headers in their order; a name may occur more than once, values need not be UTF-8.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Bytes,
}

impl Request {
    /// A `GET` request.
    pub fn get(path: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "GET".to_owned(),
            authority: "shop.example".to_owned(),
            path: path.into(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// A `POST` request with a body.
    pub fn post(path: impl Into<Vec<u8>>, body: impl Into<Bytes>) -> Self {
        Self {
            method: "POST".to_owned(),
            body: body.into(),
            ..Self::get(path)
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets the authority.
    pub fn authority(mut self, authority: &str) -> Self {
        authority.clone_into(&mut self.authority);
        self
    }
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers with names in lower case.
    pub headers: Vec<(String, Bytes)>,
    /// The trailers.
    pub trailers: Vec<(String, Bytes)>,
    /// The body.
    pub body: Bytes,
}

impl Response {
    /// The first header of this name, when it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(candidate, _)| candidate == name)
            .and_then(|(_, value)| str::from_utf8(value).ok())
    }

    /// What the upstream saw; an error when the answer is not an echo.
    pub fn echo(&self) -> Result<Echo> {
        let start = String::from_utf8_lossy(self.body.get(..200).unwrap_or(&self.body));
        ensure!(
            self.status == 200,
            "status {} and not an echo: {start}",
            self.status
        );
        serde_json::from_slice(&self.body).with_context(|| format!("not an echo: {start}"))
    }
}
