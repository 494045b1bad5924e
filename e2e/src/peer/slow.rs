//! A client that sends much and hardly reads.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
    time::{interval, timeout},
};

use super::HEADER;
use crate::{
    dubbo::frame::Frame,
    wire::{HEARTBEAT_ANSWER, OK},
};

/// When nothing comes for so long, the calls that are left hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection with a small receive buffer.
#[derive(Debug)]
pub struct SlowClient {
    reader: OwnedReadHalf,
    outgoing: UnboundedSender<Bytes>,
    writing: JoinHandle<()>,
    /// What is no whole frame yet.
    read: Vec<u8>,
    answers: BTreeMap<u64, Frame>,
    calls: usize,
}

impl SlowClient {
    /// Connects and starts to send these frames; what comes back waits until it is read.
    pub async fn send(address: SocketAddr, frames: Vec<Frame>) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(32 << 10)?;
        let stream: TcpStream = socket.connect(address).await?;
        let (reader, writer) = stream.into_split();
        let (outgoing, queue) = unbounded_channel();
        let calls = frames.len();
        for frame in frames {
            outgoing.send(Bytes::copy_from_slice(frame.bytes()))?;
        }
        Ok(Self {
            reader,
            outgoing,
            writing: tokio::spawn(write(writer, queue)),
            read: Vec::new(),
            answers: BTreeMap::new(),
            calls,
        })
    }

    /// Reads so many bytes, ten times a second a tenth of the rate; fewer when all calls have ended.
    pub async fn read_slowly(&mut self, bytes: usize, per_second: usize) -> Result<()> {
        let mut ticks = interval(Duration::from_millis(100));
        let mut rest = bytes;
        while rest > 0 && self.answers.len() < self.calls {
            ticks.tick().await;
            let count = self.read(per_second / 10).await?;
            ensure!(count > 0, "the connection ended");
            rest = rest.saturating_sub(count);
        }
        Ok(())
    }

    /// Reads as fast as it can until all calls have ended, or the connection: the answers.
    pub async fn read_rest(mut self) -> Result<BTreeMap<u64, Frame>> {
        const PIECE: usize = 256 << 10;
        while self.answers.len() < self.calls && self.read(PIECE).await? > 0 {}
        Ok(std::mem::take(&mut self.answers))
    }

    /// Reads up to so many bytes; 0 at the end of the connection. Heartbeats are answered.
    async fn read(&mut self, bytes: usize) -> Result<usize> {
        let before = self.read.len();
        self.read.resize(before + bytes, 0);
        let room = self.read.get_mut(before..).unwrap_or_default();
        let read = timeout(PATIENCE, self.reader.read(room)).await;
        let read = read.with_context(|| format!("nothing comes; {} ended", self.answers.len()))?;
        let count = match read {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => 0,
            Err(error) => return Err(error.into()),
        };
        self.read.truncate(before + count);
        while let Some(frame) = self.take_frame()? {
            if !frame.is_event() {
                let id = frame.id();
                let before = self.answers.insert(id, frame);
                ensure!(before.is_none(), "two answers to call {id}");
            } else if frame.is_request() && frame.is_two_way() {
                let answer = Frame::new(HEARTBEAT_ANSWER, OK, frame.id(), b"N");
                // When the connection has ended, reading says so.
                let _ = self.outgoing.send(Bytes::copy_from_slice(answer.bytes()));
            }
        }
        Ok(count)
    }

    fn take_frame(&mut self) -> Result<Option<Frame>> {
        let [magic @ .., flags, status] = match self.read.get(..4) {
            Some(&[one, two, flags, status]) => [one, two, flags, status],
            _ => return Ok(None),
        };
        if magic != [0xda, 0xbb] {
            bail!("no frame begins with {magic:02x?}");
        }
        let (Some(id), Some(length)) = (self.read.get(4..12), self.read.get(12..HEADER)) else {
            return Ok(None);
        };
        let id = u64::from_be_bytes(id.try_into()?);
        let end = HEADER + u32::from_be_bytes(length.try_into()?) as usize;
        let Some(body) = self.read.get(HEADER..end) else {
            return Ok(None);
        };
        let frame = Frame::new(flags, status, id, body);
        self.read.drain(..end);
        Ok(Some(frame))
    }
}

impl Drop for SlowClient {
    fn drop(&mut self) {
        self.writing.abort();
    }
}

async fn write(mut writer: OwnedWriteHalf, mut queue: UnboundedReceiver<Bytes>) {
    while let Some(bytes) = queue.recv().await {
        if writer.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
