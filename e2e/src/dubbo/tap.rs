//! A tap on the wire: a TCP proxy that keeps the frames of both directions.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use anyhow::{Result, anyhow};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use super::frame::Frame;

/// A proxy in front of one address; dropping it ends it with its connections.
#[derive(Debug)]
pub struct Tap {
    address: SocketAddr,
    frames: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

/// A frame that passed.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The connection, counted from 0.
    pub connection: usize,
    /// Who wrote it.
    pub from: Side,
    /// The frame.
    pub frame: Frame,
}

/// A side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that connected.
    Client,
    /// The one that accepted.
    Server,
}

impl Tap {
    /// Starts a proxy.
    pub async fn start(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let frames = Arc::new(Mutex::new(Vec::new()));
        Ok(Self {
            address: listener.local_addr()?,
            frames: Arc::clone(&frames),
            task: tokio::spawn(serve(listener, target, frames)),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The frames that passed since the last time this was called.
    pub fn take(&self) -> Result<Vec<Seen>> {
        let mut frames = self.frames.lock().map_err(|_| anyhow!("poisoned"))?;
        Ok(std::mem::take(&mut *frames))
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, target: SocketAddr, frames: Arc<Mutex<Vec<Seen>>>) {
    let mut connections = JoinSet::new();
    let mut number = 0;
    while let Ok((client, _)) = listener.accept().await {
        let frames = Arc::clone(&frames);
        connections.spawn(async move {
            let Ok(server) = TcpStream::connect(target).await else {
                return;
            };
            let _ = client.set_nodelay(true);
            let _ = server.set_nodelay(true);
            let (client, server) = (client.into_split(), server.into_split());
            let keep = |from| {
                let frames = Arc::clone(&frames);
                move |frame| {
                    let seen = Seen {
                        connection: number,
                        from,
                        frame,
                    };
                    if let Ok(mut frames) = frames.lock() {
                        frames.push(seen);
                    }
                }
            };
            // Each direction ends on its own, as on a plain connection.
            tokio::join!(
                pass(client.0, server.1, keep(Side::Client)),
                pass(server.0, client.1, keep(Side::Server)),
            );
        });
        number += 1;
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    keep: impl Fn(Frame),
) {
    while let Ok(Some(frame)) = Frame::read(&mut from).await {
        // Kept first: the answer must not overtake its request.
        keep(frame.clone());
        if to.write_all(frame.bytes()).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
