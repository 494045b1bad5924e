//! HTTP/2.

use anyhow::Result;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::{Request, Response, Stream};

/// Larger than anything that a scenario sends.
const MAX_HEADER_LIST: u32 = 8 << 20;

/// One connection.
#[derive(Debug)]
pub(super) struct Http2 {
    sender: SendRequest<Full<Bytes>>,
    scheme: &'static str,
}

impl Http2 {
    pub(super) async fn new(stream: Stream, tls: bool) -> Result<Self> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.max_header_list_size(MAX_HEADER_LIST);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let scheme = if tls { "https" } else { "http" };
        Ok(Self { sender, scheme })
    }

    pub(super) async fn send(&mut self, request: &Request) -> Result<Response> {
        let uri = http::Uri::builder()
            .scheme(self.scheme)
            .authority(request.authority.as_str())
            .path_and_query(request.path.as_slice())
            .build()?;
        let mut outgoing = http::Request::builder()
            .method(request.method.as_str())
            .uri(uri)
            .version(Version::HTTP_2)
            .body(Full::new(request.body.clone()))?;
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes())?;
            outgoing
                .headers_mut()
                .append(name, HeaderValue::from_bytes(value)?);
        }
        let (head, body) = self.sender.send_request(outgoing).await?.into_parts();
        let collected = body.collect().await?;
        Ok(Response {
            status: head.status.as_u16(),
            headers: pairs(&head.headers),
            trailers: collected.trailers().map(pairs).unwrap_or_default(),
            body: collected.to_bytes(),
        })
    }
}

fn pairs(headers: &HeaderMap) -> Vec<(String, Bytes)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), Bytes::copy_from_slice(value.as_bytes())))
        .collect()
}
