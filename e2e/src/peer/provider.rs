//! A provider that does what a scenario says.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Result, ensure};
use bytes::Bytes;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};

use super::answer::{Answer, Step};
use crate::{
    dubbo::frame::Frame,
    poll,
    wire::{HEARTBEAT_ANSWER, OK},
};

/// A provider on a free port; dropping it resets its connections.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<Arrived>>>,
    written: Arc<AtomicU64>,
    _server: JoinSet<()>,
}

/// A call that arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// The connection, counted from 0.
    pub connection: usize,
    /// The id that the call has there.
    pub id: u64,
    /// The length of its frame.
    pub length: usize,
    /// The first bytes of its body, among them the head of the call.
    pub beginning: Vec<u8>,
}

type Script = Arc<dyn Fn(&Frame) -> Answer + Send + Sync>;

#[derive(Clone)]
struct Shared {
    script: Script,
    calls: Arc<Mutex<Vec<Arrived>>>,
    written: Arc<AtomicU64>,
}

impl Provider {
    /// Starts a provider that answers each call as the script says. It answers heartbeats by itself.
    pub async fn start(script: impl Fn(&Frame) -> Answer + Send + Sync + 'static) -> Result<Self> {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await?, script)
    }

    /// The same on a listener that is there already.
    pub fn start_on(
        listener: TcpListener,
        script: impl Fn(&Frame) -> Answer + Send + Sync + 'static,
    ) -> Result<Self> {
        let address = listener.local_addr()?;
        let calls = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::new(AtomicU64::new(0));
        let shared = Shared {
            script: Arc::new(script),
            calls: Arc::clone(&calls),
            written: Arc::clone(&written),
        };
        let mut server = JoinSet::new();
        server.spawn(serve(listener, shared));
        Ok(Self {
            address,
            calls,
            written,
            _server: server,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The calls that arrived so far.
    pub fn calls(&self) -> Vec<Arrived> {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How many bytes of answers the peers have taken.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Waits for so many calls.
    pub async fn expect_calls(&self, count: usize) -> Result<Vec<Arrived>> {
        poll::until("calls at the provider", async || {
            let calls = self.calls();
            ensure!(calls.len() >= count, "{} of {count} calls", calls.len());
            Ok(calls)
        })
        .await
    }
}

async fn serve(listener: TcpListener, shared: Shared) {
    let mut connections = JoinSet::new();
    let mut number = 0;
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        connections.spawn(async move {
            let _ = stream.set_nodelay(true);
            // Whoever is dropped in the middle of something is seen to have died.
            let _ = stream.set_zero_linger();
            let (reader, writer) = stream.into_split();
            let (steps, queue) = unbounded_channel();
            let reading = read(reader, steps, number, &shared);
            tokio::select! {
                _ = reading => {}
                _ = write(writer, queue, &shared.written) => {}
            }
        });
        number += 1;
        while connections.try_join_next().is_some() {}
    }
}

async fn read(
    mut reader: OwnedReadHalf,
    steps: UnboundedSender<Step>,
    connection: usize,
    shared: &Shared,
) -> io::Result<()> {
    const BEGINNING: usize = 512;
    let mut waiting = JoinSet::new();
    while let Some(frame) = super::client::read_frame(&mut reader).await? {
        if frame.is_event() {
            if frame.is_request() && frame.is_two_way() {
                let answer = Frame::new(HEARTBEAT_ANSWER, OK, frame.id(), b"N");
                let _ = steps.send(Step::Write(Bytes::copy_from_slice(answer.bytes())));
            }
            continue;
        }
        let mut calls = shared.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(Arrived {
            connection,
            id: frame.id(),
            length: frame.bytes().len(),
            beginning: frame.body().iter().copied().take(BEGINNING).collect(),
        });
        drop(calls);
        let answer = (shared.script)(&frame);
        let steps = steps.clone();
        let run = move || {
            for step in answer.steps {
                let _ = steps.send(step);
            }
        };
        match answer.after {
            None => run(),
            Some(gate) => {
                waiting.spawn(async move {
                    gate.passed().await;
                    run();
                });
            }
        }
        while waiting.try_join_next().is_some() {}
    }
    Ok(())
}

async fn write(
    mut writer: OwnedWriteHalf,
    mut queue: UnboundedReceiver<Step>,
    written: &AtomicU64,
) -> io::Result<()> {
    const PIECE: usize = 1 << 16;
    while let Some(step) = queue.recv().await {
        match step {
            Step::Write(bytes) => {
                for piece in bytes.chunks(PIECE) {
                    writer.write_all(piece).await?;
                    written.fetch_add(piece.len() as u64, Ordering::Relaxed);
                }
            }
            Step::Wait(gate) => gate.passed().await,
            // The stream was set up to be reset when it is dropped.
            Step::Cut => return Ok(()),
            Step::Close => {
                writer.shutdown().await?;
                // The rest is up to the peer: dropped now, what it has not read yet would be lost.
                std::future::pending::<()>().await;
            }
        }
    }
    Ok(())
}
