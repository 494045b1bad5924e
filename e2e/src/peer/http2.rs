//! HTTP/2 frame by frame, with every rule left to the scenario.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// What a client begins with.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The flag of the last frame of a stream; also of acknowledgements.
pub const END_STREAM: u8 = 0x1;
/// The flag of an acknowledgement.
pub const ACK: u8 = 0x1;
/// The flag of a header block that no CONTINUATION follows.
pub const END_HEADERS: u8 = 0x4;
/// The flag of padding.
pub const PADDED: u8 = 0x8;

/// No answer within this time is an error.
const PATIENCE: Duration = Duration::from_secs(20);

/// The types of frames ([RFC 9113 §6](https://www.rfc-editor.org/rfc/rfc9113#section-6)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in the RFC")]
#[repr(u8)]
pub enum Kind {
    Data = 0,
    Headers = 1,
    Priority = 2,
    RstStream = 3,
    Settings = 4,
    PushPromise = 5,
    Ping = 6,
    GoAway = 7,
    WindowUpdate = 8,
    Continuation = 9,
    /// One that no RFC knows.
    Unknown = 0x42,
}

/// A frame that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The number of its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream.
    pub stream: u32,
    /// What follows its header.
    pub payload: Vec<u8>,
}

/// The bytes of a frame.
pub fn frame(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let mut bytes = length.to_be_bytes().into_iter().skip(1).collect::<Vec<_>>();
    bytes.extend([kind as u8, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// SETTINGS with these.
pub fn settings(pairs: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (name, value) in pairs {
        payload.extend(name.to_be_bytes());
        payload.extend(value.to_be_bytes());
    }
    frame(Kind::Settings, 0, 0, &payload)
}

/// A whole header block in one frame.
pub fn headers(stream: u32, end: bool, fields: &[(&str, &str)]) -> Vec<u8> {
    let flags = END_HEADERS | if end { END_STREAM } else { 0 };
    frame(Kind::Headers, flags, stream, &block(fields))
}

/// A header block of literals, which leave no trace in any table.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            length(&mut block, text.len());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// A length with a prefix of seven bits ([RFC 7541 §5.1](https://www.rfc-editor.org/rfc/rfc7541#section-5.1)).
fn length(to: &mut Vec<u8>, length: usize) {
    const PREFIX: usize = 127;
    let Some(mut rest) = length.checked_sub(PREFIX) else {
        to.push(length.to_le_bytes()[0]);
        return;
    };
    to.push(0x7f);
    while rest >= 128 {
        to.push(0x80 | rest.to_le_bytes()[0]);
        rest >>= 7;
    }
    to.push(rest.to_le_bytes()[0]);
}

/// DATA.
pub fn data(stream: u32, end: bool, payload: &[u8]) -> Vec<u8> {
    frame(
        Kind::Data,
        if end { END_STREAM } else { 0 },
        stream,
        payload,
    )
}

/// A reset.
pub fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(Kind::RstStream, 0, stream, &code.to_be_bytes())
}

/// A larger window.
pub fn window_update(stream: u32, by: u32) -> Vec<u8> {
    frame(Kind::WindowUpdate, 0, stream, &by.to_be_bytes())
}

/// A connection.
#[derive(Debug)]
pub struct Connection(TcpStream);

impl Connection {
    /// Connects and sends nothing yet.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Connects and sends the preface with SETTINGS.
    pub async fn open(address: SocketAddr, pairs: &[(u16, u32)]) -> Result<Self> {
        let mut connection = Self::connect(address).await?;
        connection.send(PREFACE).await?;
        connection.send(&settings(pairs)).await?;
        Ok(connection)
    }

    /// Sends bytes.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let sent = timeout(PATIENCE, self.0.write_all(bytes)).await;
        sent.context("the peer takes no more bytes")??;
        Ok(())
    }

    /// Sends bytes to a peer that may have closed the connection already.
    pub async fn try_send(&mut self, bytes: &[u8]) -> Result<bool> {
        let sent = timeout(PATIENCE, self.0.write_all(bytes)).await;
        Ok(sent.context("the peer takes no more bytes")?.is_ok())
    }

    /// The next frame; none at the end of the connection.
    pub async fn receive(&mut self) -> Result<Option<Received>> {
        match timeout(PATIENCE, self.read()).await {
            Ok(Ok(frame)) => Ok(Some(frame)),
            Ok(Err(_)) => Ok(None),
            Err(_) => bail!("no frame within {PATIENCE:?}"),
        }
    }

    async fn read(&mut self) -> std::io::Result<Received> {
        let mut header = [0; 9];
        self.0.read_exact(&mut header).await?;
        let [one, two, three, kind, flags, stream @ ..] = header;
        let length = u32::from_be_bytes([0, one, two, three]);
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).await?;
        Ok(Received {
            kind,
            flags,
            stream: u32::from_be_bytes(stream),
            payload,
        })
    }

    /// Reads until a frame of this type, of this stream, is there.
    pub async fn expect(&mut self, kind: Kind, stream: u32) -> Result<Received> {
        let mut others = Vec::new();
        while let Some(frame) = self.receive().await? {
            if frame.kind == kind as u8 && frame.stream == stream {
                return Ok(frame);
            }
            others.push((frame.kind, frame.flags, frame.stream));
        }
        bail!("the connection ended without {kind:?} of stream {stream}; there were {others:?}")
    }

    /// Reads until the connection ends; the code of the GOAWAY before that, when there was one.
    pub async fn expect_end(&mut self) -> Result<Option<u32>> {
        let mut code = None;
        while let Some(frame) = self.receive().await? {
            if frame.kind == Kind::GoAway as u8 {
                let bytes = frame.payload.get(4..8).context("a short GOAWAY")?;
                code = Some(u32::from_be_bytes(bytes.try_into()?));
            }
        }
        Ok(code)
    }

    /// Fails unless the peer still answers a PING.
    pub async fn expect_alive(&mut self) -> Result<()> {
        let payload = *b"alive???";
        self.send(&frame(Kind::Ping, 0, 0, &payload)).await?;
        loop {
            let pong = self.expect(Kind::Ping, 0).await?;
            if pong.flags & ACK != 0 {
                ensure!(pong.payload == payload, "another PING: {pong:?}");
                return Ok(());
            }
            self.send(&frame(Kind::Ping, ACK, 0, &pong.payload)).await?;
        }
    }
}
