//! Ports for servers that do not choose one themselves.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use tokio::net::TcpSocket;

/// A port of the loopback interface that the system gives to nobody else, whether a server listens there or not.
#[derive(Debug)]
pub(crate) struct Port {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl Port {
    /// Reserves a port by a socket that is bound and does not listen.
    pub(crate) fn reserve() -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // The server has to say one of them as well. Redis and what is written in Go say the first. The rate limit service
        // says the second too, and would share a port with another one without a word.
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(true)?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = socket.local_addr()?;
        Ok(Self {
            address,
            _socket: socket,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn host(&self) -> String {
        self.address.ip().to_string()
    }

    pub(crate) fn number(&self) -> String {
        self.address.port().to_string()
    }
}
