//! One side of a connection: a socket and who speaks on it.

use std::{io::ErrorKind, rc::Rc};

use anyhow::{Result, bail};
use tokio::{io::Interest, net::TcpStream};

use super::{client::Client, frames::Call};

/// Who speaks on a connection.
pub(crate) trait Peer {
    /// What it sends before anything has come.
    fn greet(&mut self, out: &mut Vec<u8>);

    /// Takes what came, and appends what it sends.
    fn receive(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()>;

    /// Whether it wants nothing more for now.
    fn is_content(&self) -> bool;
}

/// A connection, which reads and writes as it can, so that neither waits for the other.
pub(crate) struct Connection<P> {
    stream: TcpStream,
    peer: P,
    input: Vec<u8>,
    /// What is to be written, and how much of it is.
    output: Vec<u8>,
    written: usize,
}

impl<P: Peer> Connection<P> {
    pub(crate) fn new(stream: TcpStream, mut peer: P) -> Result<Self> {
        stream.set_nodelay(true)?;
        let mut output = Vec::new();
        peer.greet(&mut output);
        Ok(Self {
            stream,
            peer,
            input: vec![0; 64 * 1024],
            output,
            written: 0,
        })
    }

    /// Has its client make calls.
    pub(crate) fn start(&mut self, call: &Rc<Call>, calls: usize) -> Result<()>
    where
        P: Client,
    {
        self.peer.start(call, calls, &mut self.output)
    }

    /// Speaks until the peer is content.
    pub(crate) async fn run(&mut self) -> Result<()> {
        self.write()?;
        while !self.peer.is_content() || !self.output.is_empty() {
            let interest = if self.output.is_empty() {
                Interest::READABLE
            } else {
                Interest::READABLE | Interest::WRITABLE
            };
            if self.stream.ready(interest).await?.is_readable() {
                self.read()?;
            }
            self.write()?;
        }
        Ok(())
    }

    fn read(&mut self) -> Result<()> {
        match self.stream.try_read(&mut self.input) {
            Ok(0) => bail!("Envoy closed the connection"),
            Ok(length) => {
                let bytes = self.input.get(..length).unwrap_or_default();
                self.peer.receive(bytes, &mut self.output)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&mut self) -> Result<()> {
        while let Some(rest @ [_, ..]) = self.output.get(self.written..) {
            match self.stream.try_write(rest) {
                Ok(length) => self.written += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        self.output.clear();
        self.written = 0;
        Ok(())
    }
}
