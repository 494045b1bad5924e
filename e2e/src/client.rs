//! HTTP clients that send exactly what they are told, byte for byte.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use tokio::net::{TcpSocket, TcpStream};

pub use self::message::{Request, Response};
use self::{http1::Http1, http2::Http2, tls::Stream};
use crate::pki::Identity;

mod http1;
mod http2;
mod message;
mod tls;

/// No answer within this time is an error.
const PATIENCE: Duration = Duration::from_secs(20);

/// The protocol that a client speaks; HTTP/2 with prior knowledge, or by ALPN over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// Where and how to connect.
#[derive(Clone, Debug)]
pub struct Client {
    address: SocketAddr,
    protocol: Protocol,
    source: Option<IpAddr>,
    tls: Option<Identity>,
}

impl Client {
    /// A client of either protocol, over plain TCP.
    pub fn new(protocol: Protocol, address: SocketAddr) -> Self {
        Self {
            address,
            protocol,
            source: None,
            tls: None,
        }
    }

    /// A client for HTTP/1.1 over plain TCP.
    pub fn http1(address: SocketAddr) -> Self {
        Self::new(Protocol::Http1, address)
    }

    /// A client for HTTP/2 over plain TCP.
    pub fn http2(address: SocketAddr) -> Self {
        Self::new(Protocol::Http2, address)
    }

    /// Connects from this address, for example `127.0.0.7`.
    pub fn from_address(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Speaks TLS and shows this identity.
    pub fn tls(mut self, identity: Identity) -> Self {
        self.tls = Some(identity);
        self
    }

    /// Sends one request on a connection of its own.
    pub async fn send(&self, request: &Request) -> Result<Response> {
        self.connect().await?.send(request).await
    }

    /// Opens a connection for several requests.
    pub async fn connect(&self) -> Result<Connection> {
        let tcp = self
            .open()
            .await
            .with_context(|| format!("connect to {}", self.address))?;
        let stream = match &self.tls {
            None => Stream::Plain(tcp),
            Some(identity) => tls::connect(tcp, identity, self.protocol).await?,
        };
        Ok(Connection(match self.protocol {
            Protocol::Http1 => Inner::Http1(Http1::new(stream)),
            Protocol::Http2 => Inner::Http2(Http2::new(stream, self.tls.is_some()).await?),
        }))
    }

    async fn open(&self) -> Result<TcpStream> {
        let socket = match self.address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        if let Some(source) = self.source {
            socket.bind((source, 0).into())?;
        }
        let stream = socket.connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Connection(Inner);

#[derive(Debug)]
enum Inner {
    Http1(Http1),
    Http2(Http2),
}

impl Connection {
    /// Sends one request and waits for the whole response.
    pub async fn send(&mut self, request: &Request) -> Result<Response> {
        let answer = async {
            match &mut self.0 {
                Inner::Http1(connection) => connection.send(request).await,
                Inner::Http2(connection) => connection.send(request).await,
            }
        };
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(response) => response,
            Err(_) => bail!("no answer within {PATIENCE:?}"),
        }
    }
}

/// Sends bytes as they are over plain TCP and returns everything that comes back until the connection ends.
///
/// The bytes should therefore ask for the connection to be closed, or be wrong enough to get it closed.
pub async fn send_bytes(address: SocketAddr, bytes: &[u8]) -> Result<Bytes> {
    let stream = TcpStream::connect(address).await?;
    match tokio::time::timeout(PATIENCE, http1::exchange_until_closed(stream, bytes)).await {
        Ok(answer) => answer,
        Err(_) => bail!("the connection is still open after {PATIENCE:?}"),
    }
}
