//! A client that makes many calls at once on one connection.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot, watch,
    },
    task::JoinSet,
};

use super::HEADER;
use crate::{
    dubbo::frame::Frame,
    wire::{HEARTBEAT_ANSWER, OK},
};

/// A call that has no end after this time hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection. Each call on it ends: in an answer, or in an error when the connection does.
#[derive(Debug)]
pub struct Client {
    outgoing: UnboundedSender<Bytes>,
    waiting: Arc<Waiting>,
    readonly: watch::Receiver<bool>,
    _tasks: JoinSet<()>,
}

/// The calls without an answer; none any more when the connection has ended.
type Waiting = Mutex<Option<HashMap<u64, oneshot::Sender<Frame>>>>;

impl Client {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let (outgoing, queue) = unbounded_channel();
        let (is_readonly, readonly) = watch::channel(false);
        let waiting: Arc<Waiting> = Arc::new(Mutex::new(Some(HashMap::new())));
        let mut tasks = JoinSet::new();
        tasks.spawn(write(writer, queue));
        let (answers, calls) = (outgoing.clone(), Arc::clone(&waiting));
        tasks.spawn(async move {
            // However it ends: the calls that are left have no answer to come.
            let _ = read(reader, &answers, &calls, &is_readonly).await;
            lock(&calls).take();
        });
        Ok(Self {
            outgoing,
            waiting,
            readonly,
            _tasks: tasks,
        })
    }

    /// Sends a call; what comes back is the wait for its answer.
    pub fn start(&self, call: &Frame) -> impl Future<Output = Result<Frame>> + Send + use<> {
        let (sender, answer) = oneshot::channel();
        let id = call.id();
        if let Some(waiting) = lock(&self.waiting).as_mut() {
            waiting.insert(id, sender);
        }
        self.send(call.bytes());
        async move {
            let answer = tokio::time::timeout(PATIENCE, answer).await;
            let answer = answer.with_context(|| format!("call {id} hangs"))?;
            answer.map_err(|_| anyhow!("the connection ended before call {id} did"))
        }
    }

    /// Makes a call.
    pub async fn call(&self, call: &Frame) -> Result<Frame> {
        self.start(call).await
    }

    /// Makes a call that must be answered by exactly this.
    pub async fn expect(&self, call: &Frame, expected: &Frame) -> Result<()> {
        let answer = self.call(call).await?;
        ensure!(
            answer == *expected,
            "call {} of {} bytes: {}",
            call.id(),
            call.bytes().len(),
            difference(&answer, expected)
        );
        Ok(())
    }

    /// Sends bytes that nothing is expected for.
    pub fn send(&self, bytes: &[u8]) {
        // When the connection has ended, the calls say so.
        let _ = self.outgoing.send(Bytes::copy_from_slice(bytes));
    }

    /// Whether the peer has asked for no more calls.
    pub fn is_readonly(&self) -> bool {
        *self.readonly.borrow()
    }

    /// Waits until the peer asks for no more calls.
    pub async fn readonly(&self) -> Result<()> {
        let mut readonly = self.readonly.clone();
        let seen = tokio::time::timeout(PATIENCE, readonly.wait_for(|seen| *seen)).await;
        seen.context("no READONLY comes")?
            .context("the connection ended without READONLY")?;
        Ok(())
    }

    /// Whether the connection has ended.
    pub fn has_ended(&self) -> bool {
        lock(&self.waiting).is_none()
    }
}

fn lock(
    waiting: &Waiting,
) -> std::sync::MutexGuard<'_, Option<HashMap<u64, oneshot::Sender<Frame>>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where two frames differ, in few words: they may be long.
pub fn difference(found: &Frame, expected: &Frame) -> String {
    let pairs = found.bytes().iter().zip(expected.bytes());
    let same = pairs.take_while(|(one, other)| one == other).count();
    let start = found.body().iter().take(160).copied().collect::<Vec<_>>();
    format!(
        "status {}, {} bytes instead of {}, the first {same} as expected; the body begins {:?}",
        found.status(),
        found.bytes().len(),
        expected.bytes().len(),
        String::from_utf8_lossy(&start),
    )
}

async fn read(
    mut reader: OwnedReadHalf,
    answers: &UnboundedSender<Bytes>,
    waiting: &Waiting,
    readonly: &watch::Sender<bool>,
) -> Result<()> {
    while let Some(frame) = read_frame(&mut reader).await? {
        if frame.is_readonly() {
            readonly.send_replace(true);
        } else if frame.is_event() && frame.is_request() && frame.is_two_way() {
            let answer = Frame::new(HEARTBEAT_ANSWER, OK, frame.id(), b"N");
            answers.send(Bytes::copy_from_slice(answer.bytes()))?;
        } else if !frame.is_event() {
            let call = lock(waiting)
                .as_mut()
                .and_then(|calls| calls.remove(&frame.id()));
            // Two answers to one call, or an answer to none: the stream cannot be trusted.
            let call = call.with_context(|| format!("an answer to no call: {}", frame.id()))?;
            let _ = call.send(frame);
        }
    }
    Ok(())
}

async fn write(mut writer: OwnedWriteHalf, mut queue: UnboundedReceiver<Bytes>) {
    while let Some(bytes) = queue.recv().await {
        if writer.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Reads a frame, fast also in a build without optimization.
pub(super) async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Frame>> {
    let mut header = [0; HEADER];
    let mut filled = 0;
    while let Some(rest) = header.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match stream.read(rest).await? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
    }
    let [0xda, 0xbb, flags, status, rest @ ..] = header else {
        let text = format!("not Dubbo: {header:02x?}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    };
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    let (id, length) = rest.split_at(8);
    let mut body = vec![0; usize::try_from(number(length)).unwrap_or_default()];
    stream.read_exact(&mut body).await?;
    Ok(Some(Frame::new(flags, status, number(id), &body)))
}
