//! A client that sends any bytes.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{HEARTBEAT_ANSWER, OK, answer_text};
use crate::{dubbo::frame::Frame, poll::DEADLINE};

/// One connection.
#[derive(Debug)]
pub struct WireClient(TcpStream);

impl WireClient {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Sends frames in one piece.
    pub async fn send(&mut self, frames: &[Frame]) -> Result<()> {
        let bytes: Vec<u8> = frames
            .iter()
            .flat_map(|frame| frame.bytes().to_vec())
            .collect();
        self.send_bytes(&bytes).await
    }

    /// Sends bytes.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write_all(bytes).await.context("sending")
    }

    /// Sends no more.
    pub async fn finish(&mut self) -> Result<()> {
        self.0.shutdown().await.context("shutdown")
    }

    /// The next frame; heartbeats are answered on the way.
    pub async fn receive(&mut self) -> Result<Frame> {
        loop {
            let frame = self.receive_any().await?.context("the connection ended")?;
            if frame.is_event() && frame.is_two_way() && frame.is_request() {
                let answer = Frame::new(HEARTBEAT_ANSWER, OK, frame.id(), b"N");
                self.send(&[answer]).await?;
            } else {
                return Ok(frame);
            }
        }
    }

    /// The next frame, whatever it is; nothing at the end of the connection.
    pub async fn receive_any(&mut self) -> Result<Option<Frame>> {
        let frame = timeout(DEADLINE, Frame::read(&mut self.0)).await;
        Ok(frame.context("no frame comes")??)
    }

    /// The next answer, which must be a good one for this call: its text.
    pub async fn expect_answer(&mut self, id: u64) -> Result<String> {
        let answer = self.receive().await?;
        ensure!(answer.id() == id, "an answer to {}, not {id}", answer.id());
        let text = answer_text(&answer)?;
        ensure!(answer.status() == OK, "status {}: {text}", answer.status());
        Ok(text)
    }

    /// The next answer, which must be an error for this call: its status and message.
    pub async fn expect_error(&mut self, id: u64) -> Result<(u8, String)> {
        let answer = self.receive().await?;
        ensure!(answer.id() == id, "an answer to {}, not {id}", answer.id());
        let text = answer_text(&answer)?;
        ensure!(answer.status() != OK, "a good answer: {text}");
        Ok((answer.status(), text))
    }

    /// Exactly so many bytes.
    pub async fn receive_bytes(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        let read = timeout(DEADLINE, self.0.read_exact(&mut bytes)).await;
        read.context("no bytes come")??;
        Ok(bytes)
    }

    /// Everything until the connection ends, which must be soon.
    pub async fn expect_end(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match timeout(DEADLINE, self.0.read_to_end(&mut bytes)).await {
            Ok(Ok(_)) => Ok(bytes),
            // A reset is an end, too.
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(bytes),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => bail!("the connection stays open, after {} bytes", bytes.len()),
        }
    }

    /// Fails when a frame comes within this time.
    pub async fn expect_silence(&mut self, time: Duration) -> Result<()> {
        match timeout(time, self.receive()).await {
            Err(_) => Ok(()),
            Ok(frame) => bail!("{frame:?} came"),
        }
    }
}
