//! A provider whose methods misbehave by name.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
};

use super::{BAD_REQUEST, HEARTBEAT_ANSWER, OK, ONE_WAY_EVENT, RESPONSE, take_text, text};
use crate::dubbo::frame::Frame;

/// A provider on a free port. Its methods, each with one text argument:
///
/// - `hello` answers at once, `late` after a while (the argument says after how many milliseconds);
/// - `big` answers with so many bytes, `status` with that status;
/// - `fail` answers with an exception of the class in the argument;
/// - `silent` never answers, `close` closes the connection, `readonly` sends that event first.
#[derive(Debug)]
pub struct WireProvider {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Frame>>>,
    task: JoinHandle<()>,
}

impl WireProvider {
    /// Starts one; dropping it ends it and its connections.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let frames = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&frames)));
            }
        });
        Ok(Self {
            address,
            seen,
            task,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests that came, without events.
    pub fn calls(&self) -> Result<Vec<Frame>> {
        let seen = self.seen.lock().map_err(|_| anyhow!("poisoned"))?;
        let calls = seen.iter().filter(|frame| !frame.is_event());
        Ok(calls.cloned().collect())
    }
}

impl Drop for WireProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What `hello` answers.
pub fn hello(argument: &str) -> String {
    format!("hello {argument}")
}

async fn serve(stream: TcpStream, seen: Arc<Mutex<Vec<Frame>>>) {
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    let (answers, queue) = unbounded_channel();
    let writing = tokio::spawn(write(writer, queue));
    // An error ends the connection, which the other side sees.
    let _ = read(reader, answers, &seen).await;
    writing.abort();
}

async fn write(mut writer: OwnedWriteHalf, mut queue: UnboundedReceiver<Frame>) {
    while let Some(frame) = queue.recv().await {
        if writer.write_all(frame.bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(
    mut reader: OwnedReadHalf,
    answers: UnboundedSender<Frame>,
    seen: &Mutex<Vec<Frame>>,
) -> Result<()> {
    while let Some(frame) = Frame::read(&mut reader).await? {
        seen.lock()
            .map_err(|_| anyhow!("poisoned"))?
            .push(frame.clone());
        if frame.is_event() {
            if frame.is_two_way() {
                answers.send(Frame::new(HEARTBEAT_ANSWER, OK, frame.id(), b"N"))?;
            }
        } else if frame.is_request() && !answer(&frame, &answers)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Answers a call, now or later; tells whether the connection stays.
fn answer(frame: &Frame, answers: &UnboundedSender<Frame>) -> Result<bool> {
    let mut body = frame.body();
    let mut head = Vec::new();
    for _ in 0..6 {
        let Ok(text) = take_text(&mut body) else {
            answers.send(Frame::new(
                RESPONSE,
                BAD_REQUEST,
                frame.id(),
                b"\x0aunreadable",
            ))?;
            return Ok(true);
        };
        head.push(text);
    }
    let method = head.get(3).context("no method")?.as_str();
    let argument = head.get(5).context("no argument")?.as_str();
    let id = frame.id();
    let good = |value: &str| Frame::new(RESPONSE, OK, id, &result(0x94, value));
    let answer = match method {
        "hello" => good(&hello(argument)),
        "big" => good(&"x".repeat(argument.parse()?)),
        "fail" => Frame::new(RESPONSE, OK, id, &exception(argument)),
        "status" => {
            let mut message = Vec::new();
            text(&mut message, "as you wish");
            Frame::new(RESPONSE, argument.parse()?, id, &message)
        }
        "late" => {
            let (answers, answer) = (answers.clone(), good(&hello(argument)));
            let wait = Duration::from_millis(argument.parse()?);
            tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                let _ = answers.send(answer);
            });
            return Ok(true);
        }
        "readonly" => {
            answers.send(Frame::new(ONE_WAY_EVENT, 0, 1, b"\x01R"))?;
            good("going")
        }
        "close" => return Ok(false),
        _ => return Ok(true),
    };
    if frame.is_two_way() {
        answers.send(answer)?;
    }
    Ok(true)
}

/// A result with empty attachments.
fn result(kind: u8, value: &str) -> Vec<u8> {
    let mut body = vec![kind];
    text(&mut body, value);
    body.extend(b"HZ");
    body
}

/// An exception with a message.
fn exception(class: &str) -> Vec<u8> {
    let mut body = vec![0x93, b'C'];
    text(&mut body, class);
    body.push(0x91);
    text(&mut body, "detailMessage");
    body.push(0x60);
    text(&mut body, "as you wish");
    body.extend(b"HZ");
    body
}
