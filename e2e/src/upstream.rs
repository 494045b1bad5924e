//! Upstreams that answer with what they saw: HTTP/1.1, HTTP/2 with prior knowledge and gRPC on one port.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header::HOST};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use meshlane_proto::e2e::v1::echo_service_server::{EchoServiceServer, SERVICE_NAME};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, task::JoinSet};
use tonic::{body::Body, codegen::Service};

use crate::grpc::EchoImplementation;

/// Larger than anything that a scenario sends.
const MAX_HEAD: usize = 8 << 20;

/// A running upstream; dropping it ends it.
#[derive(Debug)]
pub struct Upstream {
    name: String,
    address: SocketAddr,
    _server: JoinSet<()>,
}

impl Upstream {
    /// Starts an upstream on a free port.
    pub async fn start(name: &str) -> Result<Self> {
        Self::start_at(name, (Ipv4Addr::LOCALHOST, 0).into()).await
    }

    /// Starts an upstream where another one was.
    pub async fn start_at(name: &str, address: SocketAddr) -> Result<Self> {
        Self::serve(name, TcpListener::bind(address).await?)
    }

    /// Starts an upstream on a port that is there already.
    pub fn serve(name: &str, listener: TcpListener) -> Result<Self> {
        Self::serve_with(name, listener, None)
    }

    /// Starts an upstream that always answers the same.
    pub async fn answering(name: &str, body: impl Into<Bytes>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Self::serve_with(name, listener, Some(body.into()))
    }

    fn serve_with(name: &str, listener: TcpListener, body: Option<Bytes>) -> Result<Self> {
        let address = listener.local_addr()?;
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Arc::from(name), body));
        Ok(Self {
            name: name.to_owned(),
            address,
            _server: server,
        })
    }

    /// The name, which is also the name of the cluster in Envoy.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// What an upstream saw of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Echo {
    /// The name of the upstream.
    pub upstream: String,
    /// The method.
    pub method: String,
    /// The `Host` header or the `:authority` pseudo-header.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// The headers, in an order that keeps those of one name as they came.
    pub headers: Vec<(String, HeaderText)>,
}

impl Echo {
    /// The values of a header.
    pub fn values(&self, name: &str) -> Vec<&HeaderText> {
        let named = self
            .headers
            .iter()
            .filter(|(candidate, _)| candidate == name);
        named.map(|(_, value)| value).collect()
    }

    /// The values of a header joined by commas, when all of them are text; nothing when it is absent.
    pub fn header(&self, name: &str) -> Option<String> {
        let texts: Option<Vec<&str>> = self
            .values(name)
            .into_iter()
            .map(|value| match value {
                HeaderText::Text(text) => Some(text.as_str()),
                HeaderText::Hex { .. } => None,
            })
            .collect();
        texts
            .filter(|texts| !texts.is_empty())
            .map(|texts| texts.join(","))
    }
}

/// The value of a header in JSON: a string, or `{"hex": "…"}` when it is not UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HeaderText {
    /// UTF-8.
    Text(String),
    /// Anything else.
    Hex {
        /// The bytes, two digits each.
        hex: String,
    },
}

impl HeaderText {
    /// Writes down a value.
    pub fn new(bytes: &[u8]) -> Self {
        match str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Hex {
                hex: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            },
        }
    }

    /// The value as it is on the wire.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        match self {
            Self::Text(text) => Ok(text.as_bytes().to_vec()),
            Self::Hex { hex } => (0..hex.len())
                .step_by(2)
                .map(|start| {
                    let digits = hex
                        .get(start..start + 2)
                        .context("an odd number of digits")?;
                    Ok(u8::from_str_radix(digits, 16)?)
                })
                .collect(),
        }
    }
}

async fn serve(listener: TcpListener, name: Arc<str>, body: Option<Bytes>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (name, body) = (Arc::clone(&name), body.clone());
        let service = hyper::service::service_fn(move |request| {
            answer(Arc::clone(&name), body.clone(), request)
        });
        connections.spawn(async move {
            let mut builder = auto::Builder::new(TokioExecutor::new());
            builder.http1().max_buf_size(MAX_HEAD).max_headers(10_000);
            builder.http2().max_header_list_size(MAX_HEAD as u32);
            // A connection that breaks concerns the client, who sees it.
            let _ = builder
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(
    name: Arc<str>,
    fixed: Option<Bytes>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    if let Some(body) = fixed {
        return Ok(Response::new(Body::new(Full::new(body))));
    }
    let service = request.uri().path().split('/').nth(1);
    if service == Some(SERVICE_NAME) {
        let mut grpc = EchoServiceServer::new(EchoImplementation::new(&name));
        return grpc.call(request).await;
    }
    let (head, body) = request.into_parts();
    // The answer comes after the whole request, as from an ordinary server.
    let _ = body.collect().await;
    let authority = match head.uri.authority() {
        Some(authority) => authority.as_str().to_owned(),
        None => text(&head.headers, HOST.as_str()),
    };
    let echo = Echo {
        upstream: name.to_string(),
        method: head.method.to_string(),
        authority,
        path: head
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), HeaderText::new(value.as_bytes())))
            .collect(),
    };
    let json = serde_json::to_vec(&echo).unwrap_or_default();
    Ok(Response::new(Body::new(Full::new(Bytes::from(json)))))
}

fn text(headers: &HeaderMap, name: &str) -> String {
    let value = headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    value.unwrap_or_default().into_owned()
}
